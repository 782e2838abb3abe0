"""Events: windows of closed time, in either shape."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from source_kit.timestamps import parse

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


@pytest.mark.parametrize("status", [400, 404, 500])
def test_a_refusal_of_times_where_nothing_is_shows_that_they_are_looked_at(api: Any, status: int) -> None:
    log = Log([LAST - timedelta(hours=number) for number in range(1_200)])
    asks_for_nothing = ("2010-01-01T00:00:01Z", "2026-01-01T12:00:08Z", "2026-01-01T12:00:09Z")
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
