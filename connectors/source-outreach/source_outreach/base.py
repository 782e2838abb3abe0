"""What all streams of Outreach share: JSON:API envelopes, cursors, page sizes that give way, and missing scopes."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import requests

from source_kit import schemas, timestamps
from source_kit.answers import body
from source_kit.client import HttpClient
from source_kit.errors import ConnectorFault
from source_kit.rules import MAX_ATTEMPTS, Rejected, Unavailable
from source_kit.schemas import Schema
from source_kit.stream import Answer, KitStream, TimeCursor
from source_kit.windows import Fetched, Window
from source_kit.work import Page, Record, Start, Work
from source_outreach import gateway
from source_outreach.collections import Collection, parents
from source_outreach.config import BUCKET, KAIA_BUCKET, Settings
from source_outreach.errors import HEAVY_STATUSES, missing_scope
from source_outreach.flatten import Flattener
from source_outreach.page_size import PageSize
from source_outreach.timeline import Timeless, Timeline


class OutreachStream(KitStream):
    """One resource. What it is comes from its `Collection`: with a cursor it is read by time, else as one list."""

    package = "source_outreach"
    scope: ClassVar[str | None] = None

    def __init__(self, client: HttpClient, settings: Settings, collection: Collection) -> None:
        self.collection = collection
        super().__init__(client)
        self.settings = settings
        self.cursor_field = collection.cursor or []
        self.size = PageSize(settings.page_size)
        self.flatten = Flattener(collection)

    @property
    def name(self) -> str:
        return self.collection.stream

    @property
    def bucket(self) -> str:
        """All requests of a user share one budget."""
        return BUCKET

    @cached_property
    def starts_after(self) -> Sequence[str]:  # type: ignore[override]  # follows from the collection
        """Streams whose records this one's refer to."""
        return parents(self.collection)

    def schema(self) -> Schema:
        """Made from the table."""
        return self.collection.schema()

    @cached_property
    def zoned_fields(self) -> tuple[str, ...]:
        """Top-level date-times of the schema."""
        return schemas.zoned_fields(self.collection.schema())

    # One page.

    def path(self, **arguments: Any) -> str:
        """Relative to the version of the API."""
        return self.collection.path

    def is_whole(self, content: Any) -> bool:
        return isinstance(content, dict) and isinstance(content.get("data"), list)

    def request_params(
        self,
        stream_state: Mapping[str, Any] | None,
        stream_slice: Mapping[str, Any] | None = None,
        next_page_token: Mapping[str, Any] | None = None,
    ) -> MutableMapping[str, Any]:
        """Cursor paging (which `page[size]` switches on), and the range and order of a window."""
        asked = stream_slice or {}
        params: dict[str, Any] = {
            "page[size]": asked.get("limit") or asked.get("size") or self.size.current,
            "count": "true" if asked.get("count") else "false",
        }
        window = asked.get("window")
        if window is not None and self.cursor_name is not None:
            params[f"filter[{self.cursor_name}]"] = _range(window)
            if not isinstance(window, Timeless):
                params["sort"] = f"-{self.cursor_name}" if window.descending else self.cursor_name
        if next_page_token:
            params["page[after]"] = next_page_token["after"]
        return params

    def parse_response(self, response: requests.Response, **arguments: Any) -> list[Record]:
        """The flat records, with a `Z` on date-times without a zone."""
        records = self.flatten(self.resources_of(body(response)))
        timestamps.fix_zones(records, self.zoned_fields)
        return records

    def resources_of(self, content: Any) -> Sequence[Mapping[str, Any]]:
        """The resources of an answer."""
        found: list[Mapping[str, Any]] = content["data"]
        return found

    def fetch(self, stream_slice: Mapping[str, Any] | None = None, token: Mapping[str, Any] | None = None) -> Answer:
        """As the base; a page that is too heavy for Outreach is asked for again with half its size."""
        asked = dict(stream_slice or {})
        for attempt in range(1, MAX_ATTEMPTS + 1):
            size = self.size.current
            try:
                answer = super().fetch({**asked, "size": size}, token)
            except Rejected as rejected:
                if rejected.status == 403:
                    raise self._forbidden(rejected) from rejected
                # A request with its own limit is for one record, and says nothing about pages.
                if rejected.status in HEAVY_STATUSES and not asked.get("limit"):
                    self.size.too_heavy(size, is_first=attempt == 1)
                gateway.pause(self.client, rejected, attempt, f"stream {self.name}")
            else:
                if not asked.get("limit"):
                    self.size.went_well(size)
                return answer
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _forbidden(self, rejected: Rejected) -> Unavailable:
        """What the user must grant: the scope that the answer names, else the one of this resource."""
        scope = missing_scope(rejected)
        what = (
            f"the authorisation lacks the scope {scope}. Authorise the connection again with it"
            if scope
            else f"the user who authorised the connection may not read {self.collection.plural}. Change the governance "
            "profile of the user or authorise as an administrator"
        )
        unavailable = Unavailable(
            f"Reading stream {self.name} failed: {what}, or remove the stream from the sync.",
            internal_message=rejected.internal_message,
        )
        unavailable.status = rejected.status
        return unavailable

    # All pages.

    def work(self, start: Start) -> Work:
        """By time where the collection has a cursor, else from the first page to the last."""
        cursor = self.cursor_name
        if cursor is None:
            return self._list()
        common = self.settings.common
        lag = timedelta(seconds=common.lookback_window_seconds)
        time_cursor = TimeCursor(cursor, common.start_date, lag)

        def checkpoint(value: str, asked_at: datetime, is_last: bool) -> Mapping[str, Any]:
            if not is_last:
                value = timestamps.milliseconds_z(timestamps.parse(value) - lag)
            return time_cursor.checkpoint(value, asked_at)

        timeline = Timeline(
            fetch=self.fetch_window,
            field=cursor,
            page_size=self.settings.page_size,
            workers=common.num_workers,
            checkpoint=checkpoint,
            warn=lambda text: self.client.log("WARN", text),
        )
        return timeline.walk(time_cursor.lower(start))

    def _list(self) -> Work:
        token = None
        while True:
            fetched = self.fetch_window(Window(), token, count=token is None)
            yield Page(fetched.records, estimate=fetched.total)
            if fetched.token is None:
                return None
            if fetched.token == token:
                raise ConnectorFault("Outreach answered a page with a link to the same page.")
            token = fetched.token

    def fetch_window(
        self, window: Window, token: Any = None, *, count: bool = False, limit: int | None = None
    ) -> Fetched:
        """One page of a window."""
        answer = self.fetch(
            {"window": window, "count": count, "limit": limit}, None if token is None else {"after": token}
        )
        # The state must not pass what the server had at that time, whichever of the two clocks is ahead.
        asked_at = min(answer.asked_at, answer.served_at or answer.asked_at)
        return Fetched(answer.records, asked_at, next_cursor(answer.body), counted(answer.body))


class KaiaStream(OutreachStream):
    """Recordings of meetings: a rate limit of their own."""

    @property
    def bucket(self) -> str:
        """Beside the user's budget."""
        return KAIA_BUCKET


def next_cursor(content: Mapping[str, Any]) -> str | None:
    """The cursor in `links.next`; an empty result has no links. The address itself is never followed."""
    address = (content.get("links") or {}).get("next")
    if not address:
        return None
    cursors: list[str] | None = parse_qs(urlsplit(address).query).get("page[after]")
    if not cursors:
        raise ConnectorFault("Outreach links to a next page without a cursor.", internal_message="links.next")
    return cursors[0]


def counted(content: Mapping[str, Any]) -> int | None:
    """The number of rows of the query; None where it was not asked for, or given up under load."""
    meta = content.get("meta") or {}
    count = meta.get("count")
    if not isinstance(count, int) or (meta.get("count_truncated") and count == 0):
        return None
    return count


def _range(window: Window) -> str | None:
    """`2026-01-01T00:00:00.000Z..inf`: a bare date would be compared for equality. None where all is wanted."""
    if isinstance(window, Timeless):
        return "__null__"
    if window.lower is None and window.upper is None:
        return None
    lower = "neginf" if window.lower is None else timestamps.milliseconds_z(window.lower)
    upper = "inf" if window.upper is None else timestamps.milliseconds_z(window.upper)
    return f"{lower}..{upper}"
