"""The base of all streams of Outreach: one collection, read by time where it has a cursor, else as one list."""

from __future__ import annotations

from collections.abc import Sequence, Set
from datetime import timedelta
from functools import cached_property, partial

from source_kit import schemas, timestamps
from source_kit.client import HttpClient
from source_kit.schemas import Schema
from source_kit.stream import KitStream, TimeCursor
from source_kit.work import Plan, Start
from source_outreach import marks
from source_outreach.collections import CONNECTIONS, KINDS, Collection, attribute_column, is_name, parents
from source_outreach.config import Settings
from source_outreach.discovery import Account
from source_outreach.endpoints import CollectionEndpoint
from source_outreach.fetcher import CollectionFetcher, HasLeft, nothing
from source_outreach.forms import PLAIN, WITH_CONNECTIONS, Forms, Notices
from source_outreach.timeline import Checkpoint, Timeline, stateless


class OutreachStream(KitStream):
    """One resource. What it is comes from its `Collection`."""

    package = "source_outreach"
    pages: CollectionFetcher

    def __init__(
        self,
        client: HttpClient,
        settings: Settings,
        collection: Collection,
        account: Account,
        notices: Notices | None = None,
    ) -> None:
        self.collection = collection
        super().__init__(client)
        self.settings = settings
        self.account = account
        self.cursor_field = collection.cursor or []
        endpoint = CollectionEndpoint(collection, settings)
        known = WITH_CONNECTIONS if endpoint.has_connections else (PLAIN,)
        forms = Forms(collection, known, self.wanted, notices)
        self.pages = CollectionFetcher(client, settings, endpoint, self.name, forms)

    @property
    def name(self) -> str:
        return self.collection.stream

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

    def wanted(self) -> Set[str]:
        """Attributes that the default answer may lack, by the columns of the catalog and `extra_fields`."""
        known = self.collection.schema()["properties"].keys() - {*self.collection.hidden}
        # A catalog of another connector may have columns that are none.
        selected = {name for name in self.selected - known if is_name(name)}
        return selected.union(self.settings.extra_fields.get(self.name, ()))

    def work(self, start: Start) -> Plan:
        """By time where the collection has a cursor, else from the first page to the last."""
        cursor, common = self.cursor_name, self.settings.common
        if cursor is None:
            return timeline_of(self.pages).listed()
        # All its times are whole seconds.
        time_cursor = TimeCursor(cursor, common.start_date, common.lag, common.end_date, resolution=timestamps.SECOND)
        if time_cursor.window(start).is_empty:
            return iter(())
        return marks.read(partial(timeline_of, self.pages), time_cursor, start, self._rhythm)

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


def timeline_of(
    pages: CollectionFetcher, field: str = "", checkpoint: Checkpoint = stateless, has_left: HasLeft = nothing
) -> Timeline:
    """One read of what `pages` brings; by time, where that has a field for it."""
    return Timeline(
        fetch=partial(pages.page, has_left=has_left),
        field=field,
        page_size=pages.settings.page_size,
        workers=pages.settings.common.num_workers,
        checkpoint=checkpoint,
        warn=pages.warn,
    )
