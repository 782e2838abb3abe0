"""Leads: by keyset over Advanced Filtering, or by the old query language where searching is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from source_closeio.endpoints import ListEndpoint
from source_closeio.fetcher import ListFetcher
from source_closeio.searched import Searched
from source_closeio.ties import OtherWay
from source_kit import schemas, timestamps
from source_kit.keyset import Keyset
from source_kit.walks import walk
from source_kit.windows import Fetched, Window
from source_kit.work import Plan

QUERY_PAGE_SIZE = 200
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
_LAST_MINUTE = timestamps.floor(datetime.max.replace(tzinfo=UTC), timestamps.MINUTE)
# What leads embed that has custom fields, with its object type.
EMBEDDED = {"contacts": "contact", "opportunities": "opportunity"}


class Leads(Searched):
    """Every lead with all its fields, by `date_updated`."""

    name = "leads"
    object_type = "lead"
    record_resource = "lead/"
    optional_fields = OPTIONAL_FIELDS
    custom_type = "lead"
    # Close gives `custom` on leads itself.
    adds_custom_by_name = False

    def schema(self) -> schemas.Schema:
        """As the base; the contacts and opportunities inside carry the custom fields of their own object types."""
        schema = super().schema()
        for name, object_type in EMBEDDED.items():
            fields = self.account.custom_fields(object_type).properties()
            schema["properties"][name]["items"]["properties"] |= fields
        return schema

    @cached_property
    def other_way(self) -> OtherWay:
        """The old query language."""
        pages = ListFetcher(self.client, ListEndpoint("lead/", self.mending, QUERY_PAGE_SIZE), self.name)
        return LeadsByQuery(pages, self.lag)


class LeadsByQuery(OtherWay):
    """Leads by the deprecated `query=` language, which compares whole minutes; still used by every other connector."""

    words = "reading them by query= instead, which is slower"

    def walk(self, window: Window) -> Plan:
        """The same walk as a search, minute by minute."""
        lower = None if window.lower is None else timestamps.floor(window.lower, timestamps.MINUTE)
        upper = None if window.upper is None else _next_minute(window.upper)
        keyset = Keyset(
            fetch=self.fetch_window,
            field="date_updated",
            page_size=self.pages.page_size,
            step=timestamps.MINUTE,
            lag=self.lag,
            emit=lambda found: timestamps.within(found, "date_updated", window.lower, window.upper),
            checkpoint=self.cursor(window).checkpoint,
        )
        return walk(keyset, Window(lower, upper))

    def fetch_window(
        self, window: Window, token: Any = None, *, count: bool = False, limit: int | None = None
    ) -> Fetched:
        """One page of a window; inside one minute by offset."""
        return self.pages.by_offset({"query": _query(window)}, token, limit)


def _query(window: Window) -> str:
    """`date_updated>="2024-01-31T10:05" date_updated<"..." sort:date_updated`."""
    parts = []
    if window.lower is not None:
        parts.append(f'date_updated>="{_minute(window.lower)}"')
    if window.upper is not None:
        parts.append(f'date_updated<"{_minute(window.upper)}"')
    parts.append("sort:-date_updated" if window.descending else "sort:date_updated")
    return " ".join(parts)


def _next_minute(instant: datetime) -> datetime:
    """The minute that begins then, or next."""
    minute = timestamps.floor(instant, timestamps.MINUTE)
    return minute if minute in (instant, _LAST_MINUTE) else minute + timestamps.MINUTE


def _minute(instant: datetime) -> str:
    """`2024-01-31T10:05`; not by `strftime`, which writes the year 1 with one digit."""
    return instant.replace(tzinfo=None).isoformat(timespec="minutes")
