"""Leads: by keyset over Advanced Filtering, or by the old query language where searching is refused."""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping
from datetime import timedelta
from functools import cached_property
from typing import Any

import requests

from source_closeio import search
from source_closeio.base import CloseStream
from source_closeio.custom_fields import custom_fields_of, key_of, schema_of
from source_closeio.errors import cap, is_cursor_error, is_fields_error
from source_kit import schemas, timestamps
from source_kit.client import Rejected, Unavailable
from source_kit.errors import ConnectorFault
from source_kit.keyset import Keyset
from source_kit.stream import Answer, TimeCursor
from source_kit.windows import Fetched, WalkExpired, Window
from source_kit.work import Record, Start, Work

QUERY_PAGE_SIZE = 200
CORE_FIELDS = ("id", "date_created", "date_updated")
# Close computes these only when they are named; the rest is what `GET /lead/` gives. `localtime` differs at every read,
# and heavy field lists make Close end search pages early.
OPTIONAL_FIELDS = frozenset(
    [
        "contact_ids",
        "contacts_summary",
        "localtime",
        "primary_email",
        "primary_phone",
        "primary_address_summary",
        "recent_calls",
        "source",
        "summaries",
    ]
)


class SearchRefused(Exception):
    """This account or key may not search; said before any search has worked."""


class Leads(CloseStream):
    """Every lead with all its fields, by `date_updated`."""

    name = "leads"
    cursor_field = "date_updated"
    resource = search.PATH
    page_size = search.MAX_LIMIT
    http_method = "POST"

    @cached_property
    def account_fields(self) -> list[Record]:
        """The lead custom fields of the account; asked for once."""
        return custom_fields_of(self.client, "lead")

    def schema(self) -> schemas.Schema:
        """The schema file and the account's custom fields, typed."""
        schema = schemas.load(self.package, self.name)
        return schemas.extended(schema, {key_of(field): schema_of(field) for field in self.account_fields})

    @cached_property
    def field_names(self) -> list[str]:
        """A search returns only what it names, each custom field included."""
        names = [name for name in schemas.load(self.package, self.name)["properties"] if name not in OPTIONAL_FIELDS]
        return [*names, *map(key_of, self.account_fields)]

    @property
    def time_cursor(self) -> TimeCursor:
        """The state stays behind the request time by the lag of the search index."""
        common = self.settings.common
        return TimeCursor("date_updated", common.start_date, timedelta(seconds=common.lookback_window_seconds))

    def work(self, start: Start) -> Work:
        """Ascending windows over `date_updated`, open at the end, so that leads edited meanwhile are seen again."""
        window = Window(self.time_cursor.lower(start))
        try:
            return (yield from self._keyset().walk(window))
        except SearchRefused as refused:
            self._say(
                "WARN", f"Searching leads is refused ({refused}); reading them by query= instead, which is slower."
            )
        return (yield from LeadsByQuery(self.client, self.settings).walk(window))

    def _keyset(self) -> Keyset:
        cursor = self.time_cursor
        return Keyset(
            fetch=self.fetch_window,
            field="date_updated",
            page_size=self.page_size,
            lag=cursor.lag,
            checkpoint=cursor.checkpoint,
            tie=Keyset(fetch=self.fetch_window, field="date_created", page_size=self.page_size),
        )

    def fetch_window(
        self, window: Window, token: Any = None, *, count: bool = False, limit: int | None = None
    ) -> Fetched:
        """One page of a search; `WalkExpired` when its cursor is too old or too deep."""
        stream_slice = {"window": window, "count": count, "limit": limit}
        answer = self._searched(stream_slice, {"cursor": token} if token else None)
        return Fetched(answer.records, answer.asked_at, answer.body.get("cursor"), search.counted(answer.body))

    def _searched(self, stream_slice: Mapping[str, Any], token: Mapping[str, Any] | None) -> Answer:
        try:
            answer = self.fetch(stream_slice, token)
        except Unavailable as unavailable:
            if self._has_searched:
                raise
            raise SearchRefused(f"status {unavailable.status}") from unavailable
        except Rejected as rejected:
            if token is not None and is_cursor_error(rejected):
                raise WalkExpired from rejected
            if is_fields_error(rejected) and self._drop_unknown_fields(rejected):
                return self._searched(stream_slice, token)
            if self._has_searched or cap(rejected, "max_limit"):
                raise
            raise SearchRefused(f"status {rejected.status}") from rejected
        self._has_searched = True
        return answer

    _has_searched = False

    def _drop_unknown_fields(self, rejected: Rejected) -> bool:
        """Ask without the names that the refusal mentions; without a mention, without those that are optional."""
        mentioned = set(re.findall(r"[A-Za-z_][\w.]*", rejected.text))
        unknown = [name for name in self.field_names if name in mentioned and name not in CORE_FIELDS]
        remaining = [name for name in self.field_names if name not in unknown]
        if not unknown:
            return False
        self._say("WARN", f"Close does not know the lead fields {', '.join(sorted(unknown))}; reading without them.")
        self.field_names = remaining
        return True

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
            "lead",
            window,
            CORE_FIELDS if asked.get("limit") == 1 else self.field_names,
            cursor=(next_page_token or {}).get("cursor"),
            count=asked.get("count", False),
            limit=asked.get("limit") or self.page_size,
            tied=window.within is not None,
        )

    def parse_response(
        self,
        response: requests.Response,
        *,
        stream_state: Mapping[str, Any],
        stream_slice: Mapping[str, Any] | None = None,
        next_page_token: Mapping[str, Any] | None = None,
    ) -> list[Record]:
        """Leads as `GET /lead/` gives them: without the search's own type marker."""
        records = super().parse_response(response, stream_state=stream_state)
        for record in records:
            record.pop("__object_type", None)
        return records

    def _say(self, level: str, text: str) -> None:
        self.client.log(level, text)


class LeadsByQuery(CloseStream):
    """Leads by the deprecated `query=` language, which compares whole minutes; still used by every other connector."""

    name = "leads"
    resource = "lead/"
    page_size = QUERY_PAGE_SIZE
    cursor_field = "date_updated"

    def work(self, start: Start) -> Work:
        """Only used through `walk`."""
        raise ConnectorFault("LeadsByQuery is a fallback of Leads, not a stream of its own.")

    def walk(self, window: Window) -> Work:
        """The same walk as a search, minute by minute."""
        common = self.settings.common
        cursor = TimeCursor("date_updated", None, timedelta(seconds=common.lookback_window_seconds))
        lower = None if window.lower is None else timestamps.floor(window.lower, timestamps.MINUTE)
        keyset = Keyset(
            fetch=self.fetch_window,
            field="date_updated",
            page_size=self.page_size,
            step=timestamps.MINUTE,
            lag=cursor.lag,
            checkpoint=cursor.checkpoint,
        )
        return keyset.walk(Window(lower))

    def fetch_window(
        self, window: Window, token: Any = None, *, count: bool = False, limit: int | None = None
    ) -> Fetched:
        """One page of a window; inside one minute by offset, each page beginning with the last row before it."""
        skip, last_id = token or (0, None)
        answer = self.fetch({"filters": {"query": _query(window)}, "skip": max(0, skip - 1), "limit": limit})
        records = answer.records
        if last_id is not None:
            if not records or records[0]["id"] != last_id:
                raise WalkExpired
            records = records[1:]
        has_more = bool(answer.body.get("has_more")) and bool(records)
        following = (skip + len(records), records[-1]["id"]) if has_more else None
        total = answer.body.get("total_results")
        return Fetched(records, answer.asked_at, following, total if isinstance(total, int) and not skip else None)


def _query(window: Window) -> str:
    """`date_updated>="2024-01-31T10:05" date_updated<"..." sort:date_updated`."""
    parts = []
    if window.lower is not None:
        parts.append(f'date_updated>="{window.lower:%Y-%m-%dT%H:%M}"')
    if window.upper is not None:
        parts.append(f'date_updated<"{window.upper:%Y-%m-%dT%H:%M}"')
    parts.append("sort:-date_updated" if window.descending else "sort:date_updated")
    return " ".join(parts)
