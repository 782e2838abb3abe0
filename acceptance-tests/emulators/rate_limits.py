"""Request budgets per endpoint group, the headers that publish them, and a record of requests sent in spite of them."""

from __future__ import annotations

import math
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

UNLIMITED = 100_000
"""Shown in headers where no limit is set."""
PHASE = 0.37
"""Where in a window of the clock the emulator starts, as a share of it."""
GRACE_SECONDS = 0.25
"""On a busy machine an answer takes that long to reach its client, and a request to be taken from the network."""

Header = tuple[str, str]
Style = Literal["fixed", "clock", "sliding"]


@dataclass(frozen=True, slots=True)
class Budget:
    """What is left of a window after a request."""

    limit: int
    remaining: int
    reset: float
    """Seconds until the window ends (fixed), or until the oldest request leaves it (sliding)."""
    window: float
    refused: bool = False


class Window(Protocol):
    """A counter of requests."""

    def take(self, now: float) -> Budget:
        """Count a request that arrives at `now`; a refused one does not count."""


class CountedWindow:
    """A window that keeps what it was used for: requests answered in each stretch of its length, and refused ones."""

    def __init__(self, limit: int, seconds: float, origin: float | None = None) -> None:
        """Stretches begin at `origin` (monotonic seconds), or with the first request."""
        self.limit, self.seconds = limit, seconds
        self.refusals = 0
        self._origin = origin
        self._used: Counter[int] = Counter()

    def stretch(self, now: float) -> int:
        """The number of the stretch at hand."""
        if self._origin is None:
            self._origin = now
        return math.floor((now - self._origin) / self.seconds)

    def count(self, now: float, *, refused: bool) -> None:
        """Keep a request."""
        self._used[self.stretch(now)] += not refused
        self.refusals += refused

    def use(self) -> list[int]:
        """Requests answered in each stretch, from the first to the last that had any, oldest first."""
        return [self._used[number] for number in range(min(self._used), max(self._used) + 1)] if self._used else []


class FixedWindow(CountedWindow):
    """So many requests in a window that starts with its first request."""

    _ends = -math.inf
    _taken = 0

    def take(self, now: float) -> Budget:
        """Count a request."""
        if now >= self._ends:
            self._ends, self._taken = now + self.seconds, 0
        refused = self._taken >= self.limit
        self._taken += not refused
        self.count(now, refused=refused)
        return Budget(self.limit, self.limit - self._taken, self._ends - now, self.seconds, refused)


class ClockWindow(CountedWindow):
    """So many requests in each window of a grid, whose phase nobody is told."""

    _number: int | None = None
    _taken = 0

    def take(self, now: float) -> Budget:
        """Count a request."""
        number = self.stretch(now)
        if number != self._number:
            self._number, self._taken = number, 0
        refused = self._taken >= self.limit
        self._taken += not refused
        self.count(now, refused=refused)
        ends = (self._origin or 0.0) + (number + 1) * self.seconds
        return Budget(self.limit, self.limit - self._taken, ends - now, self.seconds, refused)


class SlidingWindow(CountedWindow):
    """So many requests in any stretch of that length."""

    def __init__(self, limit: int, seconds: float) -> None:
        super().__init__(limit, seconds)
        self._times: deque[float] = deque()

    def take(self, now: float) -> Budget:
        """Count a request."""
        while self._times and self._times[0] <= now - self.seconds:
            self._times.popleft()
        refused = len(self._times) >= self.limit
        if not refused:
            self._times.append(now)
        self.count(now, refused=refused)
        reset = self._times[0] + self.seconds - now if self._times else self.seconds
        return Budget(self.limit, self.limit - len(self._times), reset, self.seconds, refused)


class Unlimited:
    """Counts nothing, and shows a large budget."""

    def take(self, now: float) -> Budget:
        """Allow the request."""
        return Budget(UNLIMITED, UNLIMITED - 1, 8.0, 8.0)


@dataclass(frozen=True, slots=True)
class Violation:
    """A request that its sender could have known to be refused."""

    group: str
    at: float
    """Seconds since the epoch."""
    seconds_early: float


class RateLimits:
    """The windows of all groups, made when first used.

    `overrides` maps a group to `[limit, seconds]`; 0 is unlimited. A violation is a request that arrives while its
    group's window is known to be spent (an answer with remaining 0, or a 429, left more than `grace` seconds ago).
    """

    def __init__(self, grace: float = GRACE_SECONDS) -> None:
        self._grace = grace
        self._windows: dict[str, Window] = {}
        self._spent: dict[str, tuple[float, float]] = {}
        self.violations: list[Violation] = []
        self._limit, self._seconds = 0, 8.0
        self._style: Style = "fixed"
        self._overrides: dict[str, list[float]] = {}

    def configure(self, limit: int, seconds: float, style: Style, overrides: dict[str, list[float]]) -> None:
        """Set all limits; where they change, running windows start anew."""
        if (limit, seconds, style, overrides) == (self._limit, self._seconds, self._style, self._overrides):
            return
        self._limit, self._seconds, self._style, self._overrides = limit, seconds, style, overrides
        self._windows.clear()
        self._spent.clear()

    def take(self, group: str, now: float) -> Budget:
        """Count a request of `group` that arrives at `now` (monotonic seconds)."""
        since, until = self._spent.get(group, (0.0, 0.0))
        if since + self._grace < now < until:
            self.violations.append(Violation(group, time.time(), round(until - now, 3)))
        window = self._windows.get(group)
        if window is None:
            window = self._windows[group] = self._make(group)
        return window.take(now)

    def told(self, group: str, now: float, seconds: float) -> None:
        """The client has been told at `now` that the budget of `group` is spent for `seconds`."""
        since, until = self._spent.get(group, (0.0, 0.0))
        if until <= now:
            since, until = now, now + seconds
        self._spent[group] = (since, max(until, now + seconds))

    def report(self) -> dict[str, Any]:
        """What was used of each window, oldest first, and refusals, by group."""
        windows = {name: window for name, window in self._windows.items() if isinstance(window, CountedWindow)}
        return {
            "window_use": {name: window.use() for name, window in windows.items()},
            "refusals": {name: window.refusals for name, window in windows.items()},
        }

    def _make(self, group: str) -> Window:
        limit, seconds = self._overrides.get(group, self._default(group))
        if limit <= 0:
            return Unlimited()
        if self._style == "clock":
            return ClockWindow(int(limit), float(seconds), time.monotonic() - PHASE * seconds)
        kind = FixedWindow if self._style == "fixed" else SlidingWindow
        return kind(int(limit), float(seconds))

    def _default(self, group: str) -> list[float]:
        """Limit and seconds of a group that has none of its own."""
        return [self._limit, self._seconds]


def documented(budget: Budget) -> list[Header]:
    """`RateLimit: limit=100, remaining=50, reset=5`."""
    value = f"limit={budget.limit}, remaining={budget.remaining}, reset={math.ceil(budget.reset)}"
    return [("RateLimit", value)]


def live(budget: Budget) -> list[Header]:
    """As Close sends them: semicolons, and beside it a second, roomier bucket of one second that never binds."""
    value = f"limit={budget.limit}; remaining={budget.remaining}; reset={math.ceil(budget.reset)}"
    second = UNLIMITED if budget.limit >= UNLIMITED else 60
    return [
        ("ratelimit", value),
        ("ratelimit-limit", f"{second}"),
        ("ratelimit-remaining", f"{second - 1}"),
        ("ratelimit-reset", "1"),
        ("x-ratelimit-limit", f"{second}, {second};w=1, {second + 40};w=1"),
        ("x-ratelimit-remaining", f"{second - 1}"),
        ("x-ratelimit-reset", "1"),
    ]


def legacy(budget: Budget) -> list[Header]:
    """The `X-Rate-Limit-*` headers of before July 2023; the reset is in seconds, with a fraction."""
    return [
        ("X-Rate-Limit-Limit", str(budget.limit)),
        ("X-Rate-Limit-Remaining", str(budget.remaining)),
        ("X-Rate-Limit-Reset", f"{budget.reset:.3f}"),
    ]


def epoch(budget: Budget) -> list[Header]:
    """`X-RateLimit-*` with the end of the window as seconds since the epoch."""
    return [
        ("X-RateLimit-Limit", str(budget.limit)),
        ("X-RateLimit-Remaining", str(budget.remaining)),
        ("X-RateLimit-Reset", str(math.ceil(time.time() + budget.reset))),
    ]


def no_headers(budget: Budget) -> list[Header]:
    """Nothing."""
    return []


def only_when_refused(budget: Budget) -> list[Header]:
    """The documented form, on 429 only."""
    return documented(budget) if budget.refused else []


HEADER_FORMS: dict[str, Callable[[Budget], list[Header]]] = {
    "documented": documented,
    "live": live,
    "legacy": legacy,
    "epoch": epoch,
    "none": no_headers,
    "only_429": only_when_refused,
}
