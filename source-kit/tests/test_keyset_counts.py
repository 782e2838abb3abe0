"""What a keyset walk makes of counts: capped, equal to their cap, too high, too low."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from source_kit import count, tokens
from source_kit.errors import ConnectorFault
from source_kit.keyset import Keyset
from source_kit.walks import walk
from source_kit.windows import Fetched, WalkExpired, Window
from source_kit.work import Page, in_order
from tests.moving_rows import START, Collection, check, collections, read, rows_of, text, versions


@settings(max_examples=100)
@given(collections(count_cap=20), st.sampled_from([0.0, 0.3]))
def test_capped_counts_plan_but_do_not_prove_the_end(collection: Collection, drift: float) -> None:
    collection.drift = drift
    with pytest.MonkeyPatch.context() as patch:
        for module in (count, tokens):
            patch.setattr(module, "TRUSTED_COUNT", 20)
        reading = read(collection)
    check(collection, reading)


@pytest.mark.parametrize("rows", [19, 20, 25, 35])
def test_a_count_and_a_walk_that_end_at_the_same_cap_prove_nothing(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (count, tokens):
        monkeypatch.setattr(module, "TRUSTED_COUNT", 20)
    collection = Collection({row: (5, 5) for row in range(rows)}, page_size=5, count_cap=20, early_null=20)
    reading = read(collection)
    assert reading.error is None
    check(collection, reading)


def test_more_rows_than_both_ends_of_a_capped_walk_reach_end_loudly(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (count, tokens):
        monkeypatch.setattr(module, "TRUSTED_COUNT", 20)
    reading = read(Collection({row: (5, 5) for row in range(45)}, page_size=5, count_cap=20, early_null=20))
    assert isinstance(reading.error, ConnectorFault)
    assert "fewer records than it counted" in str(reading.error)
    assert reading.checkpoints == []


@pytest.mark.parametrize("lower", [None, text(200_000)])
@pytest.mark.parametrize("seed", range(1, 6))
def test_a_window_without_order_whose_count_is_capped_is_read_in_halves(seed: int, lower: str | None) -> None:
    """150 rows, of which a query counts 40 and yields 40. Two are younger than the server's own time."""
    collection = Collection(rows_of(150, "spread", seed), page_size=5, seed=seed, order="none", count_cap=40, depth=40)
    collection.now = sorted(at for at, _ in collection.rows.values())[-3]
    reading = read(collection, lower, knows_cap=True)
    assert not collection.seemed_ordered
    assert reading.error is None
    assert sorted(reading.rows) == sorted(versions(collection, lower))
    assert collection.requests < 150


def test_an_instant_without_order_whose_count_is_capped_is_walked_through() -> None:
    """It cannot be halved."""
    rows = {row: (5 if row else 900, 5) for row in range(61)}
    reading = read(Collection(rows, page_size=5, order="none", count_cap=40), knows_cap=True)
    assert (reading.error, sorted(reading.ids)) == (None, list(range(61)))


def test_more_than_ten_thousand_rows_of_one_instant_are_read_from_both_ends() -> None:
    rows = {row: (5, 5) for row in range(10_050)}
    reading = read(Collection(rows, page_size=500, count_cap=10_000, depth=10_000))
    assert reading.error is None
    assert sorted(reading.ids) == list(range(10_050))


class Instant:
    """An API whose rows share one instant. A walk through them is (its count, its pages of ids); None stands for a
    token that has expired. Walks follow each other as a test wrote them, the last one for ever."""

    def __init__(self, *walks: tuple[int | None, list[list[int] | None]]) -> None:
        self.walks = list(walks)
        self.asked: list[tuple[bool, int]] = []

    def fetch(self, window: Window, token: Any = None, *, count: bool = False, limit: int | None = None) -> Fetched:
        if window.lower is None and window.upper is None:
            return self._page(self.walks[0], 0)
        if window.lower != START:
            return Fetched((), START, None, 0)
        assert len(self.asked) < 1000, "the walk does not end"
        self.asked.append((window.descending, token or 0))
        if token is None and len(self.asked) > 1 and len(self.walks) > 1:
            self.walks.pop(0)
        return self._page(self.walks[0], token or 0)

    def _page(self, walk: tuple[int | None, list[list[int] | None]], number: int) -> Fetched:
        total, pages = walk
        ids = pages[number]
        if ids is None:
            raise WalkExpired
        rows = [{"id": row, "at": text(0)} for row in ids]
        following = number + 1 if number + 1 < len(pages) else None
        return Fetched(rows, START + timedelta(days=1), following, None if number else total)

    def read(self) -> tuple[list[int], list[Page]]:
        pages = list(in_order(walk(Keyset(self.fetch, "at", 3), Window())))
        return sorted(record["id"] for page in pages for record in page.records), [page for page in pages if page.holds]


def test_the_way_back_that_meets_the_way_forth_proves_what_a_capped_count_cannot() -> None:
    forth = [(10_000, [[1, 2, 3], None])] * 6
    instant = Instant(*forth, (10_000, [[6, 5, 4], [3, 2, 1], [0]]))
    assert instant.read() == ([1, 2, 3, 4, 5, 6], [])
    assert instant.asked[-2:] == [(True, 0), (True, 1)]


def test_an_exact_count_beyond_the_cap_is_proven_by_one_walk() -> None:
    rows = list(range(10_001))
    instant = Instant((10_001, [rows[first : first + 501] for first in range(0, 10_001, 501)]))
    assert instant.read() == (rows, [])
    assert len(instant.asked) == 20


def test_fewer_rows_than_a_capped_count_tells_are_never_taken_for_all() -> None:
    """Every walk ends in the same place, from both ends: the vendor may stop there."""
    with pytest.raises(ConnectorFault, match="fewer records than it counted"):
        Instant((10_000, [[1, 2, 3], [4, 5]])).read()


def test_walks_that_each_bring_a_part_are_complete_together() -> None:
    instant = Instant((4, [[1, 2, 3], [2]]), (4, [[4, 2, 3], [2]]))
    assert instant.read() == ([1, 2, 3, 4], [])
    assert len(instant.asked) == 4


def test_a_walk_that_brings_all_that_it_counted_is_complete_although_earlier_ones_counted_more() -> None:
    instant = Instant((5, [[1, 2, 3], [4]]), (4, [[1, 2, 3], [4]]))
    assert instant.read() == ([1, 2, 3, 4], [])
    assert len(instant.asked) == 4


def test_rows_of_earlier_walks_that_may_be_gone_prove_nothing_against_a_lower_count() -> None:
    """Of 5 the first walk brought 4. Then 1 and 2 were gone, and the second brought 2 of 3: the 5 is still missing."""
    instant = Instant((5, [[1, 2, 3], [4]]), (3, [[3, 4], []]), (3, [[3, 4, 5]]))
    assert instant.read() == ([1, 2, 3, 4, 5], [])


def test_a_short_answer_behind_an_instant_of_several_pages_is_gone_on_with_where_rows_are_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = {row: (at, 0) for row, at in enumerate([0, 0, 0, 0, 10, 20, 30, 40])}
    collection = Collection(rows, page_size=3)
    fetch, cut = collection.fetch, list[Window]()

    def cut_once(window: Window, token: Any = None, *, count: bool = False, limit: int | None = None) -> Fetched:
        fetched = fetch(window, token, count=count, limit=limit)
        is_first = fetched.records[:1] == [collection.record(4)] and len(fetched.records) == 3
        if not is_first or cut:
            return fetched
        cut.append(window)
        return Fetched(fetched.records[:1], fetched.asked_at, None, fetched.total)

    monkeypatch.setattr(collection, "fetch", cut_once)
    assert sorted(read(collection).ids) == list(range(8))


def test_what_lies_within_one_step_of_the_filter_is_not_halved_any_more() -> None:
    """50 rows without order in one second, where the API filters by seconds and counts 40 at most."""
    collection = Collection(
        {row: (row * 19 % 50 + 300, 0) for row in range(50)}, page_size=5, order="none", count_cap=40
    )
    keyset = Keyset(collection.fetch, "at", 5, step=timedelta(seconds=1), count_cap=40)
    assert sorted(record["id"] for page in in_order(walk(keyset, Window())) for record in page.records) == list(
        range(50)
    )
