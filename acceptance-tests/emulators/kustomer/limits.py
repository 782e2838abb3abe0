"""The two budgets: all requests of the organisation, and searches. Fixed windows whose phase nobody is told."""

from __future__ import annotations

import math
import time
from collections import Counter

from emulators.rate_limits import Budget, Header, RateLimits, Unlimited, Window

ORGANISATION, SEARCH = "organisation", "search"
PHASE = 0.37
"""Where in a window the emulator starts, as a share of it."""


class PhasedWindow:
    """So many requests in each window of a grid."""

    def __init__(self, limit: int, seconds: float, began: float) -> None:
        self._limit, self._seconds = limit, seconds
        self._origin = began - PHASE * seconds
        self.used: Counter[int] = Counter()
        self.refusals = 0

    def take(self, now: float) -> Budget:
        """Count a request; refused ones do not count."""
        number = math.floor((now - self._origin) / self._seconds)
        refused = self.used[number] >= self._limit
        self.used[number] += not refused
        self.refusals += refused
        ends = self._origin + (number + 1) * self._seconds
        return Budget(self._limit, self._limit - self.used[number], ends - now, self._seconds, refused)


class KustomerLimits(RateLimits):
    """`rate_limit` and `rate_window` are the organisation's; `rate_limits["search"]` is that of searches."""

    def _make(self, group: str) -> Window:
        default: list[float] = [self._limit, self._seconds] if group == ORGANISATION else [0, 60.0]
        limit, seconds = self._overrides.get(group, default)
        if limit <= 0:
            return Unlimited()
        return PhasedWindow(int(limit), float(seconds), time.monotonic())

    def report(self) -> dict[str, object]:
        """What was used of each window, oldest first, and refusals."""
        windows = {name: window for name, window in self._windows.items() if isinstance(window, PhasedWindow)}
        return {
            "window_use": {name: [window.used[key] for key in sorted(window.used)] for name, window in windows.items()},
            "refusals": {name: window.refusals for name, window in windows.items()},
        }


def headers(budget: Budget, form: str) -> list[Header]:
    """`x-ratelimit-limit` and `-remaining`; `-reset` as seconds since the epoch, by default with a 429 only."""
    if form == "none":
        return []
    listed = [("x-ratelimit-limit", str(budget.limit)), ("x-ratelimit-remaining", str(budget.remaining))]
    if budget.refused or form == "always":
        listed.append(("x-ratelimit-reset", str(math.ceil(time.time() + budget.reset))))
    return listed
