"""Stand-ins for tests of the kit and of connectors: a clock that never sleeps, an output that is kept, and a plan whose
branches run side by side without threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from source_kit.branches import Branch, Branches, Order
from source_kit.client import HttpClient
from source_kit.clock import Clock, Interrupted
from source_kit.config_store import ConfigStore
from source_kit.output import Output
from source_kit.redaction import Redactor, secret_values
from source_kit.source import KitSource
from source_kit.transport import PATIENT, Patience
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


class SideBySide:
    """A plan whose branches are read at once, as the engine's workers do it, but in turns that `choose` picks.

    `choose` gets the branches that may take the next step, at most `at_once` of them, in the order of the plan;
    `random.Random(seed).choice` mixes them in the same way each time.
    """

    def __init__(self, plan: Plan, choose: Callable[[Sequence[Branch]], Branch], *, at_once: int = 8) -> None:
        self._choose = choose
        self._at_once = at_once
        self._branches = Branches(plan)
        self._written: list[tuple[Order, Page]] = []
        self._broken_at: Order | None = None
        self.error: Exception | None = None

    def run(self) -> SideBySide:
        """Read everything. A branch that fails is in `error`; what stands before it is read to its end first."""
        while able := [self._branches.take() for _ in iter(lambda: self._branches.next, None)]:
            chosen = self._choose(able[: self._at_once])
            for branch in able:
                if branch is not chosen:
                    self._branches.again(branch)
            self._step(chosen)
            self._branches.pass_on()
        return self

    @property
    def arrived(self) -> list[Page]:
        """The pages as they came, and as they leave."""
        return [page for _, page in self._written]

    @property
    def pages(self) -> list[Page]:
        """The pages in the order of the plan, up to a branch that failed: of these alone states may speak."""
        whole = [each for each in self._written if self._broken_at is None or each[0] <= self._broken_at]
        return [page for _, page in sorted(whole, key=lambda each: each[0])]

    def _step(self, branch: Branch) -> None:
        try:
            step = next(branch.plan, None)
        except Exception as error:
            self._branches.broke(branch, error)
            if self._broken_at is None or branch.order < self._broken_at:
                self._broken_at, self.error = branch.order, error
            return
        if step is None:
            self._branches.end(branch)
        elif isinstance(step, Fork):
            self._branches.fork(branch, step)
        else:
            self._branches.again(branch)
            self._written.append((branch.order, step))


def opened(
    source: KitSource,
    config: Mapping[str, Any],
    *,
    path: Path | None = None,
    client: HttpClient | None = None,
    patience: Patience = PATIENT,
) -> Any:
    """A connection on the source's clock, whose output is kept; with this client instead of its own."""
    redactor = Redactor(secret_values(source.specification(), config))
    output = KeptOutput(source.clock)
    output.clean = redactor.clean
    connection = source.open(ConfigStore(path, config), output, redactor, patience)
    if client is not None:
        connection.client = client
    return connection
