"""The activity log, by windows of time: closed windows do not change, whatever the order inside them.

Windows grow out of the density of first pages, since PersistIQ counts nothing: a window that looks long is cut, and its
first page comes again in its parts. What is younger than the lag comes last, and again with the next read. Where the
time filters are ignored, no window ends, and one walk picks out what belongs to the read.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import Any

import requests

from source_kit import timestamps
from source_kit.numbered import Listed, NumberedList
from source_kit.timestamps import SECOND, seconds_z
from source_kit.windows import WINDOW_PAGES, cut_points, parts_for
from source_kit.work import Page, Piece, Record, Start, Work
from source_persistiq.base import FIRST, PersistiqStream, after

SHORTEST_WINDOW = timedelta(hours=1)


class Events(PersistiqStream):
    """Events in either published shape, by `event_at` (filled from `created_at` where that is the one that comes)."""

    name = "events"
    cursor_field = "event_at"

    def work(self, start: Start) -> Work:
        """One open page; if that is not all, windows up to what has settled, and the rest."""
        lower = self.lower(start)
        first = self.window(1, lower, None)
        settled = self.settled(first.at)
        if not first.has_more:
            kept = [record for record in first.records if is_inside(lower, None, record)]
            yield Page(kept, {"event_at": seconds_z(settled)})
            return None
        if lower >= settled or self._is_unfiltered(first.at):
            return [Piece(self._read(lower, None))]
        pieces = [Piece(self._read(begin, end)) for begin, end in pairwise(self._bounds(first, lower, settled))]
        return [*pieces, Piece(self._read(settled, None))]

    def _is_unfiltered(self, at: datetime) -> bool:
        """Whether either filter is ignored: nothing is from before `FIRST`, nothing old from after this moment."""
        for lower, upper in ((FIRST, FIRST), (at, None)):
            near = partial(is_inside, lower - SECOND, upper and upper + SECOND)
            if not all(map(near, self.unasked(filters(lower, upper)))):
                self.warn("PersistIQ ignored start_at or end_at, so that all events are read, in one walk.")
                return True
        return False

    def _read(self, lower: datetime, upper: datetime | None) -> Work:
        """A window, or the windows that it is cut into."""
        first = self.window(1, lower, upper)
        bounds = self._bounds(first, lower, upper) if upper is not None and first.has_more else []
        if len(bounds) > 2:
            return [Piece(self._read(begin, end)) for begin, end in pairwise(bounds)]
        walk = NumberedList(
            lambda number: first if number == 1 else self.window(number, lower, upper),
            checkpoint=lambda began: {"event_at": seconds_z(upper or max(lower, self.settled(began)))},
            keep=partial(is_inside, lower, upper),
            is_closed=True,
        )
        return (yield from walk.read())

    def window(self, number: int, lower: datetime, upper: datetime | None) -> Listed:
        """One page of `[lower, upper)` and a little more."""
        return self.page(number, filters(lower, upper))

    def _bounds(self, first: Listed, lower: datetime, upper: datetime) -> list[datetime]:
        """The bounds of windows of some nine pages each, judged by a first page; just two where cutting is idle.

        Oldest first, nothing lies before the page. Newest first, nobody knows where the log begins: windows double.
        Bounds between the two are full hours, and none is empty: cutting comes to an end whatever the page holds.
        """
        times = [timestamps.parse(record["event_at"]) for record in first.records]
        span = max(max(times) - min(times), SECOND)
        if upper - lower <= (WINDOW_PAGES + 1) * span:
            return [lower, upper]
        if times[0] < times[-1]:
            begin = timestamps.floor(min(times), SHORTEST_WINDOW)
            parts = parts_for(int((upper - begin) / span * len(times)), len(times), 1, WINDOW_PAGES, is_long=False)
            bounds = [begin, *cut_points(begin, upper, parts, SHORTEST_WINDOW)]
        else:
            bounds, length = [upper], max(WINDOW_PAGES * span, SHORTEST_WINDOW)
            while bounds[-1] - length > lower:
                bounds.append(timestamps.floor(bounds[-1] - length, SHORTEST_WINDOW))
                length *= 2
        return sorted({lower, upper, *(bound for bound in bounds if lower < bound < upper)})

    def parse_response(self, response: requests.Response, **arguments: Any) -> list[Record]:
        """The records with their cursor; one without any time gets the time of the answer."""
        records = super().parse_response(response, **arguments)
        for record in records:
            told = record.get("event_at") or record.get("created_at")
            record["event_at"] = told or seconds_z(self.client.clock.now())
        return records


def filters(lower: datetime, upper: datetime | None) -> dict[str, str]:
    """What asks for `[lower, upper)` and a little more: the filters are exclusive, and of unknown precision."""
    return after("start_at", lower) | ({} if upper is None else {"end_at": seconds_z(upper + SECOND)})


def is_inside(lower: datetime, upper: datetime | None, record: Record) -> bool:
    """Whether an event belongs to `[lower, upper)`, at the precision of what is printed."""
    at = timestamps.parse(record["event_at"])
    return (at >= lower or lower <= FIRST) and (upper is None or at < upper)
