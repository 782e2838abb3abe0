"""Asking Close: pages in sizes that it takes, around rows that were just deleted, by offset, by window."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from source_closeio.endpoints import ListAsk, ListEndpoint
from source_closeio.errors import cap, is_deleted_document
from source_kit import timestamps
from source_kit.client import HttpClient
from source_kit.endpoint import A, Endpoint
from source_kit.errors import ConnectorFault
from source_kit.fetcher import Answer, Fetcher
from source_kit.keyset import Keyset
from source_kit.page_size import PageSize
from source_kit.pages import MOST_PAGES_WITHOUT_ROWS, endless
from source_kit.rows import identity, unseen
from source_kit.rules import Rejected
from source_kit.tokens import incomplete
from source_kit.walks import MAX_RESTARTS
from source_kit.windows import Fetched, WalkExpired, Window
from source_kit.work import Page

DELETED_RETRIES = 3
DELETED_RETRY_SECONDS = 0.4
MOST_DELETED_IN_A_ROW = 20
Filters = Mapping[str, Any]
NO_FILTERS: Filters = MappingProxyType({})


# The token of the first page: how many rows to pass over, and the row before them.
FIRST_ROW = (0, None)
# An empty page although more is announced: asked for again so often.
MOST_EMPTY_ANSWERS = 3


class TooDeep(WalkExpired):
    """Close lets nobody page as far as to a row."""


class PageFetcher(Fetcher[A]):
    """Asks for pages; learns the largest size, which Close names in its refusals only."""

    sizes: PageSize

    def __init__(self, client: HttpClient, endpoint: Endpoint[A], stream: str, page_size: int) -> None:
        super().__init__(client, endpoint, stream, PageSize(page_size))

    @property
    def page_size(self) -> int:
        """The most rows of a page, as far as is known."""
        return self.sizes.largest

    def fetch(self, asked: A) -> Answer:
        """As the base; survives a smaller maximum, and pages with a deleted record."""
        try:
            return self._allowed(asked)
        except Rejected as rejected:
            if is_deleted_document(rejected):
                return self._around_deleted(asked)
            raise

    def narrower(self, asked: A) -> list[A]:
        """What to ask for where a record of the page was deleted: the page again, then ever shorter pages."""
        limits = [self._limit_of(asked)] * DELETED_RETRIES
        while limits[-1] > 1:
            limits.append(limits[-1] // 2)
        return [replace(asked, limit=limit) for limit in limits]

    def _around_deleted(self, asked: A) -> Answer:
        """A shorter page is never the last."""
        attempts = self.narrower(asked)
        for number, attempt in enumerate(attempts):
            try:
                return self._allowed(attempt)
            except Rejected as rejected:
                if not is_deleted_document(rejected) or number == len(attempts) - 1:
                    raise
                if number < DELETED_RETRIES:
                    self.client.clock.sleep(DELETED_RETRY_SECONDS * 2**number)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _allowed(self, asked: A) -> Answer:
        # At entry: a request in parallel may learn a smaller size meanwhile.
        limit = self._limit_of(asked)
        try:
            return super().fetch(asked)
        except Rejected as rejected:
            most = cap(rejected, "max_limit")
            if not most or most >= limit:
                raise
            if most < self.sizes.largest:
                self.sizes = PageSize(most)
            return self._allowed(replace(asked, limit=None))

    def _limit_of(self, asked: A) -> int:
        return asked.limit or asked.size or self.sizes.current


class ListFetcher(PageFetcher[ListAsk]):
    """Asks for a list by offset."""

    endpoint: ListEndpoint

    # Requests for single rows, each one row further, when the list begins with deleted ones.
    most_deleted_at_start = MOST_DELETED_IN_A_ROW

    def __init__(self, client: HttpClient, endpoint: ListEndpoint, stream: str) -> None:
        super().__init__(client, endpoint, stream, endpoint.page_size)

    def narrower(self, asked: ListAsk) -> list[ListAsk]:
        """As the base; then past the deleted rows."""
        most = MOST_DELETED_IN_A_ROW if asked.skip else self.most_deleted_at_start
        past = [replace(asked, limit=1, skip=asked.skip + passed) for passed in range(1, most)]
        return super().narrower(asked) + past

    def rows(self, filters: Filters = NO_FILTERS) -> Iterator[Page]:
        """All rows that fit."""
        return map(lambda fetched: Page(fetched.records), self.whole(filters))

    def whole(self, filters: Filters = NO_FILTERS) -> Iterator[Fetched]:
        """All rows that fit, each once; where rows shifted, the list is read again from its start."""
        seen: set[Any] = set()
        # Of the walk since its last restart.
        walked: set[Any] = set()
        token, restarts, repeated = None, 0, 0
        while True:
            try:
                fetched = self._with_rows(filters, token)
            except TooDeep as deep:
                raise ConnectorFault(
                    f"Stream {self.stream} has more rows than Close lets anybody page through, and no filter to split "
                    "them.",
                    internal_message=f"{self.endpoint.resource}: {deep}",
                ) from deep
            except WalkExpired as moved:
                restarts += 1
                if restarts > MAX_RESTARTS:
                    raise incomplete("offset") from moved
                token = None
                walked.clear()
                continue
            ids = set(map(identity, fetched.records))
            # Where pages cannot overlap, an API that ignores the offset shows by this only.
            repeated = repeated + 1 if ids <= walked else 0
            if repeated > MOST_PAGES_WITHOUT_ROWS:
                raise endless(f"offset {token}")
            walked |= ids
            token, ready = fetched.token, [replace(fetched, records=unseen(fetched.records, seen))]
            del fetched
            yield ready.pop()
            if token is None:
                return

    def _with_rows(self, filters: Filters, token: Any) -> Fetched:
        """One page. Raises where rows are announced and do not come."""
        for _ in range(MOST_EMPTY_ANSWERS):
            fetched = self.by_offset(filters, token)
            if fetched.token != (token or FIRST_ROW):
                return fetched
        raise endless(f"offset {token}")

    def by_offset(self, filters: Filters, token: tuple[int, Any] | None, limit: int | None = None) -> Fetched:
        """One page that begins with the last row of the page before; `WalkExpired` if the rows moved, or lie too deep.

        A page of one row cannot overlap and move on, and one with rows that were left out shows no last row: the page
        behind those begins anew.
        """
        skip, last = token or FIRST_ROW
        try:
            answer = self.fetch(ListAsk(skip=skip, filters=filters, limit=limit))
        except Rejected as rejected:
            if skip and cap(rejected, "max_skip") is not None:
                raise TooDeep(f"max_skip below {skip}") from rejected
            raise
        # Some small resources return everything and leave has_more out.
        records, size, has_more = answer.records, answer.size, bool(answer.body.get("has_more"))
        is_odd = size != len(records)
        if not size and has_more:
            return Fetched((), answer.asked_at, token or FIRST_ROW)
        known = 0 if last is None or is_odd else 1
        if last is not None and not is_odd and (not records or identity(records[0]) != last):
            raise WalkExpired
        overlap = 1 if len(records) > 1 and not is_odd else 0
        # As far as its rows reach at the least: one that came twice has one place.
        reach = skip + (len(records) or size) - overlap
        following = (reach, identity(records[-1]) if overlap else None) if has_more else None
        total = None if skip else list_total(answer.body, size)
        return Fetched(records[known:], answer.asked_at, following, total, rows=size - known)


class TimelineFetcher(ListFetcher):
    """Asks for a list by windows over a time field: `<field>__gte`, `<field>__lt`."""

    def __init__(
        self, client: HttpClient, endpoint: ListEndpoint, stream: str, field: str, filters: Filters = NO_FILTERS
    ) -> None:
        """`filters`: what else is asked for in every window."""
        super().__init__(client, endpoint, stream)
        self.field = field
        self.filters = filters

    def bounds(self, window: Window) -> dict[str, Any]:
        """The query parameters of a window."""
        bounds: dict[str, Any] = {}
        if window.lower is not None:
            bounds[f"{self.field}__gte"] = timestamps.milliseconds_z(window.lower)
        if window.upper is not None:
            bounds[f"{self.field}__lt"] = timestamps.milliseconds_z(window.upper)
        bounds["_order_by"] = f"-{self.field}" if window.descending else self.field
        return bounds

    def window(self, window: Window, token: Any = None, *, count: bool = False, limit: int | None = None) -> Fetched:
        """One page of a window; inside one instant by offset."""
        return self.by_offset({**self.bounds(window), **self.filters}, token, limit)

    def keyset(self, lag: timedelta) -> Keyset:
        """The walk over its field. For as long as the index may be late, what was edited shows its new time where it
        stood before; a creation does not move."""
        lag = lag if self.field == "date_updated" else Keyset.lag
        return Keyset(self.window, self.field, self.page_size, lag=lag)


def cursor_of(value: Any) -> Any:
    """The cursor of an answer; None where it is the end, or nothing that could be sent back."""
    return value if isinstance(value, str | int) and value else None


def list_total(content: Mapping[str, Any], rows: int) -> int | None:
    """`total_results` of a list for planning, or None. `has_more` decides what the end is, whatever was counted."""
    if not content.get("has_more"):
        return rows
    total = content.get("total_results")
    return max(total, rows + 1) if isinstance(total, int) else None
