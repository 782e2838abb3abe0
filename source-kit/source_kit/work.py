"""What a reading plan is made of.

A plan is a generator of pages that may, at its end, return the pieces of work that follow it, in order. The engine runs
pieces in worker threads, one step (usually one request) at a time and many pieces at once, and emits their pages in
order. A plan never knows about threads.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Record = dict[str, Any]

# Finished lines that may lie ahead of the writer, over all streams. Plans size their pieces by it.
AHEAD_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True)
class Page:
    """Records to emit, and the state that holds once they and everything before them have been emitted.

    `holds`: rows are missing here, so from now on the state of the stream stays where it is, and the next read looks
    again. `warning` is a sentence about that for the log. `is_timed`: its plan knows that every record has a time.
    """

    records: Sequence[Record] = ()
    checkpoint: Mapping[str, Any] | None = None
    estimate: int | None = None
    holds: bool = False
    warning: str | None = None
    is_timed: bool = False


@dataclass
class Piece:
    """One piece of work. `last` pieces start only when everything before them has been emitted."""

    pages: Work
    last: bool = False


Work = Generator[Page, None, Sequence[Piece] | None]


@dataclass(frozen=True)
class Start:
    """Where a read of a stream begins."""

    incremental: bool
    position: Mapping[str, Any] = field(default_factory=dict)


def in_order(work: Work) -> Generator[Page, None, None]:
    """All pages of a plan, read one after the other in this thread."""
    for piece in (yield from work) or ():
        yield from in_order(piece.pages)
