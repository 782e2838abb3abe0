"""Page sizes that give way and come back."""

from __future__ import annotations

from random import Random

from source_kit.page_size import PageSize


def test_a_heavy_page_halves_the_size() -> None:
    size = PageSize(1000)
    assert [size.too_heavy(1000), size.too_heavy(500), size.too_heavy(250)] == [500, 250, 125]


def test_the_size_never_falls_below_one() -> None:
    size = PageSize(1)
    assert size.too_heavy(1) == 1


def test_failures_of_pages_asked_for_before_the_last_change_count_once() -> None:
    size = PageSize(1000)
    size.too_heavy(1000)
    assert size.too_heavy(1000) == 500


def test_good_pages_bring_the_size_back() -> None:
    size = PageSize(1000)
    size.too_heavy(1000)
    for _ in range(4):
        size.went_well(500)
    assert size.current == 1000


def test_each_failed_attempt_at_a_larger_size_doubles_the_patience() -> None:
    size = PageSize(1000)
    needed = []
    for _ in range(3):
        size.too_heavy(1000)
        pages = 0
        while size.current == 500:
            size.went_well(500)
            pages += 1
        needed.append(pages)
    assert needed == [4, 8, 16]


def test_small_pages_say_nothing_about_large_ones() -> None:
    size = PageSize(1000)
    size.too_heavy(1000)
    for _ in range(20):
        size.went_well(1)
    assert size.current == 500


def test_a_passing_failure_of_a_size_that_works_changes_nothing() -> None:
    size = PageSize(1000)
    size.went_well(1000)
    assert size.too_heavy(1000, is_first=True) == 1000


def test_a_page_that_fails_twice_is_too_heavy_whatever_worked_before() -> None:
    size = PageSize(1000)
    size.went_well(1000)
    assert [size.too_heavy(1000, is_first=True), size.too_heavy(1000)] == [1000, 500]
    assert [size.too_heavy(500, is_first=True), size.too_heavy(500)] == [500, 250]


def test_a_gateway_that_fails_now_and_then_does_not_make_pages_small() -> None:
    random, size, asked = Random(1), PageSize(1000), []
    for _ in range(2_000):
        is_first = True
        while random.random() < 0.05:
            size.too_heavy(size.current, is_first=is_first)
            is_first = False
        asked.append(size.current)
        size.went_well(size.current)
    assert sum(asked) / len(asked) > 900
