"""The one place where the engine reads the time and sleeps, so that tests can inject both."""

from __future__ import annotations

import random
import threading
import time
from datetime import UTC, datetime

from source_kit import turn

BACKOFF_BASE_SECONDS = 0.3
BACKOFF_CAP_SECONDS = 60.0


class Interrupted(Exception):
    """A sleep ended early because the process is stopping."""


class Clock:
    """Wall clock, monotonic clock and an interruptible sleep."""

    def __init__(self) -> None:
        self._stopping = threading.Event()

    def now(self) -> datetime:
        """The current instant, aware, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds on a clock that never goes backwards."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Sleep; raises `Interrupted` as soon as `stop` was called."""
        turn.leave()
        if self._stopping.wait(max(0.0, seconds)):
            raise Interrupted

    def start(self) -> None:
        """Allow sleeps again after `stop`: one source object may read twice."""
        self._stopping.clear()

    def stop(self) -> None:
        """Wake every sleeper for good."""
        self._stopping.set()


def backoff_seconds(attempt: int) -> float:
    """How long to wait after the failed attempt of this number, from 1 on: exponential with jitter."""
    return min(BACKOFF_CAP_SECONDS, BACKOFF_BASE_SECONDS * 2.0 ** (attempt - 1)) * random.uniform(0.75, 1.25)
