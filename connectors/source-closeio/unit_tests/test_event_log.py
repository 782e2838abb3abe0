"""Stream event_log: thirty days, newest first, data as JSON text."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import orjson
import pytest

from source_kit.timestamps import microseconds_offset, parse
from unit_tests.closeio_account import Account
from unit_tests.stream_skeleton import StreamSkeleton

LIST = "GET /event/"


class TestEventLog(StreamSkeleton):
    stream = "event_log"
    group = LIST
    many = {"events": 400}  # noqa: RUF012 - a constant of the skeleton
    empty = {"events": 0, "old_events": 0}  # noqa: RUF012
    cursor = "date_updated"
    meanings = {400: ("config_error", "may lack the permission to see it")}  # noqa: RUF012

    def comparable(self, record: Mapping[str, Any]) -> Mapping[str, Any]:
        """With `data` as an object, and without the zone that Close leaves out."""
        plain = dict(record)
        for name in ("data", "previous_data"):
            if isinstance(plain.get(name), str):
                plain[name] = orjson.loads(plain[name])
        for part in (plain, plain.get("data") or {}, plain.get("previous_data") or {}):
            part |= {name: part[name].removesuffix("Z") for name in ("date_created", "date_updated") if name in part}
        return plain


def test_data_comes_as_json_text_unless_it_is_switched_off() -> None:
    text = Account().read("event_log").records
    objects = Account({"encode_event_data": False}).read("event_log").records
    assert {type(record["data"]) for record in text if record.get("data") is not None} == {str}
    assert {type(record["data"]) for record in objects if record.get("data") is not None} == {dict}


def test_dates_without_zone_leave_as_utc() -> None:
    assert all(record["date_updated"].endswith("Z") for record in Account().read("event_log").records)


def test_what_thirty_days_have_taken_away_is_told() -> None:
    account = Account({"start_date": "2020-01-01"})
    reading = account.read("event_log")
    (warning,) = [log for log in reading.logs if log.startswith("WARN")]
    assert warning.startswith("WARN Close keeps events for 30 days: those of stream event_log between 2020-01-01T00:00")
    assert len(reading.ids) == 40


def test_the_last_five_minutes_are_read_again() -> None:
    account = Account()
    account.app.touch("leads", update=5, create=0, delete=0)
    first = account.read("event_log")
    latest = max(parse(record["date_updated"]) for record in first.records)
    assert latest - parse(first.states[-1]["date_updated"]) > timedelta(minutes=4)
    recent = [row["id"] for row in first.records if parse(row["date_updated"]) > latest - timedelta(minutes=4)]
    assert set(account.read("event_log", first.states[-1]).ids) >= set(recent)


def test_no_event_of_one_instant_is_lost() -> None:
    account = Account(events=400, event_ties=[170])
    assert sorted(account.read("event_log").ids) == sorted(row["id"] for row in account.truth("event_log"))


def test_a_cursor_is_asked_for_without_the_filter_of_time() -> None:
    account = Account(events=400, event_ties=[170])
    account.read("event_log")
    with_cursor = [sent.params for sent in account.vendor.sent if sent.params.get("_cursor")]
    assert with_cursor
    assert not any(name.startswith("date_updated") for params in with_cursor for name in params)


def altered(account: Account, change: Callable[[int, Any], Any]) -> Account:
    """Change the answers of the event log, by their number from 0."""
    numbers = itertools.count()
    account.vendor.altered[LIST] = lambda sent, status, content: (status, change(next(numbers), content))
    return account


@pytest.mark.parametrize("reversed_answer", range(6))
def test_a_page_in_reverse_order_once_costs_no_event(reversed_answer: int) -> None:
    """Nothing is counted: the newest events first to last would look like all there are."""

    def change(number: int, content: Any) -> Any:
        return {**content, "data": content["data"][::-1]} if number == reversed_answer else content

    account = altered(Account(events=400), change)
    assert sorted(account.read("event_log").ids) == sorted(row["id"] for row in account.truth("event_log"))


@pytest.mark.parametrize("first_late_answer", range(1, 6))
def test_events_leave_once_where_the_clock_of_later_answers_is_behind(first_late_answer: int) -> None:
    account = Account(events=400)
    account.vendor.has_dates = True

    def change(number: int, content: Any) -> Any:
        account.vendor.behind = timedelta(days=2_000 if number >= first_late_answer else 0)
        return content

    reading = altered(account, change).read("event_log")
    assert sorted(reading.ids) == sorted(row["id"] for row in account.truth("event_log"))


def test_a_state_in_the_future_reads_nothing_and_stays() -> None:
    account = Account()
    future = microseconds_offset(parse("2199-01-01T00:00:00Z"))
    reading = account.read("event_log", {"date_updated": future, "__v": 1})
    assert (reading.ids, reading.states) == ([], [{"date_updated": future, "__v": 1}])
