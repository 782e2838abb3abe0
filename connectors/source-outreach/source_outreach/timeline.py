"""The walk over a collection by time: complete while its rows move, and many pages at once.

Pages of one query are chained by cursors that are a keyset on (time, id): a row that changes while it is read moves to
the end and is seen again. So the only planning is into windows of time that are read side by side; a window whose count
turns out too large is cut again. Windows are closed; what moved meanwhile is in the open one at the end, read last.

Outreach has returned rows out of order and rows outside the bounds of a query (seen in production by other connectors).
So the order of rows proves nothing here: a state leaves only when a window is complete, and stays behind it until the
end; the end of a window is its last cursor, checked against its count; where a window is cut, the first part begins
where it began, and what was emitted is dropped where it comes again; so is a row outside of its window, which is
emitted all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as member
from datetime import datetime
from itertools import pairwise
from typing import Any

from source_kit import timestamps
from source_kit.pages import every
from source_kit.rules import Rejected
from source_kit.tokens import incomplete, told_missing
from source_kit.windows import Fetch, Fetched, Progress, Window
from source_kit.work import Page, Plan, Record, parted
from source_outreach.cutting import BLIND_PAGES, edge_of, parts_of
from source_outreach.ranges import (
    BESIDE_SECONDS,
    Timeless,
    bounds_of,
    is_outside,
    settled_before,
    times_of,
)
from source_outreach.tally import FIRST, MOST_WALKS, Earlier, Mark, Tally, mark_of, marks_of, without

# Of a page that ignores the filter, all was seen that has not changed since; of others, what came out of order.
SAME_SHARE = 0.4
# Answers to a filter that Outreach does not have.
UNFILTERABLE = (400, 422)
GONE = "Outreach counts {} records more than it gives, in several whole walks of the list. They may be deleted."
UNFOUND = "those that came in no window were not read"
Checkpoint = Callable[[str, datetime, bool], Mapping[str, Any] | None]


def stateless(value: str, asked_at: datetime, is_last: bool) -> None:
    """The `Checkpoint` of a read that has no state."""


@dataclass
class Timeline:
    """One read of one collection. `field` is empty where it has no time to walk by.

    `checkpoint` makes a state from the latest cursor value, the time of the first request, and whether all was read.
    """

    fetch: Fetch
    field: str
    page_size: int
    workers: int
    checkpoint: Checkpoint
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
    _total: int | None = None

    @property
    def asked_at(self) -> datetime | None:
        """When the first request was sent; None before it."""
        return self._asked_at

    def walk(self, lower: datetime | None) -> Plan:
        """Everything from `lower` on."""
        return self._window(Window(lower), may_cut=True, patience=2)

    def listed(self) -> Plan:
        """Everything, from the first page to the last."""
        return self._window(Window(), may_cut=False)

    def _window(self, window: Window, *, may_cut: bool, patience: int = BLIND_PAGES, earlier: Earlier = FIRST) -> Plan:
        """One window page by page, until it is cut: where nothing is counted, after `patience` pages."""
        is_root = self._asked_at is None or (window.upper is None and may_cut)
        tally, high = Tally(earlier), None
        for fetched in every(lambda token: self.fetch(window, token, count=token is None), self.field or "a list"):
            self.progress.saw(fetched.records)
            rows, high = self._own(*tally.fresh(fetched, self.field), window, high)
            if tally.pages == 1:
                tally.total = fetched.total
                self._begin(window, fetched, rows, is_root=is_root)
            rest = None
            if may_cut and fetched.token is not None:
                rest = self._parted(window, fetched.records, tally, patience)
            ready = [Page(rows, estimate=tally.total if is_root and tally.pages == 1 else None)]
            # A window that waits for its next turn holds no records: a page of 7 MB is 30 MB as objects.
            del fetched, rows
            yield ready.pop()
            if rest is not None:
                self._note(high)
                yield from rest
                return
        short = self._shortfall(window, tally)
        if short is not None and not short.is_settled:
            self._note(high)
            # What lies outside is a stray already, or left to another window.
            self.strays |= {mark for mark in tally.marks if timestamps.is_within(mark[1], window.lower, window.upper)}
            yield from self._window(window, may_cut=may_cut, patience=patience, earlier=short)
            return
        if short is not None:
            yield told_missing(short.missing) if self.field else Page(warning=GONE.format(short.missing))
        self.complete.add(window.upper)
        self.ahead.pop(window.upper, None)
        yield from self._checkpoints(window, high)

    def _begin(self, window: Window, fetched: Fetched, rows: Sequence[Record], *, is_root: bool) -> None:
        """What the first page of a window tells."""
        if is_root:
            self._asked_at, self._total = self._asked_at or fetched.asked_at, fetched.total
            self.progress.expected = (fetched.total or 0) // self.page_size
        if window.lower is not None and window.lower not in self.complete:
            self.ahead.setdefault(window.lower, set(marks_of(rows, self.field)))

    def _parted(self, window: Window, records: Sequence[Record], tally: Tally, patience: int) -> Plan | None:
        """Parts of a window that goes on behind these records; None where reading on is as good."""
        is_root, total = window.upper is None, tally.total
        # A part that counts as many rows as the whole is no part: the filter is ignored.
        if tally.is_full or not (is_root or total is None or total != self._total):
            return None
        rest = None if total is None else max(0, total - tally.rows)
        parts = parts_of(rest, self.page_size, tally.pages, patience, self.workers, is_root=is_root)
        return self._cut(window, records, tally, parts)

    def _shortfall(self, window: Window, tally: Tally) -> Earlier | None:
        """What is known of the rows that the window counts and did not bring; None where all came.

        Rows leave a window while it is read, so it is counted again first.
        """
        if not tally.lacks(tally.total):
            return None
        total = self.fetch(window, count=True, limit=1).total
        short = tally.after(total) if total is not None and tally.lacks(total) else None
        if short is not None and short.walks >= MOST_WALKS and not short.is_settled:
            raise incomplete(self.field or "a list")
        return short

    def _timeless(self) -> Plan:
        """The rows that the windows lack; none where Outreach cannot filter by them, or ignores the filter."""
        window = Timeless()
        try:
            for fetched in every(lambda token: self.fetch(window, token), f"{self.field} null"):
                rows = [record for record in fetched.records if timestamps.instant(record.get(self.field)) is None]
                is_ignored = len(rows) < len(fetched.records)
                ready = [Page([record for record in rows if mark_of(record, self.field) not in self.strays])]
                del fetched, rows
                yield ready.pop()
                if is_ignored:
                    if not self.is_unfiltered:
                        self.warn(f"Outreach ignored the filter for rows without {self.field}: {UNFOUND}.")
                    return
        except Rejected as refused:
            if refused.status not in UNFILTERABLE:
                raise
            self.warn(
                f"Outreach refused the filter for rows without {self.field} ({refused.internal_message}): {UNFOUND}."
            )

    def _note(self, high: str | None) -> None:
        if high is not None:
            self._highs.append(high)

    def _checkpoints(self, window: Window, high: str | None) -> Iterator[Page]:
        """The state at the end of a window; that of the open one, which is read last, speaks for all."""
        self._note(high)
        is_last = window.upper is None
        values = self._highs if is_last else [high] if high is not None else []
        if values and self._asked_at is not None:
            yield Page((), self.checkpoint(timestamps.latest(values), self._asked_at, is_last))

    def _own(
        self, rows: Sequence[Record], marks: Sequence[Mark], window: Window, high: str | None
    ) -> tuple[Sequence[Record], str | None]:
        """The rows of a page that this window emits, and the latest value inside the window so far."""
        name = self.field
        values, has_form = times_of(rows, name) if name else ([], False)
        has_timeless = bool(name) and len(values) < len(rows)
        inside = values
        if values and is_outside(values, window, has_form=has_form):
            has_form = False
            inside = [
                value
                for value in values
                if timestamps.instant(value) and timestamps.is_within(value, window.lower, window.upper)
            ]
            rows, marks = self._with_strays(rows, marks, window)
        elif not self.strays.isdisjoint(marks):
            rows, marks = without(self.strays, rows, marks)
        if has_timeless:
            # They may come with any window.
            self.strays |= {
                mark for row, mark in zip(rows, marks, strict=True) if not timestamps.instant(row.get(name))
            }
        if inside:
            top = max(inside) if has_form else timestamps.latest(inside)
            high = top if high is None else timestamps.latest([top, high])
        return rows, high

    def _with_strays(
        self, rows: Sequence[Record], marks: Sequence[Mark], window: Window
    ) -> tuple[list[Record], list[Mark]]:
        """Rows outside of the window were found: emitted, unless they fill a page and were emitted before."""
        name = self.field
        outside = {
            mark
            for row, mark in zip(rows, marks, strict=True)
            if not timestamps.is_within(row.get(name), window.lower, window.upper)
        }
        # A window that begins with a whole page that the plan was made behind: the filter did nothing.
        if (
            not self.is_unfiltered
            and len(rows) >= self.page_size
            and len(outside & self.strays) >= SAME_SHARE * len(rows)
        ):
            self.is_unfiltered = True
            self.warn(f"Outreach ignored the filter on {name}; rows outside of it are left out here.")
        if self.is_unfiltered:
            # Every window sees everything, and keeps its own.
            return without(self.strays | outside, rows, marks)
        fresh = without(self.strays | self.ahead.get(window.upper, set()), rows, marks)
        self.strays |= outside.intersection(fresh[1])
        return fresh

    def _cut(self, window: Window, records: Sequence[Record], tally: Tally, parts: int) -> Plan | None:
        """Parts of the window, oldest first; None where reading on is as good.

        The first begins with the window itself, although it brings again what was seen: what came out of order may lie
        behind anything that was read. Unless counts prove that nothing does.
        """
        if parts < 2 or self.is_unfiltered or not self.progress.cutting_pays():
            return None
        edge = edge_of(records, self.field)
        if edge is None or (window.lower is not None and edge <= window.lower):
            return None
        is_root, lower, upper = window.upper is None, window.lower, window.upper
        if is_root:
            upper, proven = self._newest(edge, records, tally)
            if proven is not None:
                lower = edge = proven
                self.complete.add(proven)
        bounds = [] if upper is None else bounds_of(edge, upper, parts)
        if not bounds:
            return None
        self.strays |= tally.marks
        # Where nothing is counted, the first part must show more than the window did before it is cut again.
        patience = max(BLIND_PAGES, 2 * tally.pages)
        first = self._window(Window(lower, bounds[1]), may_cut=True, patience=patience)
        plans = [first, *(self._window(Window(*pair), may_cut=True) for pair in pairwise(bounds[1:]))]
        if is_root and window.lower is None:
            plans.append(self._timeless())
        return parted(plans, self._window(Window(bounds[-1]), may_cut=False) if is_root else None)

    def _newest(
        self, edge: datetime, records: Sequence[Record], tally: Tally
    ) -> tuple[datetime | None, datetime | None]:
        """Just before the newest row, and never in the future: what changes from now on has a later time.

        And a bound before which nothing is left: the same request counts the rows behind it, and those before it are
        as many as the page has, in order. Without it the page would be read twice (7 MB). Rows leave what is counted,
        and none join it, since it ends when the first page was asked for: so the sum cannot be right by chance.
        """
        settled = settled_before(records, self.field) if tally.pages == 1 else None
        lower, rows = settled or (edge, 0)
        until = None if self._asked_at is None else timestamps.floor(self._asked_at, timestamps.MILLISECOND)
        # With a bound: in descending order, rows without a value may come first.
        newest = self.fetch(Window(lower, until, descending=True), count=settled is not None, limit=1)
        instant = timestamps.instant(newest.records[0].get(self.field)) if newest.records else None
        if instant is None:
            return None, None
        top = min(instant, self._asked_at or instant)
        is_proven = rows > 0 and None not in (tally.total, newest.total) and tally.total == rows + (newest.total or 0)
        found = timestamps.before(timestamps.floor(top, timestamps.SECOND), BESIDE_SECONDS)
        return found, lower if is_proven and len(tally.marks) == tally.rows else None
