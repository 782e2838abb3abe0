"""Digests by key in little memory: what a dictionary would hold, whatever the keys."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from source_kit.digests import Digests

# Few, so that keys come again and share their lowest bits; and the ends of what fits.
KEYS = st.sampled_from([0, 1, 64, -64, 128, 4096, 2**20, 2**63 - 1, -(2**63)])
NUMBERS = st.integers(-(2**63), 2**63 - 1)


@pytest.fixture(params=[0, 100], ids=["arrays", "dictionary"])
def digests(request: pytest.FixtureRequest) -> Digests:
    made = Digests(request.param, first_slots=64)
    made.put(99, 0)
    return made


def test_a_page_of_unknown_keys_is_new_once(digests: Digests) -> None:
    assert digests.are_new([1, 2, 3], [10, 20, 30])
    assert not digests.are_new([4, 5, 3], [40, 50, 30])
    assert [digests.get(key) for key in range(6)] == [None, 10, 20, 30, None, None]


def test_a_page_that_has_a_key_twice_is_not_new_and_leaves_nothing(digests: Digests) -> None:
    assert not digests.are_new([7, 8, 7], [70, 80, 71])
    assert [digests.get(key) for key in (7, 8)] == [None, None]


def test_keys_that_share_a_slot_are_told_apart(digests: Digests) -> None:
    assert digests.are_new([0, 64, 128, -64], [1, 2, 3, 4])
    digests.put(64, 5)
    assert [digests.get(key) for key in (0, 64, 128, -64, 192)] == [1, 5, 3, 4, None]


@given(
    st.lists(st.one_of(st.tuples(KEYS | NUMBERS, NUMBERS), st.lists(st.tuples(KEYS | NUMBERS, NUMBERS), max_size=99))),
    st.sampled_from([0, 1, 50, 1000]),
)
def test_it_holds_what_a_dictionary_would(steps: list[tuple[int, int] | list[tuple[int, int]]], most: int) -> None:
    digests, expected = Digests(most, first_slots=64), dict[int, int]()
    for step in steps:
        if isinstance(step, tuple):
            digests.put(*step)
            expected[step[0]] = step[1]
            continue
        keys, values = [key for key, _ in step], [value for _, value in step]
        is_new = len(set(keys)) == len(keys) and expected.keys().isdisjoint(keys)
        assert digests.are_new(keys, values) is is_new
        expected |= step if is_new else []
    assert {key: digests.get(key) for key in expected} == expected
    assert digests.get(12345) == expected.get(12345)


@pytest.mark.parametrize(("rows", "bytes_a_row"), [(60_000, 130), (110_000, 90), (125_000, 30), (250_000, 30)])
def test_rows_take_little_memory_and_are_found(rows: int, bytes_a_row: int) -> None:
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        digests = Digests()
        for at in range(0, rows, 100):
            keys = [hash(f"l_{number}") for number in range(at, at + 100)]
            assert digests.are_new(keys, keys)
        size = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert size < rows * bytes_a_row
    assert all(digests.get(key) == key for key in (hash(f"l_{number}") for number in range(rows)))
