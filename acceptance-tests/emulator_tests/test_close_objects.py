"""Contacts, opportunities and custom objects of the Close emulator, as lists and in searches."""

from __future__ import annotations

import pytest

from emulator_tests.close_client import CloseClient, Json, ids


@pytest.fixture(scope="module")
def close() -> CloseClient:
    return CloseClient(leads=60, contacts=450, opportunities=300, custom_objects=120, activities=110, maximum_skip=300)


def objects_of(object_type: str) -> Json:
    return {"type": "and", "queries": [{"type": "object_type", "object_type": object_type}]}


def key(object_type: str, name: str) -> Json:
    field = {"type": "regular_field", "object_type": object_type, "field_name": name}
    return {"direction": "asc", "field": field}


@pytest.mark.parametrize(
    ("object_type", "stream"),
    [("contact", "contacts"), ("opportunity", "opportunities"), ("custom_object", "custom_objects"), ("task", "tasks")],
)
def test_searches_find_every_object_by_update(close: CloseClient, object_type: str, stream: str) -> None:
    sort = [key(object_type, "date_updated"), key(object_type, "date_created")]
    fields = {object_type: ["id", "date_updated"]}
    rows = close.search_all(query=objects_of(object_type), sort=sort, _fields=fields, _limit=200)
    assert sorted(ids(rows)) == sorted(ids(close.truth(stream)))
    assert {row["__object_type"] for row in rows} == {object_type}


def test_contacts_come_newest_creation_first_and_only_a_lead_filters_them(close: CloseClient) -> None:
    first = close.get("/contact/", _limit=200, date_updated__gte="2099-01-01")
    dates = [contact["date_created"] for contact in first["data"]]
    assert len(dates) == 200
    assert [date[:19] for date in dates] == sorted((date[:19] for date in dates), reverse=True)
    assert "total_results" not in first
    lead = first["data"][0]["lead_id"]
    own = close.get("/contact/", lead_id=lead)["data"]
    assert {contact["lead_id"] for contact in own} == {lead}
    assert len(own) in (7, 8, 9)
    assert close.refused("/contact/", _limit=201)[0] == 400
    assert close.refused("/contact/", _skip=301)[0] == 400


def test_optional_fields_of_contacts_come_when_they_are_named(close: CloseClient) -> None:
    assert "recent_calls" not in close.get("/contact/", _limit=1)["data"][0]
    assert "recent_calls" in close.get("/contact/", _limit=1, _fields="_all")["data"][0]


def test_opportunities_are_filtered_and_ordered_by_update_and_have_totals(close: CloseClient) -> None:
    everything = close.get("/opportunity/", _limit=250, _order_by="date_updated")
    dates = [row["date_updated"] for row in everything["data"]]
    assert [date[:19] for date in dates] == sorted(date[:19] for date in dates)
    assert everything["total_results"] == 300
    assert everything["total_value_one_time"] == 0
    late = close.get("/opportunity/", date_updated__gte=dates[200], _limit=250)
    assert late["total_results"] == 100
    assert close.refused("/opportunity/", _limit=251)[0] == 400


def test_custom_objects_are_listed_per_lead_only(close: CloseClient) -> None:
    assert close.refused("/custom_object/") == (400, {"error": "lead_id is required."})
    lead = close.truth("custom_objects")[0]["lead_id"]
    assert {row["lead_id"] for row in close.get("/custom_object/", lead_id=lead)["data"]} == {lead}


def test_custom_values_are_flat_and_absent_where_unset(close: CloseClient) -> None:
    contacts = close.truth("contacts")
    flat = [{name for name in contact if name.startswith("custom.")} for contact in contacts]
    assert set().union(*flat) == {f"custom.cf_cont{number:04d}QvR7tXc2LmN4pZsK" for number in range(3)}
    assert set() in flat


@pytest.mark.parametrize(
    ("option", "expected"),
    [({}, 0), ({"search_updates": "ignored"}, 15), ({"search_updates": "refused"}, 400)],
)
def test_the_doubt_about_updates_of_activities_can_be_played_both_ways(option: Json, expected: int) -> None:
    close = CloseClient(leads=5, activities=110, **option)
    condition = {"type": "moment_range", "on_or_after": {"type": "fixed_utc", "value": "2099-01-01T00:00:00.000Z"}}
    query = objects_of("activity.call")
    query["queries"].append(
        {"type": "field_condition", "field": key("activity.call", "date_updated")["field"], "condition": condition}
    )
    if expected == 400:
        assert close.search_refused(query=query)[0] == 400
    else:
        assert len(close.search(query=query)["data"]) == expected


def test_types_can_be_left_out_of_the_search() -> None:
    close = CloseClient(leads=5, unsearchable=["custom_object"])
    assert close.search_refused(query=objects_of("custom_object"))[0] == 400
    assert close.search(query=objects_of("contact"))["data"]
