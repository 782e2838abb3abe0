"""Streams that are read by searching (`POST /data/search/`), by keyset over `date_updated`."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, ClassVar

import requests

from source_closeio import search
from source_closeio.base import CloseStream, cursor_of
from source_closeio.custom_fields import key_of
from source_closeio.errors import cap, is_cursor_error, is_fields_error, unknown_fields
from source_closeio.ties import OtherWay, fetch_again, is_second_reading
from source_closeio.witness import Witness
from source_kit import schemas
from source_kit.errors import SourceError
from source_kit.keyset import Keyset
from source_kit.rules import Rejected, Unavailable
from source_kit.stream import Answer, TimeCursor
from source_kit.windows import Fetched, WalkExpired, Window
from source_kit.work import Plan, Record, Start

CORE_FIELDS = ("id", "date_created", "date_updated")


class SearchRefused(Exception):
    """This account or key may not search these objects; said before any search has worked."""


class Searched(CloseStream):
    """Every object of one type with all its fields. Subclasses give `object_type` and, if there is one, another way."""

    cursor_field = "date_updated"
    resource = search.PATH
    page_size = search.MAX_LIMIT
    http_method = "POST"
    object_type: str
    # Where one record can be asked for by its id.
    record_resource: str
    # Fields of the schema that a search must not name.
    optional_fields: ClassVar[frozenset[str]] = frozenset()
    _has_searched = False

    @cached_property
    def other_way(self) -> OtherWay | None:
        """How the stream is read where searching is refused."""
        return None

    @cached_property
    def field_names(self) -> list[str]:
        """A search returns only what it names, each custom field included."""
        names = schemas.load(self.package, self.schema_name)["properties"]
        custom = self.account.custom_fields(self.custom_type).fields
        return [*(name for name in names if name not in self.optional_fields), *map(key_of, custom)]

    @property
    def time_cursor(self) -> TimeCursor:
        """The state stays behind the request time by the lag of the search index."""
        common = self.settings.common
        lag = timedelta(seconds=common.lookback_window_seconds)
        return TimeCursor("date_updated", common.start_date, lag, common.end_date)

    def work(self, start: Start) -> Plan:
        """The walk, and what the event log says has changed and the search index does not show."""
        cursor = self.time_cursor
        witness = Witness(self, cursor, [self.object_type], self.record_resource)
        return witness.over(self._walked(cursor.window(start)), start)

    def _walked(self, window: Window) -> Plan:
        """Ascending windows over `date_updated`, open at the end, so that what is edited meanwhile is seen again."""
        if window.is_empty:
            return
        status = self.account.custom_fields(self.custom_type).refused_with
        if status and self.other_way:
            why = f"A search gives only what it names, and the custom fields of {self.name} cannot be listed"
            yield from self._otherwise(self.other_way, window, f"{why} (status {status})")
            return
        if status:
            self.say(
                "WARN", f"Stream {self.name} is read without its custom values: a search gives only what it names."
            )
        try:
            yield from self.keyset().walk(window)
        except SearchRefused as refused:
            if self.other_way is None:
                raise self._no_way(refused) from refused
            why = f"Searching {self.name} is refused ({refused})"
            yield from self._otherwise(self.other_way, window, why)

    def _otherwise(self, way: OtherWay, window: Window, why: str) -> Plan:
        self.say("WARN", f"{why}; {way.words}.")
        yield from way.walk(window, self.chosen)

    def _no_way(self, refused: SearchRefused) -> Unavailable:
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
        cursor = self.time_cursor
        return Keyset(
            fetch=self.fetch_window,
            field="date_updated",
            page_size=self.page_size,
            lag=cursor.lag,
            emit=self.chosen,
            checkpoint=self.checkpoint,
            tie=Keyset(fetch=self.fetch_window, field="date_created", page_size=self.page_size),
        )

    def checkpoint(self, value: str, asked_at: datetime) -> dict[str, Any]:
        """Never past the time at which the custom fields were listed: of one that is created and filled later, the
        search knows nothing, and the next read asks for its records again."""
        listed_at = self.account.custom_fields(self.custom_type).listed_at
        return self.time_cursor.checkpoint(value, asked_at if listed_at is None else min(asked_at, listed_at))

    def fetch_window(
        self, window: Window, token: Any = None, *, count: bool = False, limit: int | None = None
    ) -> Fetched:
        """One page of a search; `WalkExpired` when its cursor is too old or too deep."""
        if is_second_reading(window) and self.other_way:
            return fetch_again(self._search, self.other_way, window, token)
        return self._search(window, token, count=count, limit=limit)

    def _search(
        self, window: Window, token: Any = None, *, count: bool | None = None, limit: int | None = None
    ) -> Fetched:
        """The same without another way; counts at the beginning of a query unless told."""
        if count is None:
            count = token is None
        stream_slice = {"window": window, "count": count, "limit": limit}
        answer = self._searched(stream_slice, {"cursor": token} if token else None)
        cursor, total = cursor_of(answer.body.get("cursor")), search.counted(answer.body)
        return Fetched(answer.records, answer.asked_at, cursor, total, rows=answer.size)

    def _searched(self, stream_slice: Mapping[str, Any], token: Mapping[str, Any] | None) -> Answer:
        asked = self.field_names
        try:
            answer = self.fetch(stream_slice, token)
        except Unavailable as unavailable:
            if self._has_searched:
                raise
            raise SearchRefused(f"status {unavailable.status}") from unavailable
        except Rejected as rejected:
            if token is not None and is_cursor_error(rejected):
                raise WalkExpired from rejected
            if is_fields_error(rejected) and self._drop_unknown_fields(rejected, asked):
                return self._searched(stream_slice, token)
            if self._has_searched or cap(rejected, "max_limit"):
                raise
            raise SearchRefused(f"status {rejected.status}") from rejected
        self._has_searched = True
        return answer

    def _drop_unknown_fields(self, rejected: Rejected, asked: list[str]) -> bool:
        """Ask without the names that the refusal is about, from now on; whether there are any."""
        unknown = unknown_fields(rejected, [name for name in asked if name not in CORE_FIELDS])
        dropped = [name for name in self.field_names if name in unknown]
        if dropped:
            self.say(
                "WARN",
                f"Close does not know the {self.object_type} fields {', '.join(sorted(dropped))}; reading without "
                "them.",
            )
            self.field_names = [name for name in self.field_names if name not in dropped]
        return bool(unknown)

    def request_params(
        self,
        stream_state: Mapping[str, Any] | None,
        stream_slice: Mapping[str, Any] | None = None,
        next_page_token: Mapping[str, Any] | None = None,
    ) -> MutableMapping[str, Any]:
        """Everything is in the body."""
        return {}

    def request_body_json(
        self,
        stream_state: Mapping[str, Any] | None,
        stream_slice: Mapping[str, Any] | None = None,
        next_page_token: Mapping[str, Any] | None = None,
    ) -> Mapping[str, Any]:
        """The search for a window."""
        asked = stream_slice or {}
        window = asked.get("window", Window())
        return search.search_body(
            self.object_type,
            window,
            CORE_FIELDS if asked.get("limit") == 1 else self.field_names,
            cursor=(next_page_token or {}).get("cursor"),
            count=asked.get("count", False),
            limit=self.limit_of(asked),
            tied=window.within is not None,
        )

    def parse_response(self, response: requests.Response, **arguments: Any) -> list[Record]:
        """Objects as their own endpoint gives them: without the search's type marker."""
        records = super().parse_response(response, **arguments)
        for record in records:
            record.pop("__object_type", None)
        return records

    def say(self, level: str, text: str) -> None:
        """A line for the user's log."""
        self.client.log(level, text)
