"""When places come back, as pure functions of what answers told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from source_kit.phase import Meaning, Span, Told, free_again, is_new_window, meaning, over, taken_by_others


def burst(count: int, *, since: float = 100.0, every: float = 0.1, takes: float = 0.2) -> list[Span]:
    """Requests that leave one after the other."""
    return [Span(since + n * every, since + n * every + takes) for n in range(count)]


@pytest.mark.parametrize(
    ("remaining", "left", "beside", "expected"),
    [
        (49, 111.0, 0, Meaning.LESS),
        (10, 111.0, 0, Meaning.LESS),
        (50, 111.0, 0, Meaning.RISE),
        (299, 111.0, 0, Meaning.RISE),
        # Sent before the answer that told 50 came: a request that arrived earlier ...
        (53, 109.0, 3, Meaning.EARLIER),
        (82, 109.0, 3, Meaning.EARLIER),
        # ... unless that explains too little: others would have sent more than a tenth of the limit at once.
        (84, 109.0, 3, Meaning.UNCLEAR),
        (299, 109.0, 3, Meaning.UNCLEAR),
        # Sent before the last rise was seen: a much lower number is of the window before.
        (20, 104.0, 3, Meaning.LESS),
        (2, 104.0, 3, Meaning.OUTDATED),
        (2, 106.0, 3, Meaning.LESS),
    ],
)
def test_what_an_answer_means(remaining: int, left: float, beside: int, expected: Meaning) -> None:
    told = Told(50, Span(109.5, 110.0))
    assert meaning(told, 105.0, remaining, Span(left, 112.0), beside=beside, limit=300) is expected


def test_more_than_a_sliding_minute_explains_is_a_new_window() -> None:
    counted = burst(290)  # from 100.0 to 129.1
    told = Told(10, counted[-1])
    late = Span(161.0, 161.2)
    # A minute before 161.2 thirteen requests had left.
    assert [is_new_window(counted, told, remaining, late) for remaining in (22, 23, 24, 299)] == [
        False,
        False,
        True,
        True,
    ]


def test_places_that_were_back_when_the_least_was_told_explain_nothing_later() -> None:
    counted = burst(3)
    told = Told(10, Span(170.0, 170.2))
    assert is_new_window(counted, told, 12, Span(171.0, 171.2))


def test_a_place_is_free_a_minute_and_a_second_after_the_answer_to_the_oldest_request_that_counts() -> None:
    counted = burst(5)
    told = Told(1, counted[-1])
    assert free_again(counted, told, 1, 101.0) == pytest.approx(161.2)
    assert free_again(counted, told, 0, 101.0) == pytest.approx(161.2)
    # Two requests of which nothing was told may have taken the first places that come back.
    assert free_again(counted, told, -2, 101.0) == pytest.approx(161.4)
    assert free_again(counted, told, -20, 101.0) == pytest.approx(161.6)
    assert free_again([], told, 0, 101.0) == 101.0


def test_a_place_that_was_back_when_the_least_was_told_is_not_waited_for_again() -> None:
    counted = [*burst(3), *burst(3, since=158.0)]
    told = Told(1, Span(160.05, 160.15))  # the first two requests may be over, the third may not
    assert free_again(counted, told, 1, 160.2) == pytest.approx(161.4)


@pytest.mark.parametrize(
    ("remaining", "own", "seconds", "expected"),
    [(250, 50, 10.0, 0), (250, 60, 10.0, 0), (240, 50, 10.0, 2), (240, 50, 40.0, 1), (240, 50, 0.1, 10)],
)
def test_what_others_take_while_an_answer_comes(remaining: int, own: int, seconds: float, expected: int) -> None:
    risen, told = Told(300, Span(99.9, 100.0)), Told(remaining, Span(99.9 + seconds, 100.0 + seconds))
    assert taken_by_others(risen, told, own) == expected


@given(st.lists(st.tuples(st.floats(0, 120), st.floats(0, 5))), st.floats(0, 240))
def test_no_request_counts_longer_than_a_minute(times: list[tuple[float, float]], left: float) -> None:
    counted = sorted((Span(begin, begin + takes) for begin, takes in times), key=lambda span: span.came)
    first = over(counted, left)
    assert all(span.came + 60 <= left + 1e-6 for span in counted[:first])
    assert all(span.came + 60 > left - 1e-6 for span in counted[first:])
