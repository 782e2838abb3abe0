"""Where a long walk goes on in windows that are read side by side: see `walks`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from source_kit import timestamps
from source_kit.count import Count
from source_kit.keyset import Keyset
from source_kit.seen import Seen
from source_kit.windows import (
    SHORT_WALK_PAGES,
    SHORT_WINDOW_PAGES,
    WINDOW_PAGES,
    Window,
    cut_points,
    likely_rest,
    parts_for,
)
from source_kit.work import Plan, parted


class Reading(Protocol):
    """A walk of a window, as far as it has come; see `walks.Walk`."""

    keyset: Keyset
    window: Window
    lower: datetime | None
    upper: datetime | None
    order: int | None
    high: str | None
    count: Count

    @property
    def is_open(self) -> bool:
        """Whether the window can gain rows while it is read."""

    def part(self, window: Window, *, knows_edge: bool, high: str | None) -> Plan:
        """A part of what is left, to be walked."""

    def rest(self, window: Window) -> Plan:
        """The open end, to be walked in one piece."""


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
    window_pages = SHORT_WINDOW_PAGES if is_short else WINDOW_PAGES
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
    return parted(windows, walk.rest(replace(walk.window, lower=bounds[-1])) if is_open else None)


def _within(walk: Reading, bounds: Sequence[datetime], index: int) -> Plan:
    """One of the windows."""
    window = replace(walk.window, lower=bounds[index], upper=bounds[index + 1])
    is_last = index == len(bounds) - 2
    is_at_edge = is_last if walk.order == -1 else index == 0
    return walk.part(window, knows_edge=is_at_edge, high=walk.high if is_last and walk.order == -1 else None)


def _planned_top(walk: Reading) -> datetime | None:
    """Where the windows end and the open one begins: after the newest row, and before what may still move."""
    keyset = walk.keyset
    newest = keyset.fetch(replace(walk.window, descending=True), limit=1)
    edge = keyset.edge(newest.records[0]) if newest.records else None
    if edge is None:
        return None
    settled = timestamps.floor(timestamps.before(newest.asked_at, keyset.lag), keyset.step)
    return min(edge + keyset.step, settled)
