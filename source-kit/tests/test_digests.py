"""Digests by key in little memory: what a dictionary would hold, whatever the keys."""

from __future__ import annotations

import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from source_kit.digests import Digests

# Few, so that keys come again and share their lowest bits; and the ends of what fits.
KEYS = st.sampled_from([0, 1, 64, -64, 128, 4096, 2**20, 2**63 - 1, -(2**63)])
NUMBERS = st.integers(-(2**63), 2**63 - 1)


def test_a_page_of_unknown_keys_is_new_once() -> None:
    digests = Digests()
    assert digests.are_new([1, 2, 3], [10, 20, 30])
    assert not digests.are_new([4, 5, 3], [40, 50, 30])
    assert [digests.get(key) for key in range(6)] == [None, 10, 20, 30, None, None]


def test_a_page_that_has_a_key_twice_is_not_new_and_leaves_nothing() -> None:
    digests = Digests()
    assert not digests.are_new([7, 8, 7], [70, 80, 71])
    assert [digests.get(key) for key in (7, 8)] == [None, None]


def test_keys_that_share_a_slot_are_told_apart() -> None:
    digests = Digests()
    assert digests.are_new([0, 64, 128, -64], [1, 2, 3, 4])
    digests.put(64, 5)
    assert [digests.get(key) for key in (0, 64, 128, -64, 192)] == [1, 5, 3, 4, None]


@given(
    st.lists(st.one_of(st.tuples(KEYS | NUMBERS, NUMBERS), st.lists(st.tuples(KEYS | NUMBERS, NUMBERS), max_size=99)))
)
def test_it_holds_what_a_dictionary_would(steps: list[tuple[int, int] | list[tuple[int, int]]]) -> None:
    digests, expected = Digests(), dict[int, int]()
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


def test_a_hundred_thousand_rows_take_less_than_3_megabytes_and_are_found() -> None:
    keys = [hash(f"l_{number}") for number in range(100_000)]
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        digests = Digests()
        assert all(digests.are_new(keys[at : at + 100], keys[at : at + 100]) for at in range(0, 100_000, 100))
        size = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert size < 3_000_000
    assert list(map(digests.get, keys)) == keys
