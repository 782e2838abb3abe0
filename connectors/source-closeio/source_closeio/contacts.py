"""Contacts: by keyset over Advanced Filtering; where searching is refused, the whole list."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from source_closeio.endpoints import ListEndpoint
from source_closeio.fetcher import ListFetcher
from source_closeio.searched import Searched
from source_closeio.ties import OtherWay
from source_kit import timestamps
from source_kit.windows import Beginning, Fetched, Window
from source_kit.work import Page, Plan

# Computed when they are named; heavy field lists make Close end search pages early.
OPTIONAL_FIELDS = frozenset(["recent_calls", "subscriptions", "lead_suggestions_operation_id"])


class Contacts(Searched):
    """Every contact with all its fields, by `date_updated`."""

    name = "contacts"
    object_type = "contact"
    record_resource = "contact/"
    custom_type = "contact"
    optional_fields = OPTIONAL_FIELDS

    @cached_property
    def other_way(self) -> OtherWay:
        """The plain list."""
        pages = ListFetcher(self.client, ListEndpoint("contact/", self.mending, 200), self.name)
        return WholeContactList(pages, self.lag)


class WholeContactList(OtherWay):
    """The plain list, which has no date filter and no order of its own choice."""

    words = "reading the whole list instead"

    def walk(self, window: Window) -> Plan:
        """Everything, filtered here."""
        beginning = Beginning()
        tops: list[str | None] = []
        for fetched in map(beginning.saw, self.pages.whole()):
            records = timestamps.within(list(fetched.records), "date_updated", window.lower, window.upper)
            if records:
                tops.append(timestamps.latest_of([record.get("date_updated") for record in records]))
                yield Page(records)
        top = timestamps.latest_of(tops)
        yield Page((), None if top is None else self.cursor(window).checkpoint(top, beginning.at))

    def fetch_window(self, window: Window, token: Any = None) -> Fetched:
        """One page of all there are."""
        return self.pages.by_offset({}, token)
