"""The streams that are searched: windows over the time of the last change, and the archive for what is older.

Kustomer's standard search finds only what changed in the last two years, the archive search only what did not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from source_kit import schemas, timestamps
from source_kit.client import HttpClient
from source_kit.errors import StreamUnavailable
from source_kit.keyset import Keyset
from source_kit.rules import Rejected
from source_kit.stream import Answer, TimeCursor
from source_kit.windows import Fetched, WalkExpired, Window
from source_kit.work import Piece, Record, Start, Work
from source_kustomer import custom
from source_kustomer.base import KustomerStream
from source_kustomer.budget import SEARCH
from source_kustomer.config import Settings
from source_kustomer.errors import ARCHIVE_SEARCH_PATH, SEARCH_PATH, is_refused_query
from source_kustomer.search import LAST_PAGE, MOST_RECORDS, PAGE_SIZE, Scope, search_body

# Two years may be 730 or 731 days. What lies between these bounds may be on either side, or cross while it is read.
SURELY_ARCHIVED = timedelta(days=732)
SURELY_SEARCHED = timedelta(days=728)
SEARCHING = "search.create, search.update, search_global.create or search_preview.create"
Checkpoint = Callable[[str, datetime], Mapping[str, Any] | None]


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

    def get_json_schema(self) -> schemas.Schema:  # type: ignore[override]  # the CDK wraps its own in lru_cache
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

    def work(self, start: Start) -> Work:
        """The archive, then the border that records cross while they are read, then the standard search."""
        self.settle()
        return self.pieces(self.time_cursor.lower(start), self.time_cursor.checkpoint)
        yield  # a plan without pages of its own

    def settle(self) -> None:
        """Find the scope that the API knows, before parallel work begins. Raises `SearchRefused` if it knows none."""
        if self.is_doubtful and SEARCH_PATH not in self._searched_paths:
            self.fetch_window(Window(), limit=1)

    def pieces(
        self, lower: datetime | None, checkpoint: Checkpoint, *, criteria: Sequence[dict[str, Any]] = ()
    ) -> list[Piece]:
        """The whole walk from `lower` as pieces in order; `checkpoint` makes the states.

        `criteria` narrow the standard search; the archive does not know them.
        """
        now = timestamps.floor(self.client.clock.now(), timestamps.MILLISECOND)
        archived, searched = now - SURELY_ARCHIVED, now - SURELY_SEARCHED
        reads_archive = self.has_archive and self.settings.include_archived
        if not reads_archive or (lower is not None and lower >= searched):
            return [Piece(self.keyset(checkpoint, criteria=criteria).walk(Window(lower)))]
        border = Window(archived if lower is None else max(lower, archived), searched)
        pieces = []
        if lower is None or lower < archived:
            pieces.append(Piece(self.keyset(checkpoint, archive=True).walk(Window(lower, archived))))
        return [*pieces, Piece(self._border(border)), *self.recent(searched, now, checkpoint, criteria)]

    def recent(
        self, lower: datetime, now: datetime, checkpoint: Checkpoint, criteria: Sequence[dict[str, Any]] = ()
    ) -> list[Piece]:
        """The standard search after older parts. Pieces run side by side: what moves from an older part meanwhile is
        at the open end, which is read when everything else is out."""
        keyset, settled = self.keyset(checkpoint, criteria=criteria), now - self.time_cursor.lag
        return [Piece(keyset.walk(Window(lower, settled))), Piece(keyset.walk(Window(settled), cut=False), last=True)]

    def _border(self, window: Window) -> Work:
        """Standard search first, archive second: the second sees what crosses in between. No checkpoints inside."""
        seen: set[tuple[Any, Any]] = set()

        def once(records: list[Record]) -> list[Record]:
            fresh = [record for record in records if self._mark(record) not in seen]
            seen.update(map(self._mark, fresh))
            return fresh

        for archive in (False, True):
            keyset = replace(self.keyset(_no_checkpoint, archive=archive), emit=once)
            yield from keyset.walk(window, cut=False)
        return None

    def _mark(self, record: Record) -> tuple[Any, Any]:
        return record["id"], record[self.scope.walked]

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
        """One page of a search. Tokens are page numbers; `WalkExpired` where the API ends its pages."""
        page = token or 1
        if page > LAST_PAGE:
            raise WalkExpired
        asked = {
            "path": ARCHIVE_SEARCH_PATH if archive else SEARCH_PATH,
            "window": window, "page": page, "limit": limit, "criteria": criteria,
        }  # fmt: skip
        try:
            answer = self._searched(asked)
        except Rejected as rejected:
            if page > 1 and is_refused_query(rejected):
                raise WalkExpired from rejected
            raise
        total = (answer.body.get("meta") or {}).get("total")
        has_more = bool((answer.body.get("links") or {}).get("next")) and bool(answer.records)
        return Fetched(
            answer.records,
            answer.asked_at,
            page + 1 if has_more and limit is None else None,
            total if isinstance(total, int) and page == 1 else None,
        )

    def _searched(self, asked: Mapping[str, Any]) -> Answer:
        path = asked["path"]
        while True:
            scope = self._current[path]
            try:
                answer = self.fetch({**asked, "scope": scope})
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


def _no_checkpoint(value: str, asked_at: datetime) -> None:
    return None
