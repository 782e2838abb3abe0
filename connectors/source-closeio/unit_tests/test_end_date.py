"""`end_date`: reads that touch give together what one read gives, and no state passes the end."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from source_kit.timestamps import milliseconds_z, parse
from unit_tests.closeio_account import Account, Reading

NOW = datetime.now(UTC)
SEARCH = "POST /data/search/"
# One of each kind, with the field by which it is bounded and where its parts touch.
DAYS, LOG_DAYS = (250, 100), (20, 7)
STREAMS = {
    "leads": ("date_updated", DAYS),
    "contacts": ("date_updated", DAYS),
    "opportunities": ("date_updated", DAYS),
    "custom_objects": ("date_updated", DAYS),
    "tasks": ("date_updated", DAYS),
    "lead_tasks": ("date_updated", DAYS),
    "activities": ("date_created", DAYS),
    "email_thread_activities": ("date_created", DAYS),
    "user_posts": ("date_created", DAYS),
    "events": ("date_updated", LOG_DAYS),
    "event_log": ("date_updated", LOG_DAYS),
    "deleted_records": ("deleted_at", LOG_DAYS),
}


def bounds(days: tuple[int, int]) -> list[str]:
    """Two instants that are not whole seconds, nor minutes."""
    return [(NOW - timedelta(days=each, milliseconds=-123)).isoformat(timespec="milliseconds") for each in days]


def parts(account: Account, stream: str, days: tuple[int, int], mode: str = "incremental") -> list[Reading]:
    """Three reads that touch."""
    first, second = bounds(days)
    readings = []
    for config in ({"end_date": first}, {"start_date": first, "end_date": second}, {"start_date": second}):
        for key in ("start_date", "end_date"):
            account.config.pop(key, None)
        account.config.update(config)
        readings.append(account.read(stream, mode=mode))
    assert [reading.exit_code for reading in readings] == [0, 0, 0]
    return readings


@pytest.mark.parametrize("mode", ["incremental", "full_refresh"])
@pytest.mark.parametrize("stream", STREAMS)
def test_three_reads_that_touch_give_every_record_once(stream: str, mode: str) -> None:
    cursor, days = STREAMS[stream]
    account = Account(leads=300, activities=300, tasks=300, events=300)
    readings = parts(account, stream, days, mode)
    assert all(len(reading.records) > 0 for reading in readings)
    together = [identity for reading in readings for identity in reading.ids]
    assert sorted(together) == sorted(row["id"] for row in account.truth(stream))
    first, second = map(parse, bounds(days))
    assert max(parse(row[cursor]) for row in readings[0].records) < first
    assert first <= min(parse(row[cursor]) for row in readings[1].records)
    assert max(parse(row[cursor]) for row in readings[1].records) < second
    assert min(parse(row[cursor]) for row in readings[2].records) >= second


@pytest.mark.parametrize("stream", ["leads", "contacts"])
def test_three_reads_that_touch_give_every_record_once_where_searching_is_refused(stream: str) -> None:
    account = Account(refuse={SEARCH: 403}, leads=300)
    readings = parts(account, stream, DAYS)
    assert all(len(reading.records) > 0 for reading in readings)
    together = [identity for reading in readings for identity in reading.ids]
    assert sorted(together) == sorted(row["id"] for row in account.truth(stream))


@pytest.mark.parametrize("stream", STREAMS)
def test_no_state_passes_the_end_and_going_on_from_the_last_one_brings_nothing_new(stream: str) -> None:
    cursor, days = STREAMS[stream]
    account = Account(leads=300, activities=300, tasks=300, events=300)
    end = parse(bounds(days)[0])
    account.config["end_date"] = bounds(days)[0]
    reading = account.read(stream)
    assert all(parse(state[cursor]) <= end for state in reading.states)
    again = account.read(stream, reading.states[-1])
    assert set(again.ids) <= set(reading.ids)
    assert parse(again.states[-1][cursor]) <= end


@pytest.mark.parametrize("stream", STREAMS)
def test_a_state_beyond_the_end_asks_for_no_record(stream: str) -> None:
    cursor, days = STREAMS[stream]
    account = Account({"end_date": bounds(days)[0], "activities_window_seconds": 0})
    state: dict[str, Any] = {cursor: bounds(days)[1], "__v": 1}
    reading = account.read(stream, state)
    # Edits of activities created before the end come whenever they are made.
    others = [
        row for row in reading.records if cursor != "date_created" or parse(row[cursor]) >= parse(bounds(days)[0])
    ]
    assert (reading.exit_code, others) == (0, [])
    assert parse(reading.states[-1][cursor]) == parse(state[cursor])


@pytest.mark.parametrize("stream", STREAMS)
def test_the_last_instant_that_there_is_bounds_nothing(stream: str) -> None:
    account = Account({"end_date": "9999-12-31T23:59:59.999999Z"})
    assert sorted(account.read(stream).ids) == sorted(row["id"] for row in account.truth(stream))


def test_an_end_in_the_future_is_like_none_where_searching_is_refused() -> None:
    account = Account({"end_date": "9999-12-31T23:59:59.999999Z"}, refuse={SEARCH: 403})
    assert sorted(account.read("leads").ids) == sorted(row["id"] for row in account.truth("leads"))


def test_an_end_in_the_future_is_like_none() -> None:
    account = Account({"end_date": "2999-12-31T23:59:59Z"}, leads=900)
    assert sorted(account.read("leads").ids) == sorted(row["id"] for row in account.truth("leads"))
    without = Account(leads=900)
    without.read("leads")
    assert abs(account.vendor.groups()[SEARCH] - without.vendor.groups()[SEARCH]) <= 1


@pytest.mark.parametrize("stream", ["leads", "tasks", "opportunities"])
def test_what_is_changed_after_the_end_belongs_to_another_read(stream: str) -> None:
    end = NOW - timedelta(minutes=1)
    account = Account({"end_date": end.isoformat()}, events=0)
    state = account.read(stream).states[-1]
    touched = account.app.touch(stream, update=5, create=1, delete=0)
    account.vendor.sent.clear()
    again = account.read(stream, state)
    assert not {*touched["updated"], *touched["created"]} & set(again.ids)
    log = [sent.params for sent in account.vendor.sent if sent.group == "GET /event/" and sent.params["_limit"] != "1"]
    assert log
    assert {params["date_updated__lt"] for params in log} == {milliseconds_z(end)}


def test_an_edit_of_an_activity_created_before_the_end_is_still_found() -> None:
    account = Account({"end_date": bounds(DAYS)[1], "activities_window_seconds": 0}, activities=300)
    reading = account.read("activities")
    touched = account.app.touch("activities", update=60, create=3, delete=0)
    again = account.read("activities", reading.states[-1])
    assert set(touched["updated"]) & set(reading.ids) <= set(again.ids) <= set(reading.ids)
    assert len(again.ids) > 1


def test_threads_of_comments_come_with_the_read_of_their_objects() -> None:
    account = Account(activities=300, opportunities=150, comment_threads=40)
    together = Counter(
        identity for reading in parts(account, "comment_threads", DAYS, "full_refresh") for identity in reading.ids
    )
    assert together == Counter(row["id"] for row in account.truth("comment_threads"))


def test_streams_without_a_filter_by_time_are_read_whole() -> None:
    account = Account({"start_date": "2020-01-01", "end_date": "2020-02-01"})
    for stream in ("users", "lead_statuses", "custom_fields", "memberships"):
        assert sorted(account.read(stream).ids) == sorted(row["id"] for row in account.truth(stream))
