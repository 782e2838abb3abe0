"""Stand-ins for tests of the kit and of connectors: a clock that never sleeps, an output that is kept, and a plan whose
pieces run side by side without threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from source_kit.clock import Clock, Interrupted
from source_kit.output import Output
from source_kit.work import Page, Piece, Work

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


@dataclass
class Running:
    """A piece that is not finished; `place` is where it stands in the order of its plan."""

    place: tuple[int, ...]
    piece: Piece
    pages: int = 0


class SideBySide:
    """A plan whose pieces are read at once, as the engine's workers do it, but in turns that `choose` picks.

    `choose` gets the pieces that may take the next step, at most `at_once` of them, in the order of the plan;
    `random.Random(seed).choice` mixes them in the same way each time.
    """

    def __init__(self, work: Work, choose: Callable[[Sequence[Running]], Running], *, at_once: int = 8) -> None:
        self._choose = choose
        self._at_once = at_once
        self._running = [Running((0,), Piece(work))]
        self._written: list[tuple[tuple[int, ...], Page]] = []
        self._broken_at: tuple[int, ...] | None = None
        self.error: Exception | None = None

    def run(self) -> SideBySide:
        """Read everything. A piece that fails is in `error`; what stands before it is read to its end first."""
        while able := self._able():
            self._step(self._choose(able))
        return self

    @property
    def arrived(self) -> list[Page]:
        """The pages as they came."""
        return [page for _, page in self._written]

    @property
    def pages(self) -> list[Page]:
        """The pages in the order of the plan, up to a piece that failed: of these alone states may speak."""
        whole = [(place, page) for place, page in self._written if not self._is_behind(place[:-2])]
        return [page for _, page in sorted(whole, key=lambda entry: entry[0])]

    def _able(self) -> list[Running]:
        able = [each for number, each in enumerate(self._running) if number == 0 or not each.piece.last]
        return [each for each in able if not self._is_behind(each.place)][: self._at_once]

    def _is_behind(self, place: tuple[int, ...]) -> bool:
        return self._broken_at is not None and place > self._broken_at

    def _step(self, running: Running) -> None:
        try:
            page = next(running.piece.pages)
        except StopIteration as end:
            at = self._running.index(running)
            pieces = enumerate(end.value or ())
            self._running[at : at + 1] = [Running((*running.place, number), piece) for number, piece in pieces]
        except Exception as error:
            self._running.remove(running)
            self._broken_at, self.error = running.place, error
        else:
            # The pages of a piece come before the pieces that follow it.
            self._written.append(((*running.place, -1, running.pages), page))
            running.pages += 1
