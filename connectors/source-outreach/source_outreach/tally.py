"""Whether a walk along the links of a query brought all that the query counts.

A chain of links ends early where a page lacks its link; and an index may count rows that are gone. Only whole walks
that agree tell one from the other.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Any

from source_kit import json_text
from source_kit.rows import USUAL_IDS, identity
from source_kit.tokens import AGREEING_WALKS
from source_kit.windows import Fetched
from source_kit.work import Record

MOST_WALKS = 6
# A walk keeps the marks of so many rows (15 MB), to leave out what comes again; of more it keeps the number. Windows
# are shorter.
MOST_REMEMBERED_ROWS = 100_000
# A row by its id and its cursor value: once changed, it is another one.
Mark = tuple[Any, str | None]


@dataclass(frozen=True)
class Earlier:
    """What earlier walks of a query have shown: all of them brought fewer rows than were counted."""

    walks: int = 0
    # How many whole walks have brought these very rows.
    agreeing: int = 0
    found: frozenset[Any] = frozenset()
    missing: int = 0

    @property
    def is_settled(self) -> bool:
        """What is counted beyond these rows does not exist any more."""
        return self.agreeing >= AGREEING_WALKS


FIRST = Earlier()


class Tally:
    """The rows of one walk; `total` is the count of its query at the beginning."""

    def __init__(self, earlier: Earlier) -> None:
        self.earlier = earlier
        self.total: int | None = None
        self.pages = self.rows = 0
        self.marks: set[Mark] = set()
        # Rows that are not remembered, and those that are no objects or come twice in one answer: they may be counted.
        self._beyond = self._others = 0

    @property
    def is_full(self) -> bool:
        """Whether rows have come that are not remembered."""
        return bool(self._beyond)

    def fresh(self, fetched: Fetched, field: str) -> tuple[Sequence[Record], Sequence[Mark]]:
        """Take a page; its rows that this walk has not met, with their marks (0.3 µs a row)."""
        rows, marks = fetched.records, marks_of(fetched.records, field)
        known = self.marks
        self.pages += 1
        self.rows += fetched.size
        self._others += fetched.size - len(rows)
        if not known.isdisjoint(marks):
            rows, marks = without(known, rows, marks)
        if len(known) < MOST_REMEMBERED_ROWS:
            known.update(marks)
        else:
            self._beyond += len(marks)
        return rows, marks

    def lacks(self, total: int | None) -> bool:
        """Whether fewer rows came than were counted."""
        return total is not None and len(self._keys()) + self._beyond + self._others < total

    def after(self, total: int) -> Earlier | None:
        """What is known after a walk that lacks rows; None where those of all walks are enough."""
        keys, before = self._keys(), self.earlier
        found = before.found | keys
        missing = total - len(found) - self._beyond - self._others
        if missing <= 0:
            return None
        # One that brings a part of what others brought has ended early.
        agreeing = before.agreeing + (keys == before.found) if keys <= before.found else int(keys == found)
        return Earlier(before.walks + 1, agreeing, found, missing)

    def _keys(self) -> set[Any]:
        return {key for key, _ in self.marks}


def marks_of(records: Sequence[Record], field: str) -> list[Mark]:
    """What tells these versions of rows from others (0.15 µs a row that has an id and a time)."""
    return [
        (key, value)
        if (key := record.get("id")).__class__ in USUAL_IDS and (value := record.get(field)).__class__ is str
        else mark_of(record, field)
        for record in records
    ]


def mark_of(record: Record, field: str) -> Mark:
    """The mark of any row; all of it, where it lacks an id."""
    value = record.get(field)
    return identity(record), value if value is None or isinstance(value, str) else json_text.dumps(value).decode()


def without(known: Set[Mark], rows: Sequence[Record], marks: Sequence[Mark]) -> tuple[list[Record], list[Mark]]:
    """Those of the rows, and their marks, that are not known."""
    kept = [index for index, mark in enumerate(marks) if mark not in known]
    return [rows[index] for index in kept], [marks[index] for index in kept]
