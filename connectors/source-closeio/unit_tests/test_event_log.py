"""Stream event_log: thirty days, newest first, data as JSON text."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from source_kit.rules import Rejected
from source_kit.timestamps import microseconds_offset, milliseconds_z, parse
from source_kit.windows import Window
from unit_tests.closeio_account import Account, Sent
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


@pytest.mark.parametrize("stream", ["event_log", "events", "deleted_records"])
def test_what_happened_just_before_the_read_comes_once_though_its_minutes_are_read_twice(stream: str) -> None:
    """The log is walked from the newest down, in windows; then the last five minutes are looked through once more."""
    account = Account(events=400)
    account.app.touch("leads", update=10, create=0, delete=5)
    account.app.touch("contacts", update=30, create=0, delete=10)
    reading = account.read(stream)
    windows = [sent.params for sent in account.vendor.sent if sent.group == LIST and "date_updated__gte" in sent.params]
    assert windows[-1]["date_updated__gte"] > milliseconds_z(datetime.now(UTC) - timedelta(minutes=6))
    counts = Counter(reading.ids)
    assert [identity for identity, count in counts.items() if count > 1] == []
    assert set(counts) == {row["id"] for row in account.truth(stream)}


def test_what_happens_during_a_long_read_is_left_to_the_next_one_by_its_state() -> None:
    """Ten minutes pass with every request: a state never speaks of more than was there when the read began."""
    account = Account(events=400)

    def slow(sent: Sent, status: int, body: Any) -> tuple[int, Any]:
        account.clock.ahead += timedelta(minutes=10)
        return status, body

    account.vendor.altered[LIST] = slow
    account.app.touch("leads", update=5, create=0, delete=0)
    began = datetime.now(UTC)
    first = account.read("event_log")
    assert account.clock.ahead > timedelta(hours=1)
    assert parse(first.states[-1]["date_updated"]) <= began - timedelta(minutes=5) + timedelta(seconds=5)


def test_rows_outside_of_the_window_are_left_out_and_end_its_walk() -> None:
    """A cursor repeats no filter of time: what it brings may lie elsewhere."""
    day = datetime.now(UTC).date().isoformat()
    lower, upper = parse(f"{day}T10:00:00Z"), parse(f"{day}T11:00:00Z")
    times = {"above": "11:00:01", "upper": "11:00:00", "last": "10:59:59.999", "lower": "10:00:00", "below": "09:59:59"}
    rows = [{"id": name, "date_updated": f"{day}T{time}"} for name, time in times.items()]
    account = Account()
    connection, _ = account.connection()
    stream: Any = next(each for each in connection.streams() if each.name == "event_log")

    def asked(window: Window) -> tuple[list[str], Any, int]:
        account.vendor.answers[LIST] = [(200, {"data": rows, "cursor_next": "more"})]
        fetched = stream.pages.window(window)
        return [row["id"] for row in fetched.records], fetched.token, fetched.size

    assert asked(Window(lower, upper)) == (["last", "lower"], None, 2)
    assert asked(Window(lower)) == (["above", "upper", "last", "lower"], None, 4)
    assert asked(Window(None, upper)) == (["last", "lower", "below"], None, 3)
    assert asked(Window()) == ([*times], "more", 5)


def test_a_row_that_says_it_is_older_than_the_log_goes_back_leaves_from_where_it_stands() -> None:
    """No window would ask for its time."""
    account = Account()
    connection, _ = account.connection()
    stream: Any = next(each for each in connection.streams() if each.name == "event_log")
    rows = [{"id": "odd", "date_updated": "2019-01-01 00:00:00 UTC"}]
    account.vendor.answers[LIST] = [(200, {"data": rows, "cursor_next": "more"})]
    fetched = stream.pages.window(Window(datetime.now(UTC) - timedelta(hours=1)))
    assert ([row["id"] for row in fetched.records], fetched.token) == (["odd"], "more")


@pytest.mark.parametrize("status", [404, 413, 422])
def test_only_a_400_is_taken_for_a_role_that_may_not_see_the_log(status: int) -> None:
    account = Account()
    account.vendor.always[LIST] = (status, {"error": "Document has been deleted"})
    connection, _ = account.connection()
    stream: Any = next(each for each in connection.streams() if each.name == "event_log")
    with pytest.raises(Rejected if status == 404 else Exception) as error:
        stream.pages.window(Window())
    assert "permission to see it" not in str(error.value)
