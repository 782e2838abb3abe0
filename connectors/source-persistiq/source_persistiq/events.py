"""The activity log, by windows of time: closed windows do not change, whatever the order inside them.

Windows grow out of the density of first pages, since PersistIQ counts nothing: a window that looks long is cut, and its
first page comes again in its parts. What is younger than the lag comes last, and again with the next read.
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
        bounds = self._bounds(first, lower, settled) if lower < settled else []
        pieces = [Piece(self._read(begin, end)) for begin, end in pairwise(bounds)]
        return [*pieces, Piece(self._read(max(lower, settled), None))]

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
        """One page of `[lower, upper)` and a little more: the filters are exclusive, and of unknown precision."""
        return self.page(
            number, after("start_at", lower) | ({} if upper is None else {"end_at": seconds_z(upper + SECOND)})
        )

    def _bounds(self, first: Listed, lower: datetime, upper: datetime) -> list[datetime]:
        """The bounds of windows of some nine pages each, judged by a first page; just two where cutting is idle.

        Oldest first, nothing lies before the page. Newest first, nobody knows where the log begins: windows double.
        """
        times = [timestamps.parse(record["event_at"]) for record in first.records]
        if not all(lower - SECOND <= at or lower <= FIRST for at in times):
            self.warn("PersistIQ ignored start_at, so that all events are read.")
            return [lower, upper]
        span = max(max(times) - min(times), SECOND)
        if upper - lower <= (WINDOW_PAGES + 1) * span:
            return [lower, upper]
        if times[0] < times[-1]:
            begin = max(lower, timestamps.floor(min(times), SHORTEST_WINDOW))
            parts = parts_for(int((upper - begin) / span * len(times)), len(times), 1, WINDOW_PAGES, is_long=False)
            bounds = cut_points(begin, upper, parts, SHORTEST_WINDOW) or [begin, upper]
            return [lower, *bounds] if lower < begin else bounds
        bounds, length = [upper], max(WINDOW_PAGES * span, SHORTEST_WINDOW)
        while bounds[0] - length > lower:
            bounds.insert(0, timestamps.floor(bounds[0] - length, SHORTEST_WINDOW))
            length *= 2
        return [lower, *bounds] if lower < bounds[0] else bounds

    def parse_response(self, response: requests.Response, **arguments: Any) -> list[Record]:
        """The records with their cursor; one without any time gets the time of the answer."""
        records = super().parse_response(response, **arguments)
        for record in records:
            told = record.get("event_at") or record.get("created_at")
            record["event_at"] = told or seconds_z(self.client.clock.now())
        return records


def is_inside(lower: datetime, upper: datetime | None, record: Record) -> bool:
    """Whether an event belongs to `[lower, upper)`, at the precision of what is printed."""
    at = timestamps.parse(record["event_at"])
    return (at >= lower or lower <= FIRST) and (upper is None or at < upper)
