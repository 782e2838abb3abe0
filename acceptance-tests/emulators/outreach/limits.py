"""The budgets of an Outreach user and of the customer's plan, and the forms of the headers that tell them."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from emulators.moments import DAY_MS
from emulators.outreach.settings import OutreachOptions
from emulators.rate_limits import HEADER_FORMS, UNLIMITED, Budget, Header, RateLimits

USER_GROUP, PLAN_GROUP = "the user", "the plan"
DAY_SECONDS = DAY_MS / 1000
PLAN_UNLIMITED = UNLIMITED * 10


def doubled(budget: Budget) -> list[Header]:
    """Two values in one header, as when a proxy joins them; the second is a roomier budget."""
    reset = math.ceil(time.time() + budget.reset)
    return [
        ("X-RateLimit-Limit", str(budget.limit)),
        ("X-RateLimit-Remaining", f"{budget.remaining}, {budget.remaining * 2 + 7}"),
        ("X-RateLimit-Reset", str(reset)),
    ]


def delta(budget: Budget) -> list[Header]:
    """The reset as seconds from now."""
    return [*doubled(budget)[:2], ("X-RateLimit-Reset", str(math.ceil(budget.reset)))]


def iso(budget: Budget) -> list[Header]:
    """The reset as a date."""
    moment = datetime.now(UTC) + timedelta(seconds=math.ceil(budget.reset))
    return [*doubled(budget)[:2], ("X-RateLimit-Reset", moment.strftime("%Y-%m-%dT%H:%M:%S.000Z"))]


HEADER_FORMS.update({"doubled": doubled, "delta": delta, "iso": iso})


class DayBudget:
    """Requests by day of the vendor's clock (`clock`, in milliseconds), whether the plan has a limit or not."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self.used: Counter[int] = Counter()

    def take(self, limit: int) -> Budget:
        """Count a request, which is refused if the day has had `limit` of them (0: no limit)."""
        day, passed = divmod(self._clock(), DAY_MS)
        refused = 0 < limit <= self.used[day]
        self.used[day] += not refused
        left = limit - self.used[day] if limit else PLAN_UNLIMITED
        return Budget(limit or PLAN_UNLIMITED, left, (DAY_MS - passed) / 1000, DAY_SECONDS, refused)


class UserLimits(RateLimits):
    """One budget for all requests of the user, and the plan's of the day."""

    def __init__(self, options: OutreachOptions, plan: DayBudget) -> None:
        super().__init__()
        self._options, self._plan = options, plan

    def take(self, group: str, now: float) -> Budget:
        """Whatever the endpoint."""
        if group == PLAN_GROUP:
            return self._plan.take(self._options.requests_per_day)
        return super().take(USER_GROUP, now)

    def told(self, group: str, now: float, seconds: float) -> None:
        """Whatever the endpoint."""
        super().told(USER_GROUP, now, seconds)
