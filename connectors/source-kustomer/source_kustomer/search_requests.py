"""Requests of the searches: one page of a window, in a scope that the API knows, from a search that was finished."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from source_kit import schemas
from source_kit.client import HttpClient
from source_kit.errors import StreamUnavailable, TransientError
from source_kit.rules import Rejected
from source_kit.stream import Answer
from source_kit.windows import Fetched, WalkExpired, Window
from source_kustomer import custom
from source_kustomer.base import KustomerStream
from source_kustomer.budget import SEARCH
from source_kustomer.config import Settings
from source_kustomer.errors import ARCHIVE_SEARCH_PATH, SEARCH_PATH, is_refused_query
from source_kustomer.paging import counted, next_link, section
from source_kustomer.search import MOST_PAGES, MOST_RECORDS, PAGE_SIZE, Scope, search_body

# Answers to one search that say that it was given up; 40 seconds with the pauses between them.
MOST_TIMEOUTS = 8
SEARCHING = "search.create, search.update, search_global.create or search_preview.create"


class At(NamedTuple):
    """A page of a search: its number, the size of pages, and the rows before it."""

    number: int
    size: int
    passed: int


@dataclass(frozen=True)
class Only:
    """A search for what is not deleted, whatever the config says; `ids`: and for nothing but ids."""

    ids: bool = False


class SearchRefused(StreamUnavailable):
    """The API does not know this search; said before any search of the stream has worked."""


class SearchRequests(KustomerStream):
    """One query context, asked by windows of time. What is read of it is up to subclasses."""

    cursor_field = "updated_at"
    http_method = "POST"
    bucket = SEARCH
    resource = SEARCH_PATH
    page_size = PAGE_SIZE
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

    def forget_scopes(self) -> None:
        """Try them anew: what was refused may have been something else."""
        self._current = dict.fromkeys((SEARCH_PATH, ARCHIVE_SEARCH_PATH), self._scopes[0])

    def settle(self) -> None:
        """Find the scope that the API knows, before parallel work begins. Raises `SearchRefused` if it knows none."""
        if self.is_doubtful and SEARCH_PATH not in self._searched_paths:
            self.fetch_window(Window(), limit=1)

    def fetch_window(
        self,
        window: Window,
        token: Any = None,
        *,
        limit: int | None = None,
        archive: bool = False,
        criteria: Sequence[dict[str, Any]] = (),
        only: Only | None = None,
    ) -> Fetched:
        """One page of a search. Tokens are `At`; `WalkExpired` where pages end or their size was halved."""
        at = token or At(1, 0, 0)
        if at.passed >= MOST_RECORDS or at.number > MOST_PAGES:
            raise WalkExpired
        asked = {
            "path": ARCHIVE_SEARCH_PATH if archive else SEARCH_PATH,
            "window": window, "page": at.number, "criteria": criteria, "only": only,
            "filters": {"idsOnly": "true"} if only is not None and only.ids else {},
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
            include_deleted=self.settings.include_deleted and asked.get("only") is None,
            criteria=asked.get("criteria", ()),
        )
