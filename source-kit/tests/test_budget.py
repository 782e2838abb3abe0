"""The rate budget: pacing before the limit, and what a 429 means."""

from __future__ import annotations

import heapq
import math
import random
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from source_kit.budget import Permit
from source_kit.clock import Interrupted
from tests.budget_bench import NO_HEADERS, Bench, limited


def test_the_first_request_of_a_bucket_goes_alone() -> None:
    bench = Bench()
    permit = bench.budget.acquire("g")
    assert bench.delay() > 0
    assert bench.delay("other") == 0
    permit.release(200, NO_HEADERS)
    assert bench.burst() == 1000


def test_a_first_request_without_answer_is_followed_by_one_alone() -> None:
    bench = Bench()
    bench.send(status=None)
    assert bench.burst() == 1


def test_a_permit_is_released_by_whichever_thread_has_the_answer() -> None:
    bench = Bench()
    bench.send(limited(10))
    permits = [bench.budget.acquire("g") for _ in range(10)]
    for number, permit in enumerate(permits):
        thread = threading.Thread(target=permit.release, args=(200, limited(9 - number)))
        thread.start()
        thread.join()
    assert bench.delay() == 61.0
    bench.clock.tick(61.0)
    assert bench.delay() == 0


def test_a_permit_counts_once_however_often_and_from_wherever_it_is_released() -> None:
    bench = Bench()
    bench.send(limited(10))
    permits = [bench.budget.acquire("g") for _ in range(4)]
    barrier = threading.Barrier(8)

    def release(remaining: int) -> None:
        barrier.wait(10)
        permits[0].release(200, limited(remaining))

    threads = [threading.Thread(target=release, args=(9,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    permits[0].release(429, limited(0))
    # Three of the nine that remain are in flight.
    assert bench.burst() == 6


def test_what_is_in_flight_is_taken_off_the_budget() -> None:
    bench = Bench()
    bench.send(limited(10))
    assert bench.burst() == 10
    assert bench.delay() == 61.0


def test_a_lower_number_from_the_vendor_counts_because_others_share_the_budget() -> None:
    bench = Bench()
    bench.send(limited(50))
    permits = [bench.budget.acquire("g") for _ in range(2)]
    permits[0].release(200, limited(20))
    assert bench.burst() == 19


def test_an_answer_that_was_overtaken_does_not_raise_the_budget() -> None:
    bench = Bench()
    bench.send(limited(10))
    permits = [bench.budget.acquire("g") for _ in range(5)]
    for number in (4, 0, 1, 3, 2):
        permits[number].release(200, limited(9 - number))
    assert bench.burst() == 5


def test_a_spent_window_opens_again_a_margin_after_its_reset() -> None:
    bench = Bench()
    bench.send(limited(0, limit=10, reset="30"))
    assert bench.delay() == 31.0
    bench.clock.tick(30.99)
    assert bench.delay() > 0
    bench.clock.tick(0.02)
    assert bench.delay() == 0


def test_the_first_request_of_a_new_window_goes_alone_after_a_spent_one() -> None:
    bench = Bench()
    bench.send(limited(0, limit=10, reset="30"))
    assert bench.delay() == 31.0
    bench.clock.tick(31.1)
    permit = bench.budget.acquire("g")
    assert bench.burst() == 0
    permit.release(200, limited(9, limit=10, reset="30"))
    assert bench.burst() == 9


def test_a_window_that_was_not_spent_rolls_over_without_a_pause() -> None:
    bench = Bench()
    bench.send(limited(40, limit=50, reset="30"))
    bench.clock.tick(30)
    assert bench.delay() == 0
    bench.clock.tick(1)
    assert bench.burst() == 50


@pytest.mark.parametrize(
    ("reset", "expected"), [("60", 61.0), ("8", 8.96), ("1", 1.12), ("0", 1.12), ("8.00", 8.02), ("0.87", 0.89)]
)
def test_the_margin_allows_for_headers_of_whole_seconds(reset: str, expected: float) -> None:
    bench = Bench()
    bench.send(limited(0, reset=reset))
    assert bench.delay() == expected


def test_the_share_of_others_is_left_alone() -> None:
    bench = Bench(share=0.8)
    bench.send(limited(99))
    assert bench.burst() == 79


def test_the_tightest_of_two_windows_decides() -> None:
    bench = Bench()
    bench.send({"ratelimit": "limit=240; remaining=200; reset=60", **limited(2, limit=60, reset="20")})
    assert bench.burst() == 2


def test_short_windows_are_filled_evenly_once_they_are_half_used() -> None:
    bench = Bench()
    bench.send(limited(40, limit=100, reset="8.0"))
    assert bench.delay() == 0.2
    bench.clock.tick(0.2)
    assert bench.burst() == 1


def test_an_end_without_known_reset_waits_for_a_minute_after_the_answer() -> None:
    bench = Bench()
    bench.send({"X-RateLimit-Limit": "10", "X-RateLimit-Remaining": "0"})
    assert bench.delay() == 61.0
    bench.clock.tick(61.0)
    assert bench.delay() == 0


def test_a_refusal_waits_as_long_as_it_says_and_then_one_request_goes_alone() -> None:
    bench = Bench()
    bench.send(status=429, headers={"Retry-After": "7"})
    assert bench.delay() == 7.0
    assert bench.delay("other") == 0
    bench.clock.tick(7)
    assert bench.burst() == 1


def test_a_refusal_waits_a_second_at_least() -> None:
    bench = Bench()
    bench.send(status=429, headers={"Retry-After": "0"})
    assert bench.delay() == 1.0


def test_a_refusal_without_retry_after_waits_for_the_reset() -> None:
    bench = Bench()
    bench.send(status=429, headers=limited(0, reset="12"))
    assert bench.delay() == 13.0


def test_refusals_without_any_hint_wait_longer_and_longer_up_to_a_minute() -> None:
    bench = Bench()
    waits = []
    for _ in range(9):
        bench.send(status=429)
        waits.append(bench.delay())
    assert waits == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0]
    bench.send()
    bench.send(status=429)
    assert bench.delay() == 1.0


def test_a_bucket_with_a_fallback_is_paced_after_a_refusal_without_headers() -> None:
    bench = Bench(fallback_per_second={"g": 2.0})
    bench.send()
    assert bench.delay() == 0
    bench.send(status=429)
    bench.clock.tick(1.0)
    bench.send()
    assert bench.delay() == 0.5


def test_headers_that_come_only_with_a_refusal_are_forgotten_after_their_window() -> None:
    bench = Bench()
    bench.send()
    bench.send(status=429, headers=limited(0, limit=5, reset="10"))
    bench.clock.tick(11.1)
    bench.send()
    assert bench.burst() == 1000


def test_the_ceiling_of_the_user_holds_for_all_buckets_in_any_minute() -> None:
    bench = Bench(max_per_minute=3)
    bench.send(bucket="a")
    bench.clock.tick(10)
    bench.send(bucket="b")
    bench.send(bucket="c")
    assert [bench.delay(name) for name in "abcd"] == [50.0] * 4
    bench.clock.tick(50)
    assert bench.delay("d") == 0
    bench.send(bucket="d")
    assert bench.delay("a") == 10.0


def test_an_assumed_limit_ends_with_the_first_header() -> None:
    bench = Bench(assumed_per_minute=10, share=0.5)
    for _ in range(5):
        bench.send()
    assert bench.delay() == 60.0
    bench.clock.tick(60)
    # Half of a limit of 100 is left to others: of the 90 that are there, 40 may be used, and not only the assumed 5.
    bench.send(limited(90))
    assert bench.burst() == 40


def test_a_header_that_tells_less_than_was_assumed_holds_too() -> None:
    bench = Bench(assumed_per_minute=10, share=0.5)
    bench.send(limited(52))
    assert bench.burst() == 2


def test_a_body_may_ask_for_a_longer_wait_but_not_for_a_shorter_one() -> None:
    bench = Bench()
    bench.send(status=429, headers={"Retry-After": "5"})
    bench.budget.refuse("g", 9)
    assert bench.delay() == 9.0
    bench.budget.refuse("g", 2)
    assert bench.delay() == 9.0


def test_a_wait_is_slept_in_short_naps_that_end_when_the_process_stops() -> None:
    bench = Bench()
    bench.send(status=429, headers={"Retry-After": "3"})
    bench.send()
    assert bench.clock.sleeps == [1.0, 1.0, 1.0]
    bench.send(status=429, headers={"Retry-After": "3"})
    bench.clock.stop()
    with pytest.raises(Interrupted):
        bench.budget.acquire("g")


class Vendor:
    """Fixed windows of `length` seconds from `phase` on; resets are exact, or whole seconds rounded up."""

    def __init__(self, limit: int, length: float, phase: float, form: str) -> None:
        self.limit, self.length, self.phase, self.form = limit, length, phase, form
        self.window, self.used = -1, 0
        self.refused = 0

    def answer(self, now: float) -> tuple[int, dict[str, str]]:
        window = int((now + self.phase) // self.length)
        if window != self.window:
            self.window, self.used = window, 0
        self.used += 1
        rest = (window + 1) * self.length - now - self.phase
        remaining = max(0, self.limit - self.used)
        reset = str(math.ceil(rest)) if self.form == "up" else f"{rest:.6f}"
        status = 200 if self.used <= self.limit else 429
        self.refused += status == 429
        headers = {"RateLimit": f"limit={self.limit}, remaining={remaining}, reset={reset}"}
        return status, headers


@settings(max_examples=60)
@given(
    st.integers(1, 60),
    st.sampled_from([1.0, 8.0, 60.0]),
    st.floats(0, 60),
    st.sampled_from(["up", "exact"]),
    st.integers(1, 8),
    st.integers(0, 10**6),
)
def test_a_vendor_with_honest_headers_never_has_to_refuse(
    limit: int, length: float, phase: float, form: str, workers: int, seed: int
) -> None:
    chance = random.Random(seed)
    bench = Bench()
    clock, budget = bench.clock, bench.budget
    vendor = Vendor(limit, length, phase, form)
    answers: list[tuple[float, int, Permit, int, dict[str, str]]] = []
    sent = 0
    while sent < 300:
        wait = budget.delay("g")
        if wait <= 0 and len(answers) < workers:
            permit = budget.acquire("g")
            status, headers = vendor.answer(clock.monotonic())
            heapq.heappush(answers, (clock.monotonic() + chance.uniform(0.001, 0.4), sent, permit, status, headers))
            sent += 1
            continue
        # The next thing that happens: an answer, or the end of the wait.
        due = answers[0][0] if answers else float("inf")
        moment = min(due, clock.monotonic() + wait if wait > 0 else float("inf"))
        clock.tick(max(moment - clock.monotonic(), 1e-6))
        if answers and answers[0][0] <= clock.monotonic():
            _, _, permit, status, headers = heapq.heappop(answers)
            permit.release(status, headers)
    assert vendor.refused == 0
    if limit >= 10 and length >= 8:
        assert clock.monotonic() - 1000 < 2 * length + 1.3 * 300 * max(length / limit, 0.4 / workers)
