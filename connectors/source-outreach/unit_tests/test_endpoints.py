"""What is asked of a resource, and what its answer becomes: functions of what is asked alone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from source_kit.windows import Window
from source_outreach.collections import BUCKET, KAIA_BUCKET, table
from source_outreach.endpoints import CollectionEndpoint, ListAsk, is_list_of_resources
from source_outreach.forms import Form
from source_outreach.ranges import Timeless
from unit_tests.outreach_account import connected, resource

MAY, JUNE = datetime(2025, 5, 1, tzinfo=UTC), datetime(2025, 6, 1, tzinfo=UTC)


def endpoint(stream: str = "stages", **config: Any) -> CollectionEndpoint:
    return CollectionEndpoint(table()[stream], connected(**config).settings)


@pytest.mark.parametrize(
    ("asked", "params"),
    [
        (ListAsk(), {"page[size]": 1000, "count": "false"}),
        (ListAsk(count=True, size=250), {"page[size]": 250, "count": "true"}),
        (ListAsk(limit=1, size=250), {"page[size]": 1, "count": "false"}),
        (ListAsk(after="abc"), {"page[size]": 1000, "count": "false", "page[after]": "abc"}),
        (
            ListAsk(form=Form(connections=True, fields=("name", "order"))),
            {
                "page[size]": 1000,
                "count": "false",
                "provideDataConnections": "true",
                "fields[stage]": "name,order",
            },
        ),
        (
            ListAsk(window=Window()),
            {"page[size]": 1000, "count": "false", "filter[updatedAt]": None, "sort": "updatedAt"},
        ),
        (
            ListAsk(window=Window(MAY, JUNE)),
            {
                "page[size]": 1000,
                "count": "false",
                "filter[updatedAt]": "2025-05-01T00:00:00.000Z..2025-06-01T00:00:00.000Z",
                "sort": "updatedAt",
            },
        ),
        (
            ListAsk(limit=1, window=Window(MAY, descending=True)),
            {
                "page[size]": 1,
                "count": "false",
                "filter[updatedAt]": "2025-05-01T00:00:00.000Z..inf",
                "sort": "-updatedAt",
            },
        ),
        (ListAsk(window=Timeless()), {"page[size]": 1000, "count": "false", "filter[updatedAt]": "__null__"}),
    ],
)
def test_the_query_follows_from_what_is_asked(asked: ListAsk, params: dict[str, Any]) -> None:
    assert endpoint().params(asked) == params
    assert endpoint().path(asked) == "stages"


def test_an_open_window_ends_a_millisecond_before_the_end_of_the_range() -> None:
    params = endpoint(end_date="2025-06-01").params(ListAsk(window=Window(MAY)))
    assert params["filter[updatedAt]"] == "2025-05-01T00:00:00.000Z..2025-05-31T23:59:59.999Z"


def test_a_collection_without_a_cursor_knows_no_windows() -> None:
    params = endpoint("webhooks", end_date="2025-06-01").params(ListAsk(window=Window(MAY)))
    assert params == {"page[size]": 1000, "count": "false"}


def test_one_resource_is_asked_for_by_its_id_without_paging() -> None:
    imports = endpoint("imports")
    assert (imports.path(ListAsk(id=17)), imports.params(ListAsk(id=17))) == ("imports/17", {})


def test_only_what_has_no_list_may_come_as_one_object_by_right() -> None:
    one = [name for name, collection in table().items() if endpoint(collection.stream).may_be_one]
    assert one == ["imports", "org_settings"]


def test_recordings_of_meetings_have_a_rate_limit_of_their_own() -> None:
    assert [name for name, each in table().items() if each.bucket == KAIA_BUCKET] == ["kaia_recordings"]
    assert (endpoint("kaia_recordings").bucket, endpoint("calls").bucket) == (KAIA_BUCKET, BUCKET)


def test_rows_from_the_end_of_the_range_on_are_left_out_and_those_without_a_time_stay() -> None:
    times = ["2025-05-31T23:59:59.999Z", "2025-06-01T00:00:00.000Z", None, "soon"]
    rows = [resource(number, updatedAt=time) for number, time in enumerate(times)]
    for end, kept in (("2025-06-01", [0, 2, 3]), (None, [0, 1, 2, 3])):
        records = endpoint(end_date=end).records({"data": list(rows)}, ListAsk())
        assert [record["id"] for record in records] == kept


@pytest.mark.parametrize(("connections", "column"), [(True, []), (False, None)])
def test_links_to_a_crm_that_were_not_asked_for_are_null(connections: bool, column: Any) -> None:
    (record,) = endpoint().records({"data": [resource(1)]}, ListAsk(form=Form(connections=connections)))
    assert record["dataConnections"] == column


@pytest.mark.parametrize(
    ("content", "is_list"),
    [
        ({"data": []}, True),
        ({"data": [{"type": "user", "id": 1}]}, True),
        ({"data": [{"id": 1}]}, False),
        ({"data": [5]}, False),
        ({"data": {"x": 1}}, False),
        ({}, False),
        ([], False),
        (None, False),
    ],
)
def test_a_list_of_resources_has_rows_with_a_type(content: Any, is_list: bool) -> None:
    assert is_list_of_resources(content) == is_list
