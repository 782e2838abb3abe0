"""One window being read by keyset: see `keyset`."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence, Set
from dataclasses import replace
from datetime import datetime
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from source_kit import timestamps
from source_kit.pages import endless, with_rows
from source_kit.seen import Seen
from source_kit.tokens import AGREEING_WALKS, TRUSTED_COUNT, TokenWalk, incomplete, told_missing
from source_kit.windows import (
    SHORT_WALK_PAGES,
    SHORT_WINDOW_PAGES,
    WINDOW_PAGES,
    Fetched,
    WalkExpired,
    Window,
    cut_points,
    parts_for,
)
from source_kit.work import Page, Plan, Record, in_order, parted

if TYPE_CHECKING:
    from source_kit.keyset import Keyset

MAX_RESTARTS = 5
# Of so many pages a walk keeps what came, to prove that all did. Windows are shorter; an uncut walk may be longer.
MOST_REMEMBERED_PAGES = 20
NO_MARKS: frozenset[Any] = frozenset()


class Walk:
    """One window being read, to its proven end."""

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
        # What the whole window was counted to have, and the marks of what came of it, as long as it is short.
        self.total: int | None = None
        self.came: set[Any] = set()
        self.asked_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether the window can gain rows while it is read: no upper bound, or one in the future."""
        upper = self.window.upper
        return upper is None or (self.asked_at is not None and upper > self.asked_at)

    def run(self, *, cut: bool, verify: bool = True) -> Plan:
        keyset, count, idle, stuck = self.keyset, True, 0, 0
        while True:
            page, records = self._ask(count=count)
            settled = self._settled(page)
            if self._is_proven_before(page) and self.high is not None:
                yield Page((), keyset.checkpoint(self.high, page.fetched.asked_at))
            fresh = self._take(records, page, settled)
            is_new = bool(fresh)
            is_full = page.fetched.token is not None or page.size >= keyset.page_size
            is_end = self._is_end(page, is_full)
            # Whether a window is complete is known at its end: no state speaks of its last page before, nor, where its
            # rows were counted, of any of its pages.
            ready = [self._page(fresh, page, cut=cut, is_last=is_end or not is_full)] if fresh else []
            del records, fresh
            while ready:
                yield ready.pop()
            if is_end:
                break
            idle = 0 if is_new else idle + 1
            if idle > MAX_RESTARTS:
                if is_full or self.total is None:
                    raise incomplete(keyset.field)
                break
            # A short page that is not the counted end, or a count that is used up: count anew.
            count = not is_full or (self.expected is not None and self.emitted >= self.expected)
            # A full page may hold no time to go on from, or none but those of rows that stand where they stood before.
            if self.order == 0 or (is_full and not (settled if self.window.upper else page).instants):
                yield from self._unordered(page)
                break
            if is_full and self._is_instant(page, settled):
                yield from self._instant(page, self._edge(min(page.instants)))
                count, self.expected = True, None
                if self._is_used_up():
                    break
            elif page.marks:
                # Rows of one time, or of the last moments only: their order tells nothing.
                if self.order is None and self._is_newest(self._edge(min(page.instants))):
                    self.order = -1
                has_moved = self._advance(settled if settled.marks else page)
                # A server that ignores the range gives the same full page for ever.
                stuck = 0 if has_moved or not is_full else stuck + 1
                if stuck > MAX_RESTARTS:
                    raise incomplete(keyset.field)
                rest = self._cut(page) if cut and is_full else None
                if rest is not None:
                    yield Page((), self._position(page.fetched.asked_at))
                    yield from rest
                    return
        if verify:
            yield from self._verified()
        if self.high is not None:
            yield Page((), keyset.checkpoint(self.high, page.fetched.asked_at))

    def _ask(self, *, count: bool) -> tuple[Seen, Sequence[Record]]:
        """One page of the range. One that comes in another order than asked for is asked for again: some APIs do so
        once, and others always."""
        fetched = self._fetch(count=count)
        self.asked_at = fetched.asked_at
        page, progress = self._seen(fetched), self.keyset.progress
        order = self._settled(page).order
        usual = self.order or (-1 if self.window.descending else 1)
        if order not in (None, usual, progress.confirmed_order):
            again = self._fetch(count=count)
            page_again = self._seen(again)
            if self._settled(page_again).order == usual:
                return page_again, again.records
            progress.confirmed_order = order
        return page, fetched.records

    def _seen(self, fetched: Fetched) -> Seen:
        return Seen.of(fetched, self.keyset.field, self.keyset.marks_of)

    def _fetch(self, *, count: bool) -> Fetched:
        keyset, window = self.keyset, self._range()

        def ask(token: Any) -> Fetched:
            return keyset.fetch(window, token, count=count and token is None)

        for _ in range(MAX_RESTARTS):
            try:
                return with_rows(ask, None, keyset.field)
            except WalkExpired:  # while what an empty page had announced was followed
                continue
        raise endless(keyset.field)

    def _is_proven_before(self, page: Seen) -> bool:
        """Whether all that was counted of the window, and is not counted of what is left of it, has come: then a state
        may speak of it. Some APIs count with every answer."""
        rest = self._counted(page.fetched.total)
        if self.total is None or rest is None or self.order != 1 or self.pages == 0:
            return False
        again = sum(mark in self.came for mark in page.every)
        return again < len(page.every) and self.total - rest <= len(self.came) - again

    def _verified(self) -> Generator[Page, None, None]:
        """What was counted in the window and did not come: looked for in whole walks, until some bring nothing new and
        the count is still higher. That is told, and the state stays."""
        keyset, window = self.keyset, self._walked()
        if not self._lacks(self.total) or not self._lacks(keyset.fetch(window, count=True, limit=1).total):
            return
        agreeing = 0
        for _ in range(MAX_RESTARTS):
            again = Walk(keyset, window, frozenset(self.came) | self.before, None)
            known = len(self.came)
            for page in in_order(again.run(cut=False, verify=False)):
                yield Page(page.records)
            self.came |= again.came
            values = [value for value in (self.high, again.high) if value is not None]
            self.high = timestamps.latest(values) if values else None
            if not again._lacks(again.total):
                return
            agreeing = agreeing + 1 if len(self.came) == known else 0
            if agreeing >= AGREEING_WALKS:
                yield told_missing((again.total or 0) - len(again.came))
                return
        raise incomplete(keyset.field)

    def _walked(self) -> Window:
        """What this walk should have brought. One that goes down from the newest row leaves what moves above it to the
        next read: its state stays below."""
        if self.order != -1 or not self.is_open or self.high is None:
            return self.window
        return replace(self.window, upper=self._edge(timestamps.parse(self.high)) + self.keyset.step)

    def _lacks(self, total: int | None) -> bool:
        """Whether fewer rows came than a count says that can be believed."""
        counted = self._counted(total)
        return not (counted is None or self.is_count_wrong or len(self.came) >= counted or counted >= TRUSTED_COUNT)

    def _range(self) -> Window:
        return replace(self.window, lower=self.lower, upper=self.upper)

    def _edge(self, instant: datetime) -> datetime:
        return timestamps.floor(instant, self.keyset.step)

    def _page(self, fresh: list[Record], page: Seen, *, cut: bool, is_last: bool) -> Page:
        is_whole = self.pages == 1 and cut and self.window.upper is None and self.keyset.estimates
        checkpoint = None if is_last or self.total is not None else self._position(page.fetched.asked_at)
        is_timed = len(page.marks) == len(page.every)
        return Page(self.keyset.emit(fresh), checkpoint, self.expected if is_whole else None, is_timed=is_timed)

    def _take(self, records: Sequence[Record], page: Seen, settled: Seen) -> list[Record]:
        """The rows of an answer that were not emitted before; learns order, latest value and count from it."""
        progress = self.keyset.progress
        progress.saw(records)
        self.pages += 1
        if settled.marks:
            self._learn(settled.instants, settled.values[settled.instants.index(max(settled.instants))])
        seen: Set[Any] = self.seen
        if len(page.marks) < len(page.every):
            seen = seen | progress.timeless
            progress.timeless.update(set(page.every).difference(page.marks))
        came = self.came
        fresh = [
            record for record, mark in zip(records, page.every, strict=True) if mark not in seen and mark not in came
        ]
        self.emitted += len(fresh)
        total = self._counted(page.fetched.total)
        if total is not None:
            self.expected = self.emitted + total - page.size
            progress.expected = max(progress.expected, self.expected // self.keyset.page_size)
        self._remember(page, total)
        return fresh

    def _remember(self, page: Seen, total: int | None) -> None:
        """What proves at the end that everything came; dropped where a window is too long to keep in mind."""
        self.total = total if self.pages == 1 else self.total
        self.is_count_wrong = self.is_count_wrong or page.is_odd
        self.came.update(page.every)
        if self.pages > MOST_REMEMBERED_PAGES:
            self.total = None
            self.came.clear()

    def _settled(self, page: Seen) -> Seen:
        """The rows that have not changed within the lag. Others may show a later time than the place that a lagging
        index still gives them: walking on from there would pass over what lies between."""
        latest = timestamps.before(page.fetched.asked_at, self.keyset.lag)
        if not self.keyset.lag or not page.marks or max(page.instants) <= latest:
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

    def _is_end(self, page: Seen, is_full: bool) -> bool:
        """Proven by the count where there is one that can be believed, else by a short page without token."""
        rows, total = page.size, page.fetched.total
        if total is not None and (total < rows or self.emitted > (self.expected or 0)):
            self.is_count_wrong = True
        if self.expected is None or self.is_count_wrong:
            return not is_full
        if rows >= self.keyset.page_size and page.fetched.token is not None:
            return False
        # An open window can gain rows after it was counted, and a large count may be capped: then ask once more.
        is_settled = not self.is_open and self.expected < TRUSTED_COUNT
        return total == rows or (self.emitted >= self.expected and (is_settled or not is_full))

    def _is_used_up(self) -> bool:
        return self.lower is not None and self.upper is not None and self.lower >= self.upper

    def _advance(self, page: Seen) -> bool:
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

    def _is_instant(self, page: Seen, settled: Seen) -> bool:
        """Whether one instant fills a page, but for rows of the last moments, which may stand anywhere in it."""
        rows = settled.instants or page.instants
        edge = self._edge(min(rows))
        is_reached = self.lower == edge if self.order != -1 else self.upper == edge + self.keyset.step
        return edge == self._edge(max(rows)) and (is_reached or edge == self._edge(page.instants[-1]))

    def _instant(self, page: Seen, instant: datetime) -> Generator[Page, None, None]:
        """Read every row of the one instant that fills a whole page, then step over it."""
        keyset, self.total = self.keyset, None
        if self.order is None and self._is_newest(instant):
            self.order = -1
        self.seen.update(page.marks)
        if keyset.tie is None:
            yield from self._by_token(replace(self.window, lower=instant, upper=instant + keyset.step))
        else:
            inner = replace(keyset.tie, mark=keyset.mark_of, emit=keyset.emit, progress=keyset.progress)
            walk = Walk(inner, Window(within=instant), frozenset(self.seen), None)
            yield from in_order(walk.run(cut=False))
        self.seen = set(self.before)
        if self.order == -1:
            self.upper = instant
        else:
            self.lower = instant + keyset.step

    def _is_newest(self, instant: datetime) -> bool:
        """Whether older rows exist although the first page should have held them: the API ignored the order."""
        if self.lower is not None and self.lower >= instant:
            return False
        older = map(self.keyset.edge, self.keyset.fetch(replace(self._range(), upper=instant)).records)
        return any(edge is not None and edge < instant for edge in older)

    def _counted(self, total: int | None) -> int | None:
        """How many rows the query has, unless the count is capped."""
        cap = self.keyset.count_cap
        return None if total is None or (cap is not None and total >= cap) else total

    def _unordered(self, page: Seen) -> Generator[Page, None, None]:
        """Read a window whose rows come in no order, in halves where it holds more rows than one query yields."""
        keyset, total = self.keyset, page.fetched.total
        # What came may have seemed to be in order: then rows may lie anywhere in the window.
        window = self.window if self.came else self._range()
        self.seen |= self.came.union(page.every)
        self.total = None
        lower = timestamps.EPOCH if window.lower is None else window.lower
        asked_at = timestamps.floor(page.fetched.asked_at, keyset.step)
        top = asked_at + keyset.step if window.upper is None else window.upper
        if total is None or self._counted(total) is not None or top - lower <= keyset.step:
            yield from self._by_token(window)
            return
        middle = timestamps.floor(lower + (top - lower) / 2, keyset.step)
        parts = [replace(window, upper=middle), replace(window, lower=middle, upper=top)]
        if window.upper is None:
            parts.append(replace(window, lower=top))
        for part in parts:
            yield from in_order(Walk(keyset, part, frozenset(self.seen), None).run(cut=False))

    def _by_token(self, window: Window) -> Generator[Page, None, None]:
        walk = TokenWalk(self.keyset, self.seen)
        yield from walk.read(window)
        values = [value for value in (walk.latest, self.high) if value is not None]
        self.high = timestamps.latest(values) if values else None
        if walk.missing:
            yield told_missing(walk.missing)

    def _cut(self, page: Seen) -> Plan | None:
        """Windows for what is left, oldest first; None where reading on is as good."""
        keyset, is_root = self.keyset, self.is_open
        if self.expected is None and self._counted(page.fetched.total) is not None:
            return None
        rest = None if self.expected is None else self.expected - self.emitted
        # A capped count tells at least that much is left.
        is_long = is_root or (self.expected is None and page.fetched.total is not None)
        is_short = is_root and rest is not None and rest < SHORT_WALK_PAGES * keyset.page_size
        window_pages = SHORT_WINDOW_PAGES if is_short else WINDOW_PAGES
        parts = parts_for(rest, keyset.page_size, self.pages, window_pages, is_long=is_long)
        if parts < 2 or self.order is None or self.lower is None or not keyset.progress.cutting_pays():
            return None
        # What moved while the windows were read is at the open end by then. One that goes down has passed it.
        is_open = is_root and self.order != -1
        top = self._planned_top() if is_open else self.upper
        bounds = [] if top is None else cut_points(self.lower, top, parts, keyset.step)
        if not bounds:
            return None
        windows = [self._within(bounds, index) for index in range(len(bounds) - 1)]
        return parted(windows, keyset.walk(replace(self.window, lower=bounds[-1]), cut=False) if is_open else None)

    def _within(self, bounds: Sequence[datetime], index: int) -> Plan:
        window = replace(self.window, lower=bounds[index], upper=bounds[index + 1])
        is_last = index == len(bounds) - 2
        is_at_edge = is_last if self.order == -1 else index == 0
        return self.keyset.walk(
            window,
            frozenset(self.seen) if is_at_edge else NO_MARKS,
            high=self.high if is_last and self.order == -1 else None,
        )

    def _planned_top(self) -> datetime | None:
        """Where the windows end and the open one begins: after the newest row, and before what may still move."""
        newest = self.keyset.fetch(replace(self.window, descending=True), limit=1)
        edge = self.keyset.edge(newest.records[0]) if newest.records else None
        if edge is None:
            return None
        settled = timestamps.floor(timestamps.before(newest.asked_at, self.keyset.lag), self.keyset.step)
        return min(edge + self.keyset.step, settled)
