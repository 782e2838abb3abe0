"""Customers: what has settled is listed, where the list can filter, because lists have ten times the requests.

100 rows a request of 1,000 a minute are twice as fast as 500 of 100 searches. What the search counts in a window is the
measure of its list: where the list counts less (it may hide deleted customers, or old ones), or brings less, the window
is searched.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from math import ceil
from typing import Any, Self

from source_kit import timestamps, turn
from source_kit.client import HttpClient
from source_kit.errors import ConnectorFault, TransientError
from source_kit.keyset import Keyset
from source_kit.rows import identity
from source_kit.rules import Unavailable
from source_kit.timestamps import EPOCH, MILLISECOND
from source_kit.walks import walk
from source_kit.windows import Beginning, Fetched, Window, cut_points
from source_kit.work import Fork, Page, Plan, Record, in_order
from source_kustomer.budget import ORGANISATION, SEARCH
from source_kustomer.config import Settings
from source_kustomer.filtered import CUSTOMERS, FilteredFetcher
from source_kustomer.search import MOST_RECORDS, PAGE_SIZE, Scope, SearchAsk
from source_kustomer.searches import SearchStream
from source_kustomer.times import latest
from source_kustomer.wanted import EVERYTHING, Wanted

# Fewer customers than these cost no more searches than counting them by windows would.
LEAST_LISTED = 2_000
# Customers of a window that is listed: states leave at their ends, and each costs a search that counts.
LISTED_WINDOW, LEAST_WINDOW = 5_000, 2_500
MOST_PARTS = 8
# What is younger may still be missing in the index, which is the measure.
SETTLED_FOR = timedelta(days=1)
# A walk of less than this is short, most likely.
LEAST_SPAN = timedelta(days=7)
# Windows that the list did not have whole, before it had one.
MOST_MISSES = 3


class Customers(SearchStream):
    """Searched, and listed where that is faster."""

    def __init__(self, client: HttpClient, settings: Settings) -> None:
        super().__init__(client, settings, "customers", Scope("customer", "customer"), custom_resource="customer")
        self._list = FilteredFetcher(client, CUSTOMERS, self.name)
        self._lock = turn.Lock()
        self._is_listed: bool | None = None
        self._misses = 0
        self._hits = 0

    @property
    def bucket(self) -> str:
        """What the next steps wait for."""
        return ORGANISATION if self._is_listed else SEARCH

    def renamed(self, name: str) -> Self:
        """As the base, with the list."""
        other = super().renamed(name)
        other._list = self._list.named(name)
        return other

    def walk(self, lower: datetime | None, wanted: Wanted = EVERYTHING) -> Plan:
        """As the base; a walk over a longer time in two parts, of which the first may be listed."""
        recent = timestamps.before(self.client.clock.now(), LEAST_SPAN)
        is_short = lower is not None and lower >= recent
        if is_short or wanted.criteria or self.border(lower) is not None:
            yield from super().walk(lower, wanted)
            return
        window = Window(lower, wanted.upper)
        first = None if window.is_empty else self.pages.page(SearchAsk(window=window, is_outlined=wanted.is_outlined))
        if first is not None and self._is_worth_listing(first):
            yield from self.recent([], EPOCH if lower is None else lower, wanted)
        else:
            yield from self._searching(window, wanted, first=first)

    def past(self, window: Window, wanted: Wanted, *, archive: bool = False) -> Plan:
        """As the base, listed where that is faster; the youngest part is searched in any case."""
        if window.is_empty or window.upper is None or wanted.criteria:
            yield from self._searching(window, wanted, archive=archive)
            return
        settled = timestamps.floor(timestamps.before(self.client.clock.now(), SETTLED_FOR), MILLISECOND)
        older = replace(window, upper=min(window.upper, settled))
        asked = SearchAsk(window=window, is_archive=archive, is_outlined=wanted.is_outlined)
        first = self.pages.page(asked)
        if older.is_empty or not self._is_worth_listing(first):
            yield from self._searching(window, wanted, archive=archive, first=first)
            return
        parts = [self._parts(older, wanted, archive, first.total or 0)]
        if older.upper != window.upper:
            parts.append(self._searching(replace(window, lower=older.upper), wanted, archive=archive))
        yield Fork(parts)

    def _is_worth_listing(self, first: Fetched) -> bool:
        """Whether a window has many customers, by its first page, and the list can filter, which is found out once."""
        if first.total is None or first.total < LEAST_LISTED:
            return False
        with self._lock:
            if self._is_listed is None:
                self._is_listed = self._list.is_filtered()
            return self._is_listed

    def _searching(self, whole: Window, wanted: Wanted, *, archive: bool = False, first: Fetched | None = None) -> Plan:
        """A window from the search; its first page may have been asked for already."""
        keyset = self.keyset(wanted, archive=archive)
        pages = [] if first is None else [first]

        def fetch(window: Window, token: Any = None, *, count: bool = False, limit: int | None = None) -> Fetched:
            if pages and token is None and limit is None and window == whole:
                return pages.pop()
            return keyset.fetch(window, token, count=count, limit=limit)

        return walk(replace(keyset, fetch=fetch), whole)

    def _parts(self, window: Window, wanted: Wanted, archive: bool, total: int) -> Plan:
        """A window in parts that are short enough to be counted."""
        assert window.upper is not None
        lower = self._oldest(window)
        size = max(LEAST_WINDOW, min(LISTED_WINDOW, total // MOST_PARTS))
        parts = MOST_PARTS if total >= MOST_RECORDS else min(MOST_PARTS, ceil(total / size))
        if parts == 1:
            yield from self._listed(window, wanted, archive, total)
            return
        bounds = cut_points(lower, window.upper, parts, MILLISECOND)
        if len(bounds) < 3:
            yield from self._searching(window, wanted, archive=archive)
            return
        bounds[0] = EPOCH if window.lower is None else window.lower
        yield Fork([self._part(Window(*pair), wanted, archive) for pair in pairwise(bounds)])

    def _oldest(self, window: Window) -> datetime:
        """Where the customers of a window begin, if the list says so."""
        at = None
        with suppress(ConnectorFault, Unavailable, TransientError):  # what is wrong with it shows in the windows
            found = self._list.page(window, limit=1).records
            at = timestamps.instant(found[0].get("updated_at")) if found else None
        lower = EPOCH if window.lower is None else window.lower
        return lower if at is None else max(lower, timestamps.floor(at, MILLISECOND))

    def _part(self, window: Window, wanted: Wanted, archive: bool) -> Plan:
        """One of them: cut again, listed, or searched."""
        if not self._is_listed:
            yield from self._searching(window, wanted, archive=archive)
            return
        total = self.pages.count(SearchAsk(window=window, is_archive=archive))
        if total >= 2 * LISTED_WINDOW:
            yield from self._parts(window, wanted, archive, total)
        elif total <= PAGE_SIZE:
            yield from self._searching(window, wanted, archive=archive)
        else:
            yield from self._listed(window, wanted, archive, total)

    def _listed(self, window: Window, wanted: Wanted, archive: bool, total: int) -> Plan:
        """A window from the list. Its state leaves when everything has come that the search counts."""
        came = _Came(wanted)
        is_whole = False
        try:
            if self._list.page(window, limit=1).total in (None, total):
                pages = in_order(walk(came.keyset(self._list), window, cut=False))
                yield from filter(lambda page: page.records, pages)
                is_whole = len(came.ids) == total
        except (ConnectorFault, Unavailable, TransientError) as refusal:  # refused, unfiltered, never whole, or down
            self.pages.say("DEBUG", f"listing them failed ({refusal.internal_message}).")
        self._note(is_whole)
        if is_whole:
            yield Page((), came.checkpoint())
        else:
            yield from self._searching(window, wanted.through(came.unseen), archive=archive)

    def _note(self, is_whole: bool) -> None:
        """Give up a list that does not have what is searched."""
        with self._lock:
            self._hits += is_whole
            self._misses += not is_whole
            is_news = self._is_listed and not self._hits and self._misses >= MOST_MISSES
            if is_news:
                self._is_listed = False
        if is_news:
            self.client.log(
                "INFO",
                "Stream customers: Kustomer's list does not have all that is searched (deleted customers, perhaps): "
                "going on with searches.",
            )


class _Came:
    """What a list brought of one window."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._marks: set[Any] = set()
        self.ids: set[Any] = set()
        self._high: str | None = None
        self._beginning = Beginning()

    def keyset(self, listed: FilteredFetcher) -> Keyset:
        """The walk over the list, which notes what it emits."""
        fetch, size = self._beginning.noting(listed.page), listed.endpoint.page_size
        tie = Keyset(fetch, "created_at", size, count_cap=MOST_RECORDS)
        return Keyset(fetch, "updated_at", size, emit=self._note, tie=tie, count_cap=MOST_RECORDS, estimates=False)

    def _note(self, records: list[Record]) -> list[Record]:
        self._high = latest(records, "updated_at", self._high)
        self.ids.update(map(identity, records))
        self._marks.update(map(_version, records))
        return self._wanted.emit(records)

    def unseen(self, records: list[Record]) -> list[Record]:
        """Records in versions that the list did not bring."""
        return [record for record in records if _version(record) not in self._marks]

    def checkpoint(self) -> Mapping[str, Any] | None:
        """The state after all of them."""
        return None if self._high is None else self._wanted.checkpoint(self._high, self._beginning.at)


def _version(record: Record) -> tuple[Any, Any]:
    return identity(record), record.get("updated_at")
