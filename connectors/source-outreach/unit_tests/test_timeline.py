"""The walk by time, against a collection in memory: complete, and hardly any request for nothing."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from source_kit import timestamps
from source_kit.work import Fork, Page, Record, in_order
from unit_tests.timeline_api import NOW, SIZE, START, Api, assert_complete, read, row, spread, timeline


def test_an_empty_collection_takes_one_request_and_gives_no_state() -> None:
    api = Api([])
    assert read(api) == ([], [])
    assert len(api.requests) == 1


def test_below_eight_pages_the_pages_follow_each_other_without_a_plan() -> None:
    api = Api(spread(80))
    records, states = read(api)
    assert_complete(api, records)
    assert len(api.requests) == 8
    assert states == [{"updatedAt": "2025-01-01T21:56:40.000Z", "last": True}]


def test_a_whole_last_page_needs_no_request_for_nothing() -> None:
    api = Api(spread(20))
    read(api)
    assert len(api.requests) == 2


def test_only_the_first_page_is_counted_where_there_is_no_plan() -> None:
    api = Api(spread(80))
    read(api)
    assert [count for _, _, count, _ in api.requests] == [True] + [False] * 7


def test_an_estimate_comes_with_the_first_page() -> None:
    first = next(in_order(timeline(Api(spread(200))).walk(None)))
    assert first.estimate == 200


def test_many_pages_are_read_in_windows_with_few_requests_more_than_pages() -> None:
    api = Api(spread(1000))
    records, states = read(api)
    assert_complete(api, records)
    assert len(api.requests) <= 1.1 * 100
    assert len(states) == 9
    assert states[-1] == {"updatedAt": "2025-01-12T13:30:00.000Z", "last": True}
    assert [state["last"] for state in states] == [False] * (len(states) - 1) + [True]


@pytest.mark.parametrize(
    ("late", "is_counting", "begins"),
    [
        (None, True, START + timedelta(seconds=8999.5)),
        (timedelta(days=1), True, None),
        (timedelta(seconds=1500), True, None),
        (None, False, None),
    ],
)
def test_the_first_page_is_read_once_where_counts_prove_that_nothing_else_lies_before_its_last_row(
    late: timedelta | None, is_counting: bool, begins: datetime | None
) -> None:
    """Not where a row comes later than its place, on that page or behind it, or where nobody counts."""
    api = Api(spread(200))
    api.is_counting = is_counting
    api.late = {} if late is None else {3: late}
    records, _ = read(api)
    assert_complete(api, records)
    closed = [window.lower for window, *_ in api.requests if window.upper is not None]
    assert (None in closed) == (begins is None)
    assert begins is None or begins in closed


def test_a_first_page_that_spans_nearly_all_of_the_time_leaves_no_window_that_ends_before_it_begins() -> None:
    api = Api([*spread(10, 100_000.0), *(row(each, 900_000 + each) for each in range(10, 200))])
    records, _ = read(api)
    assert_complete(api, records)
    bounds = [(window.lower, window.upper) for window, *_ in api.requests if window.lower and window.upper]
    assert bounds
    assert all(lower < upper for lower, upper in bounds)


def test_a_row_that_leaves_the_first_page_while_it_is_planned_has_it_read_again() -> None:
    """What is counted behind it is one more then: nothing is proven."""
    api = Api(spread(200))

    def touch(number: int) -> None:
        if number == 1:
            api.rows[3] = (NOW, row(3, (NOW - START).total_seconds()))

    api.before_request = touch
    records, _ = read(api)
    assert {record["id"] for record in records} == set(range(200))
    assert None in [window.lower for window, *_ in api.requests if window.upper is not None]


def test_a_row_that_is_created_meanwhile_makes_up_for_none_that_comes_late() -> None:
    """As many are counted then as if the first page had shown everything."""
    api = Api(spread(200))
    api.late = {3: timedelta(seconds=12_000)}

    def create(number: int) -> None:
        if number == 1:
            api.rows.append((NOW + timedelta(seconds=1), row(200, (NOW - START).total_seconds() + 1)))

    api.before_request = create
    records, _ = read(api)
    assert {record["id"] for record in records} == set(range(201))
    assert None in [window.lower for window, *_ in api.requests if window.upper is not None]


def test_the_lower_bound_is_inclusive_and_kept() -> None:
    api = Api(spread(300))
    records, _ = read(api, START + timedelta(seconds=100_000))
    assert sorted(record["id"] for record in records) == list(range(100, 300))


@pytest.mark.parametrize("cluster", [15, 200, 500])
def test_pages_of_one_instant_are_complete(cluster: int) -> None:
    rows = spread(300) + [row(1000 + number, 150_000) for number in range(cluster)]
    api = Api(rows)
    assert_complete(api, read(api)[0])


def test_everything_in_one_second_is_read_page_by_page() -> None:
    api = Api([row(number, 0) for number in range(300)])
    records, _ = read(api)
    assert_complete(api, records)
    assert len(api.requests) == 30


def test_skewed_histories_cost_few_empty_windows() -> None:
    rows = [row(number, number * 100_000) for number in range(100)]
    rows += [row(1000 + number, 20_000_000 + number) for number in range(1000)]
    api = Api(rows)
    assert_complete(api, read(api)[0])
    assert len(api.requests) <= 2.2 * 110


@pytest.mark.parametrize("hours", [1, 5, 24])
def test_rows_out_of_order_are_neither_lost_nor_repeated(hours: int) -> None:
    def shift(each: Record) -> timedelta:
        return timedelta(hours=hours if each["id"] % 18 else -hours) if each["id"] % 9 == 0 else timedelta(0)

    api = Api(spread(900), shift=shift)
    assert_complete(api, read(api)[0])


@pytest.mark.parametrize("is_counting", [True, False])
@pytest.mark.parametrize("pages", [0.6, 1.2, 3, 20])
def test_a_row_that_comes_pages_too_late_is_not_lost(pages: float, is_counting: bool) -> None:
    """The plan must not begin behind any row that the first page lacked."""
    api = Api(spread(900))
    api.is_counting = is_counting
    api.late = {number: timedelta(seconds=1000 * SIZE * pages) for number in (0, 3, 200, 431)}
    assert_complete(api, read(api)[0])
    assert len(api.requests) <= 1.3 * 90


def test_rows_beyond_the_bound_are_survived() -> None:
    api = Api(spread(900))
    api.beyond = 3
    assert_complete(api, read(api)[0])


# A row that is out of order and beyond the bound at once looks as if it were at home in either window.
@pytest.mark.parametrize(("hours", "at_most"), [(0, 1), (5, 2)])
def test_rows_beyond_the_bound_that_a_window_ahead_has_emitted_are_dropped(hours: int, at_most: int) -> None:
    def shift(each: Record) -> timedelta:
        return timedelta(hours=hours if each["id"] % 18 else -hours) if each["id"] % 9 == 0 else timedelta(0)

    api = Api(spread(900), shift=shift)
    api.beyond = 3
    walk = timeline(api)
    plan = walk.walk(None)
    first, fork = next(plan), next(plan)
    assert isinstance(first, Page)
    assert isinstance(fork, Fork)
    # Every window is begun before any is read on, as by many workers.
    begun = [in_order(each) for each in fork.plans]
    records = [*first.records, *(record for each in begun for record in next(each).records)]
    records += [record for each in [*begun, in_order(plan)] for page in each for record in page.records]
    assert_complete(api, records, at_most=at_most)
    assert walk.ahead == {}


@pytest.mark.parametrize("number", [90, 400, 1500])
def test_without_counts_nothing_is_lost(number: int) -> None:
    api = Api(spread(number))
    api.is_counting = False
    assert_complete(api, read(api)[0])


def test_rows_that_move_while_being_read_are_seen_at_the_end() -> None:
    api = Api(spread(900))
    moved = iter(range(899, 0, -7))

    def move(number: int) -> None:
        if number % 2:
            chosen = next(moved, None)
            if chosen is not None:
                api.rows[chosen] = (START + timedelta(seconds=899_000 + number), row(chosen, 899_000 + number))

    api.before_request = move
    records, _ = read(api)
    newest = {record["id"]: record for record in records}
    assert newest.keys() == {each["id"] for _, each in api.rows}


def test_ties_among_rows_out_of_order_are_emitted_once() -> None:
    """A plan made behind pages of one instant must not begin at that instant."""

    def shift(each: Record) -> timedelta:
        return timedelta(hours=1 if each["id"] % 18 else -1) if each["id"] % 9 == 0 else timedelta(0)

    rows = spread(900) + [row(2000 + number, 300_000) for number in range(270)]
    api = Api(rows, shift=shift)
    assert_complete(api, read(api)[0])


def test_a_row_of_the_far_future_does_not_put_what_moves_out_of_the_last_window() -> None:
    api = Api([*spread(900), row(9000, 3_000_000_000)])

    def move(number: int) -> None:
        if number == 80:
            api.rows[5] = (NOW, {"id": 5, "updatedAt": timestamps.milliseconds_z(NOW)})

    api.before_request = move
    records, _ = read(api)
    assert {"id": 5, "updatedAt": "2026-01-01T00:00:00.000Z"} in records
    assert_complete(api, records, at_most=2)
