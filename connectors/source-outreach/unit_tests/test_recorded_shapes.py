"""Shapes of live records that no schema of the API tells: each becomes a record that the stream's schema holds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import pytest
from jsonschema import Draft7Validator, FormatChecker  # type: ignore[import-untyped]  # has no types

from source_outreach.collections import table
from source_outreach.flatten import Flattener

FORMATS = FormatChecker(formats=())
FORMATS.checks("date", ValueError)(lambda value: not isinstance(value, str) or bool(date.fromisoformat(value)))
FORMATS.checks("date-time", ValueError)(
    lambda value: not isinstance(value, str) or (len(value) > 10 and datetime.fromisoformat(value).tzinfo is not None)
)


def recorded(
    stream: str, attributes: Mapping[str, Any], relationships: Mapping[str, Any] | None = None
) -> tuple[dict[str, Any], list[str]]:
    """The record of a resource, and what is wrong with it: contradictions of the schema, columns that it lacks."""
    collection = table()[stream]
    resource = {"type": collection.type, "id": 1, "attributes": attributes, "relationships": relationships or {}}
    (record,) = Flattener(collection)([resource])
    schema = collection.schema()
    problems = [error.message for error in Draft7Validator(schema, format_checker=FORMATS).iter_errors(record)]
    return record, problems + sorted(record.keys() - schema["properties"].keys())


@pytest.mark.parametrize("value", ["1990-12-30T21:00:00.000Z", "1990-12-31", None])
@pytest.mark.parametrize(
    ("stream", "name"),
    [
        ("prospects", "dateOfBirth"),
        ("prospects", "graduationDate"),
        ("prospects", "jobStartDate"),
        ("prospects", "companyStartDate"),
        ("prospects", "companyFoundedAt"),
        ("mailings", "followUpSequenceStartingDate"),
        ("purchases", "endDate"),
        ("purchases", "startDate"),
        ("sequence_steps", "date"),
    ],
)
def test_a_date_may_be_a_date_time(stream: str, name: str, value: str | None) -> None:
    assert recorded(stream, {name: value})[1] == []


@pytest.mark.parametrize("duties", [[{"name": "ADMIN", "duty_type": "Duty", "id": 6}], [], None])
def test_duties_of_a_user_are_a_list(duties: Any) -> None:
    assert recorded("users", {"duties": duties, "email": "not an address", "sendInviteFallback": None})[1] == []


def test_duties_have_one_type_of_which_warehouses_make_a_json_column() -> None:
    # PyAirbyte's PostgreSQL cache takes no object and no list into the text column that it makes of several types.
    assert table()["users"].schema()["properties"]["duties"] == {
        "type": ["null", "array"],
        "items": {"type": ["null", "object"], "additionalProperties": True},
    }


def test_the_updater_of_a_prospect_may_be_an_attribute_too() -> None:
    relationships = {"updater": {"data": {"type": "user", "id": 8}}}
    record, problems = recorded("prospects", {"updaterId": 1, "updaterType": "User"}, relationships)
    assert record == {"id": 1, "type": "prospect", "updaterId": 1, "updaterType": "User", "updaterRefId": 8}
    assert problems == []
    record, problems = recorded("prospects", {}, relationships)
    assert (record, problems) == ({"id": 1, "type": "prospect", "updaterId": 8}, [])


@pytest.mark.parametrize(("stream", "relationship"), [("events", "mailing"), ("opportunities", "territory")])
def test_an_empty_attribute_leaves_the_id_of_a_relationship_alone(stream: str, relationship: str) -> None:
    given = {relationship: {"data": {"type": relationship, "id": 5}}}
    record, problems = recorded(stream, {f"{relationship}Id": None}, given)
    assert (record[f"{relationship}Id"], record[f"{relationship}RefId"], problems) == (None, 5, [])


@pytest.mark.parametrize(
    ("stream", "attributes"),
    [
        ("prospects", {"callsOptedOutAt": None, "emailsOptedOutAt": "2024-07-26T06:27:17.000Z", "smsOptedOutAt": None}),
        ("email_addresses", {"bouncedAt": None, "email": None}),
        ("sequences", {"interestedCount": None, "automationPercentage": 0.5}),
    ],
)
def test_attributes_of_live_records_that_no_schema_lists_have_columns(stream: str, attributes: dict[str, Any]) -> None:
    assert recorded(stream, attributes)[1] == []


def test_an_attribute_that_differs_from_another_in_case_only_passes_through_without_a_column() -> None:
    # A warehouse that folds case would have one column twice.
    record, problems = recorded("mailings", {"errorreason": None})
    assert (record, problems) == ({"id": 1, "type": "mailing", "errorreason": None}, ["errorreason"])
    for name, collection in table().items():
        columns = [column.lower() for column in collection.schema()["properties"]]
        assert len(columns) == len(set(columns)), name


def test_date_time_is_the_only_format() -> None:
    formats = {
        details.get("format")
        for collection in table().values()
        for column in collection.schema()["properties"].values()
        for details in (column, column.get("items", {}))
    }
    assert formats == {None, "date-time"}
