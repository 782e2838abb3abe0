"""A budget with its clock, and headers as vendors send them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from source_kit.budget import RateBudget
from source_kit.testing import FakeClock

EPOCH = 1767268800  # NOON


NO_HEADERS: Mapping[str, str] = {}


class Bench:
    """A budget with its clock; `send` takes a request that is answered at once."""

    def __init__(self, **options: Any) -> None:
        self.clock = FakeClock()
        self.budget = RateBudget(self.clock, **{"share": 1.0, **options})

    def send(self, headers: Mapping[str, str] = NO_HEADERS, status: int | None = 200, bucket: str = "g") -> None:
        self.budget.acquire(bucket).release(status, headers)

    def delay(self, bucket: str = "g") -> float:
        return round(self.budget.delay(bucket), 3)

    def burst(self, bucket: str = "g") -> int:
        """How many requests may leave now, without an answer in between."""
        sent = 0
        while sent < 1000 and self.budget.delay(bucket) <= 0:
            self.budget.acquire(bucket)
            sent += 1
        return sent


def limited(remaining: int, *, limit: int = 100, reset: str = "60") -> dict[str, str]:
    return {"RateLimit-Limit": str(limit), "RateLimit-Remaining": str(remaining), "RateLimit-Reset": reset}
