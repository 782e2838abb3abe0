"""Asking searches: one page of a window, in the fields that Close knows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from source_closeio.errors import cap, is_cursor_error, is_fields_error, unknown_fields
from source_closeio.fetcher import PageFetcher, cursor_of
from source_closeio.search import CORE_FIELDS, SearchAsk, SearchEndpoint, counted
from source_kit.client import HttpClient
from source_kit.fetcher import Answer
from source_kit.rules import Rejected, Unavailable
from source_kit.windows import Fetched, WalkExpired, Window


class SearchRefused(Exception):
    """This account or key may not search these objects; said before any search has worked."""


class SearchFetcher(PageFetcher[SearchAsk]):
    """Searches for objects of one type."""

    endpoint: SearchEndpoint
    _has_searched = False

    def __init__(
        self, client: HttpClient, endpoint: SearchEndpoint, stream: str, fields: Callable[[], Sequence[str]]
    ) -> None:
        """`fields`: a search returns only what it names; called when the first page is asked for."""
        super().__init__(client, endpoint, stream, endpoint.page_size)
        self._fields = fields

    @cached_property
    def fields(self) -> list[str]:
        """What to name, without what Close turns out not to know."""
        return list(self._fields())

    def window(self, window: Window, token: Any = None, *, count: bool = False, limit: int | None = None) -> Fetched:
        """One page; `WalkExpired` when its cursor is too old or too deep."""
        asked = SearchAsk(
            limit=limit,
            window=window,
            cursor=token or None,
            counts=count,
            fields=CORE_FIELDS if limit == 1 else self.fields,
        )
        answer = self._searched(asked)
        cursor, total = cursor_of(answer.body.get("cursor")), counted(answer.body)
        return Fetched(answer.records, answer.asked_at, cursor, total, rows=answer.size)

    def _searched(self, asked: SearchAsk) -> Answer:
        try:
            answer = self.fetch(asked)
        except Unavailable as unavailable:
            if self._has_searched:
                raise
            raise SearchRefused(f"status {unavailable.status}") from unavailable
        except Rejected as rejected:
            if asked.cursor is not None and is_cursor_error(rejected):
                raise WalkExpired from rejected
            if is_fields_error(rejected) and self._drop_unknown_fields(rejected, asked.fields):
                return self._searched(replace(asked, fields=self.fields))
            if self._has_searched or cap(rejected, "max_limit"):
                raise
            raise SearchRefused(f"status {rejected.status}") from rejected
        self._has_searched = True
        return answer

    def _drop_unknown_fields(self, rejected: Rejected, asked: Sequence[str]) -> bool:
        """Ask without the names that the refusal is about, from now on; whether there are any."""
        unknown = unknown_fields(rejected, [name for name in asked if name not in CORE_FIELDS])
        dropped = [name for name in self.fields if name in unknown]
        if dropped:
            self.client.log(
                "WARN",
                f"Close does not know the {self.endpoint.object_type} fields {', '.join(sorted(dropped))}; reading "
                "without them.",
            )
            self.fields = [name for name in self.fields if name not in dropped]
        return bool(unknown)
