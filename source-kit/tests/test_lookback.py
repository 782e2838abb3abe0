"""Two marks in a state: nothing is lost however late the index is, and a row that changed once leaves once."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from source_kit import lookback, timestamps
from source_kit.errors import ConfigError
from source_kit.lookback import Lookback
from source_kit.state import StateLedger
from source_kit.stream import TimeCursor
from source_kit.work import Start

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DEPTH = timedelta(hours=6)
EVERY = timedelta(hours=6)


class Index:
    """Rows by id, with their time and when the index shows them."""

    def __init__(self) -> None:
        self.rows: dict[int, tuple[datetime, datetime]] = {}

    def change(self, key: int, at: datetime, late: timedelta = timedelta(0)) -> None:
        self.rows[key] = (at, at + late)

    def since(self, lower: datetime | None, now: datetime) -> list[dict[str, Any]]:
        shown = [(at, key) for key, (at, shows) in self.rows.items() if shows <= now and (lower is None or at >= lower)]
        return [{"id": key, "at": timestamps.milliseconds_z(at)} for at, key in sorted(shown)]


class Syncs:
    """Reads one after the other, each from the state of the one before; what they emitted."""

    def __init__(
        self, index: Index, *, near_lag: timedelta = timedelta(0), every: timedelta = EVERY, **cursor: Any
    ) -> None:
        self.index = index
        self.near_lag, self.every = near_lag, every
        self.cursor = TimeCursor("at", None, DEPTH, **cursor)
        self.state: dict[str, Any] = {}
        self.emitted: Counter[tuple[int, str]] = Counter()
        self.looks_back: list[bool] = []

    def sync(self, now: datetime, page_size: int = 3) -> list[int]:
        ledger = StateLedger("at", True, self.state)
        start = ledger.start()
        read = Lookback("rows", self.cursor, start, every=self.every, now=now, near_lag=self.near_lag)
        self.looks_back.append(read.looks_back)
        rows, out = self.index.since(read.lower, now), []
        for first in range(0, len(rows), page_size):
            page = read.fresh(rows[first : first + page_size])
            out += page
            if page:
                ledger.reached(read.checkpoint(page[-1]["at"], now))
        ledger.reached(read.final(now))
        self.state = dict(ledger.final())
        self.emitted.update((row["id"], row["at"]) for row in out)
        return [row["id"] for row in out]


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def test_a_row_that_changed_once_leaves_once_however_often_the_sync_runs() -> None:
    index = Index()
    syncs = Syncs(index)
    index.change(1, NOON - timedelta(days=9))
    index.change(2, NOON - minutes(3))
    assert syncs.sync(NOON) == [1, 2]
    index.change(3, NOON + minutes(1))
    assert [syncs.sync(NOON + minutes(5 * n)) for n in range(1, 200)] == [[3], *[[]] * 198]
    assert sum(syncs.looks_back) == 3


def test_a_row_that_the_index_shows_six_hours_late_comes_with_the_next_look_back() -> None:
    index = Index()
    syncs = Syncs(index)
    index.change(1, NOON - minutes(3))
    syncs.sync(NOON)
    index.change(2, NOON + minutes(1), late=minutes(359))
    index.change(3, NOON + minutes(30))
    assert syncs.sync(NOON + minutes(60)) == [3]
    assert syncs.sync(NOON + minutes(359)) == []
    assert syncs.sync(NOON + minutes(361)) == [2]


@pytest.mark.parametrize(("age", "times"), [(minutes(3), 2), (timedelta(days=9), 1)])
def test_more_rows_of_one_instant_than_can_be_remembered_do_not_come_in_every_read(
    monkeypatch: pytest.MonkeyPatch, age: timedelta, times: int
) -> None:
    """As a change of a whole table leaves them."""
    monkeypatch.setattr(lookback, "MOST_REMEMBERED", 3)
    index = Index()
    syncs = Syncs(index, resolution=timestamps.SECOND)
    for key in range(5):
        index.change(key, NOON - age)
    # Of the same instant, and shown hours later.
    index.change(5, NOON - minutes(3), late=minutes(200))
    for n in range(150):
        syncs.sync(NOON + minutes(5 * n))
    index.change(6, NOON + minutes(750))
    assert syncs.sync(NOON + minutes(755)) == [6]
    assert [syncs.emitted[key, timestamps.milliseconds_z(NOON - age)] for key in range(5)] == [times] * 5
    assert syncs.emitted[5, timestamps.milliseconds_z(NOON - minutes(3))] == 1


@pytest.mark.parametrize("pause", [timedelta(seconds=15), minutes(5)])
@pytest.mark.parametrize("later", [0, 1])
@pytest.mark.parametrize("every", [timedelta(hours=1), EVERY])
def test_rows_of_one_instant_that_are_younger_than_the_near_lag_leave_twice_at_most(
    monkeypatch: pytest.MonkeyPatch, pause: timedelta, later: int, every: timedelta
) -> None:
    """With the next sync none, and with a look-back once more; `later` rows changed between them and the first read."""
    monkeypatch.setattr(lookback, "MOST_REMEMBERED", 3)
    index = Index()
    syncs = Syncs(index, near_lag=minutes(1), every=every, resolution=timestamps.SECOND)
    index.change(99, NOON - timedelta(days=1))
    syncs.sync(NOON - minutes(20))
    for key in range(5):
        index.change(key, NOON - timedelta(seconds=20))
    for key in range(5, 5 + later):
        index.change(key, NOON - timedelta(seconds=5))
    assert [len(syncs.sync(NOON + n * pause)) for n in range(8)] == [5 + later, *[0] * 7]
    for n in range(1, 60):
        syncs.sync(NOON + minutes(15 * n))
    assert [syncs.emitted[key, timestamps.milliseconds_z(NOON - timedelta(seconds=20))] for key in range(5)] == [2] * 5


@pytest.mark.parametrize("seconds", [25, 3])
def test_what_can_not_be_remembered_does_not_leave_again_for_the_near_lag(
    monkeypatch: pytest.MonkeyPatch, seconds: int
) -> None:
    """More changes between two syncs than are remembered, and with the shorter distance more within the near lag."""
    monkeypatch.setattr(lookback, "MOST_REMEMBERED", 10)
    index = Index()
    syncs = Syncs(index, near_lag=minutes(1), resolution=timestamps.SECOND)
    index.change(-1, NOON - timedelta(days=1))
    syncs.sync(NOON)
    count, sizes = 300 // seconds, []
    for n in range(4):
        for k in range(count):
            index.change(n * count + k, NOON + minutes(5 * n) + timedelta(seconds=seconds * k))
        sizes.append(len(syncs.sync(NOON + minutes(5 * n + 5))))
        assert len(syncs.state["__emitted"]) <= 10
    assert sizes == [count] * 4


def test_a_near_mark_moves_up_only_as_far_as_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """What shows seconds late comes with the next read still, as long as what is younger fits."""
    monkeypatch.setattr(lookback, "MOST_REMEMBERED", 10)
    index = Index()
    syncs = Syncs(index, near_lag=minutes(1), resolution=timestamps.SECOND)
    index.change(-1, NOON - timedelta(days=1))
    syncs.sync(NOON - minutes(5))
    for key in range(20):
        index.change(key, NOON - timedelta(seconds=4 * key + 2))
    index.change(20, NOON - timedelta(seconds=37), late=timedelta(seconds=60))
    index.change(21, NOON - timedelta(seconds=45), late=timedelta(seconds=60))
    assert len(syncs.sync(NOON)) == 20
    assert syncs.state["__near"] == syncs.state["__emitted_since"] == "2026-03-01T11:59:22.000000+00:00"
    assert syncs.sync(NOON + minutes(5)) == [20]
    assert 21 in syncs.sync(NOON + timedelta(hours=7))


def test_what_a_look_back_has_settled_and_its_deep_mark_begin_with_the_same_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Otherwise what is forgotten of the rest of that second leaves with this look-back, and with the next one."""
    monkeypatch.setattr(lookback, "MOST_REMEMBERED", 3)
    index, at = Index(), NOON + timedelta(milliseconds=200)
    syncs = Syncs(index, resolution=timestamps.SECOND)
    index.change(-1, NOON - timedelta(days=1))
    syncs.sync(NOON - minutes(1))
    for key in range(9):
        index.change(key, at + minutes(key))
        assert syncs.sync(at + minutes(key + 0.5)) == [key]
    assert 0 not in syncs.sync(NOON + timedelta(hours=6, milliseconds=500))
    assert 0 in syncs.sync(NOON + timedelta(hours=13))
    assert 0 not in syncs.sync(NOON + timedelta(hours=20))


def test_a_row_that_changes_again_within_its_second_is_not_taken_for_one_that_has_left() -> None:
    """Times are whole seconds: the second change shows the same one."""
    index = Index()
    syncs = Syncs(index, resolution=timestamps.SECOND)
    index.change(1, NOON)
    assert syncs.sync(NOON + timedelta(milliseconds=400)) == [1]
    assert syncs.sync(NOON + timedelta(seconds=2)) == [1]
    assert syncs.sync(NOON + timedelta(seconds=4)) == []


def test_no_mark_lies_within_the_second_in_which_a_read_began() -> None:
    """What changes in the rest of it shows the second's beginning."""
    index = Index()
    syncs = Syncs(index, resolution=timestamps.SECOND)
    # Of a clock that is ahead.
    index.change(1, NOON + timedelta(seconds=9), late=timedelta(seconds=-9))
    syncs.sync(NOON + timedelta(milliseconds=400))
    assert syncs.state["__near"] == "2026-03-01T12:00:00.000000+00:00"
    index.change(2, NOON)
    assert 2 in syncs.sync(NOON + timedelta(seconds=2))


def test_the_state_is_the_deep_mark_so_that_other_versions_lose_nothing() -> None:
    index = Index()
    syncs = Syncs(index)
    index.change(1, NOON - minutes(3))
    syncs.sync(NOON)
    assert syncs.state == {
        "at": "2026-03-01T06:00:00.000000+00:00",
        "__near": "2026-03-01T11:57:00.000Z",
        "__looked_back_at": "2026-03-01T12:00:00Z",
        "__emitted": [lookback.fingerprint({"id": 1}, "2026-03-01T11:57:00.000Z")],
        "__emitted_since": "2026-03-01T06:00:00.000000+00:00",
        "__v": 1,
    }


def test_an_account_at_rest_emits_nothing_again_and_keeps_its_marks() -> None:
    index = Index()
    syncs = Syncs(index)
    index.change(1, NOON - timedelta(days=9))
    index.change(2, NOON - timedelta(days=9))
    assert syncs.sync(NOON) == [1, 2]
    assert [syncs.sync(NOON + timedelta(hours=7 * n)) for n in range(1, 4)] == [[], [], []]
    assert (syncs.state["at"], syncs.state["__near"]) == ("2026-02-20T12:00:00.000Z", "2026-02-20T12:00:00.000Z")


def test_no_mark_passes_the_end_date() -> None:
    index = Index()
    syncs = Syncs(index, end_date=NOON - timedelta(days=1))
    index.change(1, NOON - minutes(3))
    syncs.sync(NOON)
    assert (syncs.state["at"], syncs.state["__near"]) == ("2026-02-28T12:00:00.000000+00:00",) * 2


def test_more_changes_than_can_be_remembered_leave_twice_at_the_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookback, "MOST_REMEMBERED", 10)
    index = Index()
    syncs = Syncs(index)
    for n in range(0, 2000, 5):
        index.change(n, NOON + minutes(n), late=minutes(300 if n % 7 == 0 else 0))
        syncs.sync(NOON + minutes(n + 1))
    for n in range(4):
        syncs.sync(NOON + timedelta(days=2, hours=7 * n))
    assert len(syncs.emitted) == 400
    assert max(syncs.emitted.values()) == 2
    assert len(syncs.state["__emitted"]) <= 10


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.one_of(st.just(0), st.integers(1, 60), st.integers(61, 5_400)),
            st.integers(0, 25),
            st.one_of(st.just(0), st.integers(1, 90), st.integers(91, 21_600)),
            st.one_of(st.none(), st.integers(1_000, 70_000)),
        ),
        min_size=1,
        max_size=60,
    ),
    st.sampled_from([3, 10, 5_000]),
    st.sampled_from([0, 60, 600]),
    st.sampled_from([0, 1, 6]),
    st.sampled_from([timestamps.MILLISECOND, timestamps.SECOND]),
)
def test_nothing_is_lost_and_no_version_leaves_three_times_whatever_changes_and_whenever_it_shows(
    steps: list[tuple[int, int, int, int | None]],
    most: int,
    near_seconds: int,
    every_hours: int,
    resolution: timedelta,
) -> None:
    """A step: seconds until a row changes, the row, the seconds until the index shows it, and the milliseconds until a
    sync follows, at least the second in which the row could change again and show the same time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lookback, "MOST_REMEMBERED", most)
        index, now = Index(), NOON
        near_lag, every = timedelta(seconds=near_seconds), timedelta(hours=every_hours)
        syncs = Syncs(index, near_lag=near_lag, every=every, resolution=resolution)
        for pause, key, late, read_after in steps:
            now += timedelta(seconds=pause)
            index.change(key, now, late=timedelta(seconds=late))
            if read_after is not None:
                now += timedelta(milliseconds=read_after)
                syncs.sync(now)
                assert len(syncs.state.get("__emitted", [])) <= most
        for n in range(1, 5):
            syncs.sync(now + timedelta(hours=7 * n))
    last = {(key, timestamps.milliseconds_z(at)) for key, (at, _) in index.rows.items()}
    assert last <= syncs.emitted.keys()
    assert max(syncs.emitted.values()) <= (1 if most == 5_000 else 2)


def test_a_mark_in_the_future_counts_for_nothing() -> None:
    index = Index()
    syncs = Syncs(index)
    index.change(1, NOON)
    syncs.sync(NOON)
    syncs.state["__looked_back_at"] = "2031-01-01T00:00:00Z"
    syncs.sync(NOON + minutes(5))
    assert syncs.looks_back == [True, True]


@pytest.mark.parametrize(
    ("wrong", "what"),
    [({"__near": "soon"}, "no valid time in __near"), ({"__emitted": "x"}, "no list of strings in __emitted")],
)
def test_a_broken_state_is_refused_by_name(wrong: dict[str, Any], what: str) -> None:
    with pytest.raises(ConfigError, match=what):
        Lookback("rows", TimeCursor("at", None, DEPTH), Start(True, wrong), every=EVERY, now=NOON)


def test_rows_without_a_time_leave_and_are_not_remembered() -> None:
    read = Lookback("rows", TimeCursor("at", None, DEPTH), Start(True), every=EVERY, now=NOON)
    rows: list[dict[str, Any]] = [{"id": 1, "at": None}, {"id": 2, "at": "soon"}]
    assert read.fresh(rows) == rows
    assert read.final(NOON) == {"__looked_back_at": "2026-03-01T12:00:00Z"}
