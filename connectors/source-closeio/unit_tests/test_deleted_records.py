"""Stream deleted_records: deletions and merges of the last 30 days, from the event log."""

from __future__ import annotations

import pytest

from unit_tests.closeio_account import Account


def test_a_deleted_lead_comes_with_all_that_hung_on_it() -> None:
    account = Account({"lookback_window_seconds": 0}, leads=10, contacts=40, opportunities=20)
    first = account.read("deleted_records")
    (lead,) = account.app.touch("leads", update=0, create=0, delete=1)["deleted"]
    again = account.read("deleted_records", first.states[-1]).records
    gone = [record for record in again if record["lead_id"] == lead]
    assert {record["object_type"].split(".")[0] for record in gone} == {
        "lead",
        "contact",
        "opportunity",
        "custom_object",
        "task",
        "activity",
    }
    (record,) = [record for record in gone if record["object_type"] == "lead"]
    assert record == {
        "id": record["id"],
        "organization_id": "orga_5Vd0eZ8mQyTg3XcRk1LwPnBs7UhJ2iFo6Aa4KpDx9NE",
        "object_type": "lead",
        "object_id": lead,
        "lead_id": lead,
        "action": "deleted",
        "merged_into_lead_id": None,
        "deleted_at": record["deleted_at"],
        "deleted_by": record["deleted_by"],
    }
    assert record["deleted_at"].endswith("Z")


@pytest.mark.parametrize("merge_also_deletes", [False, True])
def test_a_merged_lead_is_gone_and_tells_where_it_went(merge_also_deletes: bool) -> None:
    account = Account(leads=10, merge_also_deletes=merge_also_deletes)
    first = account.read("deleted_records")
    touched = account.app.touch("lead_merges", update=0, create=1, delete=0)
    again = account.read("deleted_records", first.states[-1]).records
    merges = [record for record in again if record["action"] == "merged"]
    assert [(r["object_type"], r["object_id"], r["lead_id"], r["merged_into_lead_id"]) for r in merges] == [
        ("lead", touched["deleted"][0], touched["deleted"][0], touched["updated"][0])
    ]
    assert any(r["action"] == "deleted" and r["object_id"] == merges[0]["object_id"] for r in again) is (
        merge_also_deletes
    )


def test_the_state_moves_with_the_whole_log_and_a_read_repeats_five_minutes_only() -> None:
    account = Account(leads=10, events=200)
    first = account.read("deleted_records")
    newest = max(event["date_updated"] for event in account.truth("event_log"))
    assert first.states[-1]["deleted_at"].rstrip("Z") <= newest
    assert len(first.records) == 20
    assert len(account.read("deleted_records", first.states[-1]).records) <= 1


def test_a_role_without_the_event_log_is_told_so() -> None:
    account = Account(refuse={"GET /event/": 400})
    reading = account.read("deleted_records")
    assert reading.errors[0]["failure_type"] == "config_error"
    assert "Close refuses the event log" in reading.errors[0]["message"]


def test_a_gap_longer_than_the_log_is_told() -> None:
    account = Account()
    reading = account.read("deleted_records", {"deleted_at": "2020-01-01T00:00:00Z", "__v": 1})
    assert any("Close keeps events for 30 days: those of stream deleted_records" in line for line in reading.logs)
