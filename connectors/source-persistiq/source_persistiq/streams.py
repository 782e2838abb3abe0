"""The streams of source-persistiq: those that are read as they are, by name, and one class for each of the others."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from source_kit import schemas
from source_kit.client import HttpClient
from source_kit.errors import StreamUnavailable
from source_kit.numbered import NumberedList
from source_kit.record_ids import Listing
from source_kit.rows import identity, unseen
from source_kit.timestamps import seconds_z
from source_kit.work import Page, Plan, Record, Start, in_order
from source_persistiq.base import NEVER, PersistiqStream, after
from source_persistiq.campaigns import CampaignChild, CampaignLeads, CampaignReplies
from source_persistiq.config import Settings
from source_persistiq.endpoints import ListAsk, WebhookEndpoint
from source_persistiq.events import Events
from source_persistiq.fetcher import list_of

PLAIN = ("users", "lead_statuses", "lead_fields", "tags", "dnc_domains", "campaigns")


class Mailboxes(PersistiqStream):
    """The mailboxes inside `users`, each with the id of its user; there is no endpoint of their own."""

    name = "mailboxes"
    has_probe = False

    def work(self, start: Start) -> Plan:
        seen: set[Any] = set()
        for page in in_order(list_of(self.client, "users", self.name).whole().read()):
            boxes = [{**box, "user_id": user.get("id")} for user in page.records for box in self.boxes_of(user)]
            yield replace(page, records=unseen(boxes, seen))

    def boxes_of(self, user: Record) -> list[Record]:
        """The objects of its list, or the one that stands in its place; the rest is counted."""
        given = user.get("mailboxes")
        listed = given if isinstance(given, list) else [] if given is None else [given]
        boxes = [each for each in listed if isinstance(each, dict)]
        self.client.usage.not_objects += len(listed) - len(boxes)
        return boxes


class Leads(PersistiqStream):
    """Leads, by a time of change that PersistIQ filters by and does not show."""

    name = "leads"
    cursor_field = "updated_at"

    def schema(self) -> schemas.Schema:
        """The schema file and the account's own fields of `data`. Values are text, but whoever writes through the API
        may leave numbers and booleans."""
        schema = schemas.load(self.package, self.name)
        value = {"type": ["null", "string", "number", "boolean"]}
        own: dict[str, schemas.Schema] = {}
        try:
            for page in in_order(list_of(self.client, "lead_fields", self.name).whole().read()):
                rows = [row for row in page.records if isinstance(row.get("name"), str)]
                own |= {row["name"]: {**value, "description": label_of(row)} for row in rows}
        except StreamUnavailable as error:
            self.warn(f"the account's own fields are not known: {error.message}")
        schema["properties"]["data"] = schemas.extended(schema["properties"]["data"], own)
        return schema

    def work(self, start: Start) -> Plan:
        """The whole walk, then what changed meanwhile. There is no order and no upper bound: the state moves at the end
        only, to the time at which the walk began less the lag."""
        lower, end = self.lower(start), self.end
        if end is not None and lower >= end:
            return
        filters = after("updated_after", lower)
        later = set() if end is None else (yield from self._changed_after(end))
        walk = NumberedList(
            partial(self.pages.page, filters=filters),
            changed_since=lambda began: partial(self.pages.page, filters=after("updated_after", self.settled(began))),
            stamp="updated_at",
            checkpoint=lambda began: {"updated_at": seconds_z(self.reached(began))},
            keep=(lambda record: identity(record) not in later) if later else None,
            warn=self.warn,
        )
        yield from walk.read()
        # A long incremental read: perhaps the filter was ignored.
        if filters and (walk.end or 0) > 1 and self.pages.unasked({"updated_after": NEVER}):
            self.warn("PersistIQ ignored updated_after, so that all leads were read.")

    def _changed_after(self, end: datetime) -> Generator[Page, None, set[Any]]:
        """Which leads have changed since the end of the range: as they show no time, whoever asks for what changed
        before it has to leave out what changed since. None where PersistIQ would give all leads for it."""
        later: set[Any] = set()
        if end > self.client.clock.now():
            return later
        if self.pages.unasked({"updated_after": NEVER}):
            self.warn("PersistIQ ignored updated_after, so that leads which changed after end_date are read as well.")
            return later
        walk = NumberedList(partial(self.pages.page, filters=after("updated_after", end)), warn=self.warn)
        for page in in_order(walk.read()):
            later.update(map(identity, page.records))
            yield Page()
        return later

    def everything(self) -> Plan:
        """All leads there are, page after page side by side."""
        walk = NumberedList(
            self.pages.page,
            changed_since=lambda began: partial(self.pages.page, filters=after("updated_after", self.settled(began))),
            warn=self.warn,
        )
        return walk.read()


def label_of(field: Record) -> str:
    """What people call a field of the account."""
    label = field.get("label")
    return label if isinstance(label, str) else ""


class WebhookPlugin(PersistiqStream):
    """The settings of the webhook integration: one bare object without id, its URLs and secrets blanked."""

    name = "webhook_plugin"
    primary_key = None

    def __init__(self, client: HttpClient, settings: Settings) -> None:
        super().__init__(client, settings, endpoint=WebhookEndpoint())

    def work(self, start: Start) -> Plan:
        answer = self.pages.fetch(ListAsk())
        if not answer.records:
            answer = self.pages.fetch(ListAsk())
            has_none = answer.body in (None, [], {self.name: []})
            self.client.usage.not_objects += 0 if answer.records or has_none else 1
        yield Page(answer.records)


def build(client: HttpClient, settings: Settings) -> list[PersistiqStream]:
    """One instance of every stream."""
    others = (Mailboxes, Leads, Events, CampaignReplies, CampaignLeads, WebhookPlugin)
    return [PersistiqStream(client, settings, name) for name in PLAIN] + [stream(client, settings) for stream in others]


def listings(streams: Iterable[PersistiqStream]) -> dict[str, Listing]:
    """How the ids of each stream are listed for `record_ids`: PersistIQ has nothing smaller than its lists, which are
    read whole. Events have no end and are never deleted; the settings of the webhook have no id."""
    return {
        stream.name: stream.everything
        if isinstance(stream, Leads | CampaignChild)
        else partial(stream.work, Start(False))
        for stream in streams
        if not isinstance(stream, Events | WebhookPlugin)
    }
