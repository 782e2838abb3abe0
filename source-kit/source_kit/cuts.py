"""Where a long walk goes on in windows that are read side by side: see `walks`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from source_kit import timestamps
from source_kit.count import Count
from source_kit.keyset import Keyset
from source_kit.seen import Seen
from source_kit.windows import (
    SHORT_WALK_PAGES,
    Window,
    cut_points,
    likely_rest,
    parts_for,
)
from source_kit.work import Plan, parted

NO_MARKS: frozenset[Any] = frozenset()


class Reading(ABC):
    """One window being read, as far as it has come. How it is read is said by `walks.Walk`."""

    def __init__(self, keyset: Keyset, window: Window, seen: frozenset[Any] = NO_MARKS, high: str | None = None):
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
        self.count = Count(keyset.page_size, keyset.count_cap)
        self.asked_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether the window can gain rows while it is read: no upper bound, or one in the future."""
        upper = self.window.upper
        return upper is None or (self.asked_at is not None and upper > self.asked_at)

    @abstractmethod
    def run(self, *, cut: bool, verify: bool = True) -> Plan:
        """The plan of the walk."""


def cut(walk: Reading, page: Seen) -> Plan | None:
    """Windows for what is left behind a page, oldest first; None where reading on is as good."""
    keyset, count, is_root, total = walk.keyset, walk.count, walk.is_open, page.fetched.total
    is_capped = count.known(total) != total
    if count.expected is None and total is not None and not is_capped:
        return None
    if walk.order is None or walk.lower is None or not keyset.progress.cutting_pays():
        return None
    rest = None if count.expected is None else count.expected - count.emitted
    is_short = is_root and rest is not None and rest < SHORT_WALK_PAGES * keyset.page_size
    window_pages = keyset.progress.window_pages(is_short=is_short)
    if rest is None and total is not None:
        upper = page.fetched.asked_at if walk.upper is None else walk.upper
        covered = max(page.instants) - min(page.instants)
        rest = likely_rest(page.size, covered, upper - walk.lower, total - page.size)
    parts = parts_for(rest, keyset.page_size, count.pages, window_pages, is_long=is_root)
    if parts < 2:
        return None
    # What moved while the windows were read is at the open end by then. One that goes down has passed it.
    is_open = is_root and walk.order != -1
    top = _planned_top(walk) if is_open else walk.upper
    bounds = [] if top is None else cut_points(walk.lower, top, parts, keyset.step)
    if not bounds:
        return None
    windows = [_within(walk, bounds, index) for index in range(len(bounds) - 1)]
    # The open end comes in one piece.
    open_end = type(walk)(keyset, replace(walk.window, lower=bounds[-1])).run(cut=False) if is_open else None
    return parted(windows, open_end)


def _within(walk: Reading, bounds: Sequence[datetime], index: int) -> Plan:
    """One of the windows; the one at the edge of what was read knows what was seen there."""
    window = replace(walk.window, lower=bounds[index], upper=bounds[index + 1])
    is_last = index == len(bounds) - 2
    is_at_edge = is_last if walk.order == -1 else index == 0
    seen = frozenset(walk.seen) if is_at_edge else NO_MARKS
    return type(walk)(walk.keyset, window, seen, walk.high if is_last and walk.order == -1 else None).run(cut=True)


def _planned_top(walk: Reading) -> datetime | None:
    """Where the windows end and the open one begins: after the newest row, and before what may still move."""
    keyset = walk.keyset
    newest = keyset.fetch(replace(walk.window, descending=True), limit=1)
    edge = keyset.edge(newest.records[0]) if newest.records else None
    if edge is None:
        return None
    settled = timestamps.floor(timestamps.before(newest.asked_at, keyset.lag), keyset.step)
    return min(edge + keyset.step, settled)
