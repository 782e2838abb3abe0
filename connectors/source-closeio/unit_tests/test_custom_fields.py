"""Stream custom_fields: the custom fields of leads, read whole."""

from __future__ import annotations

from typing import Any

import pytest

from source_closeio.custom_fields import names_of, schema_of
from unit_tests.closeio_account import Account, by_id
from unit_tests.stream_skeleton import StreamSkeleton


class TestCustomFields(StreamSkeleton):
    stream = "custom_fields"
    group = "GET /custom_field/lead/"
    many = {"custom_fields": 250}  # noqa: RUF012 - a constant of the skeleton
    empty = {"custom_fields": 0}  # noqa: RUF012
    survives = frozenset([404])


def test_the_old_path_answers_where_the_new_one_does_not() -> None:
    account = Account()
    account.vendor.always["GET /custom_field/lead/"] = (404, {"error": "Not found."})
    assert by_id(account.read("custom_fields").records) == by_id(account.truth("custom_fields"))
    assert account.vendor.groups()["GET /custom_fields/lead/"] == 1
    assert "INFO Stream custom_fields is read at the old path: custom_field/lead/ answered 404." in (
        account.read("custom_fields").logs
    )


def test_of_fields_with_one_name_the_oldest_has_it_and_the_others_add_their_ids() -> None:
    fields = [
        {"id": "cf_3", "name": "Size", "date_created": "2026-03-01T00:00:00+00:00"},
        {"id": "cf_1", "name": "Size", "date_created": "2024-03-01T00:00:00+00:00"},
        {"id": "cf_2", "name": "Colour", "date_created": "2025-03-01T00:00:00+00:00"},
    ]
    names = {"custom.cf_1": "Size", "custom.cf_2": "Colour", "custom.cf_3": "Size (cf_3)"}
    assert names_of(fields) == names_of(fields[::-1]) == names


@pytest.mark.parametrize("name", [None, "", 7, ["Size"], {"en": "Size"}])
def test_a_field_whose_name_is_none_goes_by_its_id(name: Any) -> None:
    assert names_of([{"id": "cf_1", "name": name}, {"id": "cf_2"}]) == {"custom.cf_1": "cf_1", "custom.cf_2": "cf_2"}
    assert schema_of({"id": "cf_1", "name": name})["description"] == ""


def test_neither_of_two_fields_with_one_name_vanishes_from_a_record() -> None:
    account = Account({"custom_by_name": True})
    fields = [{"id": "cf_1", "name": "Size"}, {"id": "cf_2", "name": "Size"}]
    account.vendor.always["GET /custom_field/opportunity/"] = (200, {"data": fields, "has_more": False})
    row = {"id": "oppo_1", "date_updated": "2026-01-01T00:00:00+00:00", "custom.cf_1": "L", "custom.cf_2": "XL"}
    account.vendor.always["GET /opportunity/"] = (200, {"data": [row], "has_more": False})
    (record,) = account.read("opportunities").records
    assert record["custom"] == {"Size": "L", "Size (cf_2)": "XL"}


def test_definitions_without_id_or_of_odd_kinds_stop_no_stream() -> None:
    account = Account()
    usable = {"id": "cf_1", "name": "Size", "type": ["text"], "associations": 7}
    odd = [usable, {"name": "Colour"}, {"id": 5}, None, "cf_2"]
    for group in ("GET /custom_field/lead/", "GET /custom_field/shared/"):
        account.vendor.always[group] = (200, {"data": odd, "has_more": False})
    reading = account.read("leads")
    assert (reading.exit_code, len(reading.records)) == (0, 40)
    (search,) = [sent.body for sent in account.vendor.sent if sent.group == "POST /data/search/"]
    assert "custom.cf_1" in search["_fields"]["lead"]
    assert (
        "2 of the custom fields of the object type lead came without an id: their values cannot be asked for by name."
        in reading.warnings
    )
    listed = account.read("custom_fields")
    assert (listed.exit_code, listed.records) == (0, odd[:3])
    assert listed.warnings == ["Stream custom_fields: 2 rows of the API's answers were no objects and were left out."]


def test_shared_fields_that_are_refused_are_told_with_the_reason() -> None:
    reading = Account(refuse={"GET /custom_field/shared/": 403}).read("leads")
    assert (
        "The custom fields that several object types share cannot be read (status 403): their names and types are "
        "missing." in reading.warnings
    )


@pytest.mark.parametrize("group", ["GET /custom_field/lead/", "GET /custom_field/custom_object_type/"])
def test_a_refusal_that_is_given_once_is_taken_for_damage(group: str) -> None:
    """All custom values would be missing: a search gives only what it names."""
    account = Account()
    account.vendor.answers[group] = [(403, {"error": "no"})]
    stream = "leads" if "lead" in group else "custom_objects"
    reading = account.read(stream)
    assert (reading.exit_code, reading.warnings) == (0, [])
    assert any(key.startswith("custom.cf_") for key in reading.records[0])


def test_a_list_of_fields_whose_offset_is_ignored_ends_loudly() -> None:
    account = Account()
    account.vendor.always["GET /custom_field/lead/"] = (200, {"data": [{"id": "cf_1"}], "has_more": True})
    reading = account.read("leads")
    assert (reading.exit_code, reading.errors[0]["failure_type"]) == (1, "transient_error")
