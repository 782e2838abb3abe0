"""Streams that are read by searching (`POST /data/search/`), by keyset over `date_updated`."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from typing import Any, ClassVar

from source_closeio.base import CloseStream
from source_closeio.custom_fields import key_of
from source_closeio.search import PATH, SearchEndpoint
from source_closeio.search_fetcher import SearchFetcher, SearchRefused
from source_closeio.ties import OtherWay, fetch_again, is_second_reading
from source_closeio.witness import Witness
from source_kit import schemas
from source_kit.errors import SourceError
from source_kit.keyset import Keyset
from source_kit.rules import Rejected, Unavailable
from source_kit.walks import walk
from source_kit.windows import Fetched, Window
from source_kit.work import Plan, Start


class Searched(CloseStream):
    """Every object of one type with all its fields. Subclasses give `object_type` and, if there is one, another way."""

    pages: SearchFetcher
    cursor_field = "date_updated"
    resource = PATH
    object_type: str
    # Where one record can be asked for by its id.
    record_resource: str
    # Fields of the schema that a search must not name.
    optional_fields: ClassVar[frozenset[str]] = frozenset()

    def fetcher(self) -> SearchFetcher:
        endpoint = SearchEndpoint(self.object_type, self.mending)
        return SearchFetcher(self.client, endpoint, self.name, self.field_names)

    @cached_property
    def other_way(self) -> OtherWay | None:
        """How the stream is read where searching is refused."""
        return None

    def field_names(self) -> list[str]:
        """A search returns only what it names, each custom field included."""
        names = schemas.load(self.package, self.schema_name)["properties"]
        custom = map(key_of, self.custom_fields().fields)
        return [*(name for name in names if name not in self.optional_fields), *custom]

    def work(self, start: Start) -> Plan:
        """The walk, and what the event log says has changed and the search index does not show."""
        cursor = self.time_cursor
        witness = Witness(self, cursor, [self.object_type], self.record_resource)
        return witness.over(self._walked(cursor.window(start)), start)

    def _walked(self, window: Window) -> Plan:
        """Ascending windows over `date_updated`, open at the end, so that what is edited meanwhile is seen again."""
        if window.is_empty:
            return
        status = self.custom_fields().refused_with
        if status and self.other_way:
            why = f"A search gives only what it names, and the custom fields of {self.name} cannot be listed"
            yield from self._otherwise(self.other_way, window, f"{why} (status {status})")
            return
        if status:
            self.client.log(
                "WARN", f"Stream {self.name} is read without its custom values: a search gives only what it names."
            )
        try:
            yield from walk(self.keyset(), window)
        except SearchRefused as refused:
            if self.other_way is None:
                raise self.no_way(refused) from refused
            why = f"Searching {self.name} is refused ({refused})"
            yield from self._otherwise(self.other_way, window, why)

    def _otherwise(self, way: OtherWay, window: Window, why: str) -> Plan:
        self.client.log("WARN", f"{why}; {way.words}.")
        yield from way.walk(window)

    def no_way(self, refused: SearchRefused) -> Unavailable:
        """What to raise where searching is refused and there is no other way."""
        cause = refused.__cause__
        return Unavailable(
            f"Reading stream {self.name} failed: Close refuses to search these objects ({refused}), and there is no "
            "other way to list them. The plan may lack the feature, or the role the permission; remove the stream from "
            "the sync otherwise.",
            internal_message=cause.internal_message if isinstance(cause, SourceError) else None,
        )

    def probe(self) -> None:
        """One row, by whichever way there is."""
        try:
            super().probe()
        except (Unavailable, Rejected):
            if self.other_way is None:
                raise
            self.other_way.probe()

    def keyset(self) -> Keyset:
        """The walk over `date_updated`; where one instant fills a page, over `date_created` within it."""
        return Keyset(
            fetch=self.fetch_window,
            field="date_updated",
            page_size=self.pages.page_size,
            lag=self.lag,
            checkpoint=self.checkpoint,
            tie=Keyset(fetch=self.fetch_window, field="date_created", page_size=self.pages.page_size),
        )

    def checkpoint(self, value: str, asked_at: datetime) -> dict[str, Any]:
        """Never past the time at which the custom fields were listed: of one that is created and filled later, the
        search knows nothing, and the next read asks for its records again."""
        listed_at = self.custom_fields().listed_at
        return self.time_cursor.checkpoint(value, asked_at if listed_at is None else min(asked_at, listed_at))

    def fetch_window(
        self, window: Window, token: Any = None, *, count: bool = False, limit: int | None = None
    ) -> Fetched:
        """One page of a search; `WalkExpired` when its cursor is too old or too deep."""
        if is_second_reading(window) and self.other_way:
            return fetch_again(self.pages.window, self.other_way, window, token)
        return self.pages.window(window, token, count=count, limit=limit)
