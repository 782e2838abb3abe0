"""Asking searches: one page of a window, in a scope that the API knows, from a search that was finished."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

from source_kit.client import HttpClient
from source_kit.errors import StreamUnavailable, TransientError
from source_kit.fetcher import Answer
from source_kit.rules import Rejected
from source_kit.windows import Fetch, Fetched, WalkExpired, Window
from source_kustomer.envelope import next_link, section, total_of
from source_kustomer.errors import is_refused_query
from source_kustomer.fetcher import KustomerFetcher
from source_kustomer.search import MOST_PAGES, MOST_RECORDS, SearchAsk, SearchEndpoint

# Answers to one search that say that it was given up; 40 seconds with the pauses between them.
MOST_TIMEOUTS = 8


class At(NamedTuple):
    """A page of a search: its number, the size of pages, and the rows before it."""

    number: int = 1
    size: int = 0
    passed: int = 0


class SearchRefused(StreamUnavailable):
    """The API does not know this search; said before any search of the stream has worked."""


class SearchFetcher(KustomerFetcher[SearchAsk]):
    """Asks one query context by windows of time."""

    endpoint: SearchEndpoint

    def __init__(self, client: HttpClient, endpoint: SearchEndpoint, stream: str) -> None:
        super().__init__(client, endpoint, stream)
        # Of the standard search and of the archive: the scope in use, and whether it has been answered.
        self._scopes = dict.fromkeys((False, True), endpoint.scopes[0])
        self._answered: set[bool] = set()

    def forget_scopes(self) -> None:
        """Try them anew: what was refused may have been something else."""
        self._scopes = dict.fromkeys((False, True), self.endpoint.scopes[0])

    def find_scope(self) -> None:
        """Find the scope that the API knows, before parallel work begins. Raises `SearchRefused` if it knows none."""
        if self.endpoint.is_doubtful and False not in self._answered:
            self.fetch(SearchAsk(limit=1))

    def windows(self, asked: SearchAsk) -> Fetch:
        """What asks for pages of windows in the manner of `asked`."""

        def fetch(window: Window, token: Any = None, *, count: bool = False, limit: int | None = None) -> Fetched:
            return self.page(replace(asked, window=window, limit=limit), token)

        return fetch

    def page(self, asked: SearchAsk, at: At | None = None) -> Fetched:
        """One page of a search. Tokens are `At`; `WalkExpired` where pages end or their size was halved."""
        at = at or At()
        if at.passed >= MOST_RECORDS or at.number > MOST_PAGES:
            raise WalkExpired
        asked = replace(asked, page=at.number)
        try:
            answer, size = self._sized(asked, at.size)
            if at.number > 1 and not answer.size and next_link(answer.body) is None:
                # It was announced, and may have lost its rows on the way.
                answer, size = self._sized(replace(asked, limit=None), at.size)
        except Rejected as rejected:
            if at.number > 1 and is_refused_query(rejected):
                raise WalkExpired from rejected
            raise
        total = total_of(answer.body)
        # Nothing of none is the end, whatever a link says.
        has_more = next_link(answer.body) is not None and (answer.size > 0 or total != 0)
        return Fetched(
            answer.records,
            answer.asked_at,
            At(at.number + 1, size, at.passed + answer.size) if has_more and asked.limit is None else None,
            total if at.number == 1 else None,
            answer.size,
        )

    def count(self, asked: SearchAsk) -> int:
        """What the search counts; at most 10,000."""
        return self.page(replace(asked, limit=1)).total or 0

    def _sized(self, asked: SearchAsk, size: int) -> tuple[Answer, int]:
        """One page and the size that was asked for. Pages after the first stay at the size of the first."""
        while not asked.limit:
            size = size or self.rows_a_page
            try:
                return self.fetch(replace(asked, size=size)), size
            except WalkExpired:
                if asked.page > 1:
                    raise
                size = 0
        return self.fetch(asked), size

    def fetch(self, asked: SearchAsk) -> Answer:
        """As the base, in the first scope that the API knows. Raises `SearchRefused` if it knows none."""
        part, scopes = asked.is_archive, self.endpoint.scopes
        while True:
            scope = self._scopes[part]
            try:
                answer = self._finished(replace(asked, scope=scope))
            except Rejected as rejected:
                if scope is not self._scopes[part]:
                    continue  # another thread has learned meanwhile
                if part in self._answered or not is_refused_query(rejected):
                    raise
                others = scopes[scopes.index(scope) + 1 :]
                if others:
                    self._scopes[part] = others[0]
                    continue
                if not self.endpoint.is_doubtful:
                    raise
                raise SearchRefused(
                    f"Stream {self.stream} cannot be read: Kustomer does not know the search for "
                    f"{scope.context}. Refresh the schema of the connection, or remove the stream.",
                    internal_message=rejected.internal_message,
                ) from rejected
            self._answered.add(part)
            return answer

    def _finished(self, asked: SearchAsk) -> Answer:
        """One page of a search that was not given up half-way, with what had been found by then."""
        most, what = min(MOST_TIMEOUTS, self.client.patience.attempts), f"POST {self.endpoint.path(asked)}"
        for attempt in range(1, most + 1):
            answer = super().fetch(asked)
            if section(answer.body, "meta").get("timed_out") is not True:
                return answer
            self.client.usage.retries += 1
            if attempt < most:
                self.client.pause(attempt, f"{what}: the search timed out")
        raise TransientError(
            f"Reading stream {self.stream} failed: Kustomer gave up its search half-way {most} times in a row. "
            f"{self.client.patience.afterwards}",
            internal_message=f"{what}: meta.timed_out",
        )
