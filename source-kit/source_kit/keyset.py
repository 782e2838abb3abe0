"""The keyset walk: reading a time-ordered collection completely while its rows move.

Each request asks for "from the last value seen, inclusive"; rows of that instant that were already emitted are dropped.
There is no deep offset, so a row that moves while being read is seen again instead of lost. Paging by token (offset or
cursor) happens only inside one instant. What is left of a long window is cut into windows that are read in parallel.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

from source_kit import timestamps
from source_kit.tokens import TRUSTED_COUNT, TokenWalk, incomplete
from source_kit.windows import Fetch, Fetched, Progress, Window, cut_points, parts_for
from source_kit.work import Page, Piece, Record, Work

MAX_RESTARTS = 5
Mark = Callable[[Record], Any]
NO_MARKS: frozenset[Any] = frozenset()


@dataclass(frozen=True)
class Keyset:
    """A walk over one time field. All that is the vendor's own is in `fetch` and these values.

    `step` is the resolution of the API's filter. `lag` is how long after a write its index may not show it. `emit` may
    drop or change records before they leave. `checkpoint` makes a state from the latest cursor value and the time of
    the request. `tie` is the walk over a second field for rows that share one instant of the first. `mark` tells
    versions of rows apart (default: id and walked field).
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
    progress: Progress = dataclasses.field(default_factory=Progress)

    def walk(
        self, window: Window, seen: frozenset[Any] = NO_MARKS, *, cut: bool = True, high: str | None = None
    ) -> Work:
        """Read a window to its proven end. What is left of a long one comes back as windows to read in parallel."""
        return _Walk(self, window, seen, high).run(cut=cut)

    def edge(self, record: Record) -> datetime:
        """The instant of a row, at the resolution of the filter."""
        return timestamps.floor(timestamps.parse(record[self.field]), self.step)

    def mark_of(self, record: Record) -> Any:
        """What tells this version of a row from others."""
        return (record["id"], record[self.field]) if self.mark is None else self.mark(record)


@dataclass(frozen=True)
class _Seen:
    """What a walk keeps of an answer: everything but its records, which leave memory as soon as they are emitted."""

    instants: Sequence[datetime]
    marks: Sequence[Any]
    asked_at: datetime
    token: Any
    total: int | None

    @classmethod
    def of(cls, fetched: Fetched, keyset: Keyset) -> _Seen:
        # Each row is parsed once (0.2 µs): vendors mix forms within a page, so text does not compare.
        instants = [timestamps.parse(record[keyset.field]) for record in fetched.records]
        marks = list(map(keyset.mark_of, fetched.records))
        return cls(instants, marks, fetched.asked_at, fetched.token, fetched.total)

    def until(self, latest: datetime) -> _Seen:
        """Only the rows that are not newer."""
        kept = [index for index, instant in enumerate(self.instants) if instant <= latest]
        return replace(
            self, instants=[self.instants[index] for index in kept], marks=[self.marks[index] for index in kept]
        )


class _Walk:
    """One window being read."""

    def __init__(self, keyset: Keyset, window: Window, seen: frozenset[Any], high: str | None) -> None:
        self.keyset = keyset
        self.window = window
        self.lower = window.lower
        self.upper = window.upper
        # Emitted before this walk began; `seen` also has what it emitted itself and may meet again.
        self.before = seen
        self.seen = set(seen)
        self.high = high
        # 1 ascending, -1 descending, 0 neither, None: no page has shown it yet.
        self.order: int | None = None
        self.emitted = 0
        self.expected: int | None = None
        self.pages = 0
        self.is_count_wrong = False

    def run(self, *, cut: bool) -> Work:
        keyset, count, idle = self.keyset, True, 0
        while True:
            fetched = keyset.fetch(self._range(), count=count)
            page = _Seen.of(fetched, keyset)
            settled = self._settled(page)
            fresh = self._take(fetched.records, page, settled)
            is_new = bool(fresh)
            ready = [self._page(fresh, page, cut=cut)] if fresh else []
            # A walk that waits for its next turn holds no records: as objects they take four times their bytes.
            del fetched, fresh
            while ready:
                yield ready.pop()
            is_full = page.token is not None or len(page.marks) >= keyset.page_size
            if self._is_end(page, is_full):
                break
            idle = 0 if is_new else idle + 1
            if idle > MAX_RESTARTS:
                raise incomplete(keyset.field)
            # A short page that is not the counted end, or a count that is used up: count anew.
            count = not is_full or (self.expected is not None and self.emitted >= self.expected)
            if self.order == 0:
                yield from self._unordered(page)
                break
            if is_full and self._edge(page.instants[0]) == self._edge(page.instants[-1]):
                yield from self._instant(page)
                count, self.expected = True, None
                if self._is_used_up():
                    break
            elif page.marks:
                self._advance(settled) or self._advance(page)
                pieces = self._cut(page) if cut and is_full else []
                if pieces:
                    return pieces
        if self.order != 1 and self.high is not None:
            yield Page((), keyset.checkpoint(self.high, page.asked_at))
        return None

    def _range(self) -> Window:
        return replace(self.window, lower=self.lower, upper=self.upper)

    def _edge(self, instant: datetime) -> datetime:
        return timestamps.floor(instant, self.keyset.step)

    def _page(self, fresh: list[Record], page: _Seen, *, cut: bool) -> Page:
        estimate = self.expected if self.pages == 1 and cut and self.window.upper is None else None
        return Page(self.keyset.emit(fresh), self._position(page.asked_at), estimate)

    def _take(self, records: Sequence[Record], page: _Seen, settled: _Seen) -> list[Record]:
        """The rows of an answer that were not emitted before; learns order, latest value and count from it."""
        progress = self.keyset.progress
        progress.saw(records)
        self.pages += 1
        if settled.marks:
            latest = records[page.instants.index(max(settled.instants))]
            self._learn(settled.instants, latest[self.keyset.field])
            is_partial = len(settled.marks) < len(page.marks)
            if self.order is None and is_partial and self._is_newest(self._edge(settled.instants[-1])):
                self.order = -1
        seen = self.seen
        fresh = [record for record, mark in zip(records, page.marks, strict=True) if mark not in seen]
        self.emitted += len(fresh)
        total = self._counted(page.total)
        if total is not None:
            self.expected = self.emitted + total - len(records)
            progress.expected = max(progress.expected, self.expected // self.keyset.page_size)
        return fresh

    def _settled(self, page: _Seen) -> _Seen:
        """The rows that have not changed within the lag. Others may show a later time than the place that a lagging
        index still gives them: walking on from there would pass over what lies between."""
        latest = page.asked_at - self.keyset.lag
        if not self.keyset.lag or self.order == -1 or not page.marks or max(page.instants) <= latest:
            return page
        return page.until(latest)

    def _learn(self, instants: Sequence[datetime], latest: str) -> None:
        if max(instants) != min(instants):
            order = timestamps.direction(instants)
            self.order = order if self.order in (None, order) else 0
        self.high = latest if self.high is None else timestamps.latest([latest, self.high])

    def _position(self, asked_at: datetime) -> Mapping[str, Any] | None:
        """Only an ascending walk has emitted everything up to its latest value before its end."""
        if self.order != 1 or self.high is None:
            return None
        return self.keyset.checkpoint(self.high, asked_at)

    def _is_end(self, page: _Seen, is_full: bool) -> bool:
        """Proven by the count where there is one that can be believed, else by a short page without token."""
        rows, total = len(page.marks), page.total
        if total is not None and (total < rows or self.emitted > (self.expected or 0)):
            self.is_count_wrong = True
        if self.expected is None or self.is_count_wrong:
            return not is_full
        if rows >= self.keyset.page_size and page.token is not None:
            return False
        # An open window can gain rows after it was counted, and a large count may be capped: then ask once more.
        is_settled = self.window.upper is not None and self.expected < TRUSTED_COUNT
        return total == rows or (self.emitted >= self.expected and (is_settled or not is_full))

    def _is_used_up(self) -> bool:
        return self.lower is not None and self.upper is not None and self.lower >= self.upper

    def _advance(self, page: _Seen) -> bool:
        """Move the range to the last row's instant, which is read again: rows not yet seen may share it. Whether that
        is progress."""
        if not page.marks:
            return False
        edge = self._edge(page.instants[-1])
        backwards = zip(reversed(page.instants), reversed(page.marks), strict=True)
        tied = {mark for _, mark in takewhile(lambda row: self._edge(row[0]) == edge, backwards)}
        if self.order == -1:
            has_moved, self.upper = self.upper != edge + self.keyset.step, edge + self.keyset.step
        else:
            has_moved, self.lower = self.lower != edge, edge
        self.seen = tied | (self.before if has_moved else self.seen)
        return has_moved

    def _instant(self, page: _Seen) -> Generator[Page, None, None]:
        """Read every row of the one instant that fills a whole page, then step over it."""
        keyset = self.keyset
        instant = self._edge(page.instants[0])
        if self.order is None and self._is_newest(instant):
            self.order = -1
        self.seen.update(page.marks)
        if keyset.tie is None:
            yield from self._by_token(replace(self.window, lower=instant, upper=instant + keyset.step))
        else:
            inner = replace(keyset.tie, mark=keyset.mark_of, emit=keyset.emit, progress=keyset.progress)
            walk = _Walk(inner, Window(within=instant), frozenset(self.seen), None)
            yield from walk.run(cut=False)
        self.seen = set(self.before)
        if self.order == -1:
            self.upper = instant
        else:
            self.lower = instant + keyset.step

    def _is_newest(self, instant: datetime) -> bool:
        """Whether older rows exist although the first page should have held them: the API ignored the order."""
        if self.lower is not None and self.lower >= instant:
            return False
        older = self.keyset.fetch(replace(self._range(), upper=instant)).records
        return any(self.keyset.edge(record) < instant for record in older)

    def _counted(self, total: int | None) -> int | None:
        """How many rows the query has, unless the count is capped."""
        cap = self.keyset.count_cap
        return None if total is None or (cap is not None and total >= cap) else total

    def _unordered(self, page: _Seen) -> Generator[Page, None, None]:
        """Read a window whose rows come in no order, in halves where it holds more rows than one query yields."""
        keyset, window = self.keyset, self._range()
        self.seen.update(page.marks)
        lower = timestamps.EPOCH if window.lower is None else window.lower
        top = timestamps.floor(page.asked_at, keyset.step) + keyset.step if window.upper is None else window.upper
        if page.total is None or self._counted(page.total) is not None or top - lower <= keyset.step:
            yield from self._by_token(window)
            return
        middle = timestamps.floor(lower + (top - lower) / 2, keyset.step)
        parts = [replace(window, upper=middle), replace(window, lower=middle, upper=top)]
        if window.upper is None:
            parts.append(replace(window, lower=top))
        for part in parts:
            yield from _Walk(keyset, part, frozenset(self.seen), None).run(cut=False)

    def _by_token(self, window: Window) -> Generator[Page, None, None]:
        walk = TokenWalk(self.keyset, self.seen)
        yield from walk.read(window)
        values = [value for value in (walk.latest, self.high) if value is not None]
        self.high = timestamps.latest(values) if values else None

    def _cut(self, page: _Seen) -> list[Piece]:
        """Windows for what is left, oldest first, or nothing where reading on is as good."""
        keyset, is_root = self.keyset, self.window.upper is None
        if self.expected is None and self._counted(page.total) is not None:
            return []
        rest = None if self.expected is None else self.expected - self.emitted
        window_pages = keyset.progress.window_pages(keyset.page_size)
        # A capped count tells at least that much is left.
        is_long = is_root or (self.expected is None and page.total is not None)
        parts = parts_for(rest, keyset.page_size, self.pages, window_pages, is_long=is_long)
        if parts < 2 or self.order is None or self.lower is None or not keyset.progress.cutting_pays():
            return []
        top = self._planned_top() if self.upper is None else self.upper
        bounds = [] if top is None else cut_points(self.lower, top, parts, keyset.step)
        if not bounds:
            return []
        pieces = [self._piece(bounds, index) for index in range(len(bounds) - 1)]
        if self.upper is None:
            # What moved while the windows were read is at the open end by now.
            pieces.append(Piece(keyset.walk(replace(self.window, lower=bounds[-1]), cut=False), last=True))
        return pieces

    def _piece(self, bounds: Sequence[datetime], index: int) -> Piece:
        window = replace(self.window, lower=bounds[index], upper=bounds[index + 1])
        is_last = index == len(bounds) - 2
        is_at_edge = is_last if self.order == -1 else index == 0
        return Piece(
            self.keyset.walk(
                window,
                frozenset(self.seen) if is_at_edge else NO_MARKS,
                high=self.high if is_last and self.order == -1 else None,
            )
        )

    def _planned_top(self) -> datetime | None:
        """Where the windows end and the open one begins: after the newest row, and before what may still move."""
        newest = self.keyset.fetch(replace(self.window, descending=True), limit=1)
        if not newest.records:
            return None
        settled = timestamps.floor(newest.asked_at - self.keyset.lag, self.keyset.step)
        return min(self.keyset.edge(newest.records[0]) + self.keyset.step, settled)
