"""What a walk is for. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from source_kit.timestamps import milliseconds_z
from source_kit.work import Record

Checkpoint = Callable[[str, datetime], Mapping[str, Any] | None]


def no_checkpoint(value: str, asked_at: datetime) -> None:
    """For walks whose records are no step that a state could name."""


@dataclass(frozen=True)
class Wanted:
    """What a walk is for: where it ends (exclusive), its states, and which of its rows leave.

    `criteria` narrow the standard search; the archive does not know them. `is_outlined`: nobody looks at more of the
    rows than `SearchAsk` says.
    """

    upper: datetime | None = None
    checkpoint: Checkpoint = no_checkpoint
    criteria: Sequence[dict[str, Any]] = ()
    emit: Callable[[list[Record]], list[Record]] = lambda records: records
    is_outlined: bool = False

    def through(self, first: Callable[[list[Record]], list[Record]]) -> Wanted:
        """The same, of the rows that `first` leaves."""
        return replace(self, emit=lambda records: self.emit(first(records)))


EVERYTHING = Wanted()


def conversations_before(began: datetime) -> Wanted:
    """The conversations that began before a time; later ones only where they are archived, which is not narrowed."""
    return Wanted(criteria=[{"conversation_created_at": {"lt": milliseconds_z(began)}}])
