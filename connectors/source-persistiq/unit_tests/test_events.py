"""Events: windows of closed time, in either shape."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from source_kit.timestamps import parse
from source_persistiq.base import FIRST
from source_persistiq.events import Once

LAST = datetime(2026, 1, 1, 12, tzinfo=UTC)


def shown(instant: datetime) -> str:
    return (instant - timedelta(hours=7)).strftime("%Y-%m-%dT%H:%M:%S.") + f"{instant.microsecond // 1000:03d}-07:00"


class Log:
    """Events by time, ascending or descending; filters exclusive, 500 a page."""

    def __init__(self, times: list[datetime], *, descending: bool = False) -> None:
        ordered = sorted(times, reverse=descending)
        self.rows = [{"id": f"evt_{number}", "event_at": shown(at)} for number, at in enumerate(ordered)]

    def __call__(self, params: dict[str, str]) -> dict[str, Any]:
        low, high = params.get("start_at", "2000-01-01"), params.get("end_at", "2100-01-01")
        found = [row for row in self.rows if parse(low) < parse(row["event_at"]) < parse(high)]
        number = int(params.get("page", 1))
        return {"has_more": number * 500 < len(found), "events": found[(number - 1) * 500 : number * 500]}


def test_a_short_log_is_one_open_request_and_the_state_lags_behind_the_server(api: Any) -> None:
    api.serve("events", Log([LAST]))
    records, state = api.read("events")
    assert records == [{"id": "evt_0", "event_at": "2026-01-01T05:00:00.000-07:00"}]
    assert state["event_at"] in ("2026-01-01T11:58:09Z", "2026-01-01T11:58:10Z")
    assert api.asked == [("events", {})]


def test_the_other_shape_gets_its_cursor_from_created_at(api: Any) -> None:
    event = {"id": "evt_1", "event_type": "message_sent", "data": {}, "created_at": "2025-12-31T05:00:00.000-07:00"}
    api.serve("events", {"events": [event]})
    assert api.read("events")[0] == [{**event, "event_at": "2025-12-31T05:00:00.000-07:00"}]


def test_a_state_is_asked_for_a_second_early_and_older_events_are_left_out(api: Any) -> None:
    bound = datetime(2025, 12, 31, 10, tzinfo=UTC)
    api.serve("events", Log([bound - timedelta(milliseconds=1), bound, bound + timedelta(milliseconds=1)]))
    records, _ = api.read("events", {"event_at": "2025-12-31T10:00:00Z", "__v": 1})
    assert [record["id"] for record in records] == ["evt_1", "evt_2"]
    assert api.asked == [("events", {"start_at": "2025-12-31T09:59:59Z"})]


def test_a_long_log_is_read_by_windows_in_either_order_without_loss_or_repetition(api: Any) -> None:
    times = [LAST - timedelta(minutes=7 * number, milliseconds=number) for number in range(9_000)]
    for descending in (False, True):
        api.asked.clear()
        api.serve("events", Log(times, descending=descending))
        records, state = api.read("events")
        assert sorted(record["id"] for record in records) == sorted(f"evt_{number}" for number in range(9_000))
        assert state["event_at"] in ("2026-01-01T11:58:09Z", "2026-01-01T11:58:10Z")
        assert len(api.asked) <= 32


def test_windows_ascend_and_each_ends_with_its_state(api: Any) -> None:
    from source_kit.work import Start, in_order

    times = [LAST - timedelta(minutes=10 * number) for number in range(12_000)]
    api.serve("events", Log(times, descending=True))
    reached = datetime(2000, 1, 1, tzinfo=UTC)
    states = 0
    for page in in_order(api.stream("events").work(Start(True))):
        assert all(parse(record["event_at"]) >= reached for record in page.records)
        if page.checkpoint:
            states += parse(page.checkpoint["event_at"]) > reached
            reached = parse(page.checkpoint["event_at"])
    assert states >= 3


def test_thousands_of_events_at_one_instant_are_all_read(api: Any) -> None:
    api.serve("events", Log([datetime(2025, 6, 1, tzinfo=UTC)] * 2_100))
    assert len(api.read("events")[0]) == 2_100


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("ignored", [{"start_at", "end_at"}, {"start_at"}, {"end_at"}])
def test_a_time_filter_that_is_ignored_makes_one_walk_with_a_warning_and_costs_no_event(
    api: Any, ignored: set[str], descending: bool
) -> None:
    log = Log([LAST - timedelta(hours=number) for number in range(1_200)], descending=descending)
    api.serve("events", lambda params: log({name: value for name, value in params.items() if name not in ignored}))
    for state, count in (None, 1_200), ({"event_at": "2025-12-02T12:00:00Z", "__v": 1}, 721):
        api.asked.clear()
        assert len(api.read("events", state)[0]) == count
        assert len(api.asked) <= 6
    warning = "WARN Stream events: PersistIQ ignored start_at or end_at, so that all events are read, in one walk."
    assert api.logs == [warning] * 2


def test_a_row_without_an_id_is_no_proof_that_a_time_filter_is_ignored(api: Any) -> None:
    log = Log([LAST - timedelta(hours=number) for number in range(1_200)])
    asks_for_nothing = {"2010-01-01T00:00:01Z", "2100-01-01T00:00:00Z"}
    odd = {"events": [{"oddity": 1}]}
    api.serve("events", lambda params: odd if {*params.values()} & asks_for_nothing else log(params))
    assert len(api.read("events")[0]) == 1_200
    assert not any(line.startswith("WARN Stream events: PersistIQ ignored") for line in api.logs)


@pytest.mark.parametrize("status", [400, 404, 500])
def test_a_refusal_of_times_where_nothing_is_shows_that_they_are_looked_at(api: Any, status: int) -> None:
    log = Log([LAST - timedelta(hours=number) for number in range(1_200)])
    asks_for_nothing = ("2010-01-01T00:00:01Z", "2100-01-01T00:00:00Z")
    api.serve("events", lambda params: (status, {}) if {*params.values()} & {*asks_for_nothing} else log(params))
    assert len(api.read("events")[0]) == 1_200
    assert not any(line.startswith("WARN Stream") for line in api.logs)


def test_windows_that_do_not_get_shorter_come_to_an_end(api: Any) -> None:
    """Whatever is asked for, the oldest events come."""
    log = Log([LAST - timedelta(hours=number) for number in range(1_200)])

    def answer(params: dict[str, str]) -> Any:
        if params.get("end_at") == "2010-01-01T00:00:01Z" or params.get("start_at", "") > "2026-01-01T12":
            return 400, {}
        return log({"page": params.get("page", "1")})

    api.serve("events", answer)
    assert len(api.read("events")[0]) == 1_200


@pytest.mark.parametrize("descending", [False, True])
def test_events_that_are_all_younger_than_the_look_back_come_once_and_the_state_stays_behind_it(
    api: Any, descending: bool
) -> None:
    times = [LAST - timedelta(seconds=number / 10) for number in range(1_100)]
    api.serve("events", Log(times, descending=descending))
    records, state = api.read("events", start_date="2025-01-01T00:30:00Z", lookback_window_seconds=86_400)
    assert len(records) == len({record["id"] for record in records}) == 1_100
    assert state["event_at"] in ("2025-12-31T12:00:09Z", "2025-12-31T12:00:10Z")


def test_no_event_of_before_the_start_date_comes_whatever_is_cut_and_whatever_the_state_says(api: Any) -> None:
    times = [LAST - timedelta(minutes=7 * number) for number in range(9_000)]
    for descending in (False, True):
        api.serve("events", Log(times, descending=descending))
        records, _ = api.read(
            "events", {"event_at": "2025-11-01T00:00:00Z", "__v": 1}, start_date="2025-12-01T10:20:00Z"
        )
        assert len({record["id"] for record in records}) == len(records)
        assert [len(records), min(parse(record["event_at"]) for record in records)] == [
            6_392,
            datetime(2025, 12, 1, 10, 23, tzinfo=UTC),
        ]


def test_times_without_a_zone_leave_as_utc(api: Any) -> None:
    api.serve("events", {"events": [{"id": "evt_1", "created_at": "2025-12-31T05:00:00.000"}]})
    assert api.read("events")[0] == [
        {"id": "evt_1", "created_at": "2025-12-31T05:00:00.000Z", "event_at": "2025-12-31T05:00:00.000Z"}
    ]


class Filed(Log):
    """A log that is filed, and filtered, under other times than it shows: `filed` is what PersistIQ does not show."""

    def __init__(self, rows: list[tuple[datetime, Any]]) -> None:
        self.filed = sorted(rows, key=lambda row: row[0])
        self.rows = [{"id": f"evt_{number}", "event_at": at} for number, (_, at) in enumerate(self.filed)]

    def __call__(self, params: dict[str, str]) -> dict[str, Any]:
        low, high = parse(params.get("start_at", "2000-01-01")), parse(params.get("end_at", "2100-01-01"))
        found = [dict(row) for row, (at, _) in zip(self.rows, self.filed, strict=True) if low < at < high]
        number = int(params.get("page", 1))
        return {"has_more": number * 500 < len(found), "events": found[(number - 1) * 500 : number * 500]}


def every_id(count: int) -> list[str]:
    return sorted(f"evt_{number}" for number in range(count))


@pytest.mark.parametrize("late", [timedelta(seconds=1), timedelta(hours=5), timedelta(days=40), timedelta(days=-3)])
def test_events_that_are_filed_under_another_time_than_they_show_leave_once_each(api: Any, late: timedelta) -> None:
    """A mail that was opened on the train is reported in the evening; every third event here."""
    times = [LAST - timedelta(minutes=17 * number, milliseconds=number) for number in range(6_000)]
    api.serve("events", Filed([(at, shown(at - late if n % 3 == 0 else at)) for n, at in enumerate(times)]))
    records, _ = api.read("events")
    assert sorted(record["id"] for record in records) == every_id(6_000)


@pytest.mark.parametrize("odd", [None, "soon", {"at": "x"}])
def test_events_without_a_time_leave_once_each_and_take_no_part_in_the_state(api: Any, odd: Any) -> None:
    times = [LAST - timedelta(minutes=17 * number, milliseconds=number) for number in range(6_000)]
    api.serve("events", Filed([(at, odd if n % 7 == 0 else shown(at)) for n, at in enumerate(times)]))
    records, state = api.read("events")
    assert sorted(record["id"] for record in records) == every_id(6_000)
    assert [record["event_at"] for record in records].count(odd) == 858
    assert state["event_at"] in ("2026-01-01T11:58:09Z", "2026-01-01T11:58:10Z")


@pytest.mark.parametrize("count", [1, 1_300])
def test_a_log_of_nothing_but_events_without_a_time_is_read_whole(api: Any, count: int) -> None:
    rows = [{"id": f"evt_{number}", "kind": "x"} for number in range(count)]

    def answer(params: dict[str, str]) -> dict[str, Any]:
        number = int(params.get("page", 1))
        return {
            "has_more": number * 500 < count,
            "events": [dict(row) for row in rows[(number - 1) * 500 : number * 500]],
        }

    api.serve("events", answer)
    for state in None, {"event_at": "2025-12-02T12:00:00Z", "__v": 1}:
        records, reached = api.read("events", state)
        assert records == [{**row, "event_at": None} for row in rows]
        assert reached["event_at"] in ("2026-01-01T11:58:09Z", "2026-01-01T11:58:10Z")


def test_events_without_a_time_that_come_with_every_filter_leave_once(api: Any) -> None:
    log = Log([LAST - timedelta(hours=number) for number in range(1_200)])
    api.serve("events", lambda params: log(params) | {"events": [{"id": "odd"}, *log(params)["events"]]})
    assert sorted(record["id"] for record in api.read("events")[0]) == sorted(["odd", *every_id(1_200)])
    assert "WARN Stream events: PersistIQ ignored start_at or end_at" in api.logs[0]


def test_an_older_event_that_comes_although_the_filter_works_arrived_late_and_leaves(api: Any) -> None:
    late = Filed([(LAST, shown(LAST - timedelta(days=9))), (LAST, shown(LAST)), (LAST, None)])
    api.serve("events", late)
    records, _ = api.read("events", {"event_at": "2025-12-31T10:00:00Z", "__v": 1})
    assert [record["id"] for record in records] == every_id(3)
    assert [params["start_at"][:4] for _, params in api.asked] == ["2025", "2100"]


def test_a_short_log_whose_filter_is_ignored_gives_what_belongs_to_the_read(api: Any) -> None:
    log = Log([LAST - timedelta(hours=number) for number in range(100)])
    api.serve("events", lambda params: log({}))
    records, _ = api.read("events", {"event_at": "2025-12-31T12:00:00Z", "__v": 1})
    assert len(records) == 25


@pytest.mark.parametrize("number", [1, 4, 5, 12, 18])
def test_a_page_that_is_empty_once_although_more_is_announced_loses_nothing(api: Any, number: int) -> None:
    log = Log([LAST - timedelta(minutes=17 * number, milliseconds=number) for number in range(6_000)])
    api.serve("events", *[log] * (number - 1), {"has_more": True, "events": []}, log)
    assert sorted(record["id"] for record in api.read("events")[0]) == every_id(6_000)
    assert len(api.asked) > number


def test_events_of_absurd_times_do_not_break_the_windows(api: Any) -> None:
    times = [LAST - timedelta(hours=number) for number in range(1_200)]
    absurd = ["0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z", "1969-01-01T00:00:00Z"]
    log = Filed([(at, absurd[n % 400] if n % 400 < 4 else shown(at)) for n, at in enumerate(times)])
    api.serve("events", log)
    assert sorted(record["id"] for record in api.read("events")[0]) == every_id(1_200)


@pytest.mark.parametrize("date", ["Mon, 01 Jan 0001 00:00:00 GMT", "Thu, 01 Jan 2015 00:00:30 GMT"])
def test_a_date_that_stands_still_costs_no_event(api: Any, date: str) -> None:
    api.headers["Date"] = date
    api.serve("events", Log([LAST - timedelta(hours=number) for number in range(1_200)]))
    records, state = api.read("events", {"event_at": "2025-12-02T12:00:00Z", "__v": 1})
    assert (len(records), state["event_at"]) == (721, "2025-12-02T12:00:00Z")


def test_a_date_of_the_future_costs_no_event(api: Any) -> None:
    api.clock.told, api.headers["Date"] = LAST, "Thu, 01 Jan 2099 00:00:00 GMT"
    api.serve("events", Log([LAST - timedelta(hours=number) for number in range(1_200)]))
    records, state = api.read("events")
    assert (len(records), state["event_at"]) == (1_200, "2026-01-01T11:58:00Z")


NOON, EVENING = datetime(2026, 1, 1, 12, tzinfo=UTC), datetime(2026, 1, 1, 20, tzinfo=UTC)


def test_an_event_at_a_bound_leaves_with_whichever_window_is_first() -> None:
    events = [{"id": number, "event_at": f"2026-01-01T{at}Z"} for number, at in enumerate(("11:59:59.5", "12:00:01"))]
    for windows in ((FIRST, NOON), (NOON, EVENING)), ((NOON, EVENING), (FIRST, NOON)):
        once = Once(FIRST)
        assert [[once.within(*window)(event) for event in events] for window in windows] == [[True] * 2, [False] * 2]


def test_what_is_well_inside_of_its_window_is_not_remembered_and_the_rest_only_as_far_as_memory_goes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("source_persistiq.events.MOST_REMEMBERED", 2)
    once = Once(FIRST)
    leaves = once.within(NOON, EVENING)
    assert [leaves({"id": number, "event_at": "2026-01-01T15:00:00Z"}) for number in range(3)] == [True] * 3
    assert len(once._remembered) == 0
    assert [leaves({"id": number}) for number in (1, 1, 2, 2, 3, 3)] == [True, False, True, False, True, True]
