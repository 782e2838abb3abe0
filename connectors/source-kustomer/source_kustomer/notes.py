"""Notes, which the archive does not have."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from source_kit import timestamps
from source_kit.client import HttpClient
from source_kit.keyset import Keyset
from source_kit.rows import identity
from source_kit.rules import Rejected, Unavailable
from source_kit.windows import Window
from source_kit.work import Plan, Record, Start
from source_kustomer.children import ChildStream, Parent
from source_kustomer.config import Settings
from source_kustomer.lists import Listed, ListStream, is_within
from source_kustomer.paging import TooLong
from source_kustomer.search import Scope
from source_kustomer.searches import Border, SearchStream, unseen_versions
from source_kustomer.wanted import EVERYTHING, Wanted

LISTED = Listed("notes", "notes", "org.permission.note.read")


class Notes(SearchStream):
    """Notes. The archive cannot be searched for them: old ones are listed, or asked of every old conversation."""

    has_archive = False

    def __init__(self, client: HttpClient, settings: Settings, conversations: SearchStream) -> None:
        super().__init__(client, settings, "notes", [Scope("note", "note")])
        self.conversations = conversations
        self._lock = threading.Lock()
        self._timeless: set[Any] = set()

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
        """Old notes."""
        return self._old(None, border, EVERYTHING)

    def _old(self, lower: datetime | None, border: Border, wanted: Wanted) -> Plan:
        """First what may still be searched, then the list: a note that leaves the one in between is in the other."""
        upper = border.upper if wanted.upper is None else min(border.upper, wanted.upper)
        keyset = self.keyset()
        unseen = partial(unseen_versions, seen=set(), mark_of=keyset.mark_of)

        def once(records: list[Record]) -> list[Record]:
            within = [record for record in records if is_within(record.get("updated_at"), lower, upper)]
            return wanted.emit(self._once(unseen(within)))

        yield from replace(keyset, emit=once).walk(Window(border.lower, upper), cut=False)
        listed = ListStream(self.client, self.settings, LISTED)
        try:
            yield from map(lambda page: replace(page, records=once(list(page.records))), listed.rows_once())
        except (TooLong, Rejected, Unavailable) as refusal:
            if not is_no_list(refusal):
                raise
            self.client.log(
                "WARN",
                f"Stream notes: Kustomer does not list all old notes ({refusal.internal_message}): asking old "
                "conversations for theirs.",
            )
        else:
            return
        children = _OldNotes(self.client, self.settings, self.conversations, upper)
        children.begin()
        children.once = once
        yield from children.fan_out(self.conversations.walk(None))


def is_no_list(refusal: TooLong | Rejected | Unavailable) -> bool:
    """Whether a list is too long, is not known, or not by page; else the permission is missing."""
    return isinstance(refusal, TooLong) or getattr(refusal, "status", None) in (400, 404)


class _OldNotes(ChildStream):
    """Notes of the conversations that may have old ones. Not a stream of its own."""

    name = "notes"
    resource = "conversations/{id}/notes"
    permission = "org.permission.note.read"

    def __init__(
        self, client: HttpClient, settings: Settings, parents: SearchStream, created_before: datetime | None
    ) -> None:
        super().__init__(client, settings, parents)
        self.created_before = created_before
        self.once: Callable[[list[Record]], list[Record]] = list

    def parent(self, record: Record) -> Parent | None:
        is_old = is_within(record.get("created_at"), None, self.created_before)
        return super().parent(record) if is_old and record.get("note_count") != 0 else None

    def found(self, parent: Parent, records: list[Record]) -> list[Record]:
        return self.once(records)
