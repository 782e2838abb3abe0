"""Whole lists by page number, read completely although their order is unknown and their rows may move.

While pages are read, rows that leave their place push others across a page edge: forwards a row that moves up is
missed, backwards one that moves down. So whatever shows that rows have moved (rows changed since the walk began, or a
page that begins or ends with another row) is answered by walking again, backwards and forwards in turn, until a walk
meets no unseen row. Rows are told apart by id and content: each leaves once.

Of a row two hashes are kept. Where ids share theirs (texts in 1 of 40 million reads of a million rows; of numbers, -1
and -2), one row looks like a new version of the other: it leaves at once, or, with pages ahead, with the walk that a
changed row brings about. So no row is lost by that; it may leave twice.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from source_kit import json_text
from source_kit.digests import Digests, keys
from source_kit.errors import TransientError
from source_kit.pages import endless
from source_kit.rows import identity
from source_kit.rules import Rejected, Unavailable
from source_kit.timestamps import seconds_z
from source_kit.work import Ending, Fork, Page, Plan, Record
from source_kit.written import Written, stamped

PAGES_BEFORE_AHEAD = 4
# How many pages ahead a step of the plan makes: such a step costs as much as one that reads, but for the request.
PAGES_A_FORK = 16
# Pages that are read again to see whether rows have moved: few where `changed_since` tells most of it.
PROBED_PAGES, PROBED_PAGES_ALONE = 3, 9
MOST_WALKS_AGAIN = 3
# A list that shifts under the reader repeats each page once; one that goes round repeats some again and again.
MOST_REPETITIONS = 5
MOST_PAGES_WITHOUT_NEWS = 50
_CHANGED = 0
_NO_EDGES = 0
KEPT_MOVING = "rows kept moving while their pages were read; one that slipped through comes with its next change."


@dataclass(frozen=True)
class Listed:
    """One page: its rows, whether there are more, and when it was asked for (best on the server's clock)."""

    records: Sequence[Record]
    has_more: bool
    at: datetime


Fetch = Callable[[int], Listed]
Pages = Generator[Page, None, None]


class NumberedList:
    """One list being read. Pages are counted here; what an answer says of the next page is not followed. An empty page
    behind which more is announced is asked for again, and then passed; one that was itself announced is asked for
    again, and then is the end.

    `changed_since(t)` gives the pages of what changed after t (minus whatever lag there is); with it, pages are fetched
    ahead side by side. `stamp` is a field that gets the time at which its walk began, unless the API fills it.
    `checkpoint` makes the state at the end from the time at which the whole reading began. `keep` picks the rows to
    emit. `is_closed`: nothing in the list can move.
    """

    def __init__(
        self,
        fetch: Fetch,
        *,
        changed_since: Callable[[datetime], Fetch] | None = None,
        stamp: str | None = None,
        checkpoint: Callable[[datetime], Mapping[str, Any] | None] = lambda began: None,
        keep: Callable[[Record], bool] | None = None,
        is_closed: bool = False,
        warn: Callable[[str], None] = lambda text: None,
    ) -> None:
        assert not (is_closed and changed_since), "rows left to what changed since would not come"
        self._fetch = fetch
        self._changed_since = changed_since
        self._stamp = stamp
        self._checkpoint = checkpoint
        self._keep = keep
        self._is_closed = is_closed
        self._warn = warn
        self.began: datetime | None = None
        self.end: int | None = None
        self._edges: dict[int, int] = {}
        self._seen = Digests()
        self._lock = threading.Lock()
        self._is_ahead = False
        # The pages of the first walk that brought no unseen row, by their first and last row.
        self._repeated: Counter[int] = Counter()
        # Rows met for the first time, and those plus the changed ones.
        self._unseen = self._news = 0

    def read(self) -> Plan:
        """Every row of the list; the pages of long ones are read side by side, workers being a few ahead."""
        number = 0
        while self.end is None:
            if self._changed_since and number >= PAGES_BEFORE_AHEAD:
                self._is_ahead = True
                yield Fork([_PageAhead(self, number + each) for each in range(1, PAGES_A_FORK + 1)], goes_on=True)
                number += PAGES_A_FORK
            else:
                number += 1
                yield self.take(number)
        if self._is_ahead:
            yield Fork()
        yield from self._settle()

    def take(self, number: int) -> Page:
        """Page `number` of the first walk: its rows that are new."""
        listed = self._listed(number)
        with self._lock:
            self.began = self.began or listed.at
            if listed.records:
                self._edges[number] = _edges(listed)
            if not listed.has_more:
                self.end = min(self.end or number, number)
            return self._page(listed, self.began)

    def _listed(self, number: int) -> Listed:
        """A page, asked for again if it is empty where rows belong: it may have lost them on the way."""
        listed = _asked(self._fetch, number)
        was_announced = number > 1 and (self.end is None or number <= self.end)
        return self._fetch(number) if was_announced and not (listed.records or listed.has_more) else listed

    def _page(self, listed: Listed, walk_began: datetime) -> Page:
        fresh = self._fresh(listed, walk_began)
        return Page(fresh, is_timed=self._stamp is not None and isinstance(fresh, Written))

    def _fresh(self, listed: Listed, walk_began: datetime) -> list[Record]:
        """The rows that are unseen or changed. Side by side, two versions of a row come in any order: then neither is
        taken for the newer one, and the row is left to what changed since."""
        unseen = self._unseen
        texts, are_final = json_text.dumps_each(listed.records)  # 1 µs a record
        digests = list(map(hash, texts))
        fresh = self._unknown(listed.records, keys(listed.records, digests), digests)
        if self.end is None and self._unseen == unseen:
            self._guard(listed)
        if are_final and len(fresh) == len(texts):
            fresh = Written(fresh, texts)
        if self._stamp is not None:
            fresh = stamped(fresh, self._stamp, seconds_z(walk_began))
        return fresh if self._keep is None else list(filter(self._keep, fresh))

    def _unknown(self, records: Sequence[Record], keys: Sequence[int], digests: Sequence[int]) -> list[Record]:
        """Those of the rows that are unseen or changed; all of them are known from now on."""
        seen = self._seen
        if seen.are_new(keys, digests):
            self._news += len(keys)
            self._unseen += len(keys)
            return list(records)
        fresh = []
        for record, key, digest in zip(records, keys, digests, strict=True):
            known = seen.get(key)
            if known == digest:
                continue
            self._news += 1
            if known is None:
                self._unseen += 1
            elif self._is_ahead:
                seen.put(key, _CHANGED)
                continue
            seen.put(key, digest)
            fresh.append(record)
        return fresh

    def _guard(self, listed: Listed) -> None:
        """Fail on a list without end: the same page again and again, or hardly anything but rows that are known, or
        none: pages may be empty whose rows the key may not see."""
        self._repeated[_edges(listed)] += 1
        repeated = self._repeated.total()
        most = MOST_PAGES_WITHOUT_NEWS + 2 * (len(self._edges) - repeated)
        is_the_same = listed.records and self._repeated[_edges(listed)] > MOST_REPETITIONS
        if is_the_same or repeated > most:
            raise endless(f"{repeated} pages without a new row")

    def _settle(self) -> Pages:
        """What a list of several pages needs after its first walk; then the checkpoint."""
        assert self.began is not None
        assert self.end is not None
        self._is_ahead = False
        yield from self._beyond(self.end)
        if self.end > 1 and not self._is_closed:
            # A row that the walk met again, changed, has left its place, too.
            news, has_moved = self._news, self._news > self._unseen
            if self._changed_since is not None:
                yield from self._forwards(self._changed_since(self.began))
            if has_moved or self._news > news or self._has_shifted(self.end):
                yield from self._again(self.end)
        yield Page((), self._checkpoint(self.began))

    def _beyond(self, end: int) -> Pages:
        """What lies behind a page that said it was the last, where a later one had rows nevertheless."""
        if max(self._edges, default=0) <= end:
            return
        number, self.end = end, None
        while self.end is None:
            number += 1
            yield self.take(number)

    def _has_shifted(self, end: int) -> bool:
        """Whether one of a few pages, spread over the list, begins or ends with another row than before."""
        count = min(PROBED_PAGES if self._changed_since else PROBED_PAGES_ALONE, end - 1)
        numbers = {number * end // (count + 1) for number in range(1, count + 1)}
        known = {number: self._edges.get(number, _NO_EDGES) for number in sorted(numbers)}
        return any(_edges(self._page_or_none(number)) != edges for number, edges in known.items())

    def _again(self, end: int) -> Pages:
        for attempt in range(MOST_WALKS_AGAIN):
            unseen = self._unseen
            yield from self._forwards(self._fetch) if attempt % 2 else self._backwards(end)
            if self._unseen == unseen:
                return
        self._warn(KEPT_MOVING)

    def _forwards(self, fetch: Fetch) -> Pages:
        number, began, idle = 1, None, 0
        while True:
            listed = _asked(fetch, number)
            began = began or listed.at
            page = self._page(listed, began)
            idle = 0 if page.records else idle + 1
            yield page
            if not listed.has_more:
                return
            if idle > MOST_PAGES_WITHOUT_NEWS + len(self._edges):
                self._warn(KEPT_MOVING)
                return
            number += 1

    def _backwards(self, end: int) -> Pages:
        """From the end, which may lie further by now, to page 1."""
        began, number = None, end
        while True:
            listed = self._page_or_none(number)
            began = began or listed.at
            yield self._page(listed, began)
            if not listed.has_more:
                break
            if number > 2 * end + MOST_PAGES_WITHOUT_NEWS:
                self._warn(KEPT_MOVING)
                break
            number += 1
        for number in range(end - 1, 0, -1):
            yield self._page(self._page_or_none(number), began)

    def _page_or_none(self, number: int) -> Listed:
        """The list may have become shorter, and a page beyond its end may be refused."""
        try:
            return _asked(self._fetch, number)
        except (Rejected, Unavailable):
            if number == 1:
                raise
            return Listed((), False, self.began or datetime.now(UTC))


class _PageAhead(Ending):
    """The plan of one page of the first walk."""

    def __init__(self, walk: NumberedList, number: int) -> None:
        self._walk = walk
        self._number = number
        self._is_certain = False

    def __next__(self) -> Page | Fork:
        if self.has_ended or (self._walk.end is not None and self._number > self._walk.end):
            raise StopIteration
        try:
            page = self._walk.take(self._number)
        except (Rejected, Unavailable, TransientError):
            if self._is_certain:
                raise
            # Perhaps it lies beyond the end, which is known when all pages before it are in.
            self._is_certain = True
            return Fork()
        self.has_ended = True
        return page


def _asked(fetch: Fetch, number: int) -> Listed:
    """A page; asked for twice if it is empty although more is announced."""
    listed = fetch(number)
    return fetch(number) if listed.has_more and not listed.records else listed


def _edges(listed: Listed) -> int:
    """What tells pages apart: by their first and last row."""
    return hash((identity(listed.records[0]), identity(listed.records[-1]))) if listed.records else _NO_EDGES
