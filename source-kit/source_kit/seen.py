"""What a keyset walk keeps of an answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from source_kit import timestamps
from source_kit.windows import Fetched
from source_kit.work import Record


@dataclass(frozen=True)
class Seen:
    """What a walk keeps of an answer: everything but its records, which leave memory as soon as they are emitted.

    `instants`, `values` and `marks` are those of the rows that have a time; `every` has the marks of all.
    """

    instants: Sequence[datetime]
    values: Sequence[str]
    marks: Sequence[Any]
    every: Sequence[Any]
    fetched: Fetched

    @classmethod
    def of(cls, fetched: Fetched, field: str, marks_of: Callable[[Sequence[Record], Sequence[Any]], list[Any]]) -> Seen:
        """By the times under `field`."""
        values = [record.get(field) for record in fetched.records]
        # Each row is parsed once (0.1 µs): vendors mix forms within a page, so text does not compare.
        found = timestamps.instants(values)
        every = marks_of(fetched.records, values)
        # A walk that waits for its next turn holds no records: as objects they take four times their bytes.
        told = replace(fetched, records=(), rows=fetched.size)
        if None not in found:
            return cls(found, values, every, every, told)  # type: ignore[arg-type]  # no None is in it
        timed = [row for row in zip(found, values, every, strict=True) if row[0] is not None]
        instants, kept, marks = map(list, zip(*timed, strict=True)) if timed else ([], [], [])
        return cls(instants, kept, marks, every, told)

    @property
    def size(self) -> int:
        """How many rows the answer had."""
        return self.fetched.size

    @property
    def order(self) -> int | None:
        """1 ascending, -1 descending, 0 neither; None where the rows do not tell."""
        if not self.instants or max(self.instants) == min(self.instants):
            return None
        return timestamps.direction(self.instants)

    def until(self, latest: datetime) -> Seen:
        """Only the rows that are not newer."""
        kept = [index for index, instant in enumerate(self.instants) if instant <= latest]
        return replace(
            self,
            instants=[self.instants[index] for index in kept],
            values=[self.values[index] for index in kept],
            marks=[self.marks[index] for index in kept],
        )
