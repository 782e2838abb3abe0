"""Budgets whose reset is not told, step by step: what is predicted, and what becomes of predictions that are wrong."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from source_kit.budget import RateBudget
from source_kit.quotas import DISTRUST_SECONDS
from source_kit.testing import FakeClock


def told(remaining: int, limit: int = 100) -> dict[str, str]:
    return {"x-ratelimit-limit": str(limit), "x-ratelimit-remaining": str(remaining)}


class Bench:
    """A budget of which everything may be used, apart from the one place that is kept."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.budget = RateBudget(self.clock, share=1.0)

    def send(self, headers: Mapping[str, str], status: int | None = 200) -> None:
        """A request that is answered at once."""
        assert self.budget.delay("g") <= 0
        self.budget.acquire("g").release(status, headers)

    def spend(self, remaining: int = 100, *, down_to: int = 1, seconds: float = 20.0) -> None:
        """Use up what remains, evenly over so many seconds."""
        for left in range(remaining - 1, down_to - 1, -1):
            self.send(told(left))
            self.clock.tick(seconds / (remaining - down_to))

    @property
    def delay(self) -> float:
        return round(self.budget.delay("g"), 3)

    def wait(self) -> None:
        self.clock.tick(self.delay + 0.001)


def test_a_minute_is_counted_from_the_first_request_of_a_window() -> None:
    bench = Bench()
    bench.spend()
    assert bench.delay == 41.0


def test_the_first_request_after_a_spent_window_goes_alone_and_the_rest_of_the_new_one_follows() -> None:
    bench = Bench()
    bench.spend()
    bench.wait()
    permit = bench.budget.acquire("g")
    assert bench.delay > 0
    permit.release(200, told(99))
    bench.spend(99)
    assert bench.delay == pytest.approx(61 - 20 - 0.2, abs=0.3)


def test_a_jump_while_requests_run_tells_when_the_next_window_began() -> None:
    bench = Bench()
    bench.spend(60, down_to=40, seconds=10)  # the window began earlier, and is over now
    began = bench.clock.monotonic()
    bench.spend(100, seconds=30)
    assert bench.delay == pytest.approx(began + 61 - bench.clock.monotonic())


def test_places_that_come_back_one_by_one_are_used_one_by_one() -> None:
    bench = Bench()
    bench.spend()  # one each 0.202 seconds
    bench.wait()
    # In the second that is waited more than a minute five came back, one of which this request takes.
    for left in (5, 4, 3, 2, 1):
        bench.send(told(left))
    assert bench.delay == pytest.approx(1.0, abs=0.05)
    bench.wait()
    bench.send(told(5))
    assert bench.delay == 0


def test_a_prediction_without_a_rise_is_followed_by_a_wait_for_a_minute_after_the_last_request() -> None:
    bench = Bench()
    bench.spend(down_to=2)
    bench.send(told(1))
    bench.wait()
    bench.send(told(0))
    assert bench.delay == 60.0
    bench.wait()
    bench.spend()
    assert bench.delay == 41.0, "one that is wrong is no reason to predict no more"


def test_after_two_wrong_predictions_in_a_row_nothing_is_predicted_for_ten_minutes() -> None:
    bench = Bench()
    bench.spend()
    bench.wait()
    bench.send(told(0))
    bench.wait()
    bench.spend()
    bench.wait()
    bench.send(told(0))
    lost_at = bench.clock.monotonic()
    bench.wait()
    while bench.clock.monotonic() < lost_at + DISTRUST_SECONDS - 30:
        bench.spend()
        assert bench.delay == pytest.approx(59.8, abs=0.05)
        bench.wait()
    bench.clock.tick(90)
    bench.spend()
    assert bench.delay == 41.0


def test_after_a_refused_prediction_nothing_is_predicted_for_ten_minutes() -> None:
    bench = Bench()
    bench.spend()
    bench.wait()
    bench.send(told(0), status=429)
    bench.wait()
    bench.spend()
    assert bench.delay == pytest.approx(59.8, abs=0.05)


def test_a_refusal_that_tells_the_reset_is_obeyed_and_the_next_window_is_learnt_anew() -> None:
    bench = Bench()
    bench.spend()
    bench.wait()
    bench.send(told(0) | {"x-ratelimit-reset": "25"}, status=429)
    assert bench.delay == 26.0
    bench.wait()
    bench.spend()
    assert bench.delay == pytest.approx(59.8, abs=0.05)


def test_a_prediction_whose_answer_never_comes_is_tried_again() -> None:
    bench = Bench()
    bench.spend()
    bench.wait()
    bench.send({}, status=None)
    assert bench.delay <= 0.5
    bench.wait()
    bench.send(told(97))
    assert bench.delay == 0


def test_a_prediction_under_way_while_a_reset_is_told_keeps_nobody_waiting_later() -> None:
    bench = Bench()
    bench.spend(down_to=2)
    slow = bench.budget.acquire("g")
    bench.clock.tick(60)  # later than any answer should be: the prediction leaves beside it
    prediction = bench.budget.acquire("g")
    slow.release(429, told(0) | {"x-ratelimit-reset": "5"})
    prediction.release(200, {})
    bench.clock.tick(10)
    bench.spend()
    assert bench.delay == 41.0


def test_where_a_new_window_may_have_begun_beside_the_last_requests_of_the_old_one_one_request_finds_out() -> None:
    bench = Bench()
    bench.spend(down_to=7)
    permits = [bench.budget.acquire("g") for _ in range(6)]
    bench.clock.tick(0.1)
    for remaining, permit in zip((3, 98, 2, 97, 1, 96), permits, strict=True):
        permit.release(200, told(remaining))
    # One remains, or 96.
    assert bench.delay == 0
    permit = bench.budget.acquire("g")
    assert bench.delay > 0
    permit.release(200, told(95))
    assert bench.delay == 0


def test_a_vendor_that_falls_silent_is_not_waited_for_for_ever() -> None:
    bench = Bench()
    bench.spend()
    began = bench.clock.monotonic()
    for _ in range(1000):
        bench.wait()
        bench.send({})
    assert bench.clock.monotonic() < began + 70
