"""Pages that an API announces are followed, whatever they hold, and circles end."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from typing import Any

import pytest

from source_kit.errors import TransientError
from source_kit.pages import every, with_rows
from source_kit.testing import NOON
from source_kit.windows import Fetched


class Row(dict[str, Any]):
    """A record that can be watched."""


class Vendor:
    """Answers by token: rows and the next token; a list of answers is given one after the other."""

    def __init__(self, answers: Mapping[Any, Any]) -> None:
        self.answers = answers
        self.asked: list[Any] = []

    def __call__(self, token: Any) -> Fetched:
        self.asked.append(token)
        answer = self.answers[token]
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        rows, following = answer
        return Fetched([{"id": row} for row in rows], NOON, following)


def ids(vendor: Vendor) -> list[Any]:
    return [record["id"] for page in every(vendor) for record in page.records]


def test_an_empty_page_with_a_link_is_not_the_end() -> None:
    vendor = Vendor({None: ("ab", 1), 1: ("", 2), 2: ("", 3), 3: ("c", None)})
    assert ids(vendor) == ["a", "b", "c"]
    assert vendor.asked == [None, 1, 1, 2, 2, 3]


def test_an_empty_page_that_was_damaged_gives_its_rows_when_asked_again() -> None:
    assert ids(Vendor({None: [("", 1), ("ab", 1)], 1: ("c", None)})) == ["a", "b", "c"]


def test_an_empty_page_behind_another_may_be_damage_too() -> None:
    vendor = Vendor({None: ("a", 1), 1: ("", 2), 2: [("", 3), ("bc", 3)], 3: ("d", None)})
    assert ids(vendor) == ["a", "b", "c", "d"]


def test_an_empty_page_without_a_link_is_the_end() -> None:
    vendor = Vendor({None: ("", None)})
    assert ids(vendor) == []
    assert vendor.asked == [None]


@pytest.mark.parametrize(
    "answers",
    [
        {None: ("a", 1), 1: ("a", 1)},
        {None: ("a", 1), 1: ("b", 2), 2: ("c", 1)},
        {None: ("", 1), 1: ("", 2), 2: ("", 1)},
    ],
)
def test_a_link_that_comes_again_ends_loudly(answers: Mapping[Any, Any]) -> None:
    with pytest.raises(TransientError, match="Nothing was skipped silently"):
        ids(Vendor(answers))


def test_empty_pages_are_not_followed_for_ever() -> None:
    asked = []

    def ask(token: Any) -> Fetched:
        asked.append(token)
        return Fetched((), NOON, (token or 0) + 1)

    with pytest.raises(TransientError):
        with_rows(ask, None)
    assert len(asked) == 2 * 51


def test_a_count_is_kept_where_the_page_that_has_rows_tells_none() -> None:
    pages = {None: Fetched((), NOON, 1, total=7), 1: Fetched([{"id": 1}], NOON)}
    assert with_rows(lambda token: pages[token], None).total == 7


def test_a_page_leaves_memory_while_the_caller_still_works_on_the_iterator() -> None:
    def ask(token: Any) -> Fetched:
        return Fetched([Row(id=token)], NOON, "next" if token is None else None)

    pages = every(ask)
    page = next(pages)
    row = weakref.ref(page.records[0])
    del page
    assert row() is None
    assert [record for page in pages for record in page.records] == [{"id": "next"}]
