"""The ids that exist now, for the stream `record_ids`: by searches for ids only, 500 a request.

Without times in the answers nothing can be walked by time: windows are cut until one query holds all of their ids, and
read by page. What a page lost because rows moved shows in the count. What changes meanwhile is at the open end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import Any

from source_kit import timestamps
from source_kit.record_ids import Listing
from source_kit.rows import identity, unseen
from source_kit.rules import Rejected
from source_kit.stream import KitStream
from source_kit.timestamps import EPOCH, MILLISECOND
from source_kit.tokens import incomplete
from source_kit.windows import WalkExpired, Window, cut_points
from source_kit.work import Fork, Page, Plan, Start, mapped
from source_kustomer.companies import Companies
from source_kustomer.errors import is_refused_query
from source_kustomer.handle_times import ConversationTimes
from source_kustomer.lists import CustomAttributes, ListStream
from source_kustomer.notes import Notes
from source_kustomer.search import MOST_RECORDS, SearchAsk
from source_kustomer.search_fetcher import SearchRefused
from source_kustomer.searches import Border, SearchStream

PARTS = 4
# Walks of one window that bring fewer ids than are counted: an index may count what it does not give.
MOST_WALKS = 3


class Ids:
    """The ids of one searched stream. What is deleted is left out."""

    def __init__(self, stream: SearchStream) -> None:
        self._stream = stream
        self._pages = stream.pages
        self._asked = SearchAsk(is_present=True, ids_only=True)

    def plan(self) -> Plan:
        """The archive, what is on both sides of the border, the standard search, and last what moved meanwhile."""
        stream = self._stream
        self._choose()
        border = stream.border(None)
        assert border is not None, "whatever is there has an id, archived or not"
        now = stream.client.clocks.earliest(stream.client.clock.now())
        settled = timestamps.floor(timestamps.before(now, stream.lag), MILLISECOND)
        unsearchable = stream.unsearchable(border)
        if unsearchable is None:
            older = [self._window(Window(None, border.lower), archive=True), self._across(border)]
        else:
            older = [unsearchable]
        yield Fork([*older, self._window(Window(border.upper, settled))])
        yield from self._window(Window(settled))

    def _choose(self) -> None:
        """Whole records, where ids cannot be asked for alone. Raises `SearchRefused` where there is no such search."""
        try:
            self._pages.page(replace(self._asked, limit=1))
        except (Rejected, SearchRefused) as refusal:
            if isinstance(refusal, Rejected) and not is_refused_query(refusal):
                raise
            self._asked = SearchAsk(is_present=True)
            self._pages.forget_scopes()
            self._pages.page(replace(self._asked, limit=1))

    def _oldest(self, window: Window, *, archive: bool) -> datetime:
        """Where the records of a window begin that has no beginning."""
        asked = SearchAsk(window=window, is_archive=archive, is_present=True, limit=1)
        found = self._pages.page(asked).records
        at = timestamps.instant(found[0].get(self._pages.endpoint.walked)) if found else None
        return EPOCH if at is None else timestamps.floor(at, MILLISECOND)

    def _across(self, border: Border) -> Plan:
        """What may be in the archive or not: standard search first, so that the second sees what crosses in between."""
        seen: set[Any] = set()
        for archive in (False, True):
            window = self._window(Window(border.lower, border.upper), archive=archive)
            yield from mapped(window, lambda page: replace(page, records=unseen(page.records, seen)))

    def _window(self, window: Window, *, archive: bool = False) -> Plan:
        """All ids of a window, in parts where it holds more than one query gives."""
        found: set[Any] = set()
        missing: int | None = None
        if window.is_empty:
            return
        asked = replace(self._asked, window=window, is_archive=archive)
        for _ in range(MOST_WALKS):
            walked: set[Any] = set()
            token, total = None, None
            try:
                while True:
                    fetched = self._pages.page(asked, token)
                    total = fetched.total if token is None else total
                    if total is not None and total >= MOST_RECORDS:
                        yield Fork([self._window(part, archive=archive) for part in self._parts(window, archive)])
                        return
                    walked.update(map(identity, fetched.records))
                    yield Page(unseen(fetched.records, found))
                    token = fetched.token
                    if token is None:
                        break
            except WalkExpired:
                if token is not None and token.passed >= MOST_RECORDS:
                    yield Fork([self._window(part, archive=archive) for part in self._parts(window, archive)])
                    return
                continue  # pages of another size begin with other rows
            missing = (total or 0) - len(walked)
            if missing <= 0:
                return
        if missing is None:
            raise incomplete("page")
        yield Page(warning=f"Kustomer counts {missing} records more than it gives in one window of time.")

    def _parts(self, window: Window, archive: bool) -> Sequence[Window]:
        """Shorter windows; within one instant by the time of creation. Raises where nothing tells the records apart."""
        now = timestamps.floor(self._stream.client.clock.now(), MILLISECOND) + timedelta(milliseconds=1)
        lower = self._oldest(window, archive=archive) if window.lower is None else window.lower
        upper = max(now, lower) if window.upper is None else window.upper
        bounds = cut_points(lower, upper, PARTS, MILLISECOND)
        if len(bounds) > 2:
            parts = [replace(window, lower=low, upper=high) for low, high in pairwise(bounds)]
            return parts if window.upper is not None else [*parts, replace(window, lower=upper)]
        if window.within is not None or self._pages.endpoint.walked == "created_at":
            raise incomplete("created_at")
        return [Window(within=lower, lower=EPOCH, upper=now), Window(within=lower, lower=now)]


def listings(streams: Sequence[KitStream]) -> Mapping[str, Listing]:
    """How the ids of each stream are listed: searched ones and lists. Streams that ask per parent, if only for what is
    old, have no such list. `streams` must include the archive, or its records look deleted."""
    known: dict[str, Listing] = {}
    for stream in streams:
        if isinstance(stream, ConversationTimes):
            continue
        if isinstance(stream, Notes):
            known[stream.name] = partial(_notes, stream)
        elif isinstance(stream, SearchStream):
            known[stream.name] = partial(_searched, stream)
        elif isinstance(stream, ListStream | CustomAttributes):
            known[stream.name] = partial(_listed, stream)
    return known


def _searched(stream: SearchStream) -> Plan:
    try:
        yield from Ids(stream).plan()
    except SearchRefused:
        if not isinstance(stream, Companies):
            raise
        yield from _present(stream.everyone())


def _notes(stream: Notes) -> Plan:
    """Old ones are in no search: where the list has all of them, it has the others, too. Where it has the first 10,000,
    the rest is searched and asked of conversations."""
    listed, known = stream.listed(), set[Any]()

    def unknown(page: Page) -> Page:
        return replace(page, records=[record for record in page.records if identity(record) not in known])

    for page in listed.pages():
        known.update(map(identity, page.records))
        yield _without_deleted(page)
    if not listed.has_all:
        yield from mapped(_present(Ids(stream).plan()), unknown)


def _listed(stream: ListStream | CustomAttributes) -> Plan:
    return _present(stream.work(Start(incremental=False)))


def _present(plan: Plan) -> Plan:
    """The plan without the records that are flagged as deleted."""
    return mapped(plan, _without_deleted)


def _without_deleted(page: Page) -> Page:
    return replace(page, records=[record for record in page.records if record.get("deleted") is not True])
