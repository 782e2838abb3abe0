"""Stand-ins for tests of the kit and of connectors: a clock that never sleeps, an output that is kept, workers in turns
of chance."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from source_kit.branches import Branches, Reached
from source_kit.clock import Clock, Interrupted
from source_kit.output import Output
from source_kit.work import Fork, Page, Plan

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class FakeClock(Clock):
    """Starts at noon of 2026-01-01 and moves only by `sleep` and `tick`; thread-safe. `sleeps` keeps every sleep."""

    def __init__(self, now: datetime = NOON) -> None:
        super().__init__()
        self._began = now
        self._passed = 0.0
        self._guard = threading.Lock()
        self.sleeps: list[float] = []
        self._events: list[tuple[float, Callable[[], None]]] = []

    def during(self, seconds: float, event: Callable[[], None]) -> None:
        """Something that happens while somebody sleeps, `seconds` from now."""
        self._events.append((self._passed + seconds, event))

    def now(self) -> datetime:
        return self._began + timedelta(seconds=self._passed)

    def monotonic(self) -> float:
        return 1000.0 + self._passed

    def sleep(self, seconds: float) -> None:
        if self._stopping.is_set():
            raise Interrupted
        with self._guard:
            self.sleeps.append(seconds)
            self._passed += max(0.0, seconds)
            due = [event for at, event in self._events if at <= self._passed]
            self._events = [(at, event) for at, event in self._events if at > self._passed]
        for event in due:
            event()

    def tick(self, seconds: float) -> None:
        """Let time pass without a sleep."""
        with self._guard:
            self._passed += seconds


class KeptOutput(Output):
    """An output whose messages stay readable."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.written = bytearray()
        super().__init__(self.written.extend, clock or FakeClock())

    def messages(self) -> list[dict[str, Any]]:
        """Everything written so far."""
        self.flush()
        return [orjson.loads(line) for line in self.written.splitlines()]

    def logs(self) -> list[str]:
        """LEVEL and text of every LOG message."""
        logs = [message["log"] for message in self.messages() if message["type"] == "LOG"]
        return [f"{log['level']} {log['message']}" for log in logs]


def interleaved(plan: Plan, chance: random.Random) -> Iterator[Page]:
    """The pages of a plan as the engine writes them, while its branches take their steps in turns of chance: records as
    soon as they are there, what a page says of the state when everything before it is out."""
    branches = Branches(plan)
    while not branches.has_ended:
        able = [branches.take() for _ in iter(lambda: branches.next, None)]
        branch = able.pop(chance.randrange(len(able)))
        for other in able:
            branches.again(other)
        step = next(branch.plan, None)
        if step is None:
            branches.end(branch)
        elif isinstance(step, Fork):
            branches.fork(branch, step)
        else:
            branches.again(branch)
            branch.reached.append(Reached(step.checkpoint, step.holds))
            yield Page(step.records, warning=step.warning)
        for reached in branches.pass_on():
            yield Page((), reached.checkpoint, holds=reached.holds)
