"""The small collections: lists by page that no filter narrows. Each is a row of `LISTS`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from source_kit.answers import body
from source_kit.client import HttpClient, Request
from source_kit.rules import Rejected, Unavailable
from source_kit.stream import TimeCursor
from source_kit.timestamps import within
from source_kit.work import Page, Plan, Record, Start
from source_kustomer import custom
from source_kustomer.base import KustomerStream
from source_kustomer.config import Settings
from source_kustomer.endpoints import ListAsk, ListEndpoint, MetadataEndpoint, SlaVersionsEndpoint
from source_kustomer.paging import ListFetcher
from source_kustomer.times import latest

KLASSES = ListEndpoint(
    "klasses", "klasses", "klass", passes=({"status": "enabled"}, {"status": "disabled"}, {"status": "existing_only"})
)
LISTS = (
    # Deactivated users come only when nothing else is asked for.
    ListEndpoint("users", "users", "user", page_size=500, passes=({}, {"deleted": "true"})),
    ListEndpoint("teams", "teams", "team", page_size=500),
    ListEndpoint("tags", "tags", "tag"),
    ListEndpoint("shortcuts", "shortcuts", "shortcut"),
    ListEndpoint("slas", "slas", "sla"),
    KLASSES,
    ListEndpoint("brands", "brands", "brand"),
    ListEndpoint("queues", "routing/queues", "queue"),
    ListEndpoint("queue_rules", "routing/queue-rules", "queue_rule"),
    ListEndpoint("routing_settings", "routing/settings", "routing"),
    ListEndpoint("routing_statuses", "routing/statuses", "routing_status"),
    ListEndpoint("work_sessions", "routing/work-sessions", "work_session"),
    ListEndpoint("satisfaction", "satisfaction", "satisfaction"),
    ListEndpoint("schedules", "schedules", "schedule"),
    ListEndpoint("role_groups", "role-groups", "role_group"),
    ListEndpoint("cards", "cards", "card"),
    ListEndpoint("notifications", "notifications", "notification"),
    ListEndpoint("snoozes", "snoozes", "snooze"),
    ListEndpoint("kb_articles", "kb/articles", "kb_article"),
    ListEndpoint("kb_categories", "kb/categories", "kb_category"),
)
SLA_VERSIONS = SlaVersionsEndpoint("sla_versions", "slas", "sla", passes=({"versions": "all"},))
# Their rows tell no time of change.
BY_CREATION = ("slas", "sla_versions")
DEFINITIONS = MetadataEndpoint("custom_attributes", "metadata/{id}", "metadata", page_size=0)


class ListStream(KustomerStream):
    """A list that is read whole; in incremental reads only what changed since the state leaves."""

    pages: ListFetcher

    def __init__(self, client: HttpClient, settings: Settings, endpoint: ListEndpoint) -> None:
        super().__init__(ListFetcher(client, endpoint, endpoint.schema), settings)
        self.cursor_field = "created_at" if endpoint.schema in BY_CREATION else "updated_at"

    @property
    def time_cursor(self) -> TimeCursor:
        """By the list's own field. Lists are small and come whole, unless `end_date` makes the read a part of one."""
        common = self.settings.common
        start_date = None if common.end_date is None else common.start_date
        return TimeCursor(str(self.cursor_field), start_date, timedelta(0), common.end_date)

    def work(self, start: Start) -> Plan:
        """Every row; `start_date` narrows nothing, because the list does not know it."""
        return changed(self.pages, self.time_cursor, self.time_cursor.lower(start))


class CustomAttributes(KustomerStream):
    """The definitions of custom attributes, one record each: no cursor, read whole."""

    pages: ListFetcher
    resources = ("company", "conversation", "customer", "message")

    def __init__(self, client: HttpClient, settings: Settings) -> None:
        super().__init__(ListFetcher(client, DEFINITIONS, DEFINITIONS.schema), settings)
        self._klasses = ListFetcher(client, KLASSES, self.name)

    def work(self, start: Start) -> Plan:
        """The fixed resources, then every klass; the former also for a key that may not list klasses."""
        for resource in self.resources:
            yield Page(self._of(resource))
        for name in self._klasses.names():
            yield Page(self._of(f"kobject.{name}"))

    def _of(self, resource: str) -> list[Record]:
        try:
            return self.pages.fetch(ListAsk(parent=resource)).records
        except Unavailable as unavailable:
            if unavailable.status != 404:  # a klass without custom attributes
                raise
            return []


def definitions(client: HttpClient, resource: str) -> Mapping[str, Mapping[str, Any]]:
    """The definitions for one resource; none, with a warning, where the key may not read them."""
    path = DEFINITIONS.path(ListAsk(parent=resource))
    request = Request(path, DEFINITIONS.bucket, what=f"the custom attributes of {resource}")
    try:
        return custom.definitions_in(body(client.send(request)))[0]
    except (Unavailable, Rejected) as refusal:
        # A klass without custom attributes is not found.
        if not (isinstance(refusal, Unavailable) and refusal.status == 404):
            client.log("WARN", f"Custom attributes of {resource} have no types in the catalog: {refusal.message}")
        return {}


def changed(listed: ListFetcher, cursor: TimeCursor, lower: datetime | None) -> Iterator[Page]:
    """The rows of a list that changed since `lower`, or show no time; the state when all are out."""
    client = listed.client
    began_at, top = client.clock.now(), None
    for page in listed.whole():
        fresh = within(list(page.records), cursor.field, lower, cursor.end_date)
        top = latest(fresh, cursor.field, top)
        ready = [replace(page, records=fresh)]
        del page, fresh
        yield ready.pop()
    began_at = client.clocks.earliest(began_at)
    yield Page((), None if top is None else cursor.checkpoint(top, began_at))
