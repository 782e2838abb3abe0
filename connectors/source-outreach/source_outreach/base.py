"""What all streams of Outreach share: JSON:API envelopes, cursors, ends that are counted, and missing scopes."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from datetime import timedelta
from functools import cached_property
from typing import Any, ClassVar

import requests

from source_kit import schemas, timestamps
from source_kit.answers import body
from source_kit.client import HttpClient
from source_kit.errors import TransientError
from source_kit.page_size import PageSize
from source_kit.rules import Rejected, Unavailable
from source_kit.schemas import Schema
from source_kit.stream import Answer, KitStream, TimeCursor
from source_kit.windows import Fetched, Window
from source_kit.work import Plan, Record, Start
from source_outreach import marks
from source_outreach.asking import Asking, Form, Notices
from source_outreach.collections import CONNECTIONS, KINDS, Collection, attribute_column, is_name, parents
from source_outreach.config import BUCKET, KAIA_BUCKET, Settings
from source_outreach.discovery import Account
from source_outreach.errors import missing_scope
from source_outreach.flatten import Flattener
from source_outreach.paging import LOST, ODD, before, counted, next_cursor, range_of
from source_outreach.timeline import Checkpoint, Timeless, Timeline


class OutreachStream(KitStream):
    """One resource. What it is comes from its `Collection`: with a cursor it is read by time, else as one list."""

    package = "source_outreach"
    scope: ClassVar[str | None] = None

    def __init__(
        self,
        client: HttpClient,
        settings: Settings,
        collection: Collection,
        account: Account | None = None,
        notices: Notices | None = None,
    ) -> None:
        self.collection = collection
        super().__init__(client)
        self.settings = settings
        self.account = account or Account(client)
        self.notices = notices or Notices()
        self.cursor_field = collection.cursor or []
        self.sizes = PageSize(settings.page_size)
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
        """Made from the table, with what the account adds: labels of custom fields, attributes that only its own schema
        lists, those of `extra_fields`."""
        collection, extra = self.collection, self.settings.extra_fields.get(self.name, ())
        labels = self.account.labels().get(collection.type) if "custom1" in collection.attributes else None
        schema = collection.schema(labels)
        if not self.settings.data_connections:
            schema["properties"].pop(CONNECTIONS, None)
        listed = self.account.attributes().get(collection.type, {})
        kinds = {**dict.fromkeys(extra, "any"), **listed}
        # A column of the table stays as it is; warehouses that fold case would have one twice.
        taken = {column.lower() for column in schema["properties"]}
        more = {name: dict(KINDS[kind]) for name, kind in kinds.items() if name.lower() not in taken}
        return schemas.extended(schema, {attribute_column(name): column for name, column in more.items()})

    @cached_property
    def asking(self) -> Asking:
        """How this stream asks for its lists. Made when it is first read: then the catalog's columns are known."""
        collection = self.collection
        known = collection.schema()["properties"].keys() - {*collection.hidden}
        # A catalog of another connector may have columns that are none.
        wanted = {name for name in self.selected - known if is_name(name)}
        return Asking(
            collection,
            wanted.union(self.settings.extra_fields.get(self.name, ())),
            connections=collection.is_connected and self.settings.data_connections,
            log=lambda level, text: self.client.log(level, f"Stream {self.name}: {text}"),
            notices=self.notices,
        )

    @cached_property
    def zoned_fields(self) -> tuple[str, ...]:
        """Top-level date-times of the schema."""
        return schemas.zoned_fields(self.collection.schema())

    # One page.

    def path(self, **arguments: Any) -> str:
        """Relative to the version of the API."""
        return self.collection.path

    def request_params(
        self,
        stream_state: Mapping[str, Any] | None,
        stream_slice: Mapping[str, Any] | None = None,
        next_page_token: Mapping[str, Any] | None = None,
    ) -> MutableMapping[str, Any]:
        """Cursor paging (which `page[size]` switches on), and the range and order of a window."""
        asked = stream_slice or {}
        params: dict[str, Any] = {
            "page[size]": asked.get("limit") or asked.get("size") or self.settings.page_size,
            "count": "true" if asked.get("count") else "false",
            **asked.get("form", PLAIN).params(self.collection.type),
        }
        window = asked.get("window")
        if window is not None and self.cursor_name is not None:
            params[f"filter[{self.cursor_name}]"] = range_of(window, self.settings.common.end_date)
            if not isinstance(window, Timeless):
                params["sort"] = f"-{self.cursor_name}" if window.descending else self.cursor_name
        if next_page_token:
            params["page[after]"] = next_page_token["after"]
        return params

    def parse_response(
        self, response: requests.Response, *, stream_slice: Mapping[str, Any] | None = None, **arguments: Any
    ) -> list[Record]:
        """The flat records, with a `Z` on date-times without a zone."""
        has_connections = self.collection.is_connected and self.settings.data_connections
        connections = (stream_slice or {}).get("form", PLAIN).connections if has_connections else None
        records = self.flatten(body(response)[self.rows_key], connections=connections)
        timestamps.fix_zones(records, self.zoned_fields)
        return records

    def fetch(self, stream_slice: Mapping[str, Any] | None = None, token: Mapping[str, Any] | None = None) -> Answer:
        """As the base, in the form that brings most; a 403 says what is missing."""
        if not self.is_allowed:
            raise Unavailable(
                f"Outreach has no scope for {self.collection.plural} that an app can have (S2S). Remove the stream "
                f"{self.name} from the sync, or read it with a connection by OAuth."
            )
        form, refusal = self.asking.form, None
        while True:
            try:
                answer = super().fetch({**(stream_slice or {}), "form": form}, token)
            except Rejected as rejected:
                other, refusal = self.asking.after(form, rejected), rejected
                if other is None and rejected.status == 403:
                    raise self._forbidden(rejected) from rejected
                if other is None:
                    raise
            else:
                other = self.asking.answered(form, answer.body, refusal)
                if other is None:
                    return answer
                # A page that is asked for anew is not kept beside the new one.
                del answer
            form = other

    @property
    def is_allowed(self) -> bool:
        """Whether these credentials can have a scope for this resource."""
        return self.collection.has_app_scope or not self.settings.credentials.is_app

    def _forbidden(self, rejected: Rejected) -> Unavailable:
        """What the user must grant: the scope that the answer names, else the one of this resource."""
        scope = missing_scope(rejected)
        what = (
            _mend(scope, is_app=self.settings.credentials.is_app)
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

    def work(self, start: Start) -> Plan:
        """By time where the collection has a cursor, else from the first page to the last."""
        cursor, common = self.cursor_name, self.settings.common
        if cursor is None:
            return self._timeline("", lambda value, asked_at, is_last: {}).listed()
        lag = timedelta(seconds=common.lookback_window_seconds)
        time_cursor = TimeCursor(cursor, common.start_date, lag, common.end_date)
        if time_cursor.window(start).is_empty:
            return iter(())
        return marks.read(self._timeline, time_cursor, start, self._rhythm)

    @property
    def _rhythm(self) -> marks.Rhythm:
        """How often what is read."""
        settings = self.settings
        hours = settings.reference_interval_hours if self.collection.is_reference else 0
        return marks.Rhythm(
            self.name,
            self.client.clock.now(),
            timedelta(hours=settings.lookback_interval_hours),
            timedelta(hours=hours),
        )

    def _timeline(self, field: str, checkpoint: Checkpoint) -> Timeline:
        return Timeline(
            fetch=self.fetch_window,
            field=field,
            page_size=self.settings.page_size,
            workers=self.settings.common.num_workers,
            checkpoint=checkpoint,
            warn=lambda text: self.client.log("WARN", f"Stream {self.name}: {text}"),
        )

    def fetch_window(
        self, window: Window, token: Any = None, *, count: bool = False, limit: int | None = None
    ) -> Fetched:
        """One page of a window."""
        asked = {"window": window, "count": count, "limit": limit}
        after = None if token is None else {"after": token}
        for is_again in (False, True):
            answer = self.fetch(asked, after)
            content = answer.body
            cursor = next_cursor(content)
            # Odd links may be damage; given twice, they are this API's way to say that there is no next page.
            if cursor == ODD and is_again:
                cursor = None
            if cursor not in (LOST, ODD):
                records = before(answer.records, self.cursor_name or "", self.settings.common.end_date)
                return Fetched(records, answer.asked_at, cursor, counted(content), answer.size)
        raise TransientError(
            f"Reading stream {self.name} failed: Outreach links to a next page without a cursor, twice. Run the sync "
            "again later; it goes on from the last saved state.",
            internal_message=f"links.next of {self.collection.path}",
        )


PLAIN = Form()


class KaiaStream(OutreachStream):
    """Recordings of meetings: a rate limit of their own."""

    @property
    def bucket(self) -> str:
        """Beside the user's budget."""
        return KAIA_BUCKET


def _mend(scope: str, *, is_app: bool) -> str:
    """What to do about a missing scope."""
    if is_app:
        return (
            f"the app lacks the scope {scope}. Add it in the Outreach developer portal (your app, feature API Access "
            "(S2S)) and install the app again"
        )
    return f"the authorisation lacks the scope {scope}. Authorise the connection again with it"
