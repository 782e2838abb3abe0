"""Windows: where they are cut, and when cutting stops to pay."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from source_kit.timestamps import MILLISECOND, MINUTE, floor
from source_kit.windows import Progress, cut_points, likely_rest, parts_for

DAY = datetime(2026, 1, 1, tzinfo=UTC)
INSTANTS = st.integers(0, (2030 - 2000) * 31_556_952_000).map(
    lambda milliseconds: datetime(2000, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
)


@pytest.mark.parametrize(
    ("rest", "pages_read", "is_root", "expected"),
    [
        (0, 1, True, 0),
        (1350, 1, True, 0),
        (1351, 1, True, 2),
        (2251, 1, True, 3),
        (100_000, 1, True, 4),
        (1350, 9, False, 0),
        (5000, 1, False, 4),
        (None, 1, True, 0),
        (None, 2, True, 8),
        (None, 9, False, 0),
        (None, 10, False, 4),
    ],
)
def test_windows_are_sized_to_about_nine_pages(rest: int | None, pages_read: int, is_root: bool, expected: int) -> None:
    assert parts_for(rest, 100, pages_read, 9, is_long=is_root) == expected


@pytest.mark.parametrize(("covered_minutes", "expected"), [(60, 23_500), (600, 9500), (0, 84_600_000_000)])
def test_where_a_count_says_only_that_there_are_many_the_page_tells_how_dense_they_lie(
    covered_minutes: int, expected: int
) -> None:
    """500 rows cover so many minutes, and two days less an hour are left; at least 9,500 rows are."""
    assert likely_rest(500, covered_minutes * MINUTE, timedelta(hours=47), 9500) == expected


def test_four_parts_of_a_day_are_cut_at_six_hours_each() -> None:
    assert cut_points(DAY, DAY + timedelta(days=1), 4, MILLISECOND) == [
        DAY + timedelta(hours=hours) for hours in (0, 6, 12, 18, 24)
    ]


def test_a_span_of_one_step_is_not_cut() -> None:
    assert cut_points(DAY, DAY + MILLISECOND, 8, MILLISECOND) == []
    assert cut_points(DAY, DAY + 2 * MILLISECOND, 8, MILLISECOND) == [DAY, DAY + MILLISECOND, DAY + 2 * MILLISECOND]


def test_a_span_that_ends_before_it_begins_is_not_cut() -> None:
    assert cut_points(DAY, DAY - MINUTE, 8, MILLISECOND) == []


@given(INSTANTS, INSTANTS, st.integers(2, 8), st.sampled_from([MILLISECOND, MINUTE]))
def test_cuts_cover_the_span_without_gap_or_overlap_on_whole_steps(
    lower: datetime, upper: datetime, parts: int, step: timedelta
) -> None:
    lower, upper = floor(lower, step), floor(upper, step)
    points = cut_points(lower, upper, parts, step)
    if not points:
        assert upper - lower < 2 * step
        return
    assert points[0] == lower
    assert points[-1] == upper
    assert all(one < two for one, two in itertools.pairwise(points))
    assert all(floor(point, step) == point for point in points)
    assert 2 <= len(points) <= parts + 1


def test_cutting_stops_when_empty_windows_cost_more_than_they_save() -> None:
    progress = Progress(expected=100)
    for _ in range(7):
        progress.saw([])
    assert progress.cutting_pays()
    progress.saw([])
    assert not progress.cutting_pays()
    assert (progress.pages, progress.empty) == (8, 8)


@pytest.mark.parametrize(
    ("expected", "pages", "planned"),
    [
        (0, 30, 9),  # nothing was counted
        (500, 100, 9),
        (500, 459, 9),
        (500, 460, 2),  # what is left is shared out
        (500, 490, 2),
        (500, 530, 2),  # last, short pages of windows cost more requests than were expected
        (500, 541, 9),  # the count was capped, or rows came meanwhile: nobody knows what is left
        (2000, 1900, 6),
        (100_000, 99_000, 9),
    ],
)
def test_windows_are_shorter_towards_the_end_of_a_walk(expected: int, pages: int, planned: int) -> None:
    assert Progress(pages=pages, expected=expected).window_pages(is_short=False) == planned


def test_windows_of_a_short_walk_are_short() -> None:
    assert Progress(pages=1, expected=500).window_pages(is_short=True) == 5
