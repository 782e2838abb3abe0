"""One window being read by keyset: see `keyset`."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence, Set
from dataclasses import replace
from datetime import datetime
from itertools import takewhile
from typing import Any

from source_kit import cuts, timestamps
from source_kit.keyset import Keyset
from source_kit.pages import endless, with_rows
from source_kit.seen import Seen
from source_kit.tokens import AGREEING_WALKS, TokenWalk, incomplete, told_missing
from source_kit.windows import Fetched, WalkExpired, Window
from source_kit.work import Page, Plan, Record, in_order

MAX_RESTARTS = 5


def walk(keyset: Keyset, window: Window, *, cut: bool = True) -> Plan:
    """Read a window to its proven end. What is left of a long one is read in windows, side by side."""
    return Walk(keyset, window).run(cut=cut)


class Walk(cuts.Reading):
    """One window being read, to its proven end."""

    def run(self, *, cut: bool, verify: bool = True) -> Plan:
        if self.window.is_empty:
            return
        keyset, came, count, idle, stuck = self.keyset, self.count, True, 0, 0
        while True:
            page, records = self._ask(count=count)
            settled = self._settled(page)
            if self.order == 1 and came.proves_before(page) and self.high is not None:
                yield Page((), keyset.checkpoint(self.high, page.fetched.asked_at))
            known = len(came.marks)
            fresh = self._take(records, page, settled)
            # Rows that came before this walk began are news to it, too: a second walk may meet nothing else.
            is_new = bool(fresh) or len(came.marks) > known
            is_full = page.fetched.token is not None or page.size >= keyset.page_size
            is_end = came.is_end(page, is_full=is_full, is_open=self.is_open)
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
                if is_full or came.total is None:
                    raise incomplete(keyset.field)
                break
            # A short page that is not the counted end, or a count that is used up: count anew.
            count = not is_full or (came.expected is not None and came.emitted >= came.expected)
            # A full page may hold no time to go on from, or none but those of rows that stand where they stood before.
            is_timeless = is_full and not (settled if self.window.upper else page).instants
            if self.order is None and page.marks and not is_timeless:
                # Rows of one time, or of the last moments only: their order tells nothing.
                yield from self._look_around(page)
            if self.order == 0 or is_timeless:
                yield from self._unordered(page)
                break
            if is_full and self._is_instant(page, settled):
                yield from self._instant(page, self._edge(min(page.instants)))
                count, came.expected = True, None
                if self._is_used_up():
                    break
            elif page.marks:
                has_moved = self._advance(settled if settled.marks else page)
                # A server that ignores the range gives the same full page for ever.
                stuck = 0 if has_moved or not is_full else stuck + 1
                if stuck > MAX_RESTARTS:
                    raise incomplete(keyset.field)
                rest = cuts.cut(self, page) if cut and is_full else None
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
        fetched = self._fetch(self._range(), count=count)
        self.asked_at = fetched.asked_at
        page, progress = self._seen(fetched), self.keyset.progress
        order = self._settled(page).order
        usual = self.order or (-1 if self.window.descending else 1)
        if order not in (None, usual, progress.confirmed_order):
            fetched = self._fetch(self._range(), count=count)
            page = self._seen(fetched)
            if self._settled(page).order == order:
                progress.confirmed_order = order
        return page, fetched.records

    def _seen(self, fetched: Fetched) -> Seen:
        return Seen.of(fetched, self.keyset.field, self.keyset.marks_of)

    def _fetch(self, window: Window, *, count: bool = False) -> Fetched:
        keyset = self.keyset

        def ask(token: Any) -> Fetched:
            return keyset.fetch(window, token, count=count and token is None)

        for _ in range(MAX_RESTARTS):
            try:
                return with_rows(ask, None, keyset.field)
            except WalkExpired:  # while what an empty page had announced was followed
                continue
        raise endless(keyset.field)

    def _verified(self) -> Generator[Page, None, None]:
        """What was counted in the window and did not come: looked for in whole walks, until some bring nothing new and
        the count is still higher. That is told, and the state stays."""
        keyset, window, came = self.keyset, self._walked(), self.count
        if not came.lacking(came.total) or not came.lacking(keyset.fetch(window, count=True, limit=1).total):
            return
        agreeing = 0
        for _ in range(MAX_RESTARTS):
            again = Walk(keyset, window, frozenset(came.marks) | self.before)
            known = len(came.marks)
            yield from map(lambda page: Page(page.records), in_order(again.run(cut=False, verify=False)))
            came.marks |= again.count.marks
            self.high = timestamps.latest_of([self.high, again.high])
            missing = again.count.lacking(again.count.total)
            if not missing:
                return
            agreeing = agreeing + 1 if len(came.marks) == known else 0
            if agreeing >= AGREEING_WALKS:
                yield told_missing(missing)
                return
        raise incomplete(keyset.field)

    def _walked(self) -> Window:
        """What this walk should have brought. One that goes down from the newest row leaves what moves above it to the
        next read: its state stays below."""
        if self.order != -1 or not self.is_open or self.high is None:
            return self.window
        return replace(self.window, upper=self._edge(timestamps.parse(self.high)) + self.keyset.step)

    def _range(self) -> Window:
        return replace(self.window, lower=self.lower, upper=self.upper)

    def _edge(self, instant: datetime) -> datetime:
        return timestamps.floor(instant, self.keyset.step)

    def _page(self, fresh: list[Record], page: Seen, *, cut: bool, is_last: bool) -> Page:
        is_whole = self.count.pages == 1 and cut and self.window.upper is None and self.keyset.estimates
        checkpoint = None if is_last or self.count.total is not None else self._position(page.fetched.asked_at)
        is_timed = len(page.marks) == len(page.every)
        return Page(self.keyset.emit(fresh), checkpoint, self.count.expected if is_whole else None, is_timed=is_timed)

    def _take(self, records: Sequence[Record], page: Seen, settled: Seen) -> list[Record]:
        """The rows of an answer that were not emitted before; learns order, latest value and count from it."""
        progress = self.keyset.progress
        progress.saw(records)
        if settled.marks:
            self._learn(settled.instants, settled.values[settled.instants.index(max(settled.instants))])
        seen: Set[Any] = self.seen
        if len(page.marks) < len(page.every):
            seen = seen | progress.timeless
            progress.timeless.update(set(page.every).difference(page.marks))
        came = self.count.marks
        fresh = [
            record for record, mark in zip(records, page.every, strict=True) if mark not in seen and mark not in came
        ]
        self.count.took(page, len(fresh))
        if self.count.expected is not None:
            progress.expected = max(progress.expected, self.count.expected // self.keyset.page_size)
        return fresh

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
        keyset, self.count.total = self.keyset, None
        self.seen.update(page.marks)
        if keyset.tie is None:
            yield from self._by_token(replace(self.window, lower=instant, upper=instant + keyset.step))
        else:
            inner = replace(keyset.tie, mark=keyset.mark_of, emit=keyset.emit, progress=keyset.progress)
            walk = Walk(inner, Window(within=instant), frozenset(self.seen))
            yield from in_order(walk.run(cut=False))
        self.seen = set(self.before)
        if self.order == -1:
            self.upper = instant
        else:
            self.lower = instant + keyset.step

    def _look_around(self, page: Seen) -> Generator[Page, None, None]:
        """Learn the order from what lies around a page that should hold the oldest rows. Older ones may have come into
        a late index just now; only where no newer one was there has the API ignored the order: it gives the newest
        first.

        What has no time leaves at once: it may come with no other answer.
        """
        keyset, oldest = self.keyset, self._edge(min(page.instants))
        if self.lower is not None and self.lower >= oldest:
            return
        older = self._fetch(replace(self._range(), upper=oldest)).records
        edges = list(map(keyset.edge, older))
        timeless = {keyset.mark_of(row): row for row, edge in zip(older, edges, strict=True) if edge is None}
        fresh = [row for mark, row in timeless.items() if mark not in self.seen | keyset.progress.timeless]
        keyset.progress.timeless.update(timeless)
        if fresh:
            yield Page(keyset.emit(fresh))
        if any(edge is not None and edge < oldest for edge in edges):
            asked_at = self._edge(page.fetched.asked_at)
            until = asked_at if self.upper is None else min(asked_at, self.upper)
            newer = replace(self._range(), lower=self._edge(max(page.instants)) + keyset.step, upper=until)
            # A clock that is behind leaves nothing to ask for.
            has_newer = page.order == 1 if newer.is_empty else self._fetch(newer).size > 0
            self.order = 0 if has_newer else -1

    def _unordered(self, page: Seen) -> Generator[Page, None, None]:
        """Read a window whose rows come in no order, in halves where it holds more rows than one query yields."""
        keyset, count, total = self.keyset, self.count, page.fetched.total
        # What came may have seemed to be in order: then rows may lie anywhere in the window.
        window = self.window if count.marks else self._range()
        self.seen |= count.marks.union(page.every)
        count.total = None
        lower = timestamps.EPOCH if window.lower is None else window.lower
        asked_at = timestamps.floor(page.fetched.asked_at, keyset.step)
        top = asked_at + keyset.step if window.upper is None else window.upper
        if total is None or count.known(total) is not None or top - lower <= keyset.step:
            yield from self._by_token(window)
            return
        middle = timestamps.floor(lower + (top - lower) / 2, keyset.step)
        parts = [replace(window, upper=middle), replace(window, lower=middle, upper=top)]
        if window.upper is None:
            parts.append(replace(window, lower=top))
        for part in parts:
            yield from in_order(Walk(keyset, part, frozenset(self.seen)).run(cut=False))

    def _by_token(self, window: Window) -> Generator[Page, None, None]:
        walk = TokenWalk(self.keyset, self.seen)
        yield from walk.read(window)
        self.high = timestamps.latest_of([walk.latest, self.high])
        if walk.missing:
            yield told_missing(walk.missing)
