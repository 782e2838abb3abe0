"""Contacts: by keyset over Advanced Filtering; where searching is refused, the whole list."""

from __future__ import annotations

from source_closeio.base import CloseList
from source_closeio.searched import Searched, SearchRefused
from source_kit import timestamps
from source_kit.windows import Window
from source_kit.work import Page, Record, Work

# Computed when they are named; heavy field lists make Close end search pages early.
OPTIONAL_FIELDS = frozenset(["recent_calls", "subscriptions", "lead_suggestions_operation_id"])


class Contacts(Searched):
    """Every contact with all its fields, by `date_updated`."""

    name = "contacts"
    object_type = "contact"
    optional_fields = OPTIONAL_FIELDS

    def without_search(self, window: Window, refused: SearchRefused) -> Work:
        """`GET /contact/` has no date filter and no order of its own choice: everything, filtered here."""
        self.say("WARN", f"Searching contacts is refused ({refused}); reading the whole list instead.")
        began_at = self.client.clock.now()
        tops: list[str] = []

        def changed(record: Record) -> bool:
            return window.lower is None or timestamps.parse(record["date_updated"]) >= window.lower

        for page in ContactList(self.client, self.settings, self.account).rows():
            records = [record for record in page.records if changed(record)]
            if records:
                tops.append(timestamps.latest([record["date_updated"] for record in records]))
                yield Page(self.chosen(records))
        yield Page((), self.time_cursor.checkpoint(timestamps.latest(tops), began_at) if tops else None)
        return None


class ContactList(CloseList):
    """The plain list, the fallback of `Contacts`."""

    name = "contacts"
    resource = "contact/"
    page_size = 200
