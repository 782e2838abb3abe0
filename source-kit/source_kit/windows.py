"""Windows of a time-ordered collection: their bounds, one page of them, and how well cutting pays. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from source_kit.timestamps import floor
from source_kit.work import Record

WINDOW_PAGES = 9
# What is not longer than so many windows is not cut: each costs half a page for its last, short one.
LONGEST_WINDOW = 1.5
# Of a short walk the windows are shorter: states leave at their ends.
SHORT_WALK_PAGES, SHORT_WINDOW_PAGES = 45, 5
# Towards its end a long walk is cut into as many windows, so that no worker reads on alone in a long one while the
# others have nothing left: with 8 workers and 500 pages that took a twelfth of the time.
ENDING_SHARE, ENDING_WINDOWS, LEAST_WINDOW_PAGES = 0.08, 16, 2
MAX_PARTS = 8
BLIND_PARTS = 4
# Where rows are counted, a part that is too long is cut again for nothing, as its own first page shows its density:
# few parts at a time follow a history in which one month holds a hundred times what another does.
COUNTED_PARTS = 4
# Empty windows that a skewed history may cost, as a share of the pages expected.
EMPTY_SHARE = 0.04


@dataclass(frozen=True)
class Window:
    """`[lower, upper)` on the walked field; None is open. `within` is the instant whose tied rows are being walked."""

    lower: datetime | None = None
    upper: datetime | None = None
    within: datetime | None = None
    descending: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether it can hold no row: a read whose state has reached its `end_date`."""
        return self.lower is not None and self.upper is not None and self.lower >= self.upper


@dataclass(frozen=True)
class Fetched:
    """One answer. `token` continues the same query; `total` counts all rows of the query, where the API tells.

    `rows` is how many rows the answer had, where some were left out: no objects, or twice in it.
    """

    records: Sequence[Record]
    asked_at: datetime
    token: Any = None
    total: int | None = None
    rows: int | None = None

    @property
    def size(self) -> int:
        """How many rows the answer had."""
        return len(self.records) if self.rows is None else max(self.rows, len(self.records))

    @property
    def places(self) -> int:
        """How far its rows reach in the list, at the least: one that came twice has one place. By this offsets go on;
        what they meet again is known."""
        return len(self.records) or self.size


class WalkExpired(Exception):
    """A token is no longer good (lifetime, depth cap, rows that shifted): the query must be asked anew."""


class Fetch(Protocol):
    """Asks for one page of `window`, after `token`; `limit` asks for less than a page."""

    def __call__(
        self, window: Window, token: Any = None, *, count: bool = False, limit: int | None = None
    ) -> Fetched: ...


class Beginning:
    """When a walk sent its first request, on whichever clock is behind: no state passes it."""

    def __init__(self) -> None:
        self._at: datetime | None = None

    @property
    def at(self) -> datetime:
        """Known after the first answer."""
        assert self._at is not None, "nothing was asked yet"
        return self._at

    @property
    def is_known(self) -> bool:
        """Whether there was an answer."""
        return self._at is not None

    def saw(self, fetched: Fetched) -> Fetched:
        """Note an answer."""
        self._at = fetched.asked_at if self._at is None else min(self._at, fetched.asked_at)
        return fetched

    def noting(self, fetch: Fetch) -> Fetch:
        """The same fetch, which notes its answers."""

        def fetch_and_note(
            window: Window, token: Any = None, *, count: bool = False, limit: int | None = None
        ) -> Fetched:
            return self.saw(fetch(window, token, count=count, limit=limit))

        return fetch_and_note


@dataclass
class Progress:
    """What the windows of one walk have cost so far, to stop cutting where it does not pay."""

    pages: int = 0
    empty: int = 0
    expected: int = 0
    # An order of rows that an API gave when it was asked for another, and gave again when asked again.
    confirmed_order: int | None = None
    # Marks of emitted rows without a usable time: they may come with any window.
    timeless: set[Any] = field(default_factory=set)

    def saw(self, records: Sequence[Record]) -> None:
        """Count one request and what it brought."""
        self.pages += 1
        self.empty += not records

    def window_pages(self, *, is_short: bool) -> int:
        """How many pages a window is meant to have."""
        if is_short:
            return SHORT_WINDOW_PAGES
        left = self.expected - self.pages
        if abs(left) > ENDING_SHARE * self.expected:
            return WINDOW_PAGES
        return max(LEAST_WINDOW_PAGES, min(WINDOW_PAGES, left // ENDING_WINDOWS))

    def cutting_pays(self) -> bool:
        """Whether empty windows cost little against the pages that are expected."""
        return self.empty <= 3 + EMPTY_SHARE * max(self.expected, self.pages)


def parts_for(rest: int | None, page_size: int, pages_read: int, window_pages: int, *, is_long: bool) -> int:
    """Into how many windows to cut what is left, below 2: read on. `rest` is None where the API does not count;
    `is_long` then says that much is left, probably (an open window)."""
    if rest is None:
        if is_long:
            return MAX_PARTS if pages_read >= 2 else 0
        return BLIND_PARTS if pages_read > window_pages else 0
    windows = rest / page_size / window_pages
    return 0 if windows <= LONGEST_WINDOW else min(COUNTED_PARTS, max(2, round(windows)))


def likely_rest(rows: int, covered: timedelta, left: timedelta, least: int) -> int:
    """How many rows are left in a time, if it is as dense as that which so many rows cover; `least` at the least. For
    counts that are capped: "10,000 or more"."""
    return max(least, int(left / max(covered, timedelta(milliseconds=1)) * rows))


def cut_points(lower: datetime, upper: datetime, parts: int, step: timedelta) -> list[datetime]:
    """Ascending bounds of up to `parts` equal windows that cover `[lower, upper)`; empty if it is too short."""
    span = upper - lower
    if span < 2 * step:
        return []
    inner = {floor(lower + span * index / parts, step) for index in range(1, parts)}
    return [lower, *sorted(bound for bound in inner if lower < bound < upper), upper]
