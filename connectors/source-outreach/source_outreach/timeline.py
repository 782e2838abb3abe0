"""The walk over a collection by time: complete while its rows move, and many pages at once.

Pages of one query are chained by cursors that are a keyset on (time, id): a row that changes while it is read moves to
the end and is seen again. So the only planning is into windows of time that are read side by side; a window whose count
turns out too large is cut again. Windows are closed; what moved meanwhile is in the open one at the end, read last.

Outreach has returned rows out of order and rows outside the bounds of a query (seen in production by other connectors).
So the order of rows proves nothing here: a state leaves only when a window is complete, and stays behind it until the
end; the end of a window is its last cursor; where a window is cut, the first part begins where it began, and what was
emitted is dropped where it comes again; so is a row outside of its window, which is emitted all the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as member
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from source_kit import timestamps
from source_kit.errors import ConnectorFault
from source_kit.rules import Rejected
from source_kit.windows import Fetch, Fetched, Progress, Window
from source_kit.work import AHEAD_BYTES, Page, Piece, Record, Work

NO_PLAN_BELOW_PAGES = 8
MOST_WINDOW_PAGES = 5
# Windows are planned a little below whole pages, so that few of them need one more page for a handful of rows.
FILL = 0.9
# More windows than that are cut in two steps: a history of uneven density would leave many of them nearly empty.
MOST_PARTS = 128
FIRST_PARTS = 32
BLIND_PARTS = 4
# Pages of a window that is not counted before it is cut: they are read again then.
BLIND_PAGES = 8
# Of a page that ignores the filter, all was seen that has not changed since; of others, what came out of order.
SAME_SHARE = 0.4
# Answers to a filter that Outreach does not have.
UNFILTERABLE = (400, 422)
# Bounds lie between whole seconds, on which all values of the API lie: no row is on a bound.
BESIDE_SECONDS = timedelta(milliseconds=500)


# A row by its id and its cursor value: once changed, it is another one.
Mark = tuple[Any, str | None]


@dataclass(frozen=True)
class Timeless(Window):
    """The rows without a cursor value, which no range has: every attribute of Outreach is nullable."""


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
    # Rows that were emitted elsewhere than in the window that brings them.
    strays: set[Mark] = member(default_factory=set)
    # What windows that are ahead emitted of their first pages, by lower bound, until the window before is complete.
    ahead: dict[datetime | None, set[Mark]] = member(default_factory=dict)
    complete: set[datetime | None] = member(default_factory=set)
    is_unfiltered: bool = False
    _asked_at: datetime | None = None
    _highs: list[str] = member(default_factory=list)
    _top: datetime | None = None
    _total: int | None = None

    def walk(self, lower: datetime | None) -> Work:
        """Everything from `lower` on."""
        return self._window(Window(lower), may_cut=True, patience=2)

    def _window(self, window: Window, *, may_cut: bool, patience: int = BLIND_PAGES) -> Work:
        """One window page by page, until it is cut: where nothing is counted, after `patience` pages."""
        is_root = window.upper is None and may_cut
        fetched = self.fetch(window, count=may_cut)
        total, walked, pages = fetched.total, 0, 0
        high: str | None = None
        seen: set[Mark] = set()
        if is_root:
            self._asked_at, self._total = fetched.asked_at, total
            self.progress.expected = (total or 0) // self.page_size
        while True:
            self.progress.saw(fetched.records)
            walked, pages = walked + len(fetched.records), pages + 1
            rows, high = self._own(fetched.records, window, high)
            if pages == 1 and window.lower is not None and window.lower not in self.complete:
                self.ahead.setdefault(window.lower, set(map(self._mark, rows)))
            token, pieces = fetched.token, []
            if may_cut and token is not None:
                seen.update(map(self._mark, fetched.records))
                rest = None if total is None else max(0, total - walked)
                # A part that counts as many rows as the whole is no part: the filter is ignored.
                if is_root or total is None or total != self._total:
                    parts = self._parts(rest, pages, patience, is_root=is_root)
                    pieces = self._cut(window, fetched.records, seen, parts, pages)
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
            fetched = self._following(window, token)
        self.complete.add(window.upper)
        self.ahead.pop(window.upper, None)
        yield from self._checkpoints(window, high)
        return None

    def _timeless(self) -> Work:
        """The rows that the windows lack; none where Outreach cannot filter by them, or ignores the filter."""
        try:
            fetched = self.fetch(Timeless())
            while True:
                rows = [record for record in fetched.records if record.get(self.field) is None]
                yield Page([record for record in rows if self._mark(record) not in self.strays])
                if fetched.token is None or len(rows) < len(fetched.records):
                    return None
                fetched = self._following(Timeless(), fetched.token)
        except Rejected as refused:
            if refused.status not in UNFILTERABLE:
                raise
            return None

    def _following(self, window: Window, token: Any) -> Fetched:
        fetched = self.fetch(window, token)
        if fetched.token == token:
            raise ConnectorFault("Outreach answered a page with a link to the same page.")
        return fetched

    def _mark(self, record: Record) -> Mark:
        return record["id"], record.get(self.field)

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
        inside = values
        if values and _is_outside(values, window):
            inside = [value for value in values if _holds(window, value)]
            records = self._with_strays(records, window)
        elif self.strays:
            records = [record for record in records if self._mark(record) not in self.strays]
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
            return [record for record in own if self._mark(record) not in self.strays]
        ahead = self.ahead.get(window.upper, set())
        fresh = []
        for record in records:
            value = record.get(name)
            mark = self._mark(record)
            if mark in self.strays or mark in ahead:
                continue
            if value is not None and not _holds(window, value):
                self.strays.add(mark)
            fresh.append(record)
        return fresh

    def _is_first_page_again(self, records: Sequence[Record], window: Window) -> bool:
        """Whether a window begins with a whole page that the plan was made behind: the filter did nothing."""
        seen = [mark for mark in map(self._mark, records) if mark in self.strays]
        again = [value for _, value in seen if value and not _holds(window, value)]
        return len(records) >= self.page_size and len(again) >= SAME_SHARE * len(records)

    def _cut(self, window: Window, records: Sequence[Record], seen: set[Mark], parts: int, pages: int) -> list[Piece]:
        """Parts of the window, oldest first; none where reading on is as good.

        The first begins with the window itself, although it brings again what was seen: what came out of order may lie
        behind anything that was read.
        """
        if parts < 2 or self.is_unfiltered or not self.progress.cutting_pays():
            return []
        edge = self._edge(records)
        if edge is None or (window.lower is not None and edge <= window.lower):
            return []
        is_root = window.upper is None
        upper = self._newest(edge) if is_root else window.upper
        bounds = [] if upper is None else _bounds(edge, upper, parts)
        if not bounds:
            return []
        self.strays |= seen
        # Where nothing is counted, the first part must show more than the window did before it is cut again.
        patience = max(BLIND_PAGES, 2 * pages)
        pieces = [Piece(self._window(Window(window.lower, bounds[1]), may_cut=True, patience=patience))]
        pieces += [Piece(self._window(Window(start, end), may_cut=True)) for start, end in pairwise(bounds[1:])]
        if is_root and window.lower is None:
            pieces.append(Piece(self._timeless()))
        if is_root:
            pieces.append(Piece(self._window(Window(bounds[-1]), may_cut=False), last=True))
        return pieces

    def _parts(self, rest: int | None, pages: int, patience: int, *, is_root: bool) -> int:
        """How many windows; below 2 means to read on."""
        if rest is None:
            # The API does not count under load.
            return 0 if pages < patience else 2 * self.workers if is_root else BLIND_PARTS
        size = self._window_pages()
        rest_pages = rest / self.page_size
        # What was read is read again, so more than that must be left.
        if rest_pages <= max(pages, NO_PLAN_BELOW_PAGES - 1 if is_root else 1.5 * size):
            return 0
        parts = max(2, math.ceil(rest_pages / size / FILL))
        return parts if parts <= MOST_PARTS else FIRST_PARTS

    def _window_pages(self) -> int:
        """Pages a window: fewer where pages are large, so that all workers find room for what they read ahead."""
        page_bytes = self.progress.row_bytes * self.page_size
        return max(1, min(MOST_WINDOW_PAGES, AHEAD_BYTES // max(1, self.workers * page_bytes)))

    def _edge(self, records: Sequence[Record]) -> datetime | None:
        """How far the page went: the earliest value of its second half, since rows may be out of order.

        None where it did not go on in time.
        """
        values = [value for record in records if (value := record.get(self.field)) is not None]
        half = values[len(values) // 2 :]
        if not half:
            return None
        edge = min(timestamps.parse(value) for value in half)
        return edge if edge > min(timestamps.parse(value) for value in values) else None

    def _newest(self, edge: datetime) -> datetime | None:
        """Just before the newest row: what changes from now on has its time or a later one."""
        if self._top is None:
            # With a bound: in descending order, rows without a value may come first.
            newest = self.fetch(Window(edge, descending=True), limit=1).records
            value = newest[0].get(self.field) if newest else None
            if value is not None:
                self._top = timestamps.floor(timestamps.parse(value), timestamps.SECOND) - BESIDE_SECONDS
        return self._top


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
