"""The activity log, by windows of time: closed windows do not change, whatever the order inside them.

Windows grow out of the density of first pages, since PersistIQ counts nothing: a window that looks long is cut, and its
first page comes again in its parts. What is younger than the lag comes last, and again with the next read. Where the
time filters are ignored, no window ends, and all is read in one walk.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from source_kit import timestamps
from source_kit.client import HttpClient
from source_kit.numbered import Listed, NumberedList
from source_kit.rows import identity
from source_kit.timestamps import SECOND, instant, is_within, seconds_z
from source_kit.windows import MAX_PARTS, WINDOW_PAGES, cut_points
from source_kit.work import Fork, Page, Plan, Record, Start
from source_persistiq.base import FIRST, NEVER, PersistiqStream, after
from source_persistiq.config import Settings
from source_persistiq.endpoints import EventsEndpoint

SHORTEST_WINDOW = timedelta(hours=1)
# So much more than a window is asked for at either end: the filters are exclusive, and of unknown precision.
MARGIN = 2 * SECOND
# Of so many events of a read it is known that they have left already (8 MB); of more than that some may leave twice.
MOST_REMEMBERED = 100_000
EARLIEST, LATEST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


class Events(PersistiqStream):
    """Events in either published shape, by `event_at` (filled from `created_at` where that is the one that comes)."""

    name = "events"
    cursor_field = "event_at"

    def __init__(self, client: HttpClient, settings: Settings) -> None:
        super().__init__(client, settings, endpoint=EventsEndpoint())

    def work(self, start: Start) -> Plan:
        """One page of all that is wanted; if that is not all, windows up to what has settled, and the rest."""
        lower, end = self.lower(start), self.end
        if end is not None and lower >= end:
            return
        first = self.window(1, lower, end)
        settled = self.reached(first.at)
        if not first.has_more:
            times = [record.get("event_at") for record in first.records]
            has_older = not all(is_within(at, lower - MARGIN, None) for at in times)
            has_younger = end is not None and not all(is_within(at, None, end + MARGIN) for at in times)
            once = Once(
                lower,
                end,
                has_older=has_older and self._ignores_start(),
                has_younger=has_younger and self._ignores_end(),
            )
            yield Page(list(filter(once.within(lower, end), first.records)), {"event_at": seconds_z(settled)})
            return
        # An end that is still to come bounds nothing.
        upper = None if end is None or end > first.at else end
        ignores_start = self._ignores_start()
        ignores_end = (lower < settled or upper is not None) and self._ignores_end()
        is_whole_walk = ignores_start or ignores_end
        once = Once(lower, end, has_older=ignores_start, has_younger=is_whole_walk)
        begin = lower
        if is_whole_walk:
            self.warn("PersistIQ ignored start_at or end_at, so that all events are read, in one walk.")
            upper = None
        elif lower < settled:
            windows = pairwise(bounds(first, lower, settled))
            yield Fork([self._read(*window, once) for window in windows], goes_on=True)
            begin = settled
        if upper is None or begin < upper:
            yield from self._read(begin, upper, once)

    def _ignores_start(self) -> bool:
        """Whether an event comes that is younger than any can be. One without a time tells nothing."""
        return any(instant(record.get("event_at")) is not None for record in self.pages.unasked({"start_at": NEVER}))

    def _ignores_end(self) -> bool:
        """Whether anything but what is from before `FIRST` comes when that is asked for."""
        found = self.pages.unasked(filters(FIRST, FIRST))
        return any(is_within(record.get("event_at"), FIRST + MARGIN, None) for record in found)

    def _read(self, lower: datetime, upper: datetime | None, once: Once) -> Plan:
        """A window, or the windows that it is cut into."""
        first = self.window(1, lower, upper)
        cuts = bounds(first, lower, upper) if upper is not None and first.has_more else []
        if len(cuts) > 2:
            yield Fork([self._read(*window, once) for window in pairwise(cuts)])
            return
        walk = NumberedList(
            lambda number: first if number == 1 else self.window(number, lower, upper),
            checkpoint=lambda began: {"event_at": seconds_z(max(lower, min(upper or LATEST, self.reached(began))))},
            keep=once.within(lower, upper),
            is_closed=True,
        )
        yield from walk.read()

    def window(self, number: int, lower: datetime, upper: datetime | None) -> Listed:
        """One page of `[lower, upper)` and a little more; a first one that is empty although more is announced is
        asked for again."""
        listed = self.pages.page(number, filters(lower, upper))
        is_odd = number == 1 and listed.has_more and not listed.records
        return self.pages.page(number, filters(lower, upper)) if is_odd else listed


class Once:
    """Which events of a read leave: all that come, each once, whichever window brings them. Thread-safe.

    Neighbours overlap by the margin, and PersistIQ may file an event under another time than it shows, or none: such
    events are remembered. What lies well inside of its window comes with no other. What is just older than the whole
    read left with an earlier one, and what is just younger leaves with a later one. `has_older`, `has_younger`: the
    filter is ignored, so that everything older or younger comes, and is left out.
    """

    def __init__(
        self, begin: datetime, end: datetime | None = None, *, has_older: bool = False, has_younger: bool = False
    ) -> None:
        begin = begin if begin > FIRST else EARLIEST
        end = LATEST if end is None else end
        self._before = (EARLIEST if has_older else timestamps.before(begin, MARGIN), begin)
        self._behind = (end, LATEST if has_younger else min(end, LATEST - MARGIN) + MARGIN)
        self._remembered: set[int] = set()
        self._has_strays = False
        self._lock = threading.Lock()

    def within(self, lower: datetime, upper: datetime | None) -> Callable[[Record], bool]:
        """Whether an event that came with `[lower, upper)` is to be emitted (0.8 µs, 0.7 of them the time)."""
        (left, begin), (end, right) = self._before, self._behind
        deep, high = lower + MARGIN, LATEST if upper is None else upper - MARGIN
        near, far = lower - MARGIN, LATEST if upper is None else upper + MARGIN

        def leaves(record: Record) -> bool:
            at = instant(record.get("event_at"))
            if at is None:
                return self._is_new(record, is_stray=True)
            if left <= at < begin or end <= at < right:
                return False
            if deep <= at < high and not self._has_strays:
                return True
            return self._is_new(record, is_stray=not near <= at < far)

        return leaves

    def _is_new(self, record: Record, *, is_stray: bool) -> bool:
        key = hash(identity(record))
        with self._lock:
            self._has_strays = self._has_strays or is_stray
            if key in self._remembered:
                return False
            if len(self._remembered) < MOST_REMEMBERED:
                self._remembered.add(key)
            return True


def bounds(first: Listed, lower: datetime, upper: datetime) -> list[datetime]:
    """The bounds of windows of some nine pages each, judged by a first page; just two where cutting is idle.

    Oldest first, nothing lies before the page. Newest first, nobody knows where the log begins: windows double.
    Bounds between the two are full hours, and none is empty: cutting comes to an end whatever the page holds.
    """
    times = [at for at in (instant(record.get("event_at")) for record in first.records) if at is not None]
    if not times:
        return [lower, upper]
    span = max(max(times) - min(times), SECOND)
    if upper - lower <= (WINDOW_PAGES + 1) * span:
        return [lower, upper]
    if times[0] < times[-1]:
        begin = timestamps.floor(min(times), SHORTEST_WINDOW)
        # Nothing is counted, and lists of more than ten pages are not sure to keep their rows: rather one too many.
        pages = (upper - begin) / span
        parts = min(MAX_PARTS, math.ceil(pages / WINDOW_PAGES)) if pages > WINDOW_PAGES + 1 else 0
        found = [begin, *cut_points(begin, upper, parts, SHORTEST_WINDOW)]
    else:
        found, length = [upper], max(WINDOW_PAGES * span, SHORTEST_WINDOW)
        while found[-1] - length > lower:
            found.append(timestamps.floor(found[-1] - length, SHORTEST_WINDOW))
            length *= 2
    return sorted({lower, upper, *(bound for bound in found if lower < bound < upper)})


def filters(lower: datetime, upper: datetime | None) -> dict[str, str]:
    """What asks for `[lower, upper)` and a little more."""
    return after("start_at", lower) | ({} if upper is None else {"end_at": seconds_z(upper + SECOND)})
