"""The Close emulator's index that is late for some records only, and the witnesses that are not: events and ids."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from emulator_tests.close_client import BOTH, DATES, LEADS, CloseClient, Json, ids

THIRD = {"late_share": 1 / 3, "late_seconds": 7_200.0}
SIZES = {"leads": 90, "contacts": 90, "opportunities": 90, "activities": 90, "tasks": 90, "events": 0, "old_events": 0}
LISTS: dict[str, tuple[str, Json]] = {
    "opportunities": ("/opportunity/", {}),
    "tasks": ("/task/", {"_type": "all"}),
    "activities": ("/activity/", {"thread_emails": "true"}),
}


def late_account(**options: float) -> CloseClient:
    return CloseClient(**SIZES, **(THIRD | options))


def searched(close: CloseClient) -> dict[str, Json]:
    rows = close.search(query=LEADS, sort=BOTH, _fields=DATES, _limit=200)["data"]
    return {row["id"]: row for row in rows}


def test_searches_show_two_thirds_of_the_changes_and_get_by_id_all_of_them() -> None:
    close = late_account()
    before = searched(close)
    touched = close.app.touch("leads", 60, 30, 0)
    after = searched(close)
    true = {lead["id"]: lead["date_updated"] for lead in close.truth("leads")}
    missing = [lead for lead in touched["created"] if lead not in after]
    stale = [lead for lead in touched["updated"] if after[lead]["date_updated"] != true[lead]]
    assert 20 <= len(missing) + len(stale) <= 40
    assert close.app.extra_statistics()["late"]["leads"] == len(missing) + len(stale)
    assert [after[lead] for lead in stale] == [before[lead] for lead in stale]
    for lead in (*missing, *stale):
        assert close.get(f"/lead/{lead}/")["date_updated"] == true[lead]


def test_what_is_late_is_seen_in_the_end_and_other_records_at_once() -> None:
    close = late_account(late_seconds=0.2)
    close.app.touch("leads", 40, 10, 10)
    assert len(searched(close)) < 110
    time.sleep(0.25)
    assert sorted(searched(close)) == sorted(ids(close.truth("leads")))
    assert not any(close.app.extra_statistics()["late"].values())


def test_lists_filtered_by_a_date_are_late_too_and_others_are_not() -> None:
    close = late_account()
    since = datetime.now(UTC) - timedelta(seconds=1)
    made = {stream: close.app.touch(stream, 0, 60, 0)["created"] for stream in LISTS}
    for stream, (path, more) in LISTS.items():
        filtered = close.list_all(path, date_created__gte=since.isoformat(), **more)
        assert 30 <= len(filtered) <= 50, stream
        assert set(made[stream]) <= set(ids(close.list_all(path, **more))), stream


def test_a_late_edit_does_not_show_in_a_list_filtered_by_its_time() -> None:
    close = late_account()
    since = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    updated = close.app.touch("opportunities", 60, 0, 0)["updated"]
    found = ids(close.list_all("/opportunity/", date_updated__gte=since, _order_by="date_updated"))
    assert 30 <= len(found) <= 50
    assert set(found) < set(updated)
    old = close.list_all("/opportunity/", date_updated__lt=since)
    assert set(updated) - set(found) <= set(ids(old))


@pytest.mark.parametrize("stream", ["activities", "tasks"])
def test_late_records_are_there_by_their_ids(stream: str) -> None:
    close = late_account()
    made = close.app.touch(stream, 0, 30, 0)["created"]
    path, more = LISTS[stream]
    found = close.get(path, id__in=",".join(made), _limit=100, **more)["data"]
    assert sorted(ids(found)) == sorted(made)
    assert {record["id"] for record in close.get(path, id__in=",".join(made), _fields="id", **more)["data"]} == set(
        made
    )


def test_events_tell_of_late_changes_at_once() -> None:
    close = late_account()
    touched = close.app.touch("leads", 20, 5, 5)
    told = {event["object_id"] for event in close.list_events(object_type="lead")}
    assert told >= {lead for leads in touched.values() for lead in leads}


def test_a_change_of_two_hours_ago_is_late_by_what_is_left_of_them() -> None:
    close = late_account(late_seconds=7_200.0)
    touched = close.app.touch_earlier("leads", 0, 60, 0, 7_199_800)
    assert len(set(touched["created"]) & set(searched(close))) < 60
    time.sleep(0.3)
    assert set(touched["created"]) <= set(searched(close))
    made = next(lead for lead in close.truth("leads") if lead["id"] == touched["created"][0])
    assert datetime.now(UTC) - datetime.fromisoformat(made["date_updated"]) > timedelta(seconds=7_199)
    event = next(e for e in close.list_events(object_type="lead") if e["object_id"] == made["id"])
    assert event["date_updated"][:19] == made["date_updated"][:19]
