"""One configured stream while it is read: its pieces in order, its encoder, its counters."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from source_kit import timestamps
from source_kit.client import Usage
from source_kit.protocol import RecordEncoder
from source_kit.state import StateLedger
from source_kit.work import Piece, Start, Work

Order = tuple[int, ...]


class Readable(Protocol):
    """What the engine needs of a stream."""

    @property
    def name(self) -> str: ...

    @property
    def bucket(self) -> str: ...

    @property
    def cursor_name(self) -> str | None: ...

    def work(self, start: Start) -> Work: ...


@dataclass(frozen=True)
class Batch:
    """A page that is ready to be written."""

    lines: bytes
    count: int
    checkpoint: Mapping[str, Any] | None
    estimate: int | None
    holds: bool = False
    warning: str | None = None
    # Records without a usable cursor.
    timeless: int = 0


@dataclass
class Node:
    """One piece of work in its place. `order` sorts a stream's pieces: a piece's followers come right after it."""

    order: Order
    piece: Piece
    batches: deque[Batch] = field(default_factory=deque)
    is_done: bool = False
    error: BaseException | None = None
    followers: list[Node] = field(default_factory=list)

    def __lt__(self, other: Node) -> bool:
        return self.order < other.order


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
        self.bucket = stream.bucket
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

    def first_piece(self) -> Piece:
        """The root of the reading plan."""
        return Piece(self.stream.work(self.ledger.start()))

    def step(self, node: Node, now_ms: Callable[[], int]) -> tuple[Batch | None, Sequence[Piece] | None]:
        """Run a piece up to its next page. A batch, or at its end the pieces that follow (None while it goes on)."""
        try:
            page = next(node.piece.pages)
        except StopIteration as end:
            return None, end.value or ()
        lines = self._encoder.lines(page.records, now_ms())
        is_sure = self._cursor is None or page.is_timed
        timeless = 0 if is_sure else timestamps.timeless(page.records, str(self._cursor))
        batch = Batch(lines, len(page.records), page.checkpoint, page.estimate, page.holds, page.warning, timeless)
        return batch, None

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
