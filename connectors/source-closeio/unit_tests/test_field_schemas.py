"""Stream custom_field_schemas: the custom fields of each object type in order."""

from __future__ import annotations

from typing import Any

import pytest

from source_closeio.streams import build
from unit_tests.closeio_account import Account

NAMES = tuple(stream.name for stream in build(None, None))  # type: ignore[arg-type]  # nothing is asked here


def by_type(records: list[dict[str, Any]]) -> dict[str, list[str]]:
    return {record["id"]: [field["id"] for field in record["fields"]] for record in records}


def test_the_fields_come_in_the_order_in_which_the_account_shows_them() -> None:
    account = Account()
    reading = account.read("custom_field_schemas")
    found = by_type(reading.records)
    own, shared = [row["id"] for row in account.truth("custom_fields")], account.truth("shared_custom_fields")
    assert found["lead"] == [*own[::-1], *(row["id"] for row in shared)]
    types = [f"activity/{row['id']}" for row in account.truth("custom_activities")]
    types += [f"custom_object/{row['id']}" for row in account.truth("custom_object_types")]
    assert list(found)[:3] == ["lead", "contact", "opportunity"]
    assert sorted(list(found)[3:]) == sorted(types)
    named = [
        (row["object_type"], row["custom_activity_type_id"], row["custom_object_type_id"]) for row in reading.records
    ]
    assert named[0] == ("lead", None, None)
    assert ("activity", account.truth("custom_activities")[0]["id"], None) in named
    assert ("custom_object", None, account.truth("custom_object_types")[0]["id"]) in named
    # One request for each, and the two lists of types.
    assert len(account.vendor.sent) == len(found) + 2


@pytest.mark.parametrize("status", [402, 403, 404])
def test_where_types_cannot_be_listed_the_three_that_every_account_has_come(status: int) -> None:
    account = Account(refuse={"GET /custom_activity/": status, "GET /custom_object_type/": status})
    reading = account.read("custom_field_schemas")
    assert (reading.exit_code, reading.ids) == (0, ["lead", "contact", "opportunity"])
    assert (
        f"INFO Stream custom_field_schemas: custom_activities cannot be listed (status {status}), nor their fields."
        in reading.logs
    )


def test_a_type_that_is_deleted_meanwhile_is_left_out_with_a_warning() -> None:
    account = Account()
    gone = account.truth("custom_activities")[0]["id"]
    account.vendor.always[f"GET /custom_field_schema/activity/{gone}/"] = (404, {"error": "gone"})
    reading = account.read("custom_field_schemas")
    assert reading.exit_code == 0
    assert f"activity/{gone}" not in reading.ids
    assert len(reading.ids) > 3
    assert reading.warnings == [
        f"Stream custom_field_schemas leaves out types that were deleted meanwhile: activity/{gone}."
    ]


@pytest.mark.parametrize("damaged", [{}, {"fields": None}, {"data": []}])
def test_an_answer_without_its_fields_is_asked_for_again(damaged: dict[str, Any]) -> None:
    account = Account()
    account.vendor.answers["GET /custom_field_schema/lead/"] = [(200, damaged)]
    assert "lead" in account.read("custom_field_schemas").ids


def test_the_connector_sends_nothing_but_questions() -> None:
    """Searches are the only requests that are no GET: nothing is written, no export among them."""
    account = Account({"record_ids_of": ["leads", "exports"]})
    for name in (*NAMES, "record_ids"):
        assert account.read(name, mode="full_refresh").exit_code == 0
    assert {sent.group for sent in account.vendor.sent if sent.method != "GET"} == {"POST /data/search/"}
