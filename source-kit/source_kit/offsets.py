"""Whole lists by offset, for the small collections that have nothing better."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from source_kit.pages import MOST_PAGES_WITHOUT_ROWS, endless
from source_kit.rows import identity
from source_kit.tokens import incomplete
from source_kit.walks import MAX_RESTARTS
from source_kit.windows import Fetched
from source_kit.work import Page

# An empty page although more is announced: asked for again so often.
MOST_EMPTY_ANSWERS = 3


@dataclass(frozen=True)
class OffsetList:
    """Each page begins with the last row of the page before, which proves that no row slipped through between them.

    `fetch(skip)` gives the rows from there on; its `token` is None where there are no more.
    """

    fetch: Callable[[int], Fetched]
    checkpoint: Callable[[], Mapping[str, Any] | None] = lambda: None

    def walk(self) -> Iterator[Page]:
        """Pages of rows not yet emitted; where rows shifted, the list is read again from its start."""
        seen: set[Any] = set()
        # Of the walk since its last restart.
        walked: set[Any] = set()
        skip, last, restarts, repeated = 0, None, 0, 0
        while True:
            fetched = self._rows_at(skip)
            records = fetched.records
            ids = list(map(identity, records))
            if last is not None and not fetched.is_odd and ids[:1] != [last]:
                restarts += 1
                if restarts > MAX_RESTARTS:
                    raise incomplete("offset")
                skip, last = 0, None
                walked.clear()
                continue
            # Where pages cannot overlap, an API that ignores the offset shows by this only.
            repeated = 0 if not walked.issuperset(ids) else repeated + 1
            if repeated > MOST_PAGES_WITHOUT_ROWS:
                raise endless(f"offset {skip}")
            walked.update(ids)
            fresh = [record for record, key in zip(records, ids, strict=True) if key not in seen]
            seen.update(ids)
            is_last = fetched.token is None or not fetched.size
            # A page of one row cannot overlap and move on; one with rows that were left out shows no last row.
            overlap = 1 if len(records) > 1 and not fetched.is_odd else 0
            skip, last = skip + fetched.places - overlap, ids[-1] if overlap else None
            ready = [Page(fresh)] if fresh else []
            del fetched, records, fresh
            while ready:
                yield ready.pop()
            if is_last:
                yield Page((), self.checkpoint())
                return

    def _rows_at(self, skip: int) -> Fetched:
        """One page. Raises where rows are announced and do not come."""
        for _ in range(MOST_EMPTY_ANSWERS):
            fetched = self.fetch(skip)
            if fetched.size or fetched.token is None:
                return fetched
        raise endless(f"offset {skip}")
