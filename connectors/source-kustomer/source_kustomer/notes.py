"""Notes, which the archive does not have."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from source_kit import timestamps
from source_kit.keyset import Keyset
from source_kit.rows import identity
from source_kit.rules import Rejected, Unavailable
from source_kit.timestamps import is_within, within
from source_kit.walks import walk
from source_kit.windows import Window
from source_kit.work import Page, Plan, Record, Start, mapped
from source_kustomer.children import Children, Parent
from source_kustomer.endpoints import ListEndpoint
from source_kustomer.paging import ListFetcher, TooLong
from source_kustomer.search import Scope
from source_kustomer.searches import Border, SearchStream, unseen_versions
from source_kustomer.times import until
from source_kustomer.wanted import EVERYTHING, Wanted, conversations_before

NOTES = ListEndpoint("notes", "notes", "note")
# Of other refusals the cause is a missing permission.
NO_LIST = (400, 404)
NOTES_BELOW = ListEndpoint("notes", "conversations/{id}/notes", "note")


class OldNotesOf(Children):
    """Notes of the conversations that began before a time and may have some; `once` drops those that have left."""

    def __init__(
        self, pages: ListFetcher, created_before: datetime, once: Callable[[list[Record]], list[Record]]
    ) -> None:
        super().__init__(pages)
        self._created_before = created_before
        self._once = once

    def parent(self, record: Record) -> Parent | None:
        is_old = is_within(record.get("created_at"), None, self._created_before)
        return super().parent(record) if is_old and record.get("note_count") != 0 else None

    def found(self, parent: Parent, records: list[Record]) -> list[Record]:
        return self._once(records)


class ListedNotes:
    """The notes that Kustomer lists: all of them, or the first 10,000, or none."""

    def __init__(self, fetcher: ListFetcher) -> None:
        self._fetcher = fetcher
        self.has_all = False

    def pages(self) -> Iterator[Page]:
        """What is listed. A list that is too long, not known, or not by page ends; `has_all` is False then."""
        try:
            yield from self._fetcher.whole()
        except (TooLong, Rejected, Unavailable) as refusal:
            if not (isinstance(refusal, TooLong) or refusal.status in NO_LIST):
                raise
            self._fetcher.say(
                "WARN",
                f"Kustomer does not list all old notes ({refusal.internal_message}): asking old conversations for "
                "theirs.",
            )
        else:
            self.has_all = True


class Notes(SearchStream):
    """Notes. The archive cannot be searched for them: old ones are listed, or asked of every old conversation."""

    has_archive = False

    def __init__(self, conversations: SearchStream) -> None:
        super().__init__(conversations.client, conversations.settings, "notes", Scope("note", "note"))
        self.conversations = conversations
        self._lock = threading.Lock()
        self._timeless: set[Any] = set()

    def listed(self) -> ListedNotes:
        """The list of all notes, to be read once."""
        return ListedNotes(ListFetcher(self.client, NOTES, self.name))

    def work(self, start: Start) -> Plan:
        self._timeless = set()
        return super().work(start)

    def keyset(self, wanted: Wanted = EVERYTHING, *, archive: bool = False) -> Keyset:
        """As the base; what has no usable time may be listed and found, and leaves once."""
        return super().keyset(wanted.through(self._once), archive=archive)

    def _once(self, records: list[Record]) -> list[Record]:
        def leaves(record: Record) -> bool:
            updated_at = record.get("updated_at")
            if timestamps.instant(updated_at) is not None:
                return True
            key = (identity(record), str(updated_at))
            with self._lock:
                is_new = key not in self._timeless
                self._timeless.add(key)
            return is_new

        return list(filter(leaves, records))

    def walk(self, lower: datetime | None, wanted: Wanted = EVERYTHING) -> Plan:
        """Old notes without checkpoints, then the standard search."""
        border = self.border(lower)
        if border is None:
            yield from super().walk(lower, wanted)
        else:
            yield from self.recent([self._old(lower, border, wanted)], border.upper, wanted)

    def unsearchable(self, border: Border) -> Plan | None:
        """Old notes, by conversation."""
        return self._old(None, border, EVERYTHING, may_list=False)

    def _old(self, lower: datetime | None, border: Border, wanted: Wanted, *, may_list: bool = True) -> Plan:
        """First what may still be searched, then the list or the conversations: a note that leaves the one in between
        is in the other."""
        upper = until(border.upper, wanted.upper)
        keyset = self.keyset()
        unseen = partial(unseen_versions, seen=set(), mark_of=keyset.mark_of)

        def once(records: list[Record]) -> list[Record]:
            return wanted.emit(self._once(unseen(within(records, "updated_at", lower, upper))))

        yield from walk(replace(keyset, emit=once), Window(border.lower, upper), cut=False)
        if may_list:
            listed = self.listed()
            yield from mapped(listed.pages(), lambda page: replace(page, records=once(list(page.records))))
            if listed.has_all:
                return
        children = OldNotesOf(ListFetcher(self.client, NOTES_BELOW, self.name), upper, once)
        yield from children.fan_out(self.conversations.walk(None, conversations_before(upper)))
