"""The keyset walk, answer by answer: odd rows, orders and counts. `test_keyset_drift` has collections that move."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from source_kit.errors import ConnectorFault, TransientError
from source_kit.keyset import Keyset
from source_kit.stream import TimeCursor
from source_kit.timestamps import milliseconds_z as text_of
from source_kit.walks import walk
from source_kit.windows import Fetched, WalkExpired, Window
from source_kit.work import Page, in_order
from tests.moving_rows import LAG, START, text


def scripted(*answers: Fetched | tuple[str, Fetched], **options: Any) -> tuple[list[Any], list[Page], list[Window]]:
    """What a walk emits of the answers of a script, of which the last is given for ever; its pages, what it asked."""
    asked: list[Window] = []
    script = deque(answers)

    def fetch(window: Window, token: Any = None, *, count: bool = False, limit: int | None = None) -> Fetched:
        asked.append(window)
        assert len(asked) < 2000, "the walk does not end"
        answer = script.popleft() if len(script) > 1 else script[0]
        assert isinstance(answer, Fetched)
        return answer

    bounds, cut = options.pop("window", Window()), options.pop("cut", True)
    keyset = Keyset(fetch, "at", 10, checkpoint=TimeCursor("at", None, LAG).checkpoint, **options)
    pages = list(in_order(walk(keyset, bounds, cut=cut)))
    return [record.get("id") for page in pages for record in page.records], pages, asked


def answer(*rows: Any, token: Any = None, total: int | None = None, size: int | None = None) -> Fetched:
    """Rows given as milliseconds, which are their ids too, or as records."""
    records = [row if isinstance(row, dict) else {"id": row, "at": text(row)} for row in rows]
    return Fetched(records, START + timedelta(days=1), token, total, size)


ODD_TIMES: list[dict[str, Any]] = [
    {"id": "n", "at": None},
    {"id": "m"},
    {"id": "e", "at": ""},
    {"id": "s", "at": "soon"},
    {"id": "l", "at": "2025-06-30T23:59:60Z"},
    {"id": "x", "at": {"y": 1}},
    {"at": "2026-01-01T00:00:00.001Z"},
]


@pytest.mark.parametrize("odd", ODD_TIMES)
def test_a_row_without_a_usable_time_or_id_leaves_once_and_moves_no_state(odd: dict[str, Any]) -> None:
    ids, pages, _ = scripted(answer(1, odd, 2, token=1), answer(2, odd, 5))
    assert sorted(map(str, ids)) == sorted(map(str, [1, odd.get("id"), 2, 5]))
    assert [page.checkpoint for page in pages if page.checkpoint][-1] == {"at": text(5)}


def test_a_page_of_rows_without_times_only_is_gone_on_with_by_its_token() -> None:
    timeless = [{"id": name, "at": None} for name in "abcd"]
    ids, _, _ = scripted(answer(*timeless[:3], token=1), answer(*timeless[:3], token=1), answer(timeless[3]))
    assert ids == ["a", "b", "c", "d"]


def test_a_row_that_comes_twice_over_a_page_border_leaves_once() -> None:
    assert scripted(answer(1, 2, 3, token=1), answer(3, 3, 4))[0] == [1, 2, 3, 4]


def test_a_first_page_in_reverse_order_once_teaches_nothing() -> None:
    ids, _, asked = scripted(answer(3, 2, 1, token=1, total=5), answer(1, 2, 3, token=1, total=5), answer(3, 4, 5))
    assert ids == [1, 2, 3, 4, 5]
    assert [window.upper for window in asked] == [None, None, None]


def test_a_second_answer_that_tells_no_order_does_not_confirm_the_first() -> None:
    """Its clock stands years back, so that none of its rows counts as settled."""
    again = replace(answer(1, 2, 3, token=1, total=5), asked_at=START - timedelta(days=2000))
    ids, _, asked = scripted(answer(3, 2, 1, token=1, total=5), again, answer(3, 4, 5), lag=LAG)
    assert ids == [1, 2, 3, 4, 5]
    assert asked[-1].upper is None


@pytest.mark.parametrize("comes_again", [False, True])
@pytest.mark.parametrize("odd", ODD_TIMES[:-1])
def test_a_row_without_a_time_leaves_also_where_it_was_looked_whether_there_are_older_ones(
    odd: dict[str, Any], comes_again: bool
) -> None:
    """The server's clock stands years back, so that the rows of the first page may stand anywhere."""
    first = replace(answer(1, 3, 2, token=1), asked_at=START - timedelta(days=2000))
    ids, _, asked = scripted(first, answer(odd), answer(2, 3, *[odd] * comes_again, 4, 5), lag=LAG)
    assert sorted(map(str, ids)) == sorted(map(str, [1, 2, 3, odd["id"], 4, 5]))
    assert [window.upper is None for window in asked] == [True, False, True]


def test_an_order_that_comes_again_is_the_apis_own_and_is_asked_for_once_only() -> None:
    ids, _, asked = scripted(answer(5, 4, 3, token=1), answer(5, 4, 3, token=1), answer(3, 2, 1, token=1), answer(1, 0))
    assert ids == [5, 4, 3, 2, 1, 0]
    assert len(asked) == 4


def test_rows_that_were_counted_are_looked_for_where_others_were_left_out() -> None:
    """One row of the first page was no object, and may have been counted; two more did not come."""
    first, last = answer(1, 2, token=1, total=6, size=3), answer(1, 2, 3, 4, 5, 6, total=6)
    ids, pages, _ = scripted(first, answer(2, 3), answer(1, total=6), last, cut=False)
    assert ids == [1, 2, 3, 4, 5, 6]
    assert not any(page.holds for page in pages)


def test_a_row_that_was_left_out_counts_as_one_that_came() -> None:
    ids, _, asked = scripted(answer(1, 2, token=1, total=4, size=3), answer(2, 3), cut=False)
    assert (ids, len(asked)) == ([1, 2, 3], 2)


def test_a_walk_by_tokens_looks_for_what_was_counted_where_rows_were_left_out() -> None:
    """Rows in no order, one of which is no object; the second page lost its rows and its token."""
    first = answer(3, 1, 2, token=1, total=7, size=4)
    whole = (first, answer(6, 4, 5))
    ids, _, _ = scripted(first, first, first, answer(), *whole, *whole, cut=False)
    assert sorted(ids) == [1, 2, 3, 4, 5, 6]


def test_an_empty_page_that_announces_more_is_followed() -> None:
    assert scripted(answer(token=1, total=3), answer(token=1, total=3), answer(1, 2, token=2), answer(2, 3))[0] == [
        1,
        2,
        3,
    ]


@pytest.mark.parametrize("empty", [3, 10**6])
def test_a_walk_that_expires_behind_an_empty_page_begins_anew_and_ends_loudly(empty: int) -> None:
    asked: list[Any] = []

    def fetch(window: Window, token: Any = None, *, count: bool = False, limit: int | None = None) -> Fetched:
        asked.append(token)
        if token == 2:
            raise WalkExpired
        return answer(token=2) if len(asked) <= empty else answer(1)

    pages = in_order(walk(Keyset(fetch, "at", 10), Window()))
    if empty == 3:
        assert [record["id"] for page in pages for record in page.records] == [1]
        assert asked == [None, None, 2, None]
        return
    with pytest.raises(TransientError, match="again and again that there are more rows"):
        list(pages)
    assert len(asked) == 15


def test_rows_that_were_no_objects_make_the_count_no_proof() -> None:
    assert scripted(answer(1, 2, token=1, total=4, size=3), answer(2, 4))[0] == [1, 2, 4]


def test_rows_that_are_counted_and_never_come_are_told_and_hold_the_state() -> None:
    ids, pages, asked = scripted(answer(1, 2, total=3))
    assert ids == [1, 2]
    held = [page for page in pages if page.holds]
    assert [page.warning for page in held] == [
        "the API counts 1 records more than it gives, in several whole walks of one window of time. They may be "
        "deleted ones that its index still counts. The state stays before that window, so that the next sync looks "
        "again."
    ]
    assert {str(page.checkpoint) for page in pages[: pages.index(held[0])]} == {"None"}
    assert len(asked) < 40


def test_rows_that_are_counted_and_never_come_are_told_of_windows_of_many_pages_too() -> None:
    """The walks that look for them meet nothing but pages that came before."""
    rows: list[dict[str, Any]] = [{"id": each, "at": text(each)} for each in range(95)]

    def fetch(window: Window, token: Any = None, *, count: bool = False, limit: int | None = None) -> Fetched:
        found = [row for row in rows if window.lower is None or row["at"] >= text_of(window.lower)]
        return Fetched(found[: limit or 10], START + timedelta(days=1), None, len(found) + 2, None)

    keyset = Keyset(fetch, "at", 10, checkpoint=TimeCursor("at", None, LAG).checkpoint)
    pages = list(in_order(walk(keyset, Window(upper=START + timedelta(hours=1)), cut=False)))
    assert [record["id"] for page in pages for record in page.records] == list(range(95))
    assert [page.warning.split(",")[0] for page in pages if page.warning] == [
        "the API counts 2 records more than it gives"
    ]


def test_rows_that_came_late_are_found_by_another_walk() -> None:
    late = [answer(1, 2, total=3)] * 6
    ids, pages, _ = scripted(*late, answer(total=3), answer(1, 2, 3, total=3))
    assert sorted(ids) == [1, 2, 3]
    assert [page.holds for page in pages if page.holds] == []


def test_rows_that_left_the_window_are_not_missed() -> None:
    ids, pages, asked = scripted(answer(1, 2, total=3), answer(2, total=1), answer(1, total=2))
    assert (ids, [page.holds for page in pages if page.holds], len(asked)) == ([1, 2], [], 3)


def test_an_offset_that_is_ignored_within_one_instant_ends_loudly() -> None:
    answers = [answer(1, token=offset) for offset in range(1, 200)]
    with pytest.raises(TransientError, match="gives none that are new"):
        scripted(*answers)


def test_a_state_leaves_inside_a_window_where_every_answer_is_counted_and_nothing_is_missing() -> None:
    pages = [answer(1, 2, token=1, total=5), answer(2, 3, token=1, total=4), answer(3, 4, 5, total=3)]
    told = [page.checkpoint and page.checkpoint["at"] for page in scripted(*pages)[1]]
    assert told == [None, text(2), None, text(3), None, text(5)]


def test_no_state_leaves_inside_a_window_where_a_row_is_missing_before_it() -> None:
    pages = [answer(1, 2, token=1, total=6), answer(2, 3, token=1, total=4), answer(3, 4, 5, total=3)]
    told = [page.checkpoint and page.checkpoint["at"] for page in scripted(*pages)[1]]
    assert text(2) not in told
    assert text(3) not in told


def test_a_link_is_followed_although_the_count_says_that_all_came() -> None:
    assert scripted(answer(*range(10), token=1, total=10), answer(9, 10, 11))[0] == list(range(12))


def test_a_count_that_may_be_capped_does_not_end_a_window_whose_pages_are_full() -> None:
    pages = [answer(*range(first, first + 10), total=10_000 if first == 0 else None) for first in range(0, 9_999, 9)]
    ids, _, _ = scripted(
        *pages, answer(9_999, 10_000, 10_001), window=Window(upper=START + timedelta(days=1)), cut=False
    )
    assert ids == list(range(10_002))


def test_rows_that_a_capped_count_may_not_mean_are_not_looked_for() -> None:
    ids, pages, asked = scripted(answer(1, 2, total=10_000))
    assert (ids, [page.holds for page in pages if page.holds], len(asked)) == ([1, 2], [], 7)


def test_rows_that_come_faster_than_they_can_be_walked_end_loudly() -> None:
    """Each walk without order brings a new row, and none comes to its end."""
    asked: list[Any] = []

    def fetch(window: Window, token: Any = None, *, count: bool = False, limit: int | None = None) -> Fetched:
        asked.append(token)
        assert len(asked) < 1000, "the walk does not end"
        if token is not None:
            raise WalkExpired
        return answer(3, 1, 2, 100 + len(asked), token=1)

    with pytest.raises(ConnectorFault, match="fewer records than it counted"):
        list(walk(Keyset(fetch, "at", 10), Window()))


def test_a_window_ends_with_the_row_that_its_count_tells_though_that_fills_a_page() -> None:
    pages = [answer(*range(10), total=19), answer(*range(9, 19))]
    ids, _, asked = scripted(*pages, window=Window(upper=START + timedelta(days=1)), cut=False)
    assert (ids, len(asked)) == (list(range(19)), 2)


def test_an_open_walk_looks_once_more_behind_a_full_page_though_all_that_was_counted_came() -> None:
    ids, _, asked = scripted(answer(*range(10), total=19), answer(*range(9, 19)), answer(18, 19), cut=False)
    assert (ids, len(asked)) == (list(range(20)), 3)


def test_rows_without_times_that_are_fewer_than_counted_are_told_too() -> None:
    ids, pages, _ = scripted(answer({"id": "n", "at": None}, total=2))
    assert (ids, sum(page.holds for page in pages), [page.checkpoint for page in pages if page.checkpoint]) == (
        ["n"],
        1,
        [],
    )
