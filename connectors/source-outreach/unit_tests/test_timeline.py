"""The walk by time, against a collection in memory: complete, and hardly any request for nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from source_kit import timestamps
from source_kit.errors import ConnectorFault, TransientError
from source_kit.rules import Rejected
from source_kit.windows import Fetched, Window
from source_kit.work import Fork, Page, Record, in_order
from source_outreach.ranges import Timeless
from source_outreach.timeline import Timeline

START = datetime(2025, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
NEVER = datetime(2100, 1, 1, tzinfo=UTC)
SIZE = 10


def row(number: int, seconds: float) -> Record:
    moment = START + timedelta(seconds=seconds)
    return {"id": number, "updatedAt": timestamps.milliseconds_z(moment)}


class Api:
    """Rows in the order of their index, which may differ from what they show; pages are chained by position.

    Rows without a time come last, and first in descending order; no range has them.
    """

    def __init__(
        self, rows: Sequence[Record], *, shift: Callable[[Record], timedelta] = lambda row: timedelta(0)
    ) -> None:
        self.rows = [(timestamps.parse(each["updatedAt"]) + shift(each), each) for each in rows]
        self.timeless: list[Record] = []
        # Which status a filter for rows without a time gets, 200 for their list.
        self.null_status = 200
        # By id: how much later than its place in the order a row is served, in every query that has it.
        self.late: dict[int, timedelta] = {}
        self.requests: list[tuple[Window, Any, bool, int | None]] = []
        self.is_counting = True
        self.is_filtering = True
        self.beyond = 0
        self.before_request: Callable[[int], None] = lambda number: None
        # Requests, by number, whose answers lack their link, or their rows.
        self.unlinked: Callable[[int], bool] = lambda number: False
        self.blank: Callable[[int], bool] = lambda number: False
        # Rows that are counted and gone, in the window that has this instant.
        self.ghosts = 0
        self.ghosts_at = START

    def __call__(self, window: Window, token: Any = None, *, count: bool = False, limit: int | None = None) -> Fetched:
        number = len(self.requests)
        self.before_request(number)
        self.requests.append((window, token, count, limit))
        if isinstance(window, Timeless) and self.null_status != 200:
            raise Rejected("refused", status=self.null_status, body={}, internal_message="refused")
        inside = [pair for pair in self.rows if self._holds(window, pair[0])]
        total = len(inside)
        if window.upper is not None:
            beyond = [pair for pair in self.rows if pair[0] > window.upper]
            inside += sorted(beyond, key=lambda pair: (pair[0], pair[1]["id"]))[: self.beyond]
        if window.lower is None and window.upper is None:
            nulls = [(NEVER, each) for each in self.timeless]
            inside = nulls if isinstance(window, Timeless) and self.is_filtering else inside + nulls
            total = len(inside)
        served = sorted(((self._place(pair), pair[1]) for pair in inside), key=lambda pair: pair[0])
        if window.descending:
            served.reverse()
        left = [pair for pair in served if token is None or pair[0] > token]
        page = left[: limit or SIZE]
        following = page[-1][0] if len(left) > len(page) and not self.unlinked(number) else None
        total += self.ghosts * self._holds(window, self.ghosts_at)
        rows = [] if self.blank(number) else [each for _, each in page]
        return Fetched(rows, NOW, following, total if count and self.is_counting else None)

    def _place(self, pair: tuple[datetime, Record]) -> tuple[datetime, int]:
        index, each = pair
        return index + self.late.get(each["id"], timedelta(0)), each["id"]

    def _holds(self, window: Window, index: datetime) -> bool:
        if not self.is_filtering:
            return True
        return (window.lower is None or index >= window.lower) and (window.upper is None or index <= window.upper)


def checkpoint(value: str, asked_at: datetime, is_last: bool) -> dict[str, Any]:
    return {"updatedAt": value, "last": is_last}


def timeline(api: Api, warnings: list[str] | None = None) -> Timeline:
    noted = [] if warnings is None else warnings
    return Timeline(api, "updatedAt", SIZE, 8, checkpoint, warn=noted.append)


def read(api: Api, lower: datetime | None = None, warnings: list[str] | None = None) -> tuple[list[Record], list[Any]]:
    pages = list(in_order(timeline(api, warnings).walk(lower)))
    return [each for page in pages for each in page.records], [page.checkpoint for page in pages if page.checkpoint]


def assert_complete(api: Api, records: Sequence[Record], *, at_most: int = 1) -> None:
    counts = Counter(record["id"] for record in records)
    assert sorted(counts) == sorted(each["id"] for _, each in api.rows)
    assert max(counts.values()) <= at_most


def spread(number: int, seconds: float = 1000.0) -> list[Record]:
    return [row(each, each * seconds) for each in range(number)]


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


def test_a_filter_that_is_ignored_is_noticed_and_nothing_is_repeated() -> None:
    api = Api(spread(400))
    api.is_filtering = False
    warnings: list[str] = []
    records, _ = read(api, warnings=warnings)
    assert_complete(api, records)
    assert warnings == ["Outreach ignored the filter on updatedAt; rows outside of it are left out here."]


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


def test_a_row_without_a_time_is_emitted() -> None:
    api = Api(spread(5))
    api.rows.append((START, {"id": 99, "updatedAt": None}))
    records, states = read(api)
    assert [record["id"] for record in records] == [0, 99, 1, 2, 3, 4]
    assert states == [{"updatedAt": "2025-01-01T01:06:40.000Z", "last": True}]


@pytest.mark.parametrize("is_counting", [True, False])
@pytest.mark.parametrize("number", [3, 25])
def test_rows_without_a_time_are_emitted_where_the_rest_is_read_in_windows(number: int, is_counting: bool) -> None:
    api = Api(spread(300))
    api.is_counting = is_counting
    api.timeless = [{"id": 9000 + each, "updatedAt": None} for each in range(number)]
    records, states = read(api)
    assert Counter(record["id"] for record in records) == dict.fromkeys(
        [*range(300), *(each["id"] for each in api.timeless)], 1
    )
    assert len([window for window, *_ in api.requests if window.upper is not None]) > 20
    assert states[-1] == {"updatedAt": "2025-01-04T11:03:20.000Z", "last": True}


@pytest.mark.parametrize("status", [400, 422])
def test_where_rows_without_a_time_cannot_be_asked_for_the_rest_is_read(status: int) -> None:
    api = Api(spread(300))
    api.null_status = status
    assert_complete(api, read(api)[0])


def test_another_failure_of_the_rows_without_a_time_is_an_error() -> None:
    api = Api(spread(300))
    api.null_status = 409
    with pytest.raises(Rejected):
        read(api)


def test_after_a_bound_nobody_asks_for_rows_without_a_time() -> None:
    api = Api(spread(300))
    read(api, START)
    assert not [window for window, *_ in api.requests if isinstance(window, Timeless)]


def test_a_link_to_the_same_page_is_an_error_instead_of_a_loop() -> None:
    def fetch(window: Window, token: Any = None, *, count: bool = False, limit: int | None = None) -> Fetched:
        return Fetched([row(1, 0)], NOW, "again", None)

    with pytest.raises(TransientError, match="gives none that are new"):
        list(in_order(Timeline(fetch, "updatedAt", SIZE, 8, checkpoint).walk(None)))


def test_ties_among_rows_out_of_order_are_emitted_once() -> None:
    """A plan made behind pages of one instant must not begin at that instant."""

    def shift(each: Record) -> timedelta:
        return timedelta(hours=1 if each["id"] % 18 else -1) if each["id"] % 9 == 0 else timedelta(0)

    rows = spread(900) + [row(2000 + number, 300_000) for number in range(270)]
    api = Api(rows, shift=shift)
    assert_complete(api, read(api)[0])


@pytest.mark.parametrize("rows", [70, 900])
@pytest.mark.parametrize("number", [0, 3, 30])
def test_a_chain_that_loses_a_link_is_noticed_by_the_count_and_walked_again(rows: int, number: int) -> None:
    api = Api(spread(rows))
    api.unlinked = lambda each: each == number
    records, states = read(api)
    assert_complete(api, records)
    assert states[-1]["last"] is True
    assert states[-1]["updatedAt"] == api.rows[-1][1]["updatedAt"]


def test_rows_that_are_counted_and_gone_hold_the_state_and_are_told_by_number() -> None:
    api = Api(spread(70))
    api.ghosts = 5
    pages = list(in_order(timeline(api).walk(None)))
    assert_complete(api, [each for page in pages for each in page.records])
    (told,) = [page for page in pages if page.warning]
    assert told.holds
    assert "counts 5 records more than it gives" in str(told.warning)
    # Three walks of seven pages, each counted again at its end.
    assert len(api.requests) == 24


def test_only_the_window_with_the_gone_rows_is_walked_again() -> None:
    api = Api(spread(900))
    api.ghosts, api.ghosts_at = 3, START + timedelta(seconds=450_500)
    pages = list(in_order(timeline(api).walk(None)))
    assert_complete(api, [each for page in pages for each in page.records])
    assert [page.holds for page in pages if page.warning] == [True]
    assert len(api.requests) <= 1.5 * 90


def test_walks_that_never_agree_are_an_error() -> None:
    api = Api(spread(70))
    lengths: list[int] = []

    def is_cut(number: int) -> bool:
        """Each walk ends one page before the one that it follows."""
        _, token, _, limit = api.requests[number]
        if limit is None:
            lengths[-1:] = [lengths[-1] + 1] if token is not None else [*lengths[-1:], 1]
        return limit is None and lengths[-1] == 7 - len(lengths)

    api.unlinked = is_cut
    with pytest.raises(ConnectorFault, match="fewer records than it counted"):
        read(api)


def test_rows_that_left_the_window_while_it_was_read_cost_one_request_and_no_walk() -> None:
    api = Api(spread(70))

    def delete(number: int) -> None:
        if number == 2:
            del api.rows[-5:]

    api.before_request = delete
    records, _ = read(api)
    assert_complete(api, records)
    assert len(api.requests) == 8


def test_a_list_without_a_time_is_checked_against_its_count_too() -> None:
    api = Api(spread(70))
    api.unlinked = lambda number: number == 3
    listed = list(in_order(Timeline(api, "", SIZE, 8, checkpoint).listed()))
    assert_complete(api, [each for page in listed for each in page.records])
    assert [page.estimate for page in listed if page.estimate] == [70]
    assert [page for page in listed if page.checkpoint or page.holds] == []


def test_gone_rows_of_a_list_are_told() -> None:
    api = Api(spread(30))
    api.ghosts = 2
    listed = list(in_order(Timeline(api, "", SIZE, 8, checkpoint).listed()))
    assert_complete(api, [each for page in listed for each in page.records])
    assert [page.warning for page in listed if page.warning] == [
        "Outreach counts 2 records more than it gives, in several whole walks of the list. They may be deleted."
    ]


@pytest.mark.parametrize("number", [0, 2, 25])
def test_an_empty_page_with_a_link_is_not_the_end(number: int) -> None:
    api = Api(spread(900))
    api.blank = lambda each: each == number
    assert_complete(api, read(api)[0])


def test_empty_pages_without_end_are_an_error() -> None:
    api = Api([row(number, 0) for number in range(700)])
    api.blank = lambda number: number >= 2
    with pytest.raises(TransientError, match="gives none that are new"):
        read(api)


def test_a_row_that_comes_again_at_the_border_of_a_page_leaves_once() -> None:
    pages = {None: ([row(1, 0), row(2, 1)], "a"), "a": ([row(2, 1), row(3, 2)], None)}

    def fetch(window: Window, token: Any = None, *, count: bool = False, limit: int | None = None) -> Fetched:
        rows, following = pages[token]
        return Fetched(rows, NOW, following, 3)

    records = [
        each["id"]
        for page in in_order(Timeline(fetch, "updatedAt", 2, 8, checkpoint).walk(None))
        for each in page.records
    ]
    assert records == [1, 2, 3]


ODD = [None, "", "soon", "2025-01-01T23:59:60.000Z", "2025-01-03T23:59:60.123Z", 5, ["x"], {"at": 1}]


@pytest.mark.parametrize("value", ODD)
@pytest.mark.parametrize("rows", [30, 900])
def test_a_row_whose_time_is_none_arrives_and_has_no_part_in_the_state(value: Any, rows: int) -> None:
    api = Api(spread(rows))
    for number in (3, 17, 29):
        api.rows[number] = (api.rows[number][0], {"id": number, "updatedAt": value})
    records, states = read(api)
    assert_complete(api, records)
    # The row at the end has a time, too.
    assert states[-1]["updatedAt"] == timestamps.milliseconds_z(
        START + timedelta(seconds=1000 * (rows - 1 - (rows == 30)))
    )


def test_rows_without_id_are_told_apart_by_all_that_they_have() -> None:
    rows: list[Record] = [{"updatedAt": "2025-01-01T00:00:00.000Z", "name": name} for name in "abcab"]
    rows += [{"id": [1], "updatedAt": "2025-01-01T00:00:00.000Z"}, {"id": None, "updatedAt": None}]

    def fetch(window: Window, token: Any = None, *, count: bool = False, limit: int | None = None) -> Fetched:
        return Fetched(rows[: token or 3] if token is None else rows[3:], NOW, None if token else 3, None)

    pages = list(in_order(Timeline(fetch, "updatedAt", 3, 8, checkpoint).walk(None)))
    assert [each for page in pages for each in page.records] == [*rows[:3], *rows[5:]]


def test_a_row_of_the_far_future_does_not_put_what_moves_out_of_the_last_window() -> None:
    api = Api([*spread(900), row(9000, 3_000_000_000)])

    def move(number: int) -> None:
        if number == 80:
            api.rows[5] = (NOW, {"id": 5, "updatedAt": timestamps.milliseconds_z(NOW)})

    api.before_request = move
    records, _ = read(api)
    assert {"id": 5, "updatedAt": "2026-01-01T00:00:00.000Z"} in records
    assert_complete(api, records, at_most=2)


def test_a_short_window_of_an_api_that_filters_nothing_takes_no_rows_from_the_others() -> None:
    api = Api(spread(400))
    api.is_filtering = False
    api.unlinked = lambda number: number in (5, 60)
    assert_complete(api, read(api)[0])
