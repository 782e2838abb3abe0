"""The keyset walk: reading a time-ordered collection completely while its rows move.

Each request asks for "from the last value seen, inclusive"; rows of that instant that were already emitted are dropped.
There is no deep offset, so a row that moves while being read is seen again instead of lost. Paging by token (offset or
cursor) happens only inside one instant. What is left of a long window is cut into windows that are read in parallel.
The walk itself is in `walks`: this is what it needs to know of a collection.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from source_kit import json_text, timestamps
from source_kit.rows import USUAL_IDS
from source_kit.windows import Fetch, Progress
from source_kit.work import Record

Mark = Callable[[Record], Any]


@dataclass(frozen=True)
class Keyset:
    """A walk over one time field. All that is the vendor's own is in `fetch` and these values.

    `step` is the resolution of the API's filter. `lag` is how long after a write its index may not show it. `emit` may
    drop or change records before they leave. `checkpoint` makes a state from the latest cursor value and the time of
    the request. `tie` is the walk over a second field for rows that share one instant of the first. `mark` tells
    versions of rows apart (default: id and walked field). `estimates`: what is counted is what will be emitted.
    """

    fetch: Fetch
    field: str
    page_size: int
    step: timedelta = timestamps.MILLISECOND
    lag: timedelta = timedelta(0)
    emit: Callable[[list[Record]], list[Record]] = lambda records: records
    checkpoint: Callable[[str, datetime], Mapping[str, Any] | None] = lambda value, asked_at: None
    mark: Mark | None = None
    tie: Keyset | None = None
    count_cap: int | None = None
    estimates: bool = True
    progress: Progress = dataclasses.field(default_factory=Progress)

    def instant(self, record: Record) -> datetime | None:
        """The time of a row; None where its walked field holds none."""
        return timestamps.instant(record.get(self.field))

    def edge(self, record: Record) -> datetime | None:
        """The instant of a row, at the resolution of the filter."""
        instant = self.instant(record)
        return None if instant is None else timestamps.floor(instant, self.step)

    def marks_of(self, records: Sequence[Record], values: Sequence[Any]) -> list[Any]:
        """The marks of records with these values of the walked field; for a usual page in a tenth of the time."""
        if self.mark is None and set(map(type, values)) == {str}:
            ids = [record.get("id") for record in records]
            if set(map(type, ids)) <= USUAL_IDS:
                return list(zip(ids, values, strict=True))
        return list(map(self.mark_of, records))

    def mark_of(self, record: Record) -> Any:
        """What tells this version of a row from others: all of it, where it lacks an id or a time."""
        if self.mark is not None:
            return self.mark(record)
        key, value = record.get("id"), record.get(self.field)
        return (key, value) if isinstance(key, str | int) and isinstance(value, str) else json_text.dumps(record)
