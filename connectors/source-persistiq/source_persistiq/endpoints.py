"""The lists of PersistIQ: how a page is asked for, and what its rows become."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import quote

from source_kit import schemas, timestamps
from source_kit.endpoint import Ask, Endpoint
from source_kit.rows import Record

# One budget for everything that is asked with the company's key.
BUCKET = "all requests"
PACKAGE = "source_persistiq"
# Whoever knows a webhook's URL can post to it.
LIVE_SECRETS = ("url", "secret", "token", "key")


@dataclass(frozen=True)
class ListAsk(Ask):
    """A page by its number, from 1 on; of the list of one campaign, for lists that campaigns have."""

    page: int = 1
    filters: Mapping[str, str] = field(default_factory=dict)
    campaign: str = ""


class ListEndpoint(Endpoint[ListAsk]):
    """`GET /v1/<name>`, or `GET /v1/campaigns/<id>/<name>`. The rows stand under the name."""

    usual = ListAsk()
    bucket = BUCKET

    def __init__(self, name: str, *, schema: str = "") -> None:
        """`schema`: the schema file of the records, where it is not named like the list."""
        self.name = self.rows_key = name
        self.schema = schema or name

    @cached_property
    def times(self) -> tuple[str, ...]:
        """The date-times of the records."""
        return schemas.zoned_fields(schemas.load(PACKAGE, self.schema))

    def path(self, asked: ListAsk) -> str:
        if not asked.campaign:
            return self.name
        return f"campaigns/{quote(asked.campaign, safe='', errors='surrogatepass')}/{self.name}"

    def params(self, asked: ListAsk) -> Mapping[str, Any]:
        """The first page is what comes without a number, as documented."""
        return {**({"page": asked.page} if asked.page > 1 else {}), **asked.filters}

    def is_whole(self, content: Any) -> bool:
        """A 200 can say `status: error`, and an answer without its list is damaged, not empty."""
        return super().is_whole(content) and not is_error(content)

    def records(self, content: Any, asked: ListAsk) -> list[Record]:
        """The records, with a `Z` on date-times without a zone (0.1 µs a value)."""
        records: list[Record] = content[self.rows_key]
        if self.times:
            timestamps.fix_zones(records, self.times)
        return records


class CampaignLeadsEndpoint(ListEndpoint):
    """The leads of a campaign, with `lead_id` beside the whole lead."""

    def __init__(self) -> None:
        super().__init__("leads", schema="campaign_leads")
        self.rows_key = "campaign_leads"

    @cached_property
    def lead_times(self) -> tuple[str, ...]:
        """The date-times of the lead."""
        return schemas.zoned_fields(schemas.load(PACKAGE, self.schema)["properties"]["lead"])

    def records(self, content: Any, asked: ListAsk) -> list[Record]:
        records = super().records(content, asked)
        leads = [row["lead"] if isinstance(row.get("lead"), dict) else {} for row in records]
        timestamps.fix_zones(leads, self.lead_times)
        return [
            {**row, "lead_id": lead.get("id", row.get("lead_id"))} for row, lead in zip(records, leads, strict=True)
        ]


class EventsEndpoint(ListEndpoint):
    """Events in either published shape."""

    def __init__(self) -> None:
        super().__init__("events")

    def records(self, content: Any, asked: ListAsk) -> list[Record]:
        """The records with their cursor, null where they have no time at all."""
        records = super().records(content, asked)
        for record in records:
            if not record.get("event_at"):
                created = record.get("created_at")
                record["event_at"] = created if isinstance(created, str) else record.get("event_at")
        return records


class WebhookEndpoint(ListEndpoint):
    """The settings of the webhook integration: one bare object without id, its URLs and secrets blanked."""

    def __init__(self) -> None:
        super().__init__("webhook_plugin")

    def is_whole(self, content: Any) -> bool:
        """What is no object, or none at all, is asked for again by the stream, and then taken for what it says."""
        return not is_error(content)

    def records(self, content: Any, asked: ListAsk) -> list[Record]:
        """The object, from under its own name where it comes like that; nothing else."""
        inner = content.get(self.rows_key) if isinstance(content, dict) else content
        found = inner if isinstance(inner, list) else [inner if isinstance(inner, dict) else content]
        return [blanked(each) for each in found if isinstance(each, dict)]


def is_error(content: Any) -> bool:
    """Whether a 200 says that it is none."""
    return isinstance(content, dict) and content.get("status") == "error"


def is_list_of_users(content: Any) -> bool:
    """Whether this is what only PersistIQ answers: its users."""
    users = content.get("users") if isinstance(content, dict) and not is_error(content) else None
    return isinstance(users, list) and (not users or any(isinstance(user, dict) for user in users))


def blanked(value: Any) -> Any:
    """The value with null for live secrets, however deep."""
    if isinstance(value, list):
        return [blanked(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {key: None if key.lower().endswith(LIVE_SECRETS) else blanked(inner) for key, inner in value.items()}
