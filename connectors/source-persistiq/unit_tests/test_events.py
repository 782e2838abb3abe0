"""Events: windows of closed time, in either shape."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

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
        assert len(api.asked) <= 30


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


def test_filters_that_are_ignored_cost_requests_but_no_event(api: Any) -> None:
    log = Log([LAST - timedelta(hours=number) for number in range(1_200)])
    api.serve("events", lambda params: log({"page": params.get("page", "1")}))
    records, _ = api.read("events", {"event_at": "2025-12-31T12:00:00Z", "__v": 1})
    assert len(records) == 25
    assert any("ignored start_at" in line for line in api.logs)
