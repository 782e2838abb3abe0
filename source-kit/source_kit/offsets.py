"""Whole lists by offset, for the small collections that have nothing better."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from source_kit.keyset import MAX_RESTARTS
from source_kit.tokens import incomplete
from source_kit.work import Page, Record, Work


@dataclass(frozen=True)
class OffsetList:
    """Each page begins with the last row of the page before, which proves that no row slipped through between them.

    `fetch(skip)` gives the rows from there on and whether there are more.
    """

    fetch: Callable[[int], tuple[list[Record], bool]]
    checkpoint: Callable[[], Mapping[str, Any] | None] = lambda: None

    def walk(self) -> Work:
        """Pages of rows not yet emitted; where rows shifted, the list is read again from its start."""
        seen: set[Any] = set()
        skip, last_id, restarts = 0, None, 0
        while True:
            records, has_more = self.fetch(skip)
            if last_id is not None and (not records or records[0]["id"] != last_id):
                restarts += 1
                if restarts > MAX_RESTARTS:
                    raise incomplete("offset")
                skip, last_id = 0, None
                continue
            fresh = [record for record in records if record["id"] not in seen]
            seen.update(record["id"] for record in fresh)
            if fresh:
                yield Page(fresh)
            if not has_more or not records:
                yield Page((), self.checkpoint())
                return None
            # A page of one row cannot overlap and move on.
            overlap = 1 if len(records) > 1 else 0
            skip, last_id = skip + len(records) - overlap, records[-1]["id"] if overlap else None
