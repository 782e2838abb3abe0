"""One configured stream while it is read: its encoder, its counters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from source_kit import timestamps
from source_kit.branches import Reached
from source_kit.client import Usage
from source_kit.protocol import RecordEncoder
from source_kit.state import StateLedger
from source_kit.work import Fork, Plan, Start
from source_kit.written import texts_of, whole_of


class Ordered(Protocol):
    """What the order of streams follows from."""

    @property
    def name(self) -> str: ...

    @property
    def starts_after(self) -> Sequence[str]: ...


class Readable(Protocol):
    """What the engine needs of a stream."""

    @property
    def name(self) -> str: ...

    @property
    def bucket(self) -> str: ...

    @property
    def cursor_name(self) -> str | None: ...

    def work(self, start: Start) -> Plan: ...


@dataclass(frozen=True)
class Batch:
    """A page that is ready to be written: whole lines, and what its plan says of it."""

    lines: bytes
    count: int
    estimate: int | None = None
    warning: str | None = None
    # Records without a usable cursor.
    timeless: int = 0
    reached: Reached | None = None


class StreamRun:
    """A configured stream and all that is known about its reading."""

    def __init__(
        self,
        stream: Readable,
        ledger: StateLedger,
        *,
        mode: str,
        namespace: str | None = None,
        worker_share: float = 1.0,
    ) -> None:
        self.stream = stream
        self.name = stream.name
        self.namespace = namespace
        self.mode = mode
        self.ledger = ledger
        self.worker_share = worker_share
        self.usage = Usage()
        self.records = 0
        self.timeless = 0
        self.is_estimated = False
        self.is_running = False
        self.limited_told_at: float | None = None
        self.began: float | None = None
        self._cursor = stream.cursor_name
        self._encoder = RecordEncoder(self.name, namespace)

    @property
    def bucket(self) -> str:
        """The rate-limit group that its next steps wait for, which may be another one later."""
        return self.stream.bucket

    def root(self) -> Plan:
        """The reading plan."""
        return self.stream.work(self.ledger.start())

    def step(self, plan: Plan, now_ms: Callable[[], int]) -> Batch | Fork | None:
        """Take one step of a plan; None at its end."""
        page = next(plan, None)
        if page is None or isinstance(page, Fork):
            return page
        texts = texts_of(page.records)
        records = whole_of(page.records) if texts is None else list(page.records)
        is_sure = self._cursor is None or page.is_timed
        batch = partial(
            Batch,
            count=len(records),
            estimate=page.estimate,
            warning=page.warning,
            timeless=0 if is_sure else timestamps.timeless(records, str(self._cursor)),
            reached=Reached(page.checkpoint, page.holds) if page.checkpoint is not None or page.holds else None,
        )
        del page  # so that records are gone as soon as they are lines
        if texts is None:
            return batch(self._encoder.lines(records, now_ms()))
        return batch(self._encoder.lines_of(texts, now_ms()))

    def oddities(self) -> list[str]:
        """What was odd about the rows, in sentences for the log."""
        found = []
        if self.timeless:
            found.append(
                f"Stream {self.name}: {self.timeless} records have no usable time in {self._cursor}. They were emitted "
                "and take no part in the state: a later read may not find their changes."
            )
        if self.usage.not_objects:
            found.append(
                f"Stream {self.name}: {self.usage.not_objects} rows of the API's answers were no objects and were left "
                "out."
            )
        return found

    def summary(self, now: float) -> str:
        """The stream's log line: records, requests, waits, speed."""
        seconds = max(now - (self.began or now), 1e-3)
        return (
            f"Stream {self.name}: {self.records} records, {self.usage.requests} requests ({self.usage.retries} again), "
            f"{self.usage.waited_seconds:.1f} s of waits in workers, {seconds:.1f} s, "
            f"{self.records / seconds:.0f} records/s."
        )


def start_order(streams: Sequence[Ordered]) -> list[str]:
    """Names with every stream after those that it names in `starts_after`; otherwise as given."""
    remaining = list(streams)
    names = {stream.name for stream in streams}
    ordered: list[str] = []
    while remaining:
        ready = next(
            (s for s in remaining if all(p in ordered or p not in names for p in s.starts_after)), remaining[0]
        )
        remaining.remove(ready)
        ordered.append(ready.name)
    return ordered
