"""The streams that are searched: windows over the time of the last change, and the archive for what is older.

Kustomer's standard search finds only what changed in the last two years, the archive search only what did not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property, partial
from typing import Any, NamedTuple, Self

from source_kit import schemas, timestamps
from source_kit.client import HttpClient
from source_kit.keyset import Keyset
from source_kit.walks import walk
from source_kit.windows import Window
from source_kit.work import Fork, Plan, Record, Start
from source_kustomer import custom
from source_kustomer.base import KustomerStream
from source_kustomer.config import Settings
from source_kustomer.late_index import looking_back
from source_kustomer.lists import definitions
from source_kustomer.search import MOST_RECORDS, PAGE_SIZE, Scope, SearchAsk, SearchEndpoint
from source_kustomer.search_fetcher import SearchFetcher
from source_kustomer.times import until
from source_kustomer.wanted import EVERYTHING, Wanted, no_checkpoint

# Two years may be 730 or 731 days. What lies between these bounds may be on either side, or cross while it is read.
SURELY_ARCHIVED = timedelta(days=732)
SURELY_SEARCHED = timedelta(days=728)
# What changed since then needs no archive, though a clock be wrong by months.
SURELY_RECENT = timedelta(days=364)


class Border(NamedTuple):
    """What may be in the archive or in the standard search, or cross while it is read."""

    lower: datetime
    upper: datetime


class SearchStream(KustomerStream):
    """Everything of one query context, deleted records included if so configured."""

    cursor_field = "updated_at"
    has_archive = True
    pages: SearchFetcher

    def __init__(
        self,
        client: HttpClient,
        settings: Settings,
        name: str,
        *scopes: Scope,
        schema: str = "",
        custom_resource: str = "",
        is_doubtful: bool = False,
    ) -> None:
        """`custom_resource` is what the account's custom attributes belong to; the others are as `SearchEndpoint` has
        them."""
        endpoint = SearchEndpoint(schema or name, scopes, settings.include_deleted, is_doubtful)
        super().__init__(SearchFetcher(client, endpoint, name), settings)
        self._custom_resource = custom_resource

    @property
    def schema_name(self) -> str:
        return self.pages.endpoint.schema

    def schema(self) -> schemas.Schema:
        """The schema file, with the account's custom attributes typed."""
        schema = super().schema()
        if self._custom_resource:
            schema["properties"]["custom"] = custom.schema_of(self._definitions)
        return schema

    @cached_property
    def _definitions(self) -> Mapping[str, Any]:
        return definitions(self.client, self._custom_resource)

    def renamed(self, name: str) -> Self:
        """The same search under the name of another stream, which then stands in its errors."""
        other = copy(self)
        other.name, other.pages = name, self.pages.named(name)
        return other

    def work(self, start: Start) -> Plan:
        """The archive, then the border that records cross while they are read, then the standard search."""
        self.pages.find_scope()
        yield from looking_back(self, start, self.outlined)

    def outlined(self, lower: datetime | None, wanted: Wanted) -> Plan:
        """As `walk`, where nothing but ids and times is looked at before the records leave: they may be outlines."""
        return self.walk(lower, replace(wanted, is_outlined=True))

    def walk(self, lower: datetime | None, wanted: Wanted = EVERYTHING) -> Plan:
        """The whole walk from `lower`."""
        border = self.border(lower) if self.has_archive else None
        if border is None:
            yield from walk(self.keyset(wanted), Window(lower, wanted.upper))
            return
        older = [self._across(border, wanted)]
        if lower is None or lower < border.lower:
            older.insert(0, self.past(Window(lower, until(border.lower, wanted.upper)), wanted, archive=True))
        yield from self.recent(older, border.upper, wanted)

    def unsearchable(self, border: Border) -> Plan | None:
        """All records of the time before a border, where the archive search does not have them; None where it has."""
        return None

    def past(self, window: Window, wanted: Wanted, *, archive: bool = False) -> Plan:
        """What only the archive or only the standard search has, and nothing moves into any more."""
        return walk(self.keyset(wanted, archive=archive), window)

    def border(self, lower: datetime | None) -> Border | None:
        """Where the archive ends and the standard search begins; None if what changed since `lower` needs no archive.

        A wrong clock would move it over records that then are in neither part: the earlier of the two clocks begins it,
        the later one ends it.
        """
        now, clocks = self.client.clock.now(), self.client.clocks
        if not self.settings.include_archived or (lower is not None and lower >= now - SURELY_RECENT):
            return None
        self.client.meet()
        now = timestamps.floor(now, timestamps.MILLISECOND)
        begin, end = clocks.earliest(now) - SURELY_ARCHIVED, clocks.latest(now) - SURELY_SEARCHED
        if lower is not None and lower >= end:
            return None
        return Border(begin if lower is None else max(lower, begin), end)

    def recent(self, older: Sequence[Plan], lower: datetime, wanted: Wanted) -> Plan:
        """The standard search beside older parts. What moves from one of them meanwhile is at the open end, which is
        read when everything else is out."""
        now = self.client.clocks.earliest(self.client.clock.now())
        settled = timestamps.floor(timestamps.before(now, self.lag), timestamps.MILLISECOND)
        settled = until(settled, wanted.upper)
        if settled <= lower:
            yield Fork(older)
            yield from walk(self.keyset(wanted), Window(lower, wanted.upper))
        else:
            yield Fork([*older, self.past(Window(lower, settled), wanted)])
            yield from walk(self.keyset(wanted), Window(settled, wanted.upper), cut=False)

    def _across(self, border: Border, wanted: Wanted) -> Plan:
        """Standard search first, archive second: the second sees what crosses in between. No checkpoints inside."""
        once = partial(unseen_versions, seen=set(), mark_of=self.keyset(wanted).mark_of)
        quiet = replace(wanted, checkpoint=no_checkpoint).through(once)
        for archive in (False, True):
            window = Window(border.lower, until(border.upper, wanted.upper))
            yield from walk(self.keyset(quiet, archive=archive), window, cut=False)

    def keyset(self, wanted: Wanted = EVERYTHING, *, archive: bool = False) -> Keyset:
        """The walk over the time of the last change, or of creation where there is no other."""
        walked = self.pages.endpoint.walked
        criteria = () if archive else wanted.criteria
        asked = SearchAsk(is_archive=archive, criteria=criteria, is_outlined=wanted.is_outlined)
        fetch = self.pages.windows(asked)
        tie = Keyset(fetch, "created_at", PAGE_SIZE, count_cap=MOST_RECORDS) if walked != "created_at" else None
        return Keyset(
            fetch=fetch,
            field=walked,
            page_size=PAGE_SIZE,
            lag=self.lag,
            emit=wanted.emit,
            checkpoint=wanted.checkpoint,
            tie=tie,
            count_cap=MOST_RECORDS,
        )


def unseen_versions(records: list[Record], *, seen: set[Any], mark_of: Callable[[Record], Any]) -> list[Record]:
    """Versions of records that are not in `seen` yet, which has them from then on."""
    fresh = [record for record in records if mark_of(record) not in seen]
    seen.update(map(mark_of, fresh))
    return fresh
