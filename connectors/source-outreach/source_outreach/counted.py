"""The rate budget, with a count of what a sync takes: plans hold 250,000 to 1,000,000 requests a year.

Nothing of it is kept between syncs: each knows its own requests, and what the headers of the last answer say is left.
"""

from __future__ import annotations

import re
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from source_kit import timestamps
from source_kit.budget import Permit, RateBudget, ceiling_wait
from source_kit.clock import Clock
from source_kit.errors import TransientError
from source_kit.headers import read_headers
from source_kit.quotas import Sent

DAY_SECONDS = 86_400.0


@dataclass(frozen=True)
class Left:
    """What the headers of an answer say is left; `others` are further numbers of the same header."""

    left: int
    limit: int | None = None
    resets_at: datetime | None = None
    others: tuple[int, ...] = ()


class CountedBudget(RateBudget):
    """A `RateBudget` that counts, and takes at most `per_day` requests in 24 hours."""

    def __init__(self, clock: Clock, *, per_day: int | None = None, **options: Any) -> None:
        super().__init__(clock, **options)
        self._per_day = per_day
        self._day: deque[float] = deque()
        self._day_lock = threading.Lock()
        self.requests = 0
        self.told: Left | None = None

    def delay(self, name: str) -> float:
        """As the base, within the ceiling."""
        with self._day_lock:
            wait = self._day_wait()
        return max(wait, super().delay(name))

    def acquire(self, name: str) -> Permit:
        """As the base. Raises `TransientError` where the ceiling is reached for longer than anybody should wait."""
        while (wait := self._reserve()) > 0:
            if wait > self.longest_wait:
                raise TransientError(
                    f"This sync has sent as many requests as max_requests_per_day allows ({self._per_day}). The next "
                    "one goes on from the last saved state: run it tomorrow, raise the option, or read fewer streams.",
                    internal_message=f"{wait:.0f} s until a request may leave",
                )
            self.sleep(wait)
        try:
            return super().acquire(name)
        except BaseException:
            with self._day_lock:
                self.requests -= 1
                if self._day:
                    self._day.pop()
            raise

    def _reserve(self) -> float:
        """Count a request, or say how long it must wait."""
        with self._day_lock:
            wait = self._day_wait()
            if wait <= 0:
                self.requests += 1
                if self._per_day is not None:
                    self._day.append(self._clock.monotonic())
            return wait

    def _day_wait(self) -> float:
        return ceiling_wait(self._day, self._per_day, self._clock.monotonic(), DAY_SECONDS)

    def _settle(self, name: str, sent: Sent, status: int | None, headers: Mapping[str, str]) -> None:
        super()._settle(name, sent, status, headers)
        now = self._clock.now()
        reading = next(iter(read_headers(headers, now)), None)
        if reading is not None:
            seconds = reading.reset_seconds
            resets_at = None if seconds is None else now + timedelta(seconds=seconds)
            self.told = Left(reading.remaining, reading.limit, resets_at, _others(headers))

    def sentence(self) -> str:
        """What this sync took, and what is left."""
        text = f"This sync sent {self.requests:,} requests to Outreach"
        text += "." if self._per_day is None else f" of the {self._per_day:,} of max_requests_per_day."
        told = self.told
        if told is None:
            return f"{text} Outreach did not say how many are left."
        text += f" Outreach says that {told.left:,}"
        text += "" if told.limit is None else f" of {told.limit:,}"
        text += " are left" + ("" if told.resets_at is None else f" until {timestamps.seconds_z(told.resets_at)}")
        others = "".join(f", and {number:,} of another budget" for number in told.others)
        return f"{text}{others}."

    def figures(self) -> Mapping[str, Any]:
        """The same as numbers."""
        told = self.told
        return {
            "requests": self.requests,
            "max_requests_per_day": self._per_day,
            "left": None if told is None else told.left,
            "limit": None if told is None else told.limit,
            "resets_at": None if told is None or told.resets_at is None else timestamps.seconds_z(told.resets_at),
            "others_left": [] if told is None else list(told.others),
        }


def _others(headers: Mapping[str, str]) -> tuple[int, ...]:
    """Of `9999, 19988` the second: a header that is sent twice tells of two budgets."""
    text = next((value for name, value in headers.items() if name.lower() == "x-ratelimit-remaining"), "")
    return tuple(int(number) for number in re.findall(r"(?<![\d.])\d{1,15}(?![\d.])", text)[1:])
