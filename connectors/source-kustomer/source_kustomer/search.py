"""`POST /v1/customers/search`: what is searched for, and the body of a search. Pure.

developer.kustomer.com/docs/concepts/search. The path says customers, `queryContext` says what comes back. One sort key:
of several only the first counts. UTC timestamps with milliseconds are never moved by a time zone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from source_kit import pieces, rows
from source_kit.addresses import Params
from source_kit.endpoint import Ask
from source_kit.rows import Record
from source_kit.timestamps import EPOCH, MILLISECOND, milliseconds_z
from source_kit.windows import Window
from source_kit.written import outlines
from source_kustomer.budget import SEARCH
from source_kustomer.endpoints import KustomerEndpoint
from source_kustomer.errors import ARCHIVE_SEARCH_PATH, SEARCH_PATH

PAGE_SIZE = 500
# 100 pages, and 10,000 records whatever the size of the pages.
MOST_RECORDS = 10_000
MOST_PAGES = 100
# As objects they are half a megabyte, which a processor's cache holds.
PIECE_BYTES = 32 * 1024
SEARCHING = "search.create, search.update, search_global.create or search_preview.create"


@dataclass(frozen=True)
class Scope:
    """What is searched: the context, how its attributes are called, and by which time it is walked."""

    context: str
    prefix: str
    walked: str = "updated_at"

    def attribute(self, name: str) -> str:
        """`conversation_updated_at` for `updated_at`."""
        return f"{self.prefix}_{name}"


@dataclass(frozen=True)
class SearchAsk(Ask):
    """A page of a window of the scope's time, from the standard search or the archive.

    `criteria` narrow it. `is_present`: without what is deleted, whatever the config says; `ids_only`: nothing but ids.
    `scope`: the first of the endpoint's, if no other is named. `is_outlined`: of the rows nothing is looked at but
    their ids and times, so that they may be written at once.
    """

    window: Window = field(default_factory=Window)
    page: int = 1
    is_archive: bool = False
    criteria: Sequence[dict[str, Any]] = ()
    is_present: bool = False
    ids_only: bool = False
    scope: Scope | None = None
    is_outlined: bool = False


class _Finished(list[Record]):
    """Rows that are records already."""


@dataclass(frozen=True, eq=False)
class SearchEndpoint(KustomerEndpoint[SearchAsk]):
    """Everything of one query context, deleted records included if so wanted.

    `scopes`: the API may know one of them, another one perhaps in the archive. `is_doubtful`: or none.
    """

    usual = SearchAsk()
    method = "POST"
    bucket = SEARCH
    page_size = PAGE_SIZE
    schema: str
    scopes: tuple[Scope, ...]
    include_deleted: bool
    is_doubtful: bool = False

    @property
    def permission(self) -> str:
        # Klasses are kobjects, and times belong to conversations.
        resource = self.scopes[0].context.partition("_")[0]
        return f"org.permission.{resource}.read, or one that lets it search (org.permission.{SEARCHING})"

    @property
    def walked(self) -> str:
        """The time by which it is walked."""
        return self.scopes[0].walked

    def path(self, asked: SearchAsk) -> str:
        return ARCHIVE_SEARCH_PATH if asked.is_archive else SEARCH_PATH

    def params(self, asked: SearchAsk) -> Params:
        size = asked.limit or asked.size or self.page_size
        return {"page": asked.page, "pageSize": size} | ({"idsOnly": "true"} if asked.ids_only else {})

    def json(self, asked: SearchAsk) -> Mapping[str, Any]:
        return search_body(
            asked.scope or self.scopes[0],
            asked.window,
            include_deleted=self.include_deleted and not asked.is_present,
            criteria=asked.criteria,
        )

    def parse(self, asked: SearchAsk, content: bytes) -> Any:
        """As the base. If outlines are enough, the records are written piece by piece, if all have an id and a time."""
        if asked.is_outlined:
            with suppress(ValueError):
                return self._outlined(asked, content)
        return super().parse(asked, content)

    def records(self, content: Any, asked: SearchAsk) -> list[Record]:
        """As the base; what was written is finished."""
        found: list[Record] = content[self.rows_key]
        return found if isinstance(found, _Finished) else super().records(content, asked)

    def _outlined(self, asked: SearchAsk, content: bytes) -> Any:
        names = ["id", self.walked] if asked.window.within is None else ["id", self.walked, "created_at"]

        def written(piece: list[Any]) -> list[Record]:
            if not rows.are_plain(piece):
                raise ValueError("odd rows")
            return outlines(super(SearchEndpoint, self).records({self.rows_key: piece}, asked), names)

        value = pieces.in_pieces(content, self.rows_key, PIECE_BYTES, written)
        if not rows.are_plain(value[self.rows_key]):
            raise ValueError("rows that come twice")
        value[self.rows_key] = _Finished(value[self.rows_key])
        return value


def search_body(
    scope: Scope, window: Window, *, include_deleted: bool, criteria: Sequence[dict[str, Any]] = ()
) -> dict[str, Any]:
    """A search over the scope's time, or, for a window within one instant of it, over the time of creation."""
    walked = scope.walked
    conditions: list[dict[str, Any]] = list(criteria)
    if window.within is not None:
        conditions += _range(scope.attribute(walked), window.within, window.within + MILLISECOND)
        walked = "created_at"
    lower = window.lower if window.lower is not None or window.within is not None else EPOCH
    conditions += _range(scope.attribute(walked), lower, window.upper)
    body: dict[str, Any] = {
        "queryContext": scope.context,
        "and": conditions,
        "sort": [{scope.attribute(walked): "desc" if window.descending else "asc"}],
    }
    if include_deleted:
        body["includeDeleted"] = True
    return body


def _range(attribute: str, lower: datetime | None, upper: datetime | None) -> list[dict[str, Any]]:
    """Inclusive below, exclusive above; one entry per operator."""
    conditions = []
    if lower is not None:
        conditions.append({attribute: {"gte": milliseconds_z(lower)}})
    if upper is not None:
        conditions.append({attribute: {"lt": milliseconds_z(upper)}})
    return conditions
