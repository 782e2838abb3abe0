"""Contacts: by keyset over Advanced Filtering; where searching is refused, the whole list."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import cached_property
from typing import Any

from source_closeio.base import CloseList
from source_closeio.searched import Searched
from source_closeio.ties import Emit, OtherWay
from source_closeio.times import Beginning, latest, within
from source_kit.offsets import OffsetList
from source_kit.stream import TimeCursor
from source_kit.windows import Fetched, Window
from source_kit.work import Page, Plan, Record

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
        return ContactList(self.client, self.settings, self.account)


class ContactList(CloseList):
    """The plain list, which has no date filter and no order of its own choice."""

    name = "contacts"
    resource = "contact/"
    page_size = 200
    custom_type = "contact"
    words = "reading the whole list instead"

    def chosen(self, records: list[Record]) -> list[Record]:
        """As they come: what reads the list chooses."""
        return records

    def walk(self, window: Window, emit: Emit) -> Plan:
        """Everything, filtered here."""
        lag = timedelta(seconds=self.settings.common.lookback_window_seconds)
        cursor = TimeCursor("date_updated", None, lag, window.upper)
        beginning = Beginning()
        tops: list[str | None] = []

        for page in OffsetList(lambda skip: beginning.saw(self.fetch_at(skip, {}))).walk():
            records = within(window, list(page.records))
            if records:
                tops.append(latest([record.get("date_updated") for record in records]))
                yield replace(page, records=emit(records))
        top = latest(tops)
        yield Page((), None if top is None else cursor.checkpoint(top, beginning.at))

    def fetch_window(self, window: Window, token: Any = None) -> Fetched:
        """One page of all there are."""
        return self.fetch_offset({}, token, None)
