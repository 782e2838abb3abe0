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
