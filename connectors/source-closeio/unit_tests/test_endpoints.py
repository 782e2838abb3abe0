"""What is asked of each kind of endpoint, and what becomes of its answers: pure functions, without an account."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from source_closeio.custom_fields import CustomFields
from source_closeio.endpoints import (
    FieldSchemaEndpoint,
    ListAsk,
    ListEndpoint,
    MembersEndpoint,
    ObjectAsk,
    ObjectEndpoint,
)
from source_closeio.mending import AS_THEY_COME, Mending
from source_closeio.search import SearchAsk, SearchEndpoint
from source_kit.windows import Window

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_a_list_is_asked_for_by_offset_in_the_largest_pages_unless_told() -> None:
    endpoint = ListEndpoint("opportunity/", page_size=250, fields="id,date_updated")
    assert (endpoint.path(ListAsk()), endpoint.bucket) == ("opportunity/", "GET opportunity/")
    assert endpoint.params(ListAsk()) == {"_limit": 250, "_fields": "id,date_updated"}
    asked = ListAsk(skip=40, filters={"lead_id": "lead_1"}, size=125)
    assert endpoint.params(asked) == {"_limit": 125, "lead_id": "lead_1", "_skip": 40, "_fields": "id,date_updated"}
    assert endpoint.params(ListAsk(limit=1, size=125))["_limit"] == 1


def test_an_object_is_the_answer_itself_and_all_ids_share_a_group() -> None:
    endpoint = ObjectEndpoint("group/")
    assert (endpoint.path(ObjectAsk(id="group_1")), endpoint.bucket) == ("group/group_1/", "GET group/{id}/")
    assert endpoint.params(ObjectAsk(id="group_1", fields="id,name")) == {"_fields": "id,name"}
    answers: list[Any] = [{"id": "group_1"}, {"name": "Sales"}, [], None]
    assert list(map(endpoint.is_whole, answers)) == [True, False, False, False]


def test_rows_get_their_zones_names_and_ids_and_lose_their_secrets() -> None:
    fields = CustomFields([{"id": "cf_1", "name": "Seen", "type": "datetime"}])
    mending = Mending(
        "leads",
        custom=lambda: fields,
        names=lambda: fields.names,
        named_type="Lead",
        key="email",
        has_secrets=True,
    )
    row: dict[str, Any] = {"_type": "Lead", "email": "a@example.com", "date_created": "2026-01-31T10:00:00"}
    row |= {"custom.cf_1": "2026-02-01T10:00:00", "password": "p"}
    assert ListEndpoint("lead/", mending).records({"data": [row, {"id": "x", "_type": "Other"}]}, ListAsk()) == [
        {
            "_type": "Lead",
            "id": "a@example.com",
            "email": "a@example.com",
            "date_created": "2026-01-31T10:00:00Z",
            "custom.cf_1": "2026-02-01T10:00:00Z",
            "custom": {"Seen": "2026-02-01T10:00:00Z"},
            "password": None,
        },
        {"id": "x", "_type": "Other"},
    ]


def test_members_come_out_of_both_lists_of_an_organisation_and_what_is_no_object_is_counted() -> None:
    endpoint = MembersEndpoint("organization/")
    active, left = {"id": "memb_1", "user_id": "user_1"}, {"user_id": "user_2"}
    content = {"id": "orga_1", "memberships": [active, None], "inactive_memberships": [left]}
    settled = endpoint.settle(content)
    assert (settled.size, settled.not_objects) == (3, 1)
    assert endpoint.records(content, ObjectAsk(id="orga_1")) == [
        {"organization_id": "orga_1", "id": "memb_1", "user_id": "user_1", "is_active": True},
        {"organization_id": "orga_1", "id": "user_2", "user_id": "user_2", "is_active": False},
    ]


@pytest.mark.parametrize(
    ("content", "is_whole"),
    [
        ({"id": "orga_1", "memberships": []}, True),
        ({"id": "orga_1", "memberships": [], "inactive_memberships": None}, True),
        ({"id": "orga_1", "memberships": [], "inactive_memberships": 7}, False),
        ({"id": "orga_1"}, False),
        ({"memberships": []}, False),
    ],
)
def test_an_organisation_without_its_members_is_damaged_unless_nobody_has_left(content: Any, is_whole: bool) -> None:
    assert MembersEndpoint("organization/").is_whole(content) is is_whole


def test_the_fields_of_a_type_are_one_record_named_by_its_address() -> None:
    endpoint = FieldSchemaEndpoint("custom_field_schema/", AS_THEY_COME, {"activity": "custom_activity_type_id"})
    assert endpoint.records({"fields": []}, ObjectAsk(id="activity/actitype_1")) == [
        {
            "object_type": "activity",
            "fields": [],
            "id": "activity/actitype_1",
            "custom_activity_type_id": "actitype_1",
        }
    ]
    (of_leads,) = endpoint.records({"fields": []}, ObjectAsk(id="lead"))
    assert (of_leads["object_type"], of_leads["custom_activity_type_id"]) == ("lead", None)


def test_a_search_within_one_instant_goes_by_creation() -> None:
    endpoint = SearchEndpoint("lead")
    window = Window(NOON - timedelta(days=1), None, within=NOON, descending=True)
    body = endpoint.json(SearchAsk(window=window, cursor="c", counts=True))
    ranges = [(part["field"]["field_name"], part["condition"]) for part in body["query"]["queries"][1:]]
    assert ranges == [
        (
            "date_updated",
            {
                "type": "moment_range",
                "on_or_after": {"type": "fixed_utc", "value": "2026-03-01T12:00:00.000Z"},
                "before": {"type": "fixed_utc", "value": "2026-03-01T12:00:00.001Z"},
            },
        ),
        (
            "date_created",
            {
                "type": "moment_range",
                "on_or_after": {"type": "fixed_utc", "value": "2026-02-28T12:00:00.000Z"},
            },
        ),
    ]
    assert [(key["direction"], key["field"]["field_name"]) for key in body["sort"]] == [
        ("desc", "date_created"),
        ("desc", "date_updated"),
    ]
    assert (body["_limit"], body["cursor"], body["include_counts"]) == (200, "c", True)
    assert body["_fields"] == {"lead": ["id", "date_created", "date_updated"]}
    assert endpoint.records({"data": [{"id": "lead_1", "__object_type": "lead"}]}, SearchAsk()) == [{"id": "lead_1"}]
