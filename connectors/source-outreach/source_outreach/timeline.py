"""The walk over a collection by time: complete while its rows move, and many pages at once.

Pages of one query are chained by cursors that are a keyset on (time, id): a row that changes while it is read moves to
the end and is seen again. So the only planning is into windows of time that are read side by side; a window whose count
turns out too large is cut again. Windows are closed; what moved meanwhile is in the open one at the end, read last.

Outreach has returned rows out of order and rows outside the bounds of a query (seen in production by other connectors).
So the order of rows proves nothing here: a state leaves only when a window is complete, and stays behind it until the
end; the end of a window is its last cursor; a row outside of its window is emitted all the same, and dropped where it
comes again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as member
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from source_kit import timestamps
from source_kit.errors import ConnectorFault
from source_kit.windows import Fetch, Progress, Window
from source_kit.work import AHEAD_BYTES, Page, Piece, Record, Work

NO_PLAN_BELOW_PAGES = 8
MOST_WINDOW_PAGES = 5
# Windows are planned a little below whole pages, so that few of them need one more page for a handful of rows.
FILL = 0.9
# More windows than that are cut in two steps: a history of uneven density would leave many of them nearly empty.
MOST_PARTS = 128
FIRST_PARTS = 32
BLIND_PARTS = 4
# Of the first window's page, half is behind the plan; of a page that ignores the filter, more than that.
SAME_SHARE = 0.4
# Bounds lie between whole seconds, on which all values of the API lie: no row is on a bound.
BESIDE_SECONDS = timedelta(milliseconds=500)


@dataclass
class Timeline:
    """One read of one collection.

    `checkpoint` makes a state from the latest cursor value, the time of the first request, and whether all was read.
    """

    fetch: Fetch
    field: str
    page_size: int
    workers: int
    checkpoint: Callable[[str, datetime, bool], Mapping[str, Any]]
    warn: Callable[[str], None] = lambda text: None
    progress: Progress = member(default_factory=Progress)
    # Rows (by id and cursor value) that were emitted outside of the window that brings them.
    strays: set[tuple[Any, str | None]] = member(default_factory=set)
    is_unfiltered: bool = False
    _asked_at: datetime | None = None
    _highs: list[str] = member(default_factory=list)
    _top: datetime | None = None

    def walk(self, lower: datetime | None) -> Work:
        """Everything from `lower` on."""
        return self._window(Window(lower), may_cut=True)

    def _window(self, window: Window, *, may_cut: bool) -> Work:
        is_root = window.upper is None and may_cut
        fetched = self.fetch(window, count=may_cut)
        total, walked, pages = fetched.total, 0, 0
        high: str | None = None
        if is_root:
            self._asked_at = fetched.asked_at
            self.progress.expected = (total or 0) // self.page_size
        while True:
            self.progress.saw(fetched.records)
            walked, pages = walked + len(fetched.records), pages + 1
            before = high
            rows, high = self._own(fetched.records, window, high)
            token, pieces = fetched.token, []
            if may_cut and token is not None:
                rest = None if total is None else max(0, total - walked)
                pieces = self._cut(replace(window, lower=_later(window.lower, before)), fetched.records, rest, pages)
            ready = [Page(rows, estimate=total if is_root and pages == 1 else None)]
            # A window that waits for its next turn holds no records: a page of 7 MB is 30 MB as objects.
            del fetched, rows
            yield ready.pop()
            if pieces and high is not None:
                self._highs.append(high)
            if pieces:
                return pieces
            if token is None:
                break
            fetched = self.fetch(window, token)
            if fetched.token == token:
                raise ConnectorFault("Outreach answered a page with a link to the same page.")
        yield from self._checkpoints(window, high)
        return None

    def _checkpoints(self, window: Window, high: str | None) -> Iterator[Page]:
        """The state at the end of a window; that of the open one, which is read last, speaks for all."""
        if high is not None:
            self._highs.append(high)
        is_last = window.upper is None
        values = self._highs if is_last else [high] if high is not None else []
        if values and self._asked_at is not None:
            yield Page((), self.checkpoint(timestamps.latest(values), self._asked_at, is_last))

    def _own(self, records: Sequence[Record], window: Window, high: str | None) -> tuple[Sequence[Record], str | None]:
        """The rows of a page that this window emits, and the latest value inside the window so far."""
        name = self.field
        values = [value for record in records if (value := record.get(name)) is not None]
        if not values:
            return records, high
        inside = values
        if _is_outside(values, window):
            inside = [value for value in values if _holds(window, value)]
            records = self._with_strays(records, window)
        elif self.strays:
            records = [record for record in records if (record["id"], record.get(name)) not in self.strays]
        if inside:
            top = timestamps.latest(inside)
            high = top if high is None else timestamps.latest([top, high])
        return records, high

    def _with_strays(self, records: Sequence[Record], window: Window) -> list[Record]:
        """Rows outside of the window were found: emitted, unless they fill a page and were emitted before."""
        name = self.field
        if not self.is_unfiltered and self._is_first_page_again(records, window):
            self.is_unfiltered = True
            self.warn(f"Outreach ignored the filter on {name}; rows outside of it are left out here.")
        if self.is_unfiltered:
            # Every window sees everything, and keeps its own.
            own = [record for record in records if record.get(name) is None or _holds(window, record[name])]
            return [record for record in own if (record["id"], record.get(name)) not in self.strays]
        fresh = []
        for record in records:
            value = record.get(name)
            mark = (record["id"], value)
            if mark in self.strays:
                continue
            if value is not None and not _holds(window, value):
                self.strays.add(mark)
            fresh.append(record)
        return fresh

    def _is_first_page_again(self, records: Sequence[Record], window: Window) -> bool:
        """Whether a window begins with a whole page that the plan was made behind: the filter did nothing."""
        marks = [(record["id"], record.get(self.field)) for record in records]
        again = [value for key, value in marks if value and (key, value) in self.strays and not _holds(window, value)]
        return len(records) >= self.page_size and len(again) >= SAME_SHARE * len(records)

    def _cut(self, window: Window, records: Sequence[Record], rest: int | None, pages: int) -> list[Piece]:
        """Windows for what is left, oldest first; nothing where reading on is as good.

        They begin behind `window.lower`: behind all that was emitted before this page.
        """
        is_root = window.upper is None
        parts = self._parts(rest, pages, is_root=is_root)
        if parts < 2 or self.is_unfiltered or not self.progress.cutting_pays():
            return []
        lower = self._edge(records)
        if lower is None or (window.lower is not None and lower <= window.lower):
            return []
        upper = self._newest(window) if is_root else window.upper
        bounds = [] if upper is None else _bounds(lower, upper, parts)
        if not bounds:
            return []
        # The first window begins inside of this page.
        self.strays |= {(record["id"], record.get(self.field)) for record in records}
        pieces = [Piece(self._window(Window(start, end), may_cut=True)) for start, end in pairwise(bounds)]
        if is_root:
            pieces.append(Piece(self._window(Window(bounds[-1]), may_cut=False), last=True))
        return pieces

    def _parts(self, rest: int | None, pages: int, *, is_root: bool) -> int:
        """How many windows; below 2 means to read on."""
        if rest is None:
            # The API does not count under load.
            if is_root:
                return 2 * self.workers if pages >= 2 else 0
            return BLIND_PARTS if pages >= MOST_WINDOW_PAGES else 0
        size = self._window_pages()
        rest_pages = rest / self.page_size
        if rest_pages <= (NO_PLAN_BELOW_PAGES - 1 if is_root else 1.5 * size):
            return 0
        parts = max(2, math.ceil(rest_pages / size / FILL))
        return parts if parts <= MOST_PARTS else FIRST_PARTS

    def _window_pages(self) -> int:
        """Pages a window: fewer where pages are large, so that all workers find room for what they read ahead."""
        page_bytes = self.progress.row_bytes * self.page_size
        return max(1, min(MOST_WINDOW_PAGES, AHEAD_BYTES // max(1, self.workers * page_bytes)))

    def _edge(self, records: Sequence[Record]) -> datetime | None:
        """From where the windows begin: the earliest value of the page's second half, since rows may be out of order.

        What of the page lies behind it is dropped when it comes again. None where the page is too short of time.
        """
        values = [value for record in records if (value := record.get(self.field)) is not None]
        half = values[len(values) // 2 :]
        if not half:
            return None
        edge = min(timestamps.parse(value) for value in half)
        return edge if edge > min(timestamps.parse(value) for value in values) else None

    def _newest(self, window: Window) -> datetime | None:
        """Just before the newest row: what changes from now on has its time or a later one."""
        if self._top is None:
            newest = self.fetch(Window(window.lower, descending=True), limit=1).records
            value = newest[0].get(self.field) if newest else None
            if value is not None:
                self._top = timestamps.floor(timestamps.parse(value), timestamps.SECOND) - BESIDE_SECONDS
        return self._top


def _later(bound: datetime | None, value: str | None) -> datetime | None:
    """The later of the two, where there are any."""
    instants = [each for each in (bound, None if value is None else timestamps.parse(value)) if each is not None]
    return max(instants, default=None)


def _bounds(lower: datetime, upper: datetime, parts: int) -> list[datetime]:
    """Ascending bounds of up to `parts` windows of equal length; empty where there is no second to cut at."""
    span = upper - lower
    if span < timedelta(seconds=2):
        return []
    inner = {timestamps.floor(lower + span * n / parts, timestamps.SECOND) + BESIDE_SECONDS for n in range(1, parts)}
    bounds = [lower, *sorted(bound for bound in inner if lower < bound < upper), upper]
    return bounds if len(bounds) > 2 else []


def _holds(window: Window, value: str) -> bool:
    instant = timestamps.parse(value)
    return (window.lower is None or instant >= window.lower) and (window.upper is None or instant < window.upper)


def _is_outside(values: Sequence[str], window: Window) -> bool:
    """Whether any value lies outside of the window; by text where all have the form of the API (0.1 ms a page)."""
    earliest, latest = min(values), max(values)
    if len(earliest) == len(latest) == 24 and earliest[-1] == latest[-1] == "Z" and timestamps.has_one_form(values):
        return (window.lower is not None and earliest < timestamps.milliseconds_z(window.lower)) or (
            window.upper is not None and latest >= timestamps.milliseconds_z(window.upper)
        )
    return not all(_holds(window, value) for value in values)
