"""The streams of source-closeio, one class each; `ALL` is the list that the source serves."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import orjson

from source_closeio.base import CloseList, CloseStream, CloseTimeline
from source_closeio.config import Settings
from source_closeio.errors import is_cursor_error
from source_closeio.leads import Leads
from source_kit import schemas, timestamps
from source_kit.client import HttpClient, Rejected, Unavailable
from source_kit.keyset import Keyset
from source_kit.stream import Answer
from source_kit.windows import Fetched, WalkExpired, Window
from source_kit.work import Page, Piece, Record, Start, Work

EVENT_RETENTION = timedelta(days=30)
EVENT_OVERLAP = timedelta(minutes=5)


class CustomFields(CloseList):
    """Custom fields of leads."""

    name = "custom_fields"
    resource = "custom_field/lead/"
    legacy_resource = "custom_fields/lead/"
    _is_legacy = False

    def path(self, **arguments: Any) -> str:
        """The old path answers where the new one does not."""
        return self.legacy_resource if self._is_legacy else self.resource

    def fetch(self, stream_slice: Mapping[str, Any] | None = None, token: Mapping[str, Any] | None = None) -> Answer:
        try:
            return super().fetch(stream_slice, token)
        except Unavailable as unavailable:
            if unavailable.status != 404 or self._is_legacy:
                raise
            self._is_legacy = True
            return super().fetch(stream_slice, token)


class Users(CloseList):
    """Users of the organisation."""

    name = "users"
    resource = "user/"
    page_size = 1000


class Activities(CloseTimeline):
    """Activities of all types but e-mail threads, by `date_created` (REST has no filter by update time)."""

    name = "activities"
    cursor_field = "date_created"
    walked_field = "date_created"
    resource = "activity/"

    def work(self, start: Start) -> Work:
        """Windows over `date_created`; those created `activities_window_seconds` before the bookmark are read again."""
        lower = self.time_cursor.lower(start)
        if lower is not None and self.time_cursor.field in start.position:
            lower -= timedelta(seconds=self.settings.activities_window_seconds)
        return self.keyset().walk(Window(lower))

    def keyset(self) -> Keyset:
        """The walk over `date_created`, which never changes."""
        return Keyset(
            fetch=self.fetch_window,
            field=self.walked_field,
            page_size=self.page_size,
            emit=self.chosen,
            checkpoint=self.time_cursor.checkpoint,
        )

    def chosen(self, records: list[Record]) -> list[Record]:
        """The records of a page that belong to the stream."""
        return records


class UserPosts(Activities):
    """What each user posted: the walk of activities, kept where `user_id` is one of the users."""

    name = "user_posts"
    schema_name = "activities"
    starts_after = ("users",)

    def work(self, start: Start) -> Work:
        """Lists the users first; no request per user."""
        users = Users(self.client, self.settings)
        self._user_ids = {user["id"] for page in users.work(Start(incremental=False)) for user in page.records}
        return (yield from super().work(start))

    def chosen(self, records: list[Record]) -> list[Record]:
        return [record for record in records if record.get("user_id") in self._user_ids]


class Tasks(CloseTimeline):
    """Tasks of all types, by `date_updated`."""

    name = "tasks"
    cursor_field = "date_updated"
    walked_field = "date_created"
    resource = "task/"
    page_size = 1000

    @property
    def lag(self) -> timedelta:
        return timedelta(seconds=self.settings.common.lookback_window_seconds)

    def work(self, start: Start) -> Work:
        """Tasks can be filtered by `date_updated` but not ordered by it: the walk goes over `date_created`, which never
        changes, and the state moves when the whole walk is out."""
        began_at = self.client.clock.now()
        lower = self.time_cursor.lower(start)
        # Without a type only tasks of type `lead` come.
        updated = {"_type": "all"}
        if lower is not None:
            updated["date_updated__gte"] = timestamps.milliseconds_z(lower)
        tops: list[str] = []

        def noted(records: list[Record]) -> list[Record]:
            tops.append(timestamps.latest([record["date_updated"] for record in records]))
            return records

        def end() -> Work:
            yield Page((), self.time_cursor.checkpoint(timestamps.latest(tops), began_at) if tops else None)
            return None

        keyset = Keyset(fetch=_Filtered(self, updated), field="date_created", page_size=self.page_size, emit=noted)
        pieces = yield from keyset.walk(Window())
        return [*(pieces or ()), Piece(end(), last=True)]


class _Filtered:
    """A stream's windows with filters that are the same for all of them."""

    def __init__(self, stream: CloseTimeline, filters: Mapping[str, Any]) -> None:
        self._stream = stream
        self._filters = filters

    def __call__(self, window: Window, token: Any = None, *, count: bool = False, limit: int | None = None) -> Fetched:
        return self._stream.fetch_window(window, token, count=count, limit=limit, filters=self._filters)


class EventLog(CloseTimeline):
    """The event log of the last 30 days, by `date_updated`, always newest first."""

    name = "event_log"
    cursor_field = "date_updated"
    walked_field = "date_updated"
    resource = "event/"
    page_size = 50

    @property
    def lag(self) -> timedelta:
        """Events may become visible out of order: Close advises to read the last five minutes again."""
        return max(EVENT_OVERLAP, timedelta(seconds=self.settings.common.lookback_window_seconds))

    def schema(self) -> schemas.Schema:
        """`data` and `previous_data` as text, or as objects where `encode_event_data` is off."""
        schema = schemas.load(self.package, self.schema_name)
        if not self.settings.encode_event_data:
            for name in ("data", "previous_data"):
                schema["properties"][name] = {"type": ["null", "object"], "additionalProperties": True}
        return schema

    def work(self, start: Start) -> Work:
        """Windows over the retention, then once more what happened during the walk: events move when they are merged
        with later ones."""
        now = self.client.clock.now()
        floor = timestamps.floor(now - EVENT_RETENTION, timestamps.SECOND)
        wanted = self.time_cursor.lower(start)
        if wanted is not None and wanted < floor:
            self.client.log(
                "WARN",
                f"Close keeps events for 30 days: those of stream {self.name} between "
                f"{timestamps.milliseconds_z(wanted)} and {timestamps.milliseconds_z(floor)} cannot be read any more.",
            )
        recent = timestamps.floor(now - self.lag, timestamps.MILLISECOND)
        given: set[tuple[str, str]] = set()

        def once(records: list[Record]) -> list[Record]:
            fresh = [record for record in records if (record["id"], record["date_updated"]) not in given]
            given.update(
                (record["id"], record["date_updated"])
                for record in fresh
                if timestamps.parse(record["date_updated"]) >= recent
            )
            return self._encoded(fresh)

        keyset = Keyset(
            fetch=self.fetch_window,
            field="date_updated",
            page_size=self.page_size,
            emit=once,
            checkpoint=lambda value, asked_at: self.time_cursor.checkpoint(value, min(asked_at, now)),
        )
        lower = floor if wanted is None else max(wanted, floor)
        pieces = yield from keyset.walk(Window(lower))
        if not pieces:
            return None
        return [*pieces, Piece(keyset.walk(Window(max(lower, recent)), cut=False), last=True)]

    def _encoded(self, records: list[Record]) -> list[Record]:
        if self.settings.encode_event_data:
            for record in records:
                for name in ("data", "previous_data"):
                    if record.get(name) is not None:
                        record[name] = orjson.dumps(record[name]).decode()
        return records

    def fetch_window(
        self,
        window: Window,
        token: Any = None,
        *,
        count: bool = False,
        limit: int | None = None,
        filters: Mapping[str, Any] | None = None,
    ) -> Fetched:
        """One page; a cursor already holds the time filters and must not repeat them."""
        asked = {"_cursor": token} if token else self.filters(window)
        try:
            answer = self.fetch({"filters": asked, "limit": limit})
        except Rejected as rejected:
            if token and is_cursor_error(rejected):
                raise WalkExpired from rejected
            raise
        inside = [record for record in answer.records if _is_inside(record["date_updated"], window)]
        has_left = len(inside) < len(answer.records)
        return Fetched(inside, answer.asked_at, None if has_left else answer.body.get("cursor_next"))


def _is_inside(value: str, window: Window) -> bool:
    instant = timestamps.parse(value)
    return (window.lower is None or instant >= window.lower) and (window.upper is None or instant < window.upper)


ALL: tuple[type[CloseStream], ...] = (CustomFields, Users, Leads, Activities, Tasks, EventLog, UserPosts)


def build(client: HttpClient, settings: Settings) -> list[CloseStream]:
    """One instance of every stream."""
    return [stream(client, settings) for stream in ALL]
