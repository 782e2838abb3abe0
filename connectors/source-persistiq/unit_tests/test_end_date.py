"""`end_date`: reads that touch give together what one read gives, and no state passes the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from source_kit.timestamps import milliseconds_z, parse

Record = dict[str, Any]
Params = dict[str, str]
FIRST, SECOND = "2025-06-01T00:00:00Z", "2025-09-01T12:30:45.250Z"
PARTS: list[dict[str, str]] = [
    {"end_date": FIRST},
    {"start_date": FIRST, "end_date": SECOND},
    {"start_date": SECOND},
]
CURSORS = {"leads": "updated_at", "events": "event_at", "campaign_replies": "sent_at"}


def moments(count: int) -> list[datetime]:
    """Over the year 2025, some of them right at the bounds of the parts."""
    spread = [datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days=364) * number / count for number in range(count)]
    for number, bound in enumerate((FIRST, SECOND)):
        for step, milliseconds in enumerate((-1_000, -1, 0, 1, 900)):
            spread[number * 5 + step] = parse(bound) + timedelta(milliseconds=milliseconds)
    return spread


def inside(params: Params, at: datetime, *, after: str, before: str = "", inclusive: bool = False) -> bool:
    lower, upper = (parse(params[name]) if name in params else None for name in (after, before))
    if inclusive:
        return (lower is None or at >= lower) and (upper is None or at <= upper)
    return (lower is None or at > lower) and (upper is None or at < upper)


class Vendor:
    """Leads, events and replies that are filtered as documented; `ignored` filters give everything."""

    def __init__(self, api: Any, count: int = 40, size: int = 1_000, ignored: tuple[str, ...] = ()) -> None:
        self._size, self._ignored = size, ignored
        self.at = {f"{number}": at for number, at in enumerate(moments(count))}
        self.rows: dict[str, list[Record]] = {
            "leads": [{"id": key} for key in self.at],
            "events": [{"id": key, "event_at": milliseconds_z(at)} for key, at in self.at.items()],
            "replies": [{"id": key, "sent_at": milliseconds_z(at)} for key, at in self.at.items()],
        }
        api.serve("leads", self.answer("leads", after="updated_after"))
        api.serve("events", self.answer("events", after="start_at", before="end_at"))
        api.serve("campaigns", {"campaigns": [{"id": "c_1"}]})
        api.serve("campaigns/c_1/replies", self.answer("replies", after="start_at", before="end_at", inclusive=True))

    def answer(self, key: str, **filters: Any) -> Callable[[Params], Record]:
        def page(params: Params) -> Record:
            given = {name: value for name, value in params.items() if name not in self._ignored}
            rows = [dict(row) for row in self.rows[key] if inside(given, self.at[row["id"]], **filters)]
            number = int(params.get("page", 1))
            return {"has_more": number * self._size < len(rows), key: rows[(number - 1) * self._size :][: self._size]}

        return page


@pytest.mark.parametrize("size", [7, 1_000])
@pytest.mark.parametrize("stream", CURSORS)
def test_three_reads_that_touch_give_every_record_once(api: Any, stream: str, size: int) -> None:
    vendor = Vendor(api, size=size)
    reads = [api.read(stream, **part) for part in PARTS]
    together = Counter(row["id"] for records, _ in reads for row in records)
    assert together == Counter([*vendor.at])
    assert all(len(records) > 5 for records, _ in reads)
    # Leads show no time; a second is as exact as their filter is.
    slack = timedelta(seconds=1) if stream == "leads" else timedelta(0)
    assert all(vendor.at[row["id"]] < parse(FIRST) + slack for row in reads[0][0])
    assert all(parse(FIRST) - slack <= vendor.at[row["id"]] < parse(SECOND) for row in reads[1][0])


@pytest.mark.parametrize("stream", CURSORS)
def test_no_state_passes_the_end_and_going_on_from_it_brings_nothing_else(api: Any, stream: str) -> None:
    Vendor(api, size=7)
    records, state = api.read(stream, end_date=SECOND)
    assert parse(state[CURSORS[stream]]) == parse("2025-09-01T12:30:45Z")
    assert all(parse(each) <= parse(SECOND) for each in state.get("campaigns", {}).values())
    again, later = api.read(stream, state, end_date=SECOND)
    assert {row["id"] for row in again} <= {row["id"] for row in records}
    assert later == state


@pytest.mark.parametrize("stream", ["leads", "events"])
def test_a_state_at_the_end_asks_for_nothing(api: Any, stream: str) -> None:
    Vendor(api)
    state = {CURSORS[stream]: FIRST, "__v": 1}
    assert api.read(stream, state, end_date=FIRST) == ([], state)
    assert api.asked == []


@pytest.mark.parametrize("end", ["2099-12-31", "9999-12-31T23:59:59.999999Z"])
@pytest.mark.parametrize("stream", CURSORS)
def test_an_end_in_the_future_is_like_none(api: Any, stream: str, end: str) -> None:
    vendor = Vendor(api, size=7)
    records, state = api.read(stream, end_date=end)
    assert Counter(row["id"] for row in records) == Counter([*vendor.at])
    assert state[CURSORS[stream]][:15] == "2026-01-01T11:5"
    assert len(api.asked) < 60


def test_leads_that_changed_since_the_end_cost_a_walk_and_are_left_out(api: Any) -> None:
    vendor = Vendor(api)
    api.read("leads", start_date=FIRST, end_date=SECOND)
    assert [params.get("updated_after") for _, params in api.asked] == [
        "2100-01-01T00:00:00Z",
        "2025-09-01T12:30:44Z",
        "2025-05-31T23:59:59Z",
    ]
    assert vendor.at


def test_where_the_filter_of_leads_is_ignored_every_part_has_all_of_them_and_a_warning_says_so(api: Any) -> None:
    vendor = Vendor(api, ignored=("updated_after",))
    records, _ = api.read("leads", end_date=FIRST)
    assert Counter(row["id"] for row in records) == Counter([*vendor.at])
    assert any(
        "PersistIQ ignored updated_after, so that leads which changed after end_date" in line for line in api.logs
    )


@pytest.mark.parametrize("size", [7, 1_000])
@pytest.mark.parametrize("ignored", [("start_at",), ("end_at",), ("start_at", "end_at")])
def test_where_the_filters_of_events_are_ignored_the_parts_are_cut_by_the_times_that_events_show(
    api: Any, ignored: tuple[str, ...], size: int
) -> None:
    vendor = Vendor(api, size=size, ignored=ignored)
    together = Counter(row["id"] for part in PARTS for row in api.read("events", **part)[0])
    assert together == Counter([*vendor.at])


def test_an_event_that_is_filed_within_the_range_and_shows_a_later_time_leaves(api: Any) -> None:
    vendor = Vendor(api)
    vendor.rows["events"][20]["event_at"] = "2025-12-24T00:00:00Z"
    vendor.at["20"] = parse("2025-03-03T00:00:00Z")
    together = Counter(row["id"] for part in PARTS for row in api.read("events", **part)[0])
    assert together == Counter([*vendor.at])


def test_where_the_end_is_ignored_replies_beyond_it_are_left_out(api: Any) -> None:
    vendor = Vendor(api, ignored=("end_at",))
    together = Counter(row["id"] for part in PARTS for row in api.read("campaign_replies", **part)[0])
    assert together == Counter([*vendor.at])


def test_other_streams_are_read_whole(api: Any) -> None:
    api.serve("tags", {"tags": [{"id": "1"}]})
    assert len(api.read("tags", start_date="2020-01-01", end_date="2020-02-01")[0]) == 1
