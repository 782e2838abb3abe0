"""The walk by time where answers are not as they should be: links or rows are missing, times and ids are none."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from source_kit import timestamps
from source_kit.errors import ConnectorFault, TransientError
from source_kit.rules import Rejected
from source_kit.windows import Fetched, Window
from source_kit.work import Record, in_order
from source_outreach.ranges import Timeless
from source_outreach.timeline import Timeline
from unit_tests.timeline_api import NOW, SIZE, START, Api, assert_complete, checkpoint, read, row, spread, timeline


def test_a_filter_that_is_ignored_is_noticed_and_nothing_is_repeated() -> None:
    api = Api(spread(400))
    api.is_filtering = False
    warnings: list[str] = []
    records, _ = read(api, warnings=warnings)
    assert_complete(api, records)
    assert warnings == ["Outreach ignored the filter on updatedAt; rows outside of it are left out here."]


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


def test_a_short_window_of_an_api_that_filters_nothing_takes_no_rows_from_the_others() -> None:
    api = Api(spread(400))
    api.is_filtering = False
    api.unlinked = lambda number: number in (5, 60)
    assert_complete(api, read(api)[0])
