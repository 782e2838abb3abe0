"""The streams that are searched: windows over the time of the last change, and the archive for what is older.

Kustomer's standard search finds only what changed in the last two years, the archive search only what did not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property, partial
from typing import Any, NamedTuple

from source_kit import dates, schemas, timestamps
from source_kit.client import HttpClient
from source_kit.errors import StreamUnavailable, TransientError
from source_kit.keyset import Keyset
from source_kit.rules import Rejected
from source_kit.stream import Answer, TimeCursor
from source_kit.windows import Fetched, WalkExpired, Window
from source_kit.work import Fork, Plan, Record, Start
from source_kustomer import custom
from source_kustomer.base import KustomerStream
from source_kustomer.budget import SEARCH
from source_kustomer.config import Settings
from source_kustomer.errors import ARCHIVE_SEARCH_PATH, SEARCH_PATH, is_refused_query
from source_kustomer.paging import counted, next_link, section
from source_kustomer.search import MOST_PAGES, MOST_RECORDS, PAGE_SIZE, Scope, search_body

# Two years may be 730 or 731 days. What lies between these bounds may be on either side, or cross while it is read.
SURELY_ARCHIVED = timedelta(days=732)
SURELY_SEARCHED = timedelta(days=728)
# What changed since then needs no archive, though a clock be wrong by months.
SURELY_RECENT = timedelta(days=364)
# Answers to one search that say that it was given up; 40 seconds with the pauses between them.
MOST_TIMEOUTS = 8
SEARCHING = "search.create, search.update, search_global.create or search_preview.create"
Checkpoint = Callable[[str, datetime], Mapping[str, Any] | None]


class At(NamedTuple):
    """A page of a search: its number, the size of pages, and the rows before it."""

    number: int
    size: int
    passed: int


class Border(NamedTuple):
    """What may be in the archive or in the standard search, or cross while it is read."""

    lower: datetime
    upper: datetime


class SearchRefused(StreamUnavailable):
    """The API does not know this search; said before any search of the stream has worked."""


class SearchStream(KustomerStream):
    """Everything of one query context, deleted records included if so configured."""

    cursor_field = "updated_at"
    http_method = "POST"
    bucket = SEARCH
    resource = SEARCH_PATH
    page_size = PAGE_SIZE
    has_archive = True
    # Whether the API may not know the search, so that one small request finds out first.
    is_doubtful = False
    # The resource of custom attributes, for their types.
    custom_resource = ""

    def __init__(
        self, client: HttpClient, settings: Settings, name: str, scopes: Sequence[Scope], *, schema: str = ""
    ) -> None:
        """`scopes` are tried in order until the API knows one: the search and the archive each for itself."""
        self.name = name
        self._schema = schema or name
        self._scopes = tuple(scopes)
        self._current = dict.fromkeys((SEARCH_PATH, ARCHIVE_SEARCH_PATH), self._scopes[0])
        self._searched_paths: set[str] = set()
        # Klasses are kobjects, and times belong to conversations.
        resource = self._scopes[0].context.partition("_")[0]
        self.permission = f"org.permission.{resource}.read, or one that lets it search (org.permission.{SEARCHING})"
        super().__init__(client, settings)

    @property
    def schema_name(self) -> str:
        return self._schema

    @property
    def scope(self) -> Scope:
        """The scope in use for the standard search."""
        return self._current[SEARCH_PATH]

    def schema(self) -> schemas.Schema:
        """The schema file, with the account's custom attributes typed."""
        schema = schemas.load(self.package, self.schema_name)
        if self.custom_resource:
            schema["properties"]["custom"] = custom.schema_of(self._definitions)
        return schema

    @cached_property
    def _definitions(self) -> Mapping[str, Any]:
        return custom.definitions(self.client, self.custom_resource)

    @property
    def time_cursor(self) -> TimeCursor:
        """The state stays behind the request time by the lag of the search index."""
        common = self.settings.common
        return TimeCursor(str(self.cursor_field), common.start_date, timedelta(seconds=common.lookback_window_seconds))

    def work(self, start: Start) -> Plan:
        """The archive, then the border that records cross while they are read, then the standard search."""
        self.settle()
        yield from self.walk(self.time_cursor.lower(start), self.time_cursor.checkpoint)

    def settle(self) -> None:
        """Find the scope that the API knows, before parallel work begins. Raises `SearchRefused` if it knows none."""
        if self.is_doubtful and SEARCH_PATH not in self._searched_paths:
            self.fetch_window(Window(), limit=1)

    def walk(self, lower: datetime | None, checkpoint: Checkpoint, *, criteria: Sequence[dict[str, Any]] = ()) -> Plan:
        """The whole walk from `lower`; `checkpoint` makes the states.

        `criteria` narrow the standard search; the archive does not know them.
        """
        border = self.border(lower) if self.has_archive else None
        if border is None:
            yield from self.keyset(checkpoint, criteria=criteria).walk(Window(lower))
            return
        older = [self._across(border)]
        if lower is None or lower < border.lower:
            older.insert(0, self.keyset(checkpoint, archive=True).walk(Window(lower, border.lower)))
        yield from self.recent(older, border.upper, checkpoint, criteria)

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

    def recent(
        self,
        older: Sequence[Plan],
        lower: datetime,
        checkpoint: Checkpoint,
        criteria: Sequence[dict[str, Any]] = (),
    ) -> Plan:
        """The standard search beside older parts. What moves from one of them meanwhile is at the open end, which is
        read when everything else is out."""
        keyset = self.keyset(checkpoint, criteria=criteria)
        now = self.client.clocks.earliest(self.client.clock.now())
        settled = timestamps.floor(dates.earlier(now, self.time_cursor.lag), timestamps.MILLISECOND)
        if settled <= lower:
            yield Fork(older)
            yield from keyset.walk(Window(lower))
        else:
            yield Fork([*older, keyset.walk(Window(lower, settled))])
            yield from keyset.walk(Window(settled), cut=False)

    def _across(self, border: Border) -> Plan:
        """Standard search first, archive second: the second sees what crosses in between. No checkpoints inside."""
        seen: set[Any] = set()
        for archive in (False, True):
            keyset = self.keyset(no_checkpoint, archive=archive)
            once = partial(unseen_versions, seen=seen, mark_of=keyset.mark_of)
            yield from replace(keyset, emit=once).walk(Window(border.lower, border.upper), cut=False)

    def keyset(
        self, checkpoint: Checkpoint, *, archive: bool = False, criteria: Sequence[dict[str, Any]] = ()
    ) -> Keyset:
        """The walk over the time of the last change, or of creation where there is no other."""

        def fetch(window: Window, token: Any = None, *, count: bool = False, limit: int | None = None) -> Fetched:
            return self.fetch_window(window, token, limit=limit, archive=archive, criteria=criteria)

        walked = self.scope.walked
        tie = Keyset(fetch, "created_at", PAGE_SIZE, count_cap=MOST_RECORDS) if walked != "created_at" else None
        return Keyset(
            fetch=fetch,
            field=walked,
            page_size=PAGE_SIZE,
            lag=self.time_cursor.lag,
            checkpoint=checkpoint,
            tie=tie,
            count_cap=MOST_RECORDS,
        )

    def fetch_window(
        self,
        window: Window,
        token: Any = None,
        *,
        limit: int | None = None,
        archive: bool = False,
        criteria: Sequence[dict[str, Any]] = (),
    ) -> Fetched:
        """One page of a search. Tokens are `At`; `WalkExpired` where pages end or their size was halved."""
        at = token or At(1, 0, 0)
        if at.passed >= MOST_RECORDS or at.number > MOST_PAGES:
            raise WalkExpired
        asked = {
            "path": ARCHIVE_SEARCH_PATH if archive else SEARCH_PATH,
            "window": window, "page": at.number, "criteria": criteria,
        }  # fmt: skip
        try:
            answer, size = self._answer({**asked, "limit": limit} if limit else asked, at.size)
            if at.number > 1 and not answer.size and next_link(answer.body) is None:
                # It was announced, and may have lost its rows on the way.
                answer, size = self._answer(asked, at.size)
        except Rejected as rejected:
            if at.number > 1 and is_refused_query(rejected):
                raise WalkExpired from rejected
            raise
        total = counted(section(answer.body, "meta").get("total"))
        # Nothing of none is the end, whatever a link says.
        has_more = next_link(answer.body) is not None and (answer.size > 0 or total != 0)
        return Fetched(
            answer.records,
            answer.asked_at,
            At(at.number + 1, size, at.passed + answer.size) if has_more and limit is None else None,
            total if at.number == 1 else None,
            answer.size,
        )

    def _answer(self, asked: Mapping[str, Any], size: int) -> tuple[Answer, int]:
        """One page and the size that was asked for. Pages after the first stay at the size of the first."""
        while "limit" not in asked:
            size = size or self.rows_a_page
            try:
                return self._searched({**asked, "size": size}), size
            except WalkExpired:
                if asked["page"] > 1:
                    raise
                size = 0
        return self._searched(asked), size

    def _searched(self, asked: Mapping[str, Any]) -> Answer:
        path = asked["path"]
        while True:
            scope = self._current[path]
            try:
                answer = self._finished({**asked, "scope": scope})
            except Rejected as rejected:
                if scope is not self._current[path]:
                    continue  # another thread has learned meanwhile
                if path in self._searched_paths or not is_refused_query(rejected):
                    raise
                others = self._scopes[self._scopes.index(scope) + 1 :]
                if others:
                    self._current[path] = others[0]
                    continue
                if not self.is_doubtful:
                    raise
                raise SearchRefused(
                    f"Stream {self.name} cannot be read: Kustomer does not know the search for "
                    f"{scope.context}. Refresh the schema of the connection, or remove the stream.",
                    internal_message=rejected.internal_message,
                ) from rejected
            self._searched_paths.add(path)
            return answer

    def _finished(self, asked: Mapping[str, Any]) -> Answer:
        """One page of a search that was not given up half-way, with what had been found by then."""
        most = min(MOST_TIMEOUTS, self.client.patience.attempts)
        for attempt in range(1, most + 1):
            answer = self.fetch(asked)
            if section(answer.body, "meta").get("timed_out") is not True:
                return answer
            self.client.usage.retries += 1
            if attempt < most:
                self.client.pause(attempt, f"POST {asked['path']}: the search timed out")
        raise TransientError(
            f"Reading stream {self.name} failed: Kustomer gave up its search half-way {most} times in a row. "
            f"{self.client.patience.afterwards}",
            internal_message=f"POST {asked['path']}: meta.timed_out",
        )

    def probe(self) -> None:
        """One row."""
        self.fetch_window(Window(), limit=1)

    def request_body_json(
        self,
        stream_state: Mapping[str, Any] | None,
        stream_slice: Mapping[str, Any] | None = None,
        next_page_token: Mapping[str, Any] | None = None,
    ) -> Mapping[str, Any]:
        """The search for a window."""
        asked = stream_slice or {}
        return search_body(
            asked.get("scope", self.scope),
            asked.get("window", Window()),
            include_deleted=self.settings.include_deleted,
            criteria=asked.get("criteria", ()),
        )


def no_checkpoint(value: str, asked_at: datetime) -> None:
    """For walks whose records are no step that a state could name."""


def unseen_versions(records: list[Record], *, seen: set[Any], mark_of: Callable[[Record], Any]) -> list[Record]:
    """Versions of records that are not in `seen` yet, which has them from then on."""
    fresh = [record for record in records if mark_of(record) not in seen]
    seen.update(map(mark_of, fresh))
    return fresh
