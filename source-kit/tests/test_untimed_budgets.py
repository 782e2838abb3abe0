"""Budgets whose headers tell what remains but not until when, against simulated vendors of every kind of window.

The clock is injected: a simulation jumps from event to event (requests arrive in another order than they left, answers
come in another order than requests arrived, others use the same budget), so that minutes take milliseconds.
"""

from __future__ import annotations

import heapq
import math
import random
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from hypothesis import given, settings
from hypothesis import strategies as st

from source_kit.budget import Permit, RateBudget
from source_kit.testing import FakeClock

# How long requests take on average: a window from the first request on is known to begin when its answer comes.
LONGEST_MEAN_SECONDS = 0.7


class Vendor(Protocol):
    """Counts requests; `take` tells whether one is answered, what remains, and in how many seconds more is free."""

    limit: int

    def take(self, now: float) -> tuple[bool, int, float]: ...


@dataclass
class OfTheClock:
    """Windows of a grid; `phase` seconds of the first one are over at the start."""

    limit: int
    phase: float
    seconds: float = 60.0
    number: int = -1
    used: int = 0

    def take(self, now: float) -> tuple[bool, int, float]:
        number = math.floor((now + self.phase) / self.seconds)
        if number != self.number:
            self.number, self.used = number, 0
        is_answered = self.used < self.limit
        self.used += is_answered
        return is_answered, self.limit - self.used, (number + 1) * self.seconds - self.phase - now


@dataclass
class FromTheFirst:
    """A window begins with the first request after the one before."""

    limit: int
    phase: float = 0.0
    seconds: float = 60.0
    ends: float = -math.inf
    used: int = 0

    def take(self, now: float) -> tuple[bool, int, float]:
        if now >= self.ends:
            self.ends, self.used = now + self.seconds, 0
        is_answered = self.used < self.limit
        self.used += is_answered
        return is_answered, self.limit - self.used, self.ends - now


@dataclass
class Sliding:
    """Each place comes back a minute after it was taken."""

    limit: int
    phase: float = 0.0
    seconds: float = 60.0
    taken: deque[float] = field(default_factory=deque)

    def take(self, now: float) -> tuple[bool, int, float]:
        while self.taken and self.taken[0] <= now - self.seconds:
            self.taken.popleft()
        is_answered = len(self.taken) < self.limit
        if is_answered:
            self.taken.append(now)
        return is_answered, self.limit - len(self.taken), self.taken[0] + self.seconds - now


@dataclass
class Weighted:
    """The window before counts in part: what a minute ago was taken may count for two."""

    limit: int
    phase: float
    seconds: float = 60.0
    number: int = 0
    before: int = 0
    used: int = 0

    def take(self, now: float) -> tuple[bool, int, float]:
        number, part = divmod((now + self.phase) / self.seconds, 1)
        if number != self.number:
            self.before, self.used = (self.used if number == self.number + 1 else 0), 0
            self.number = int(number)
        counted = self.before * (1 - part) + self.used
        is_answered = counted < self.limit
        self.used += is_answered
        return is_answered, max(0, int(self.limit - counted - is_answered)), self.seconds


@dataclass
class Leaking:
    """Places come back one by one, at an even pace."""

    limit: int
    phase: float = 0.0
    seconds: float = 60.0
    used: float = 0.0
    at: float = 0.0

    def take(self, now: float) -> tuple[bool, int, float]:
        self.used = max(0.0, self.used - (now - self.at) * self.limit / self.seconds)
        self.at = now
        is_answered = self.used + 1 <= self.limit
        self.used += is_answered
        return is_answered, int(self.limit - self.used), self.seconds


@dataclass
class TwoMachines:
    """Requests are counted by the one of two machines that has them, which tells its own half of the truth."""

    limit: int
    phase: float
    count: int = 0

    def __post_init__(self) -> None:
        self.machines = [OfTheClock(self.limit // 2, self.phase), OfTheClock(self.limit // 2, self.phase + 23.0)]

    def take(self, now: float) -> tuple[bool, int, float]:
        self.count += 1
        return self.machines[self.count * 7 % 5 % 2].take(now)


def evenly(limit: int, part: float, chance: random.Random) -> Iterator[float]:
    """Others send `part` of the limit a minute, one by one."""
    step = 60.0 / (limit * part)
    moment = chance.uniform(0, step)
    while True:
        yield moment + chance.uniform(0, step / 2)
        moment += step


def every_minute(limit: int, part: float, chance: random.Random) -> Iterator[float]:
    """Others send `part` of the limit within a second, once a minute."""
    minute = chance.uniform(0, 60)
    while True:
        yield from sorted(minute + chance.uniform(0, 1) for _ in range(int(limit * part)))
        minute += 60.0


@dataclass
class Outcome:
    """Numbers of requests; `seconds` that the simulation lasted."""

    seconds: float
    ours: int = 0
    others: int = 0
    refused: int = 0

    def used(self, limit: int) -> float:
        """The part of the vendor's windows that was used."""
        return (self.ours + self.others) / (limit * self.seconds / 60)


@dataclass
class Simulation:
    """Workers that send as fast as the budget allows, `pace` times as fast as the limit would."""

    vendor: Vendor
    workers: int
    pace: float
    seed: int
    share: float = 1.0
    others: Iterator[float] = field(default_factory=lambda: iter(()))
    # Shares of requests that get no answer, of answers without headers, and whether a 429 tells the reset.
    lost: float = 0.0
    silent: float = 0.0
    tells_reset: bool = True

    def run(self, seconds: float) -> Outcome:
        clock, chance, outcome = FakeClock(), random.Random(self.seed), Outcome(seconds)
        budget = RateBudget(clock, share=self.share)
        began = clock.monotonic()
        mean = min(LONGEST_MEAN_SECONDS, self.workers * 60 / (self.pace * self.vendor.limit))
        arriving: list[tuple[float, int, Permit | None]] = []
        answers: list[tuple[float, int, Permit, int | None, dict[str, str]]] = []
        idle, count = self.workers, 0
        heapq.heappush(arriving, (began + next(self.others, math.inf), 0, None))
        while clock.monotonic() < began + seconds:
            wait = budget.delay("g") if idle else math.inf
            if wait <= 0:
                idle, count = idle - 1, count + 1
                arrives = clock.monotonic() + _seconds(mean / 3, chance)
                heapq.heappush(arriving, (arrives, count, budget.acquire("g")))
                continue
            due = [queue[0][0] for queue in (arriving, answers) if queue]
            moment = min(*due, clock.monotonic() + wait, began + seconds)
            clock.tick(max(moment - clock.monotonic(), 1e-6))
            while arriving and arriving[0][0] <= clock.monotonic():
                at, number, permit = heapq.heappop(arriving)
                is_answered, remaining, reset = self.vendor.take(at - began)
                if permit is None:
                    outcome.others += is_answered
                    heapq.heappush(arriving, (began + next(self.others, math.inf), 0, None))
                    continue
                outcome.ours += is_answered
                outcome.refused += not is_answered
                status, headers = self._answer(is_answered, remaining, clock.now().timestamp() + reset, chance)
                comes = at + _seconds(mean * 2 / 3, chance)
                heapq.heappush(answers, (comes, number, permit, status, headers))
            while answers and answers[0][0] <= clock.monotonic():
                _, _, permit, status, headers = heapq.heappop(answers)
                permit.release(status, headers)
                idle += 1
        return outcome

    def _answer(
        self, is_answered: bool, remaining: int, reset: float, chance: random.Random
    ) -> tuple[int | None, dict[str, str]]:
        if chance.random() < self.lost:
            return None, {}
        if is_answered and chance.random() < self.silent:
            return 200, {}
        headers = {"x-ratelimit-limit": str(self.vendor.limit), "x-ratelimit-remaining": str(remaining)}
        if is_answered:
            return 200, headers
        return 429, headers | ({"x-ratelimit-reset": str(math.ceil(reset))} if self.tells_reset else {})


def _seconds(mean: float, chance: random.Random) -> float:
    """How long a way takes: usually about the mean, one in thirty ten times that, but never more than some seconds."""
    return min(6.0, chance.uniform(0.5, 1.2) * mean * (10 if chance.random() < 1 / 30 else 1))


def minutes(limit: int) -> float:
    """Seconds to simulate: four windows at least, and more where they are small."""
    return 60.0 * max(4, min(8, 1500 // limit))


LIMITS = st.one_of(st.integers(60, 300), st.integers(60, 2000))
WORKERS = st.integers(1, 16)
# Below 1.3 the network, not the budget, would be the bound.
PACES = st.floats(1.3, 10)
PHASES = st.floats(0, 60)
SEEDS = st.integers(0, 10**6)
SHARES = st.sampled_from([1.0, 0.95, 0.8])


@settings(max_examples=20)
@given(st.sampled_from([OfTheClock, FromTheFirst]), LIMITS, PHASES, WORKERS, PACES, SHARES, SEEDS)
def test_windows_are_used_to_their_end_and_nothing_is_refused(
    kind: type[OfTheClock | FromTheFirst],
    limit: int,
    phase: float,
    workers: int,
    pace: float,
    share: float,
    seed: int,
) -> None:
    outcome = Simulation(kind(limit, phase), workers, pace, seed, share).run(minutes(limit))
    assert outcome.refused == 0
    assert outcome.used(limit) >= 0.95 * (limit - int(limit * (1 - share) + 1e-9)) / limit


@settings(max_examples=15)
@given(
    st.sampled_from([OfTheClock, FromTheFirst]), LIMITS, PHASES, WORKERS, st.floats(2, 10), st.floats(0.05, 0.4), SEEDS
)
def test_what_others_use_of_a_window_is_left_to_them(
    kind: type[OfTheClock | FromTheFirst],
    limit: int,
    phase: float,
    workers: int,
    pace: float,
    part: float,
    seed: int,
) -> None:
    others = evenly(limit, part, random.Random(seed))
    outcome = Simulation(kind(limit, phase), workers, pace, seed, 0.95, others).run(minutes(limit))
    assert outcome.refused == 0
    assert outcome.used(limit) >= 0.95 * 0.95


@settings(max_examples=15)
@given(LIMITS, WORKERS, PACES, SHARES, SEEDS)
def test_where_places_come_back_one_by_one_nothing_is_refused_either(
    limit: int, workers: int, pace: float, share: float, seed: int
) -> None:
    outcome = Simulation(Sliding(limit), workers, pace, seed, share).run(minutes(limit))
    assert outcome.refused == 0
    assert outcome.used(limit) >= 0.85 * share


@settings(max_examples=20)
@given(
    st.sampled_from([OfTheClock, FromTheFirst, Sliding]),
    LIMITS,
    PHASES,
    WORKERS,
    st.floats(0, 0.2),
    st.floats(0, 0.5),
    SEEDS,
)
def test_requests_without_answer_and_answers_without_headers_count_as_if_they_had_counted(
    kind: type[OfTheClock | FromTheFirst | Sliding],
    limit: int,
    phase: float,
    workers: int,
    lost: float,
    silent: float,
    seed: int,
) -> None:
    simulation = Simulation(kind(limit, phase), workers, 4.0, seed, lost=lost, silent=silent)
    assert simulation.run(minutes(limit)).refused == 0


@settings(max_examples=20)
@given(
    st.sampled_from([OfTheClock, FromTheFirst, Sliding, Weighted, Leaking, TwoMachines]),
    LIMITS,
    PHASES,
    st.sampled_from([20.0, 60.0, 75.0, 300.0, 3600.0]),
    WORKERS,
    PACES,
    st.booleans(),
    st.booleans(),
    SEEDS,
)
def test_nothing_that_a_vendor_may_do_ends_in_a_storm_of_refusals(
    kind: type,
    limit: int,
    phase: float,
    seconds: float,
    workers: int,
    pace: float,
    tells_reset: bool,
    is_crowded: bool,
    seed: int,
) -> None:
    vendor = kind(limit, phase) if kind is TwoMachines else kind(limit, phase, seconds)
    others = every_minute(limit, 0.4, random.Random(seed)) if is_crowded else iter(())
    simulation = Simulation(vendor, workers, pace, seed, 0.95, others, tells_reset=tells_reset)
    outcome = simulation.run(minutes(limit))
    # What is in flight when others take the last places is lost; after that it is one request at a time.
    assert outcome.refused <= (workers + 2) * outcome.seconds / 60
    assert outcome.ours > 0
