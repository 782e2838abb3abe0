"""Reading one query by its tokens (offsets, cursors), where the keyset walk cannot go on by time.

That is inside one instant, and where rows come in no order.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from datetime import datetime
from typing import Any

from source_kit import timestamps
from source_kit.errors import ConnectorFault
from source_kit.keyset import Keyset
from source_kit.pages import MOST_PAGES_WITHOUT_ROWS, endless, with_rows
from source_kit.windows import Fetched, WalkExpired, Window
from source_kit.work import Page, Record

# A count at or above this may be capped by the vendor's search index: good for planning, not as a proof of the end.
TRUSTED_COUNT = 10_000
# Walks of one query that brought nothing new before the other end is tried.
# Where each answer has ties in another order, a walk of four pages misses 30 % of them: with three, 4 of 6,000 failed.
MAX_IDLE_RESTARTS = 5
# Walks of one query, whatever they bring: its rows change faster than they can be walked.
MOST_WALKS = 100
# Walks that came to their own end with the same rows: what is counted beyond them does not exist any more.
AGREEING_WALKS = 3


class TokenWalk:
    """Walks a query from its beginning again and again until nothing is missing, then from its other end.

    A walk ends early where a token expires or a cap stops it. `seen` are the marks of rows that were emitted before,
    and of those emitted here. `missing` rows were counted, and are not there: whole walks agree on that.
    """

    def __init__(self, keyset: Keyset, seen: set[Any]) -> None:
        self._keyset = keyset
        self._seen = seen
        # The latest value of the walked field among the rows emitted here.
        self.latest: str | None = None
        self.missing = 0
        # Marks of the rows of all walks, and of this one: where ties come in another order each time, a walk repeats
        # some rows and misses others.
        self._found: set[Any] = set()
        self._walked: set[Any] = set()
        self._first_rows: set[Any] = set()
        self._most = 0
        # Whole walks since one brought anything new; those that ended early tell nothing.
        self._agreeing = 0
        # Rows of this walk that were left out: no objects, or twice in an answer. They may have been counted.
        self._left_out = 0

    def read(self, window: Window) -> Generator[Page, None, None]:
        """Every row of the query. Raises if rows that were counted stay out and walks do not agree."""
        for descending in (window.descending, not window.descending):
            is_back = descending != window.descending
            if (yield from self._way(replace(window, descending=descending), is_back=is_back)):
                return
        if self._agreeing < AGREEING_WALKS or self._most >= TRUSTED_COUNT:
            raise incomplete(self._keyset.field)
        self.missing = max(0, self._most - len(self._found) - self._left_out)

    def _way(self, window: Window, *, is_back: bool) -> Generator[Page, None, bool]:
        """Walks in one direction; whether they, with those before, have brought all rows."""
        token, total, restarts, idle, has_brought, turns, repeated = None, None, 0, 0, False, False, 0
        tokens: set[Any] = set()
        while idle <= MAX_IDLE_RESTARTS and restarts < MOST_WALKS:
            try:
                fetched = self._fetch(window, token, tokens)
            except WalkExpired:
                token, restarts, idle = None, restarts + 1, idle + 1
                continue
            if token is None:
                total, turns = fetched.total, self._begin(fetched, is_back=is_back)
                tokens.clear()
            walked, found = len(self._walked), len(self._found)
            fresh = self._note(fetched)
            # Offsets that an API ignores differ from page to page.
            repeated = repeated + 1 if len(self._walked) == walked else 0
            if repeated > MOST_PAGES_WITHOUT_ROWS:
                raise endless(self._keyset.field)
            if len(self._found) > found:
                # Also what was emitted before these walks: the count holds it, too.
                idle, self._agreeing = 0, 0
            has_brought = has_brought or bool(fresh)
            # The way back has met the way forth. Only if it began elsewhere, with new rows: ties may not turn with the
            # order, and some servers ignore it.
            has_met = turns and has_brought and not fresh and not restarts
            token, ready = fetched.token, [Page(self._keyset.emit(fresh))] if fresh else []
            del fetched, fresh
            while ready:
                yield ready.pop()
            if token is None and not has_met and self._ends_at_a_cap(total):
                return turns and not has_brought
            if (token is None or has_met) and self._is_complete(total, is_last=not has_met):
                return True
            if token is None:
                restarts, idle = restarts + 1, idle + 1
                # One that brings a part of what others brought has ended early, too.
                self._agreeing += self._walked == self._found
        return False

    def _fetch(self, window: Window, token: Any, tokens: set[Any]) -> Fetched:
        """One page. A token that comes again leads in circles: it is no better than one that has expired."""
        if token in tokens:
            raise WalkExpired
        tokens.add(token)
        return with_rows(
            lambda after: self._keyset.fetch(window, after, count=after is None), token, self._keyset.field
        )

    def _begin(self, fetched: Fetched, *, is_back: bool) -> bool:
        """Note the first page of a walk; whether it began at another end than all walks before."""
        rows = set(map(self._keyset.mark_of, fetched.records))
        turns = is_back and self._first_rows.isdisjoint(rows)
        self._walked, self._left_out, self._most = set(), 0, max(self._most, fetched.total or 0)
        self._first_rows |= rows
        return turns

    def _note(self, fetched: Fetched) -> list[Record]:
        """Note a page; its rows that were not emitted before."""
        keyset = self._keyset
        keyset.progress.saw(fetched.records)
        self._left_out += fetched.size - len(fetched.records)
        marks = list(map(keyset.mark_of, fetched.records))
        fresh = [record for record, mark in zip(fetched.records, marks, strict=True) if mark not in self._seen]
        self._walked.update(marks)
        self._found.update(marks)
        self._seen.update(marks)
        values = [record[keyset.field] for record in fresh if self._is_settled(record, fetched.asked_at)]
        if values:
            self.latest = timestamps.latest(values if self.latest is None else [*values, self.latest])
        return fresh

    def _is_settled(self, record: Record, asked_at: datetime) -> bool:
        """Whether the time of a row may stand in a state: one that changed within the lag may come from where it stood
        before, among rows that are much older."""
        keyset, instant = self._keyset, self._keyset.instant(record)
        return instant is not None and (not keyset.lag or instant <= timestamps.before(asked_at, keyset.lag))

    def _ends_at_a_cap(self, total: int | None) -> bool:
        """Whether count and walk stop at the same number, and that is the vendor's: there may be more rows, unless the
        way back, from another end, brings none."""
        return total is not None and total == TRUSTED_COUNT == len(self._walked)

    def _is_complete(self, total: int | None, *, is_last: bool) -> bool:
        """Whether all rows are in: by a trusted count, else by the walk's own end.

        The rows of one walk prove it against the count at its start; those of several only against the highest count,
        since rows that were found earlier may be gone by now.
        """
        if total is None:
            return True
        walked, found = len(self._walked) + self._left_out, len(self._found) + self._left_out
        if total >= TRUSTED_COUNT:
            return not is_last or found >= total
        return walked >= total or found >= self._most


def incomplete(what: str) -> ConnectorFault:
    """The loud end where rows that the API counted never came."""
    return ConnectorFault(
        "The API returned fewer records than it counted, again and again, for one window of time. Nothing was skipped "
        "silently: run the sync again; if it repeats, report it with the log of this sync.",
        internal_message=f"walk over {what}",
    )


def told_missing(rows: int) -> Page:
    """What is said, and kept of the state, where whole walks agree that counted rows are not there."""
    return Page(
        holds=True,
        warning=f"the API counts {rows} records more than it gives, in several whole walks of one window of time. They "
        "may be deleted ones that its index still counts. The state stays before that window, so that the next sync "
        "looks again.",
    )
