"""The two budgets: all requests of the organisation, and searches."""

from __future__ import annotations

import math
import time

from emulators.rate_limits import Budget, Header, RateLimits

ORGANISATION, SEARCH = "organisation", "search"


class KustomerLimits(RateLimits):
    """`rate_limit` and `rate_window` are the organisation's; `rate_limits["search"]` is that of searches."""

    def _default(self, group: str) -> list[float]:
        return super()._default(group) if group == ORGANISATION else [0, 60.0]


def headers(budget: Budget, form: str) -> list[Header]:
    """`x-ratelimit-limit` and `-remaining`; `-reset` as seconds since the epoch, by default with a 429 only."""
    if form == "none":
        return []
    listed = [("x-ratelimit-limit", str(budget.limit)), ("x-ratelimit-remaining", str(budget.remaining))]
    if budget.refused or form == "always":
        listed.append(("x-ratelimit-reset", str(math.ceil(time.time() + budget.reset))))
    return listed
