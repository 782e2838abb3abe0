"""The streams of source-persistiq: those that are read as they are, by name, and one class for each of the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property, partial
from typing import Any
from urllib.parse import quote

import requests

from source_kit import schemas, timestamps
from source_kit.answers import body
from source_kit.client import HttpClient
from source_kit.errors import StreamUnavailable
from source_kit.numbered import Fetch, Listed, NumberedList
from source_kit.rows import identity
from source_kit.rules import Unavailable
from source_kit.state_input import broken, cursor_instant
from source_kit.timestamps import seconds_z
from source_kit.work import Fork, Page, Plan, Record, Start, in_order
from source_persistiq.base import FIRST, NEVER, PersistiqStream, after, is_error, is_named
from source_persistiq.config import Settings
from source_persistiq.events import Events

PLAIN = ("users", "lead_statuses", "lead_fields", "tags", "dnc_domains", "campaigns")
# Replies enter PersistIQ when a mailbox is polled, with the time at which they were sent.
REPLY_LOOKBACK = timedelta(days=1)
STATES_OF_CHILDREN = 20
# Campaigns that are not there any more, with what PersistIQ answered.
Gone = dict[str, Unavailable]
# Whoever knows a webhook's URL can post to it.
LIVE_SECRETS = ("url", "secret", "token", "key")


class Mailboxes(PersistiqStream):
    """The mailboxes inside `users`, each with the id of its user; there is no endpoint of their own."""

    name = "mailboxes"
    has_probe = False

    def work(self, start: Start) -> Plan:
        seen: set[Any] = set()
        for page in in_order(PersistiqStream(self.client, self.settings, "users").work(start)):
            found: dict[Any, Record] = {}
            for user in page.records:
                for box in self.objects_in(user, "mailboxes"):
                    record = {**box, "user_id": user.get("id")}
                    found.setdefault(identity(record), record)
            yield replace(page, records=[box for key, box in found.items() if key not in seen])
            seen.update(found)


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
            for page in in_order(PersistiqStream(self.client, self.settings, "lead_fields").work(Start(False))):
                rows = [row for row in page.records if isinstance(row.get("name"), str)]
                own |= {row["name"]: {**value, "description": label_of(row)} for row in rows}
        except StreamUnavailable as error:
            self.warn(f"the account's own fields are not known: {error.message}")
        schema["properties"]["data"] = schemas.extended(schema["properties"]["data"], own)
        return schema

    def work(self, start: Start) -> Plan:
        """The whole walk, then what changed meanwhile. There is no order and no upper bound: the state moves at the end
        only, to the time at which the walk began less the lag."""
        filters = after("updated_after", self.lower(start))
        walk = NumberedList(
            partial(self.page, filters=filters),
            changed_since=lambda began: partial(self.page, filters=after("updated_after", self.settled(began))),
            stamp="updated_at",
            checkpoint=lambda began: {"updated_at": seconds_z(self.settled(began))},
            warn=self.warn,
        )
        yield from walk.read()
        # A long incremental read: perhaps the filter was ignored.
        if filters and (walk.end or 0) > 1 and self.unasked({"updated_after": NEVER}):
            self.warn("PersistIQ ignored updated_after, so that all leads were read.")


def label_of(field: Record) -> str:
    """What people call a field of the account."""
    label = field.get("label")
    return label if isinstance(label, str) else ""


class CampaignChild(PersistiqStream):
    """A list under each campaign. Campaigns are listed anew in every read."""

    starts_after = ("campaigns",)
    worker_share = 0.5

    def campaigns(self) -> tuple[list[str], datetime]:
        """Their ids, and when they were asked for."""
        walk = NumberedList(PersistiqStream(self.client, self.settings, "campaigns").page, warn=self.warn)
        rows = [row for page in in_order(walk.read()) for row in page.records]
        named = [row for row in rows if is_named(row)]
        if len(named) < len(rows):
            self.warn(f"{len(rows) - len(named)} campaigns have no id, so that their {self.rows_key} cannot be read.")
        return list(dict.fromkeys(str(row["id"]) for row in named)), walk.began or self.client.clock.now()

    def child(
        self,
        campaign: str,
        gone: Gone,
        fetch: Fetch | None = None,
        keep: Callable[[Record], bool] | None = None,
    ) -> Plan:
        """The list of one campaign. One that was deleted meanwhile is passed over with a warning."""
        try:
            every = partial(self.page, path=self.child_path(campaign))
            yield from NumberedList(fetch or every, keep=keep, warn=self.warn).read()
        except Unavailable as error:
            if error.status != 404:
                raise
            gone[campaign] = error
            self.warn("a campaign was passed over, because it is not there any more.")

    def child_path(self, campaign: str) -> str:
        return f"campaigns/{quote(campaign, safe='', errors='surrogatepass')}/{self.name.removeprefix('campaign_')}"

    def check_gone(self, gone: Gone, campaigns: int) -> None:
        """If no campaign at all has the list, the account does not; unless all of them were deleted meanwhile."""
        if gone and len(gone) == campaigns and (listed := gone.keys() & set(self.campaigns()[0])):
            raise gone[listed.pop()]

    def probe(self) -> None:
        """The list of one campaign, if there is any."""
        campaigns = PersistiqStream(self.client, self.settings, "campaigns").page(1).records
        for campaign in list(filter(is_named, campaigns))[:1]:
            self.fetch({"path": self.child_path(str(campaign["id"]))})


class CampaignLeads(CampaignChild):
    """The leads of each campaign, with `lead_id` beside the whole lead."""

    name = "campaign_leads"

    def work(self, start: Start) -> Plan:
        campaigns, _ = self.campaigns()
        gone: Gone = {}
        yield Fork([self.child(campaign, gone) for campaign in campaigns])
        self.check_gone(gone, len(campaigns))

    @cached_property
    def lead_times(self) -> tuple[str, ...]:
        """The date-times of the lead."""
        return schemas.zoned_fields(schemas.load(self.package, self.name)["properties"]["lead"])

    def parse_response(self, response: requests.Response, **arguments: Any) -> list[Record]:
        records = super().parse_response(response, **arguments)
        leads = [row["lead"] if isinstance(row.get("lead"), dict) else {} for row in records]
        timestamps.fix_zones(leads, self.lead_times)
        return [
            {**row, "lead_id": lead.get("id", row.get("lead_id"))} for row, lead in zip(records, leads, strict=True)
        ]


class CampaignReplies(CampaignChild):
    """Replies to each campaign, by `sent_at`; the state keeps how far each campaign has been read."""

    name = "campaign_replies"
    cursor_field = "sent_at"

    def __init__(self, client: HttpClient, settings: Settings) -> None:
        super().__init__(client, settings)
        self.rows_key = "replies"

    def work(self, start: Start) -> Plan:
        """The campaigns side by side; one that the state does not know is read from `start_date`. Later reads go back
        behind their state, so they save none before their end. States are made when all before them has been read:
        only then it is known which campaigns are gone."""
        campaigns, began = self.campaigns()
        known, until, begin = self._known(start, campaigns), self.settled(began), self.lower(Start(False))
        every = max(1, len(campaigns) // STATES_OF_CHILDREN)
        gone: Gone = {}
        ignores_start: list[bool] = []
        plans: list[Plan] = []

        def state_of(done: Sequence[str], **cursor: str) -> Page:
            reached = known | {key: max(until, known.get(key, until)) for key in done if key not in gone}
            return Page((), {**cursor, "campaigns": {key: seconds_z(instant) for key, instant in reached.items()}})

        def told(done: Sequence[str]) -> Plan:
            yield Fork()
            yield state_of(done)

        for number, campaign in enumerate(campaigns, 1):
            lower = max(begin, known.get(campaign, begin) - REPLY_LOOKBACK)
            lower = timestamps.floor(lower, timestamps.SECOND)
            plans.append(self._replies(campaign, lower, gone, ignores_start))
            if number % every == 0 and "sent_at" not in start.position:
                plans.append(told(campaigns[:number]))
        yield Fork(plans)
        self.check_gone(gone, len(campaigns))
        if True in ignores_start:
            self.warn("PersistIQ ignored start_at, so that all replies were read.")
        yield state_of(campaigns, sent_at=seconds_z(until))

    def _replies(self, campaign: str, lower: datetime, gone: Gone, ignores_start: list[bool]) -> Plan:
        """The replies to a campaign from `lower` on. Where earlier ones come nevertheless, they arrived late, unless
        PersistIQ turns out to ignore the filter: then they are left out."""
        path, filters = self.child_path(campaign), {"start_at": seconds_z(lower)}

        def is_older(record: Record) -> bool:
            at = timestamps.instant(record.get("sent_at"))
            return at is not None and at < lower

        def fetch(number: int) -> Listed:
            listed = self.page(number, filters, path)
            if not ignores_start and any(map(is_older, listed.records)):
                ignores_start.append(bool(self.unasked({"start_at": NEVER}, path)))
            return listed

        def keep(record: Record) -> bool:
            return True not in ignores_start or not is_older(record)

        return self.child(campaign, gone) if lower <= FIRST else self.child(campaign, gone, fetch, keep)

    def _known(self, start: Start, campaigns: Iterable[str]) -> dict[str, datetime]:
        """How far each campaign that still exists has been read. A state without a map speaks of all of them."""
        given = start.position.get("campaigns")
        if given is None:
            return dict.fromkeys(campaigns, self.lower(start)) if "sent_at" in start.position else {}
        if not isinstance(given, Mapping):
            raise broken(self.name, "holds something else than an object in campaigns")
        instants = {campaign: cursor_instant(self.name, given, campaign) for campaign in campaigns}
        return {campaign: max(instant, FIRST) for campaign, instant in instants.items() if instant is not None}


class WebhookPlugin(PersistiqStream):
    """The settings of the webhook integration: one bare object without id, its URLs and secrets blanked."""

    name = "webhook_plugin"
    primary_key = None

    def is_whole(self, content: Any) -> bool:
        """What is no object, or none at all, is asked for again by `work`, and then taken for what it says."""
        return not is_error(content)

    def parse_response(self, response: requests.Response, **arguments: Any) -> list[Record]:
        """The object, from under its own name where it comes like that; nothing else."""
        content = body(response)
        inner = content.get(self.rows_key) if isinstance(content, dict) else content
        found = inner if isinstance(inner, list) else [inner if isinstance(inner, dict) else content]
        return [blanked(each) for each in found if isinstance(each, dict)]

    def work(self, start: Start) -> Plan:
        answer = self.fetch()
        if not answer.records:
            answer = self.fetch()
            has_none = answer.body in (None, [], {self.rows_key: []})
            self.client.usage.not_objects += 0 if answer.records or has_none else 1
        yield Page(answer.records)


def blanked(value: Any) -> Any:
    """The value with null for live secrets, however deep."""
    if isinstance(value, list):
        return [blanked(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {key: None if key.lower().endswith(LIVE_SECRETS) else blanked(inner) for key, inner in value.items()}


def build(client: HttpClient, settings: Settings) -> list[PersistiqStream]:
    """One instance of every stream."""
    others = (Mailboxes, Leads, Events, CampaignReplies, CampaignLeads, WebhookPlugin)
    return [PersistiqStream(client, settings, name) for name in PLAIN] + [stream(client, settings) for stream in others]
