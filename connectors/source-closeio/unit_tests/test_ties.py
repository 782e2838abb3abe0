"""The second reading of one instant, by another way than searching."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from source_closeio.ties import InOtherWay, OtherWay, fetch_again
from source_kit.errors import TransientError
from source_kit.windows import Fetched, WalkExpired, Window
from source_kit.work import Plan, Record

INSTANT = datetime(2026, 3, 1, 10, tzinfo=UTC)
TIED = {"id": "cont_1", "date_updated": "2026-03-01T10:00:00.000400+00:00", "date_created": "2026-01-01T00:00:00Z"}
OTHER = {**TIED, "id": "cont_2", "date_updated": "2026-03-01T10:00:01+00:00"}
WINDOW = Window(within=INSTANT, descending=True)


class List(OtherWay):
    """A list in pages; the number of a page is its token."""

    words = "reading the whole list instead"

    def __init__(self, pages: Sequence[Sequence[Record]]) -> None:
        self.answers = pages
        self.asked: list[Any] = []

    def fetch_window(self, window: Window, token: Any = None) -> Fetched:
        self.asked.append(token)
        number = token or 0
        records = self.answers[min(number, len(self.answers) - 1)]
        return Fetched(records, INSTANT, number + 1 if number + 1 < len(self.answers) else None)

    def walk(self, window: Window) -> Plan:
        raise NotImplementedError


def search(window: Window, token: Any = None, *, count: bool = False, limit: int | None = None) -> Fetched:
    raise WalkExpired


def test_pages_without_a_row_of_the_instant_are_passed_and_each_is_asked_for_once() -> None:
    pages = List([*[[OTHER]] * 70, [OTHER, TIED], [OTHER]])
    found = fetch_again(search, pages, WINDOW, InOtherWay())
    assert (found.records, found.token, found.size) == ([TIED], InOtherWay(71), 1)
    assert pages.asked == [None, *range(1, 71)]
    last = fetch_again(search, pages, WINDOW, found.token)
    assert (last.records, last.token) == ([], None)


@pytest.mark.parametrize("odd", [{"date_updated": None}, {"date_updated": "soon"}, {"date_created": ""}])
def test_a_row_without_usable_times_is_taken_along(odd: Record) -> None:
    row = {**TIED, **odd}
    window = replace(WINDOW, lower=datetime(2026, 1, 1, tzinfo=UTC), upper=datetime(2026, 1, 2, tzinfo=UTC))
    assert fetch_again(search, List([[row, OTHER]]), window, InOtherWay()).records == [row]


def test_rows_that_are_no_objects_make_the_count_of_the_instant_no_proof() -> None:
    class Holed(List):
        def fetch_window(self, window: Window, token: Any = None) -> Fetched:
            return Fetched([TIED, OTHER], INSTANT, rows=3)

    found = fetch_again(search, Holed([]), WINDOW, InOtherWay())
    assert (found.records, found.size) == ([TIED], 2)


def test_pages_without_any_row_end_loudly() -> None:
    class Endless(List):
        def fetch_window(self, window: Window, token: Any = None) -> Fetched:
            return Fetched((), INSTANT, (token or 0) + 1, rows=1)

    with pytest.raises(TransientError, match="gives none that are new"):
        fetch_again(search, Endless([]), WINDOW, InOtherWay())
