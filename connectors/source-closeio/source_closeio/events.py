"""The event log: the last 30 days, always newest `date_updated` first; and what is derived from it.

developer.close.com/api/resources/events. Events are merged with later ones of the same object: their `date_updated`
moves.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from source_closeio.base import CloseTimeline
from source_closeio.config import Settings
from source_closeio.endpoints import ListAsk, ListEndpoint
from source_closeio.errors import is_cursor_error
from source_closeio.fetcher import TimelineFetcher, cursor_of
from source_closeio.mending import Mending
from source_kit import json_text, schemas, timestamps
from source_kit.keyset import Keyset
from source_kit.rules import Rejected, Unavailable
from source_kit.timestamps import is_within
from source_kit.walks import walk
from source_kit.windows import Beginning, Fetched, WalkExpired, Window
from source_kit.work import Fork, Plan, Record, Start

EVENT_RETENTION = timedelta(days=30)
EVENT_OVERLAP = timedelta(minutes=5)
DELETIONS = ("deleted", "merged")


def event_lag(settings: Settings) -> timedelta:
    """Events may become visible out of order: Close advises to read the last five minutes again."""
    return max(EVENT_OVERLAP, settings.common.lag)


def oldest_event(now: datetime) -> datetime:
    """Before this moment the log keeps nothing."""
    return timestamps.floor(now - EVENT_RETENTION, timestamps.SECOND)


def newest_first(lower: datetime, upper: datetime | None = None) -> Window:
    """Everything from then on, before `upper` if there is one, asked for in the only order that there is: nothing is
    counted, so that a page which came the other way round once would seem to end what it begins."""
    return Window(lower, upper, descending=True)


class EventsFetcher(TimelineFetcher):
    """Asks for the event log, by cursors.

    `filters`: one of the combinations that Close documents, or `object_type` alone, which may be refused.
    """

    def window(self, window: Window, token: Any = None, *, count: bool = False, limit: int | None = None) -> Fetched:
        """One page; a cursor already holds the time filters and must not repeat them, only the others."""
        place = {"_cursor": token} if token else self.bounds(window)
        try:
            answer = self.fetch(ListAsk(filters={**self.filters, **place}, limit=limit))
        except Rejected as rejected:
            if token and is_cursor_error(rejected):
                raise WalkExpired from rejected
            raise self.refused(rejected) from rejected
        # What says that it is older than the log goes back would be in no window: it stays where it stands.
        oldest = timestamps.before(answer.asked_at, EVENT_RETENTION + timedelta(days=1))
        times = [record.get("date_updated") for record in answer.records]
        inside = [
            record
            for record, at in zip(answer.records, times, strict=True)
            if is_within(at, window.lower, window.upper) or is_within(at, None, oldest)
        ]
        outside = len(answer.records) - len(inside)
        following = None if outside else cursor_of(answer.body.get("cursor_next"))
        return Fetched(inside, answer.asked_at, following, rows=answer.size - outside)

    def refused(self, rejected: Rejected) -> Exception:
        """Close answers 400 where the role may not see the event log."""
        if rejected.status != 400:
            return rejected
        return Unavailable(
            f"Reading stream {self.stream} failed: Close refuses the event log. The user of the API key may lack the "
            "permission to see it; grant it in the user's role or remove the stream from the sync.",
            status=rejected.status,
            internal_message=rejected.internal_message,
        )


class Events(CloseTimeline):
    """The event log with `data` and `previous_data` as objects."""

    name = "events"
    schema_name = "event_log"
    cursor_field: str | list[str] = "date_updated"
    walked_field = "date_updated"
    resource = "event/"
    page_size = 50
    nested: Sequence[str] = ("data", "previous_data")

    def fetcher(self) -> EventsFetcher:
        endpoint = ListEndpoint(self.resource, Mending("event_log", self.nested), self.page_size)
        return EventsFetcher(self.client, endpoint, self.name, self.walked_field)

    @property
    def encodes_data(self) -> bool:
        """Whether `data` and `previous_data` leave as JSON text."""
        return False

    @property
    def lag(self) -> timedelta:
        return event_lag(self.settings)

    def schema(self) -> schemas.Schema:
        """`data` and `previous_data` as text or as objects."""
        schema = schemas.load(self.package, self.schema_name)
        if not self.encodes_data:
            for name in ("data", "previous_data"):
                schema["properties"][name] = {"type": ["null", "object"], "additionalProperties": True}
        return schema

    def work(self, start: Start) -> Plan:
        """Windows over the retention, then once more what happened during the walk."""
        now = self.client.clock.now()
        floor = oldest_event(now)
        asked = self.time_cursor.window(start)
        wanted, upper = asked.lower, asked.upper
        if wanted is not None and wanted < floor and not asked.is_empty:
            lost = floor if upper is None else min(floor, upper)
            self.client.log(
                "WARN",
                f"Close keeps events for 30 days: those of stream {self.name} between "
                f"{timestamps.milliseconds_z(wanted)} and {timestamps.milliseconds_z(lost)} cannot be read any more.",
            )
        beginning = Beginning()
        given: set[Any] = set()

        @cache
        def recent() -> datetime:
            # By the first answer: later ones may tell of another clock, and what they would call recent has left.
            return timestamps.floor(timestamps.before(beginning.at, self.lag), timestamps.MILLISECOND)

        def once(records: list[Record]) -> list[Record]:
            since, fresh = recent(), []
            for record in records:
                happened = timestamps.instant(record.get("date_updated"))
                if happened is None or happened < since:  # the walk itself knows those without a time
                    fresh.append(record)
                elif (mark := keyset.mark_of(record)) not in given:
                    given.add(mark)
                    fresh.append(record)
            return self.chosen(fresh)

        keyset = Keyset(
            fetch=beginning.noting(self.pages.window),
            field="date_updated",
            page_size=self.pages.page_size,
            emit=once,
            checkpoint=lambda value, asked_at: self.time_cursor.checkpoint(value, beginning.at),
        )
        lower = floor if wanted is None else max(wanted, floor)
        is_long = False
        for step in walk(keyset, newest_first(lower, upper)):
            is_long = is_long or isinstance(step, Fork)
            ready = [step]
            del step
            yield ready.pop()
        if is_long:
            yield from walk(keyset, newest_first(max(lower, recent()), upper), cut=False)

    def chosen(self, records: list[Record]) -> list[Record]:
        """The events of a page as they leave."""
        if self.encodes_data:
            for record in records:
                for name in ("data", "previous_data"):
                    if record.get(name) is not None:
                        record[name] = json_text.dumps(record[name]).decode()
        return records

    def probe(self) -> None:
        """One row."""
        self.pages.window(Window(), limit=1)


class EventLog(Events):
    """The same, JSON-encoded as the Singer tap has it unless `encode_event_data` is off."""

    name = "event_log"

    @property
    def encodes_data(self) -> bool:
        return self.settings.encode_event_data


class DeletedRecords(Events):
    """What was deleted or merged away in the last 30 days: deleted records appear in no list any more."""

    name = "deleted_records"
    schema_name = "deleted_records"
    cursor_field = "deleted_at"
    nested = ()

    def schema(self) -> schemas.Schema:
        """The schema file."""
        return schemas.load(self.package, self.schema_name)

    def chosen(self, records: list[Record]) -> list[Record]:
        """One record for each event that took an object away; the walk itself needs all events."""
        return [_deletion(event) for event in records if event.get("action") in DELETIONS]


def _deletion(event: Record) -> Record:
    meta = event.get("meta")
    meta = meta if isinstance(meta, dict) else {}
    is_merge = event["action"] == "merged"
    # A merge is told of the surviving lead; what is gone is the source.
    gone = (meta.get("merge_source_lead_id") if is_merge else None) or event.get("object_id")
    return {
        "id": event.get("id"),
        "organization_id": event.get("organization_id"),
        "object_type": event.get("object_type"),
        "object_id": gone,
        "lead_id": gone if is_merge else event.get("lead_id"),
        "action": event["action"],
        "merged_into_lead_id": meta.get("merge_destination_lead_id") if is_merge else None,
        "deleted_at": event.get("date_updated"),
        "deleted_by": event.get("user_id"),
    }
