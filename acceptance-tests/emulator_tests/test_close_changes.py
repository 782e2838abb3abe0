"""What changes in the Close emulator take along: children of leads, merges, events of all of it."""

from __future__ import annotations

from typing import Any

from emulator_tests.close_client import CloseClient, ids

SIZES = {"leads": 8, "contacts": 32, "opportunities": 16, "custom_objects": 8, "activities": 88, "tasks": 42}
CHILDREN = ("contacts", "opportunities", "custom_objects", "activities", "tasks")


def close_account(**options: Any) -> CloseClient:
    return CloseClient(**SIZES, events=0, old_events=0, **options)


def test_a_deleted_lead_takes_all_its_records_along_each_with_an_event() -> None:
    close = close_account()
    before = {stream: close.truth(stream) for stream in CHILDREN}
    (lead,) = close.app.touch("leads", 0, 0, 1)["deleted"]
    expected = {lead}
    for stream, records in before.items():
        own = {record["id"] for record in records if record["lead_id"] == lead}
        left = set(ids(close.truth(stream)))
        assert own, stream
        assert left == set(ids(records)) - own
        expected |= own
    logged = [row for row in close.list_events() if row["action"] == "deleted"]
    # E-mail threads are no records of `activities`, but they go too.
    assert {row["object_id"] for row in logged} >= expected
    assert {row["lead_id"] for row in logged} == {lead}


def test_a_merge_hands_everything_over_and_names_both_leads() -> None:
    close = close_account()
    touched = close.app.touch("lead_merges", 0, 1, 0)
    (source,), (destination,) = touched["deleted"], touched["updated"]
    assert source not in ids(close.truth("leads"))
    assert close.refused(f"/lead/{source}/")[0] == 404
    for stream in CHILDREN:
        assert source not in {record["lead_id"] for record in close.truth(stream)}
    (merge,) = [row for row in close.list_events() if row["action"] == "merged"]
    assert (merge["object_type"], merge["object_id"]) == ("lead", destination)
    assert merge["meta"]["merge_source_lead_id"] == source
    assert merge["meta"]["merge_destination_lead_id"] == destination
    assert not [row for row in close.list_events() if row["action"] == "deleted"]
    own = [row for row in close.get("/activity/", lead_id=destination)["data"]]
    assert {row["lead_id"] for row in own} == {destination}


def test_a_merge_may_also_log_the_source_as_deleted() -> None:
    close = close_account(merge_also_deletes=True)
    source = close.app.touch("lead_merges", 0, 1, 0)["deleted"]
    assert [row["object_id"] for row in close.list_events() if row["action"] == "deleted"] == source


def test_deletions_and_merges_are_the_truth_of_deleted_records() -> None:
    close = close_account()
    merged = close.app.touch("lead_merges", 0, 1, 0)
    deleted = close.app.touch("opportunities", 0, 0, 2)["deleted"]
    found = {(record["object_type"], record["object_id"]): record for record in close.truth("deleted_records")}
    assert set(found) == {("lead", merged["deleted"][0]), *(("opportunity", one) for one in deleted)}
    assert found["lead", merged["deleted"][0]]["merged_into_lead_id"] == merged["updated"][0]


def test_one_type_of_activities_can_be_touched() -> None:
    close = close_account()
    touched = close.app.touch("call_activities", 2, 1, 1)
    types = {row["id"]: row["_type"] for row in close.list_all("/activity/")}
    assert {types[one] for one in touched["updated"] + touched["created"]} == {"Call"}
    assert not set(touched["deleted"]) & types.keys()
    kinds = {row["object_type"] for row in close.list_events() if row["action"] != "created"}
    assert kinds == {"activity.call"}


def test_an_edit_of_a_call_is_found_by_its_type_in_the_log() -> None:
    close = close_account()
    (call,) = close.app.touch("call_activities", 1, 0, 0)["updated"]
    close.app.touch("note_activities", 1, 0, 0)
    assert [row["object_id"] for row in close.list_events(object_type="activity.call")] == [call]
    strict = close_account(event_type_alone=False)
    assert strict.refused("/event/", object_type="activity.call")[0] == 400
    assert strict.get("/event/", object_type="activity.call", action="updated")["data"] == []
