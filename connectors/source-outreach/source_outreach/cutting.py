"""Into how many windows what is left of a collection is cut, and from where on. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime

from source_kit import timestamps
from source_kit.work import Record
from source_outreach.ranges import times_of

NO_PLAN_BELOW_PAGES = 8
# Pages a window: each costs half a page for nothing, and eight of 13 are in flight when a sync is cut.
LEAST_WINDOW_PAGES, MOST_WINDOW_PAGES = 5, 13
# More windows than that are cut in two steps: a history of uneven density would leave many of them nearly empty.
MOST_PARTS = 128
FIRST_PARTS = 32
BLIND_PARTS = 4
# Pages of a window that is not counted before it is cut: they are read again then.
BLIND_PAGES = 8


def parts_of(rest: int | None, page_size: int, pages: int, patience: int, workers: int, *, is_root: bool) -> int:
    """How many windows for `rest` rows behind `pages` pages; below 2 means to read on. `rest` is None where the API
    does not count, as under load: then `patience` pages are read first."""
    if rest is None:
        return 0 if pages < patience else 2 * workers if is_root else BLIND_PARTS
    rest_pages = rest / page_size
    # What was read is read again, so more than that must be left.
    if rest_pages <= max(pages, NO_PLAN_BELOW_PAGES - 1 if is_root else 1.5 * MOST_WINDOW_PAGES):
        return 0
    # Not more than needed: each costs half a page, and none is cut again below one and a half times that length.
    parts = max(2, round(rest_pages / MOST_WINDOW_PAGES))
    if is_root:
        # Windows for all workers, again and again, but for short ones.
        rounds = math.ceil(rest_pages / MOST_WINDOW_PAGES / workers)
        parts = min(rounds * workers, math.ceil(rest_pages / LEAST_WINDOW_PAGES))
    return parts if parts <= MOST_PARTS else FIRST_PARTS


def edge_of(records: Sequence[Record], field: str) -> datetime | None:
    """How far a page went: the earliest value of its second half, since rows may be out of order.

    None where it did not go on in time.
    """
    found = [timestamps.instant(value) for value in times_of(records, field)[0]]
    instants = [instant for instant in found if instant is not None]
    half = instants[len(instants) // 2 :]
    return min(half) if half and min(half) > min(instants) else None
