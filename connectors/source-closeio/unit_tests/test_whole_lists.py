"""Whole lists by offset: pages overlap by one row, so that a row that shifts is noticed."""

from __future__ import annotations

import random
import weakref
from collections.abc import Callable
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from source_closeio.endpoints import ListAsk, ListEndpoint
from source_closeio.fetcher import ListFetcher
from source_kit.client import HttpClient
from source_kit.errors import ConnectorFault, TransientError
from source_kit.fetcher import Answer
from source_kit.testing import NOON
from source_kit.work import Record


class Served(ListFetcher):
    """Asks for pages that the test makes of the number of the first row."""

    def __init__(self, serve: Callable[[int], Answer]) -> None:
        super().__init__(cast(HttpClient, None), ListEndpoint("role/"), "roles")
        self.serve = serve

    def fetch(self, asked: ListAsk) -> Answer:
        return self.serve(asked.skip)


def answer(rows: list[Record], has_more: bool, size: int = 0) -> Answer:
    return Answer(rows, {"has_more": has_more}, NOON, size or len(rows))


def of_ids(ids: list[int], has_more: bool) -> Answer:
    return answer([{"id": row} for row in ids], has_more)


class Rows:
    """A list served by offset; `before` may change it before each request."""

    def __init__(self, ids: list[int], page_size: int) -> None:
        self.ids = ids
        self.page_size = page_size
        self.asked: list[int] = []

    def fetch(self, skip: int) -> Answer:
        self.before(len(self.asked))
        self.asked.append(skip)
        page = self.ids[skip : skip + self.page_size]
        return of_ids(page, skip + len(page) < len(self.ids))

    def before(self, number: int) -> None:
        """Nothing changes."""


def emitted(rows: Rows) -> list[int]:
    return [record["id"] for page in Served(rows.fetch).rows() for record in page.records]


def test_one_short_page_takes_one_request() -> None:
    rows = Rows([1, 2, 3], 10)
    assert emitted(rows) == [1, 2, 3]
    assert rows.asked == [0]


def test_an_empty_list_emits_nothing() -> None:
    assert emitted(Rows([], 10)) == []


def test_each_page_begins_with_the_last_row_of_the_one_before() -> None:
    rows = Rows([1, 2, 3, 4, 5], 3)
    assert emitted(rows) == [1, 2, 3, 4, 5]
    assert rows.asked == [0, 2]


def test_pages_of_one_row_go_on_without_overlap() -> None:
    rows = Rows([1, 2, 3], 1)
    assert emitted(rows) == [1, 2, 3]
    assert rows.asked == [0, 1, 2]


def test_a_row_deleted_between_pages_does_not_hide_the_next_one() -> None:
    rows = Rows([1, 2, 3, 4, 5, 6], 3)
    rows.before = lambda number: rows.ids.remove(1) if number == 1 else None  # type: ignore[method-assign]
    assert emitted(rows) == [1, 2, 3, 4, 5, 6]
    assert rows.asked == [0, 2, 0, 2]


def test_a_row_inserted_at_the_start_is_emitted_and_nothing_twice() -> None:
    rows = Rows([2, 3, 4, 5, 6], 3)
    rows.before = lambda number: rows.ids.insert(0, 1) if number == 1 else None  # type: ignore[method-assign]
    assert emitted(rows) == [2, 3, 4, 1, 5, 6]


def test_a_list_that_never_rests_ends_loudly() -> None:
    rows = Rows(list(range(100)), 3)
    rows.before = lambda number: rows.ids.insert(0, -number - 1)  # type: ignore[method-assign]
    with pytest.raises(ConnectorFault, match="Nothing was skipped silently"):
        emitted(rows)


def test_a_server_that_says_more_and_gives_nothing_ends_loudly_instead_of_asking_for_ever() -> None:
    asked: list[int] = []

    def fetch(skip: int) -> Answer:
        asked.append(skip)
        return of_ids([1, 2] if skip == 0 else [], True)

    with pytest.raises(TransientError, match="gives none that are new"):
        list(Served(fetch).rows())
    assert asked == [0, 1, 1, 1]


@pytest.mark.parametrize("page", [[{"id": 1}], []], ids=["one row", "rows that are no objects"])
def test_pages_that_cannot_overlap_and_never_bring_anything_new_end_loudly(page: list[Any]) -> None:
    with pytest.raises(TransientError, match="gives none that are new"):
        list(Served(lambda skip: answer(page, True, size=1)).rows())


@given(st.integers(0, 40), st.integers(1, 7), st.integers(0, 10**6), st.sampled_from([0.0, 0.2, 0.6]))
def test_rows_that_stay_are_emitted_exactly_once_or_the_end_is_loud(
    size: int, page_size: int, seed: int, drift: float
) -> None:
    # A page of one row has no room for the overlap that notices a shift.
    if drift and page_size == 1:
        return
    chance = random.Random(seed)
    rows = Rows(list(range(size)), page_size)
    gone: set[int] = set()

    def change(number: int) -> None:
        if chance.random() >= drift:
            return
        if chance.random() < 0.5 and rows.ids:
            gone.add(chance.choice(rows.ids))
            rows.ids = [row for row in rows.ids if row not in gone]
        else:
            rows.ids.insert(chance.randint(0, len(rows.ids)), 1000 + number)

    rows.before = change  # type: ignore[method-assign]
    try:
        found: list[Any] = emitted(rows)
    except ConnectorFault:
        return
    assert sorted(found) == sorted(set(found))
    assert {row for row in range(size) if row not in gone} <= set(found)


class Row(dict[str, int]):
    """A record of which it can be told whether it is still in memory."""


def test_a_list_that_waits_for_its_turn_holds_no_record_that_has_left() -> None:
    pages = Served(lambda skip: answer([Row(id=skip), Row(id=skip + 1)], True)).rows()
    left = [weakref.ref(cast(Row, next(pages).records[0])) for _ in range(2)]
    assert [each() for each in left] == [None, None]
