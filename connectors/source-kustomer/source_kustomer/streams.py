"""The streams of source-kustomer, put together; kobjects also per klass of the account."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from source_kit import timestamps
from source_kit.client import HttpClient
from source_kit.errors import StreamUnavailable
from source_kit.stream import KitStream
from source_kit.windows import Window
from source_kit.work import Page, Piece, Record, Start, Work
from source_kustomer.children import (
    Attachments,
    ChildStream,
    ConversationEvents,
    CustomerMerges,
    Parent,
    SatisfactionResponses,
    WorkItems,
)
from source_kustomer.config import Settings
from source_kustomer.lists import KLASSES, LISTS, AuditLogs, CustomAttributes, Listed, ListStream, SlaVersions
from source_kustomer.search import Scope
from source_kustomer.searches import SURELY_ARCHIVED, SURELY_SEARCHED, Checkpoint, SearchRefused, SearchStream

KLASS_STREAM = "kobject_"


class Companies(SearchStream):
    """Companies: searched by an attribute that is in use but not documented, else listed."""

    is_doubtful = True
    custom_resource = "company"

    def work(self, start: Start) -> Work:
        """As the base; a list, which ends at 10,000 companies, where the search is refused."""
        try:
            return (yield from super().work(start))
        except SearchRefused:
            self.client.log(
                "WARN", "Kustomer does not search companies by their last change here: listing them instead."
            )
        listed = ListStream(self.client, self.settings, Listed("companies", "companies", "org.permission.company.read"))
        began_at, lower = self.client.clock.now(), self.time_cursor.lower(start)
        tops: list[str] = []
        for records in listed.rows_once():
            fresh = [record for record in records if _is_within(record["updated_at"], lower, None)]
            tops += [record["updated_at"] for record in fresh]
            yield Page(fresh)
        yield Page((), self.time_cursor.checkpoint(timestamps.latest(tops), began_at) if tops else None)
        return None


class Notes(SearchStream):
    """Notes. The archive cannot be searched for them: old ones are listed, or asked of every old conversation."""

    has_archive = False

    def __init__(self, client: HttpClient, settings: Settings, conversations: SearchStream) -> None:
        super().__init__(client, settings, "notes", [Scope("note", "note")])
        self.conversations = conversations

    def pieces(
        self, lower: datetime | None, checkpoint: Checkpoint, *, criteria: Sequence[dict[str, Any]] = ()
    ) -> list[Piece]:
        """Old notes without checkpoints, then the standard search."""
        now = timestamps.floor(self.client.clock.now(), timestamps.MILLISECOND)
        archived, searched = now - SURELY_ARCHIVED, now - SURELY_SEARCHED
        if not self.settings.include_archived or (lower is not None and lower >= searched):
            return super().pieces(lower, checkpoint, criteria=criteria)
        border = Window(archived if lower is None else max(lower, archived), searched)
        return [Piece(self._old(lower, border)), *self.recent(searched, now, checkpoint)]

    def _old(self, lower: datetime | None, border: Window) -> Work:
        """First what may still be searched, then the list: a note that leaves the one in between is in the other."""
        seen: set[tuple[Any, Any]] = set()
        upper = border.upper

        def once(records: list[Record]) -> list[Record]:
            fresh = [
                record
                for record in records
                if (record["id"], record["updated_at"]) not in seen and _is_within(record["updated_at"], lower, upper)
            ]
            seen.update((record["id"], record["updated_at"]) for record in fresh)
            return fresh

        keyset = replace(self.keyset(lambda value, asked_at: None), emit=once)
        yield from keyset.walk(border, cut=False)
        listed = ListStream(self.client, self.settings, Listed("notes", "notes", "org.permission.note.read"))
        try:
            for records in listed.rows_once():
                yield Page(once(records))
        except StreamUnavailable:
            self.client.log("WARN", "There are more notes than Kustomer lists: asking old conversations for theirs.")
        else:
            return None
        children = _OldNotes(self.client, self.settings, self.conversations, upper)
        children.begin()
        children.once = once
        return children.fan_out(self.conversations.pieces(None, lambda value, asked_at: None))


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
        created_at = record.get("created_at")
        is_old = not created_at or _is_within(created_at, None, self.created_before)
        return super().parent(record) if is_old and record.get("note_count") != 0 else None

    def found(self, parent: Parent, records: list[Record]) -> list[Record]:
        return self.once(records)


class ConversationTimes(SearchStream):
    """Handle times: written once, so walked by creation. Those older than two years cannot be searched."""

    cursor_field = "created_at"
    has_archive = False
    is_doubtful = True

    def __init__(self, client: HttpClient, settings: Settings, conversations: SearchStream) -> None:
        scope = Scope("conversation_time", "conversation_time", "created_at")
        super().__init__(client, settings, "conversation_times", [scope])
        self.conversations = conversations

    def work(self, start: Start) -> Work:
        """As the base; per conversation where the search is refused."""
        try:
            return (yield from super().work(start))
        except SearchRefused:
            self.client.log("WARN", "Kustomer does not search conversation times here: asking every conversation.")
        cursor, began_at = self.time_cursor, self.client.clock.now()
        children = _TimesOf(self.client, self.settings, self.conversations, cursor.lower(start))

        def end() -> Work:
            top = children.latest
            yield Page((), None if top is None else cursor.checkpoint(top, began_at))
            return None

        children.begin()
        walk = self.conversations.pieces(cursor.lower(start), lambda value, asked_at: None)
        return [*children.fan_out(walk), Piece(end(), last=True)]


class _TimesOf(ChildStream):
    """Handle times per conversation. Not a stream of its own."""

    name = "conversation_times"
    resource = "conversations/{id}/times"
    permission = "org.permission.conversation.read"
    page_size = 1000

    def __init__(self, client: HttpClient, settings: Settings, parents: SearchStream, lower: datetime | None) -> None:
        super().__init__(client, settings, parents)
        self.lower = lower
        self.latest: str | None = None

    def found(self, parent: Parent, records: list[Record]) -> list[Record]:
        fresh = [record for record in records if _is_within(record["created_at"], self.lower, None)]
        values = [record["created_at"] for record in fresh]
        if values:
            self.latest = timestamps.latest(values if self.latest is None else [*values, self.latest])
        return [{"conversation_id": parent.id} | record for record in fresh]


class UnlistedKlass(SearchStream):
    """A stream of a klass that is configured, where the key may not list klasses: reading it says so."""

    def __init__(self, client: HttpClient, settings: Settings, name: str, refusal: StreamUnavailable) -> None:
        super().__init__(client, settings, name, [Scope("kobject", "kobject")], schema="kobjects")
        self.refusal = refusal

    def work(self, start: Start) -> Work:
        """Nothing but the reason."""
        raise StreamUnavailable(
            f"Stream {self.name} cannot be read, because its klass cannot be looked up: {self.refusal.message}",
            internal_message=self.refusal.internal_message,
        )
        yield  # a plan


def build(client: HttpClient, settings: Settings) -> list[KitStream]:
    """One instance of every stream that each account has."""

    def searched(name: str, context: str) -> SearchStream:
        stream = SearchStream(client, settings, name, [Scope(context, context)])
        stream.custom_resource = "" if context == "kobject" else context
        return stream

    customers, conversations = searched("customers", "customer"), searched("conversations", "conversation")
    messages = searched("messages", "message")
    return [
        Companies(client, settings, "companies", [Scope("company", "company")]),
        customers,
        conversations,
        messages,
        Notes(client, settings, conversations),
        searched("kobjects", "kobject"),
        ConversationTimes(client, settings, conversations),
        *(ListStream(client, settings, listed) for listed in LISTS),
        SlaVersions(client, settings),
        CustomAttributes(client, settings),
        AuditLogs(client, settings),
        Attachments(client, settings, conversations, messages),
        ConversationEvents(client, settings, conversations),
        WorkItems(client, settings, conversations),
        SatisfactionResponses(client, settings, conversations),
        CustomerMerges(client, settings, customers),
    ]


def klass_streams(client: HttpClient, settings: Settings) -> list[KitStream]:
    """A stream per klass. Its attributes are called like those of all kobjects, or after the klass."""
    klasses = ListStream(client, settings, KLASSES)
    listed = [record for records in klasses.rows_once() for record in records if record.get("name")]
    names = sorted({record["name"] for record in listed if record.get("status") != "disabled"})
    streams: dict[str, KitStream] = {}
    for klass in names:
        context = f"kobject_{klass}"
        name = KLASS_STREAM + re.sub(r"[^A-Za-z0-9_]", "_", klass)
        scopes = [Scope(context, "kobject"), Scope(context, context)]
        stream = SearchStream(client, settings, name if name not in streams else context, scopes, schema="kobjects")
        stream.is_doubtful, stream.custom_resource = True, f"kobject.{klass}"
        streams[stream.name] = stream
    return list(streams.values())


def _is_within(value: str, lower: datetime | None, upper: datetime | None) -> bool:
    instant = timestamps.parse(value)
    return (lower is None or instant >= lower) and (upper is None or instant < upper)
