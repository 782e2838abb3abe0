"""Keyset walks over rows that move while they are read, with the pieces of each plan side by side in every order: reads
come to their end, nothing is lost, and every state is safe."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from source_kit.testing import SideBySide
from source_kit.walks import walk
from source_kit.windows import Fetched, Window
from source_kit.work import in_order
from tests.moving_rows import (
    LONG,
    Collection,
    Reading,
    check,
    check_states,
    collections,
    ended_loudly,
    keyset_of,
    moment,
    read,
    rows_of,
    some_time,
    text,
    versions,
)


def check_quiet(collection: Collection, *, with_tie: bool) -> None:
    """Every row from some time on comes once, and the state at the end is that of the newest."""
    lower = some_time(collection)
    reading = read(collection, lower, with_tie=with_tie)
    assert sorted(reading.rows) == sorted(versions(collection, lower))
    check(collection, reading, lower)
    newest = [(len(reading.rows), max(at for _, at in reading.rows))] if reading.rows else []
    assert reading.checkpoints[-1:] == newest


@settings(max_examples=250)
@given(collections(), st.booleans())
def test_every_row_of_a_quiet_collection_is_emitted_exactly_once(collection: Collection, with_tie: bool) -> None:
    check_quiet(collection, with_tie=with_tie)


@settings(max_examples=30)
@given(collections(sizes=LONG), st.booleans())
def test_every_row_of_a_long_collection_is_emitted_exactly_once(collection: Collection, with_tie: bool) -> None:
    check_quiet(collection, with_tie=with_tie)


@settings(max_examples=250)
@given(collections(), st.sampled_from([0.1, 0.5, 1.0]), st.booleans())
def test_no_row_is_lost_while_rows_are_changed_created_and_deleted(
    collection: Collection, drift: float, with_tie: bool
) -> None:
    lower = some_time(collection)
    collection.drift = drift if collection.order == "asked" else min(drift, 0.5)
    check(collection, read(collection, lower, with_tie=with_tie), lower)


@settings(max_examples=40)
@given(collections(sizes=LONG), st.sampled_from([0.1, 0.5, 1.0]), st.booleans())
def test_no_row_of_a_long_collection_is_lost_while_rows_move(
    collection: Collection, drift: float, with_tie: bool
) -> None:
    lower = some_time(collection)
    collection.drift = drift if collection.order == "asked" else min(drift, 0.5)
    check(collection, read(collection, lower, with_tie=with_tie), lower)


@settings(max_examples=60)
@given(collections(sizes=st.one_of(st.integers(0, 80), LONG)), st.sampled_from([0.0, 0.1, 0.5]))
def test_syncs_that_go_on_from_any_state_emit_the_last_version_of_every_row(
    collection: Collection, drift: float
) -> None:
    lower = some_time(collection)
    collection.drift = drift
    first = read(collection, lower)
    check_states(collection, first, lower)
    if ended_loudly(collection, first):
        return
    collection.drift = 0.0
    stops = [(0, lower), *first.checkpoints]
    for position, value in random.Random(collection.seed).sample(stops, min(3, len(stops))):
        again = read(collection, value)
        assert versions(collection, lower) <= {*first.rows[:position], *again.rows}


@pytest.mark.parametrize("seed", range(4))
def test_a_long_read_from_the_newest_down_gives_no_state_before_all_older_windows_are_out(seed: int) -> None:
    """400 rows from a state on, eight windows, each going down: only the last one's end is past all of them."""
    collection = Collection(rows_of(400, "spread", seed), page_size=5, seed=seed, order="newest", count_cap=None)
    lower = sorted(versions(collection), key=lambda row: row[1])[20][1]
    reading = read(collection, lower)
    check(collection, reading, lower)
    newest = max(at for at, _ in collection.rows.values())
    assert reading.checkpoints[-1] == (380, text(newest))
    assert all(value < text(newest) for _, value in reading.checkpoints[:-1])


@pytest.mark.parametrize("seed", range(4))
def test_rows_that_rise_above_a_walk_from_the_newest_down_are_left_to_the_next_read(seed: int) -> None:
    """They are counted, but no walk of this read can meet them: that is no reason to fail."""
    collection = Collection(rows_of(60, "spread", seed), page_size=5, seed=seed, order="newest", drift=0.3)
    first = read(collection)
    assert (first.error, first.warnings) == (None, [])
    check(collection, first)
    collection.drift = 0.0
    assert versions(collection) <= {*first.rows, *read(collection, first.checkpoints[-1][1]).rows}


@pytest.mark.parametrize("count_cap", [None, 10**9])
def test_where_the_newest_come_first_and_changed_just_now_the_older_ones_are_read_too(count_cap: int | None) -> None:
    """The first page changed within the lag, so that its order tells nothing."""
    rows = {row: (at, 0) for row, at in enumerate([0, 10, 20, 30, 5_000, 5_001, 5_002])}
    collection = Collection(rows, page_size=3, order="newest", count_cap=count_cap)
    collection.now = 5_003
    reading = read(collection)
    assert (sorted(reading.ids), reading.error, reading.warnings) == ([0, 1, 2, 3, 4, 5, 6], None, [])


def test_a_short_page_of_one_row_does_not_hide_that_the_newest_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = {row: (at, 0) for row, at in enumerate([0, 10, 20, 20, 20, 20])}
    collection = Collection(rows, page_size=3, order="newest")
    whole, asked = collection.fetch, []

    def cut_once(window: Window, token: Any = None, *, count: bool = False, limit: int | None = None) -> Fetched:
        fetched = whole(window, token, count=count, limit=limit)
        asked.append(window)
        return replace(fetched, records=fetched.records[:1], token=None) if len(asked) == 1 else fetched

    monkeypatch.setattr(collection, "fetch", cut_once)
    assert sorted(read(collection).ids) == [0, 1, 2, 3, 4, 5]


def test_a_row_of_an_instant_that_changed_just_now_does_not_carry_the_state_along(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two pages share the instant 0; one of their rows changed at 60, and is found at 0 still. Some requests later 60
    lies further back than the lag, but what changed before it has not been read."""
    rows = {row: (at, 0) for row, at in enumerate([0, 0, 0, 0, 60, 1, 2, 3, 4, 5, 6, 55])}
    collection = Collection(rows, page_size=3, count_cap=None, placed={4: (0, 101)})
    collection.now = 62
    fetch = collection.fetch

    def slowly(window: Window, token: Any = None, *, count: bool = False, limit: int | None = None) -> Fetched:
        collection.now += 8
        return fetch(window, token, count=count, limit=limit)

    monkeypatch.setattr(collection, "fetch", slowly)
    reading = read(collection)
    assert reading.checkpoints[0] == (8, text(3))
    check_states(collection, reading)


def test_what_the_index_may_still_hide_lies_in_the_window_that_is_read_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """Row 101 is older than row 100 but comes into the index later, when the newest of the windows has been read."""
    rows = {row: (row * 10, 0) for row in range(100)} | {100: (4_990, 0), 101: (4_980, 0)}
    collection = Collection(rows, page_size=5, count_cap=None, placed={101: (None, 5_040)})
    collection.now = 5_000
    fetch = collection.fetch

    def slowly(window: Window, token: Any = None, *, count: bool = False, limit: int | None = None) -> Fetched:
        collection.now += 4
        return fetch(window, token, count=count, limit=limit)

    monkeypatch.setattr(collection, "fetch", slowly)
    plan = SideBySide(walk(keyset_of(collection), Window()), lambda able: able[-1]).run()
    reading = Reading(error=plan.error).add(plan.pages)
    check(collection, reading)
    assert reading.checkpoints[-1] == (102, text(4_990))


def test_a_window_goes_on_behind_a_page_of_rows_that_stand_where_they_stood_before_they_changed() -> None:
    """Rows 1 and 2 changed at 990 and are found at 10 and 20 still: nobody may go on from 990."""
    rows = {0: (0, 0), 1: (990, 0), 2: (990, 0), 3: (30, 0), 4: (40, 0), 5: (50, 0)}
    collection = Collection(rows, page_size=2, count_cap=None, placed={1: (10, 1_040), 2: (20, 1_040)})
    collection.now = 1_000
    window = Window(moment(0), moment(60))
    assert sorted(row["id"] for page in in_order(walk(keyset_of(collection), window)) for row in page.records) == [
        0,
        1,
        2,
        3,
        4,
        5,
    ]


@pytest.mark.parametrize("count_cap", [None, 10**9])
@pytest.mark.parametrize("tied", [1, 7])
def test_an_older_row_that_comes_late_into_the_index_does_not_hide_the_newer_ones(
    count_cap: int | None, tied: int
) -> None:
    """All rows changed within the lag, some at once; row 60 is older, and not yet there when the first page is asked
    for."""
    rows = {row: (1_000 + max(0, row - tied) // 2, 0) for row in range(60)} | {60: (990, 0)}
    collection = Collection(rows, page_size=5, count_cap=count_cap, placed={60: (None, 1_033)})
    collection.now = 1_031
    reading = read(collection, text(900))
    assert (sorted(set(reading.ids)), reading.warnings, reading.error) == (list(range(61)), [], None)


@settings(max_examples=100)
@given(collections(sizes=st.one_of(st.integers(0, 80), LONG)), st.sampled_from([0.1, 0.5]), st.booleans())
def test_an_index_that_lags_behind_the_rows_hides_none(collection: Collection, drift: float, with_tie: bool) -> None:
    """What changed stands at its old place for 40 ms, with its new time; states stay 50 ms behind."""
    lower = some_time(collection)
    collection.drift, collection.index_lag = drift, 40
    first = read(collection, lower, with_tie=with_tie)
    check_states(collection, first, lower)
    if ended_loudly(collection, first):
        return
    collection.drift = 0.0
    collection.now += 100
    last = first.checkpoints[-1][1] if first.checkpoints else lower
    again = read(collection, last)
    assert versions(collection, lower) <= {*first.rows, *again.rows}


@settings(max_examples=150)
@given(collections(count_cap=10**9), st.sampled_from([0.1, 0.15]), st.booleans())
def test_answers_that_lose_rows_and_their_link_are_gone_on_with_where_rows_are_counted(
    collection: Collection, shorten: float, with_tie: bool
) -> None:
    collection.shorten = shorten
    reading = read(collection, with_tie=with_tie)
    check_states(collection, reading)
    if ended_loudly(collection, reading):
        return
    missing = versions(collection) - set(reading.rows)
    assert len(reading.rows) == len(set(reading.rows))
    assert bool(missing) == bool(reading.warnings)


@settings(max_examples=150)
@given(collections(count_cap=10**9), st.integers(1, 40), st.booleans())
def test_a_walk_that_ends_too_early_by_its_token_is_gone_on_with(
    collection: Collection, early_null: int, with_tie: bool
) -> None:
    collection.early_null = early_null
    reading = read(collection, with_tie=with_tie)
    check_states(collection, reading)
    if ended_loudly(collection, reading):
        # An instant of which each end shows a part, and neither all of it.
        assert collection.tied > 2 * early_null
        return
    missing = versions(collection) - set(reading.rows)
    assert len(reading.rows) == len(set(reading.rows))
    # Where every walk says that they are not there, they are told, and looked for again by the next read.
    assert bool(missing) == bool(reading.warnings)


@settings(max_examples=150)
@given(collections(), st.sampled_from([0.2, 0.6, 1.0]), st.integers(3, 40))
def test_expiring_and_shallow_tokens_cost_requests_but_no_rows(
    collection: Collection, expire: float, depth: int
) -> None:
    collection.expire, collection.depth = expire, depth
    reading = read(collection)
    check_states(collection, reading)
    if not ended_loudly(collection, reading):
        assert sorted(reading.rows) == sorted(versions(collection))


@settings(max_examples=150)
@given(collections(order="none"), st.sampled_from([0.0, 0.3]))
def test_a_server_without_order_is_walked_by_its_tokens(collection: Collection, drift: float) -> None:
    collection.drift = drift
    reading = read(collection)
    if not collection.seemed_ordered:
        check(collection, reading)


@pytest.mark.parametrize("seed", range(60))
def test_an_order_that_never_turns_is_not_taken_for_the_way_back(seed: int) -> None:
    collection = Collection(
        rows_of(60, "spread", seed), page_size=5, seed=seed, order="none", tokens="row", count_cap=None, expire=0.1
    )
    collection.drift = 0.4
    reading = read(collection)
    if not collection.seemed_ordered:
        check(collection, reading)
