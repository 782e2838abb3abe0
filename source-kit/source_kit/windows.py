"""Windows of a time-ordered collection: their bounds, one page of them, and how well cutting pays. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from source_kit.timestamps import floor
from source_kit.work import Record

WINDOW_PAGES = 9
MOST_PAGES_UNCUT = 10
MAX_PARTS = 8
BLIND_PARTS = 4
# Empty windows that a skewed history may cost, as a share of the pages expected.
EMPTY_SHARE = 0.04


@dataclass(frozen=True)
class Window:
    """`[lower, upper)` on the walked field; None is open. `within` is the instant whose tied rows are being walked."""

    lower: datetime | None = None
    upper: datetime | None = None
    within: datetime | None = None
    descending: bool = False


@dataclass(frozen=True)
class Fetched:
    """One answer. `token` continues the same query; `total` counts all rows of the query, where the API tells."""

    records: Sequence[Record]
    asked_at: datetime
    token: Any = None
    total: int | None = None


class WalkExpired(Exception):
    """A token is no longer good (lifetime, depth cap, rows that shifted): the query must be asked anew."""


class Fetch(Protocol):
    """Asks for one page of `window`, after `token`; `limit` asks for less than a page."""

    def __call__(
        self, window: Window, token: Any = None, *, count: bool = False, limit: int | None = None
    ) -> Fetched: ...


@dataclass
class Progress:
    """What the windows of one walk have cost so far, to stop cutting where it does not pay."""

    pages: int = 0
    empty: int = 0
    expected: int = 0

    def saw(self, rows: int) -> None:
        """Count one request that brought so many rows."""
        self.pages += 1
        self.empty += not rows

    def cutting_pays(self) -> bool:
        """Whether empty windows cost little against the pages that are expected."""
        return self.empty <= 3 + EMPTY_SHARE * max(self.expected, self.pages)


def parts_for(rest: int | None, page_size: int, pages_read: int, *, is_root: bool) -> int:
    """Into how many windows to cut what is left, below 2: read on. `rest` is None where the API does not count."""
    if rest is None:
        if is_root:
            return MAX_PARTS if pages_read >= 2 else 0
        return BLIND_PARTS if pages_read >= MOST_PAGES_UNCUT else 0
    if rest <= MOST_PAGES_UNCUT * page_size:
        return 0
    return min(MAX_PARTS, math.ceil(rest / page_size / WINDOW_PAGES))


def cut_points(lower: datetime, upper: datetime, parts: int, step: timedelta) -> list[datetime]:
    """Ascending bounds of up to `parts` equal windows that cover `[lower, upper)`; empty if it is too short."""
    span = upper - lower
    if span < 2 * step:
        return []
    inner = {floor(lower + span * index / parts, step) for index in range(1, parts)}
    return [lower, *sorted(bound for bound in inner if lower < bound < upper), upper]
