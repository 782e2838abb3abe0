"""How a keyset walk plans: when it is cut into windows, where its states leave, and what it does where order fails."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from source_kit.keyset import Keyset
from source_kit.walks import Walk, walk
from source_kit.windows import Fetched, WalkExpired, Window
from source_kit.work import Fork, Page, Plan, in_order
from tests.moving_rows import START, Collection, keyset_of, moment, read, rows_of, text, versions


def first_step(collection: Collection, plan: Plan) -> tuple[list[Page], int, bool]:
    """The pages that a plan reads before it is cut, into how many windows, and whether it asks for more behind them."""
    pages: list[Page] = []
    for step in plan:
        if isinstance(step, Fork):
            for window in step.plans:
                list(in_order(window))
            asked = collection.requests
            list(in_order(plan))
            return pages, len(step.plans), collection.requests > asked
        pages.append(step)
    return pages, 0, False


@pytest.mark.parametrize(("count_cap", "before", "parts"), [(10**9, 1, 4), (None, 2, 8), (100, 1, 4)])
def test_a_long_walk_is_cut_after_a_page_or_two_and_what_may_still_move_is_read_last(
    count_cap: int | None, before: int, parts: int
) -> None:
    """Where the API counts it is cut at once; else when a second page shows that it is long."""
    collection = Collection(rows_of(400, "spread", 1), page_size=5, count_cap=count_cap)
    pages, windows, goes_on = first_step(collection, walk(keyset_of(collection, knows_cap=count_cap == 100), Window()))
    assert sum(1 for page in pages if page.records) == before
    assert (windows, goes_on) == (parts, True)


@pytest.mark.parametrize("count_cap", [10**9, 500])
def test_a_history_with_dense_months_costs_few_requests_more_than_its_pages(count_cap: int) -> None:
    """Of 24 months the busiest holds a hundred times what the quietest does; counts are capped at 20 pages, or not."""
    month, times = 100_000, list[int]()
    for number in range(24):
        rows = round(15.2 * 100 ** ((number * 7 % 24) / 23))
        times += [number * month + row * month // rows for row in range(rows)]
    collection = Collection(dict(enumerate((at, 0) for at in times)), page_size=40, count_cap=count_cap)
    keyset = keyset_of(collection, knows_cap=count_cap == 500)
    found = [row["id"] for page in in_order(walk(keyset, Window())) for row in page.records]
    assert sorted(found) == list(range(len(times)))
    # 208 full pages.
    assert (len(times), collection.requests <= 230) == (8309, True), collection.requests


def test_a_long_walk_from_the_newest_down_is_cut_too_and_has_no_open_end() -> None:
    collection = Collection(rows_of(400, "spread", 1), page_size=5, order="newest", count_cap=None)
    # Without a lower bound nobody knows how far down it goes.
    assert first_step(collection, walk(keyset_of(collection), Window()))[1:] == (0, False)
    assert first_step(collection, walk(keyset_of(collection), Window(moment(0))))[1:] == (8, False)


@pytest.mark.parametrize("end", [500_000, 10**9])
def test_an_end_bounds_a_walk_in_the_past_and_in_the_future(end: int) -> None:
    """What lies in the future is an open end: windows are planned up to the newest row, not up to there."""
    collection = Collection(rows_of(400, "spread", 1), page_size=5)
    wanted = sorted(row for row, (at, _) in collection.rows.items() if at < end)
    pages = list(in_order(walk(keyset_of(collection), Window(None, moment(end)))))
    assert sorted(row["id"] for page in pages for row in page.records) == wanted
    assert all(page.checkpoint["at"] < text(end) for page in pages if page.checkpoint)
    assert collection.requests < 1.5 * len(wanted) / 5


def test_a_window_that_can_hold_nothing_asks_for_nothing() -> None:
    collection = Collection(rows_of(40, "spread", 1), page_size=5)
    assert list(walk(keyset_of(collection), Window(moment(50), moment(50)))) == []
    assert collection.requests == 0


@pytest.mark.parametrize("count", [30, 35])
def test_a_short_walk_is_read_page_by_page(count: int) -> None:
    collection = Collection(rows_of(count, "spread", 1), page_size=5)
    pages, windows, _ = first_step(collection, walk(keyset_of(collection), Window()))
    assert (sum(len(page.records) for page in pages), windows) == (count, 0)


def test_where_rows_come_in_order_and_are_not_counted_a_state_follows_each_page_but_the_last() -> None:
    """Of the last page nobody knows whether it is whole before the walk is at its end."""
    collection = Collection({row: (row * 10, 0) for row in range(8)}, page_size=3, count_cap=None)
    pages = in_order(walk(keyset_of(collection), Window(), cut=False))
    story = [([row["id"] for row in page.records], page.checkpoint and page.checkpoint["at"]) for page in pages]
    assert story == [
        ([0, 1, 2], text(20)),
        ([3, 4], text(40)),
        ([5, 6], text(60)),
        ([7], None),
        ([], text(70)),
    ]


def served(times: Sequence[int], window: Window, token: Any) -> Fetched:
    """A server that gives these rows as they stand, three at a time, and asks nobody for an order."""
    inside = [
        at
        for at in times
        if (window.lower is None or moment(at) >= window.lower) and (window.upper is None or moment(at) < window.upper)
    ]
    first = token or 0
    rows = [{"id": at, "at": text(at)} for at in inside[first : first + 3]]
    return Fetched(rows, moment(10**9), first + 3 if first + 3 < len(inside) else None)


def test_rows_before_the_point_at_which_an_order_turns_out_to_be_none_are_read_too() -> None:
    """The first page ascends by chance; the second shows that the rows come in no order."""
    times = [100, 200, 300, 50, 500, 400, 150, 600, 10]

    def fetch(window: Window, token: Any = None, *, count: bool = False, limit: int | None = None) -> Fetched:
        return served(times, window, token)

    pages = in_order(walk(Keyset(fetch, "at", 3), Window(), cut=False))
    emitted = [record["id"] for page in pages for record in page.records]
    assert sorted(emitted) == sorted(times)


def test_tokens_that_lead_in_circles_inside_an_instant_are_left_for_its_other_end() -> None:
    """Forwards, the second page announces itself again and again; backwards the rest is reached."""
    pages = {False: [[1, 2, 3], [4]], True: [[6, 5, 4], [3, 2, 1]]}

    def fetch(window: Window, token: Any = None, *, count: bool = False, limit: int | None = None) -> Fetched:
        if window.lower not in (None, START) or window.upper == START:
            return Fetched((), moment(10**9))
        asked.append((window.descending, token))
        assert len(asked) < 100, "the walk does not end"
        if window.descending and token == 2:
            raise WalkExpired
        ids = pages[window.descending][token or 0]
        following = (token or 0) + 1 if window.descending or token is None else token
        return Fetched([{"id": row, "at": text(0)} for row in ids], moment(10**9), following, 6 if count else None)

    asked: list[tuple[bool, Any]] = []
    walked = in_order(walk(Keyset(fetch, "at", 3), Window()))
    emitted = [record["id"] for page in walked for record in page.records]
    assert sorted(emitted) == [1, 2, 3, 4, 5, 6]
    assert len(asked) < 20


def test_a_row_that_never_comes_in_an_open_window_is_looked_for_with_a_count() -> None:
    """The first answers hide row 3; a later walk brings it."""
    collection = Collection({row: (row * 10, 0) for row in range(5)}, page_size=10)
    whole = collection.fetch

    def hiding(window: Window, token: Any = None, *, count: bool = False, limit: int | None = None) -> Fetched:
        fetched = whole(window, token, count=count, limit=limit)
        hidden = [row for row in fetched.records if row["id"] != 3 or collection.requests > 5]
        return Fetched(hidden, fetched.asked_at, fetched.token, fetched.total)

    collection.fetch = hiding  # type: ignore[method-assign]  # the one seam
    reading = read(collection)
    assert (sorted(reading.rows), reading.warnings) == (sorted(versions(collection)), [])


def test_rows_that_left_before_the_walk_do_not_leave_again_where_there_is_no_order() -> None:
    times = [100, 300, 200, 50, 500]

    def fetch(window: Window, token: Any = None, *, count: bool = False, limit: int | None = None) -> Fetched:
        return served(times, window, token)

    plan = Walk(Keyset(fetch, "at", 3), Window(), frozenset({(50, text(50)), (300, text(300))})).run(cut=False)
    assert sorted(record["id"] for page in in_order(plan) for record in page.records) == [100, 200, 500]


def test_an_order_that_was_not_asked_for_is_asked_about_once_in_all_windows() -> None:
    collection = Collection(rows_of(400, "spread", 1), page_size=5, order="newest", count_cap=None)
    fetch, asked = collection.fetch, list[Window]()

    def noted(window: Window, token: Any = None, *, count: bool = False, limit: int | None = None) -> Fetched:
        asked.append(window)
        return fetch(window, token, count=count, limit=limit)

    collection.fetch = noted  # type: ignore[method-assign]  # the one seam
    read(collection, text(0))
    assert [window for window, times in Counter(asked).items() if times > 1] == [Window(moment(0))]


def test_the_open_end_that_has_no_length_is_not_asked_for() -> None:
    """Where `end_date` passes while a walk begins, its windows may reach as far as the whole range."""
    collection = Collection(rows_of(10, "spread", 1), page_size=5)
    assert list(Walk(keyset_of(collection), Window(lower=moment(3), upper=moment(3))).run(cut=False)) == []
    assert collection.requests == 0
