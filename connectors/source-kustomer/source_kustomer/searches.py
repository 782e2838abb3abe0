"""The streams that are searched: windows over the time of the last change, and the archive for what is older.

Kustomer's standard search finds only what changed in the last two years, the archive search only what did not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

from source_kit import dates, timestamps
from source_kit.keyset import Keyset
from source_kit.stream import TimeCursor
from source_kit.windows import Fetched, Window
from source_kit.work import Fork, Plan, Record, Start
from source_kustomer.late_index import looking_back
from source_kustomer.search import MOST_RECORDS, PAGE_SIZE
from source_kustomer.search_requests import SearchRequests
from source_kustomer.wanted import EVERYTHING, Wanted, no_checkpoint

# Two years may be 730 or 731 days. What lies between these bounds may be on either side, or cross while it is read.
SURELY_ARCHIVED = timedelta(days=732)
SURELY_SEARCHED = timedelta(days=728)
# What changed since then needs no archive, though a clock be wrong by months.
SURELY_RECENT = timedelta(days=364)


class Border(NamedTuple):
    """What may be in the archive or in the standard search, or cross while it is read."""

    lower: datetime
    upper: datetime


class SearchStream(SearchRequests):
    """Everything of one query context, deleted records included if so configured."""

    has_archive = True

    def renamed(self, name: str) -> SearchStream:
        """The same search under the name of another stream, which then stands in its errors."""
        other = copy(self)
        other.name = name
        return other

    @property
    def time_cursor(self) -> TimeCursor:
        """The state stays behind the request time by the lag of the search index."""
        common = self.settings.common
        lag = timedelta(seconds=common.lookback_window_seconds)
        return TimeCursor(str(self.cursor_field), common.start_date, lag, common.end_date)

    def work(self, start: Start) -> Plan:
        """The archive, then the border that records cross while they are read, then the standard search."""
        self.settle()
        yield from looking_back(self, start, self.walk)

    def walk(self, lower: datetime | None, wanted: Wanted = EVERYTHING) -> Plan:
        """The whole walk from `lower`."""
        border = self.border(lower) if self.has_archive else None
        if border is None:
            yield from self.keyset(wanted).walk(Window(lower, wanted.upper))
            return
        older = [self._across(border, wanted)]
        if lower is None or lower < border.lower:
            archived = Window(lower, _until(border.lower, wanted.upper))
            older.insert(0, self.archived(archived, wanted))
        yield from self.recent(older, border.upper, wanted)

    def unsearchable(self, border: Border) -> Plan | None:
        """All records of the time before a border, where the archive search does not have them; None where it has."""
        return None

    def archived(self, window: Window, wanted: Wanted) -> Plan:
        """What only the archive has."""
        return self.keyset(wanted, archive=True).walk(window)

    def searched(self, window: Window, wanted: Wanted) -> Plan:
        """What only the standard search has, and nothing moves into any more."""
        return self.keyset(wanted).walk(window)

    def border(self, lower: datetime | None) -> Border | None:
        """Where the archive ends and the standard search begins; None if what changed since `lower` needs no archive.

        A wrong clock would move it over records that then are in neither part: the earlier of the two clocks begins it,
        the later one ends it.
        """
        now, clocks = self.client.clock.now(), self.client.clocks
        if not self.settings.include_archived or (lower is not None and lower >= now - SURELY_RECENT):
            return None
        self.client.meet()
        now = timestamps.floor(now, timestamps.MILLISECOND)
        begin, end = clocks.earliest(now) - SURELY_ARCHIVED, clocks.latest(now) - SURELY_SEARCHED
        if lower is not None and lower >= end:
            return None
        return Border(begin if lower is None else max(lower, begin), end)

    def recent(self, older: Sequence[Plan], lower: datetime, wanted: Wanted) -> Plan:
        """The standard search beside older parts. What moves from one of them meanwhile is at the open end, which is
        read when everything else is out."""
        now = self.client.clocks.earliest(self.client.clock.now())
        settled = timestamps.floor(dates.earlier(now, self.time_cursor.lag), timestamps.MILLISECOND)
        settled = _until(settled, wanted.upper)
        if settled <= lower:
            yield Fork(older)
            yield from self.keyset(wanted).walk(Window(lower, wanted.upper))
        else:
            yield Fork([*older, self.searched(Window(lower, settled), wanted)])
            yield from self.keyset(wanted).walk(Window(settled, wanted.upper), cut=False)

    def _across(self, border: Border, wanted: Wanted) -> Plan:
        """Standard search first, archive second: the second sees what crosses in between. No checkpoints inside."""
        once = partial(unseen_versions, seen=set(), mark_of=self.keyset(wanted).mark_of)
        quiet = replace(wanted, checkpoint=no_checkpoint).through(once)
        for archive in (False, True):
            window = Window(border.lower, _until(border.upper, wanted.upper))
            yield from self.keyset(quiet, archive=archive).walk(window, cut=False)

    def keyset(self, wanted: Wanted = EVERYTHING, *, archive: bool = False) -> Keyset:
        """The walk over the time of the last change, or of creation where there is no other."""

        criteria = () if archive else wanted.criteria

        def fetch(window: Window, token: Any = None, *, count: bool = False, limit: int | None = None) -> Fetched:
            return self.fetch_window(window, token, limit=limit, archive=archive, criteria=criteria)

        walked = self.scope.walked
        tie = Keyset(fetch, "created_at", PAGE_SIZE, count_cap=MOST_RECORDS) if walked != "created_at" else None
        return Keyset(
            fetch=fetch,
            field=walked,
            page_size=PAGE_SIZE,
            lag=self.time_cursor.lag,
            emit=wanted.emit,
            checkpoint=wanted.checkpoint,
            tie=tie,
            count_cap=MOST_RECORDS,
        )


def unseen_versions(records: list[Record], *, seen: set[Any], mark_of: Callable[[Record], Any]) -> list[Record]:
    """Versions of records that are not in `seen` yet, which has them from then on."""
    fresh = [record for record in records if mark_of(record) not in seen]
    seen.update(map(mark_of, fresh))
    return fresh


def _until(bound: datetime, upper: datetime | None) -> datetime:
    """The bound, or an earlier end."""
    return bound if upper is None else min(bound, upper)
