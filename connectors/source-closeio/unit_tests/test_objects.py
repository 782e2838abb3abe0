"""Contacts, opportunities and custom objects: by `date_updated`, with the account's own fields."""

from __future__ import annotations

from typing import Any

import pytest

from unit_tests.closeio_account import Account, by_id
from unit_tests.stream_skeleton import StreamSkeleton

SEARCH = "POST /data/search/"


class TestContacts(StreamSkeleton):
    stream = "contacts"
    group = SEARCH
    many = {"contacts": 900}  # noqa: RUF012 - a constant of the skeleton
    empty = {"contacts": 0}  # noqa: RUF012
    cursor = "date_updated"
    survives = frozenset({400, 402, 403, 404})


class TestOpportunities(StreamSkeleton):
    stream = "opportunities"
    group = "GET /opportunity/"
    many = {"opportunities": 1_100}  # noqa: RUF012
    empty = {"opportunities": 0}  # noqa: RUF012
    cursor = "date_updated"


class TestCustomObjects(StreamSkeleton):
    stream = "custom_objects"
    group = SEARCH
    many = {"custom_objects": 900}  # noqa: RUF012
    empty = {"custom_objects": 0}  # noqa: RUF012
    cursor = "date_updated"
    meanings = dict.fromkeys((400, 402, 403, 404), ("config_error", "Close refuses to search these objects"))


@pytest.mark.parametrize(("stream", "size"), [("contacts", 400), ("opportunities", 400), ("custom_objects", 300)])
def test_the_next_read_finds_exactly_what_changed(stream: str, size: int) -> None:
    account = Account({"lookback_window_seconds": 0}, **{stream: size})
    first = account.read(stream)
    touched = account.app.touch(stream, update=7, create=5, delete=3)
    again = account.read(stream, first.states[-1])
    changed = {*touched["updated"], *touched["created"]}
    # The bookmark's own instant is read again.
    assert set(again.ids) - changed <= {first.ids[-1]}
    assert changed <= set(again.ids)


def test_contacts_are_asked_for_with_their_custom_fields_and_without_the_computed_ones() -> None:
    account = Account()
    account.read("contacts")
    (fields,) = {tuple(sent.body["_fields"]["contact"]) for sent in account.vendor.sent if sent.group == SEARCH}
    assert "custom.cf_cont0000QvR7tXc2LmN4pZsK" in fields
    assert not {"recent_calls", "subscriptions", "lead_suggestions_operation_id"} & set(fields)


def test_where_searching_is_refused_contacts_are_listed_and_filtered_here() -> None:
    account = Account(contacts=450, refuse={SEARCH: 403})
    first = account.read("contacts")
    assert len(set(first.ids)) == 450
    assert any("Searching contacts is refused (status 403)" in line for line in first.logs)
    touched = account.app.touch("contacts", update=3, create=2, delete=0)
    again = account.read("contacts", first.states[-1])
    assert {*touched["updated"], *touched["created"]} <= set(again.ids)
    assert len(again.ids) < 20


def test_an_import_of_contacts_that_no_cursor_gets_through_is_read_from_the_list() -> None:
    account = Account(contacts=800, contact_ties=[700], early_null_cursor=500)
    reading = account.read("contacts")
    assert (reading.exit_code, len(reading.ids)) == (0, 800)
    assert by_id(reading.records) == by_id(account.truth("contacts"))


@pytest.mark.parametrize("status", [402, 403, 404])
def test_custom_objects_without_their_fields_are_read_without_custom_values_and_a_warning_says_so(status: int) -> None:
    account = Account(refuse={"GET /custom_field/custom_object_type/": status})
    reading = account.read("custom_objects")
    plain = [
        {name: value for name, value in row.items() if not name.startswith("custom.")}
        for row in account.truth("custom_objects")
    ]
    assert by_id(reading.records) == by_id(plain)
    assert any("read without its custom values" in line for line in reading.logs)
    assert any(f"custom_object cannot be read (status {status})" in line for line in reading.logs)


@pytest.mark.parametrize("stream", ["contacts", "opportunities", "activities"])
def test_where_the_custom_fields_are_refused_names_are_left_away_and_the_stream_goes_on(stream: str) -> None:
    kind = {"contacts": "contact", "opportunities": "opportunity", "activities": "activity"}[stream]
    account = Account({"custom_by_name": True}, refuse={f"GET /custom_field/{kind}/": 403})
    reading = account.read(stream)
    assert by_id(reading.records) == by_id(account.truth(stream))
    assert (
        len([line for line in reading.logs if f"custom fields of the object type {kind} cannot be read" in line]) == 1
    )


def test_a_list_deeper_than_close_pages_is_an_error_and_no_silent_loss() -> None:
    account = Account(contacts=900, refuse={SEARCH: 403}, maximum_skip=500)
    reading = account.read("contacts")
    assert reading.exit_code == 1
    assert "more rows than Close lets anybody page through" in reading.errors[0]["message"]


@pytest.mark.parametrize(
    ("stream", "prefix"),
    [
        ("contacts", "Contact"),
        ("opportunities", "Opportunity"),
        ("custom_objects", "Custom Object Type"),
        ("custom_activity_instances", "Activity"),
    ],
)
def test_custom_fields_come_by_name_as_well_where_that_is_wanted(stream: str, prefix: str) -> None:
    account = Account({"custom_by_name": True}, activities=200)
    records = account.read(stream).records
    named: dict[str, Any] = {name: value for record in records for name, value in record["custom"].items()}
    assert named
    assert all(name.startswith(prefix) for name in named)
    for record in records:
        flat = [value for name, value in record.items() if name.startswith("custom.")]
        assert list(record["custom"].values()) == flat
    connection, _ = account.connection()
    (found,) = [each for each in connection.streams() if each.name == stream]
    assert found.schema()["properties"]["custom"]["type"] == ["null", "object"]


def test_custom_fields_are_typed_and_labelled_in_the_schema() -> None:
    account = Account()
    connection, _ = account.connection()
    schemas = {stream.name: stream.schema()["properties"] for stream in connection.streams()}
    assert schemas["contacts"]["custom.cf_cont0001QvR7tXc2LmN4pZsK"] == {
        "type": ["null", "number"],
        "description": "Contact number 1",
    }
    assert schemas["opportunities"]["custom.cf_oppo0002QvR7tXc2LmN4pZsK"] == {
        "type": ["null", "string"],
        "format": "date",
        "description": "Opportunity date 2",
    }
    assert "custom.cf_cust0000QvR7tXc2LmN4pZsK" in schemas["custom_objects"]
    for stream in ("activities", "user_posts", "custom_activity_instances"):
        assert "custom.cf_acti0000QvR7tXc2LmN4pZsK" in schemas[stream]
    assert not any(name.startswith("custom") for name in schemas["call_activities"] if name != "custom")


def test_a_role_without_custom_fields_still_discovers() -> None:
    account = Account(refuse={"GET /custom_field/activity/": 403})
    connection, output = account.connection()
    schemas = {stream.name: stream.schema()["properties"] for stream in connection.streams()}
    assert "date_created" in schemas["custom_activity_instances"]
    assert any("custom fields of the object type activity cannot be read" in line for line in output.logs())
