"""The streams of source-kustomer, put together; kobjects also per klass of the account."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from source_kit import timestamps
from source_kit.client import HttpClient
from source_kit.errors import SourceError, StreamUnavailable, TransientError
from source_kit.keyset import Keyset
from source_kit.rows import identity
from source_kit.rules import Rejected, Unavailable
from source_kit.stream import KitStream
from source_kit.windows import Window
from source_kit.work import Fork, Page, Plan, Record, Start
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
from source_kustomer.lists import (
    KLASSES,
    LISTS,
    AuditLogs,
    CustomAttributes,
    Listed,
    ListStream,
    SlaVersions,
    is_within,
    times_of,
)
from source_kustomer.paging import TooLong
from source_kustomer.records import snake
from source_kustomer.search import Scope
from source_kustomer.searches import (
    Border,
    Checkpoint,
    SearchRefused,
    SearchStream,
    no_checkpoint,
    unseen_versions,
)

KLASS_STREAM = "kobject_"


class Companies(SearchStream):
    """Companies: searched by an attribute that is in use but not documented, else listed."""

    is_doubtful = True
    custom_resource = "company"

    def work(self, start: Start) -> Plan:
        """As the base; a list, which ends at 10,000 companies, where the search is refused."""
        try:
            yield from super().work(start)
        except SearchRefused as refusal:
            self.client.log(
                "WARN",
                "Stream companies: Kustomer does not search companies by their last change here "
                f"({refusal.internal_message}): listing them instead.",
            )
            row = Listed("companies", "companies", "org.permission.company.read")
            listed = ListStream(self.client, self.settings, row)
            yield from listed.changed(self.time_cursor, self.time_cursor.lower(start))


class Notes(SearchStream):
    """Notes. The archive cannot be searched for them: old ones are listed, or asked of every old conversation."""

    has_archive = False

    def __init__(self, client: HttpClient, settings: Settings, conversations: SearchStream) -> None:
        super().__init__(client, settings, "notes", [Scope("note", "note")])
        self.conversations = conversations
        self._lock = threading.Lock()

    def work(self, start: Start) -> Plan:
        self._timeless: set[Any] = set()
        return super().work(start)

    def keyset(
        self, checkpoint: Checkpoint, *, archive: bool = False, criteria: Sequence[dict[str, Any]] = ()
    ) -> Keyset:
        """As the base; what has no usable time may be listed and found, and leaves once."""
        return replace(super().keyset(checkpoint, archive=archive, criteria=criteria), emit=self._once)

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

    def walk(self, lower: datetime | None, checkpoint: Checkpoint, *, criteria: Sequence[dict[str, Any]] = ()) -> Plan:
        """Old notes without checkpoints, then the standard search."""
        border = self.border(lower)
        if border is None:
            yield from super().walk(lower, checkpoint, criteria=criteria)
        else:
            yield from self.recent([self._old(lower, border)], border.upper, checkpoint)

    def _old(self, lower: datetime | None, border: Border) -> Plan:
        """First what may still be searched, then the list: a note that leaves the one in between is in the other."""
        keyset = self.keyset(no_checkpoint)
        unseen = partial(unseen_versions, seen=set(), mark_of=keyset.mark_of)

        def once(records: list[Record]) -> list[Record]:
            within = [record for record in records if is_within(record.get("updated_at"), lower, border.upper)]
            return self._once(unseen(within))

        yield from replace(keyset, emit=once).walk(Window(border.lower, border.upper), cut=False)
        listed = ListStream(self.client, self.settings, Listed("notes", "notes", "org.permission.note.read"))
        try:
            for page in listed.rows_once():
                yield replace(page, records=once(list(page.records)))
        except (TooLong, Rejected, Unavailable) as refusal:
            # A list that is too long, that is not known, or not by page.
            if not isinstance(refusal, TooLong) and getattr(refusal, "status", None) not in (400, 404):
                raise
            self.client.log(
                "WARN",
                f"Stream notes: Kustomer does not list all old notes ({refusal.internal_message}): asking old "
                "conversations for theirs.",
            )
        else:
            return
        children = _OldNotes(self.client, self.settings, self.conversations, border.upper)
        children.begin()
        children.once = once
        yield from children.fan_out(self.conversations.walk(None, no_checkpoint))


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


class ConversationTimes(SearchStream):
    """Handle times: written once, so walked by creation. Those older than two years cannot be searched."""

    cursor_field = "created_at"
    has_archive = False
    is_doubtful = True

    def __init__(self, client: HttpClient, settings: Settings, conversations: SearchStream) -> None:
        scope = Scope("conversation_time", "conversation_time", "created_at")
        super().__init__(client, settings, "conversation_times", [scope])
        self.conversations = conversations

    def work(self, start: Start) -> Plan:
        """As the base; per conversation where the search is refused."""
        try:
            yield from super().work(start)
        except SearchRefused as refusal:
            self.client.log(
                "WARN",
                f"Stream conversation_times: Kustomer does not search them here ({refusal.internal_message}): asking "
                "every conversation.",
            )
            yield from self._by_conversation(self.time_cursor.lower(start))

    def _by_conversation(self, lower: datetime | None) -> Plan:
        children = _TimesOf(self.client, self.settings, self.conversations, lower)
        children.begin()
        yield from children.fan_out(self.conversations.walk(lower, no_checkpoint))
        yield Fork()
        top = children.latest
        yield Page((), None if top is None else self.time_cursor.checkpoint(top, children.began_at))


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
        fresh = [record for record in records if is_within(record.get("created_at"), self.lower, None)]
        values = times_of(fresh, "created_at")
        if values:
            self.latest = timestamps.latest(values if self.latest is None else [*values, self.latest])
        return [{"conversation_id": parent.id} | record for record in fresh]


class UnlistedKlass(SearchStream):
    """A stream of a klass that is configured, where the key may not list klasses: reading it says so."""

    def __init__(self, client: HttpClient, settings: Settings, name: str, failure: SourceError) -> None:
        super().__init__(client, settings, name, [Scope("kobject", "kobject")], schema="kobjects")
        self.failure = failure

    def work(self, start: Start) -> Plan:
        """Nothing but the reason."""
        is_refused = isinstance(self.failure, StreamUnavailable)
        raise (StreamUnavailable if is_refused else TransientError)(
            f"Stream {self.name} cannot be read, because its klass cannot be looked up: {self.failure.message}",
            internal_message=self.failure.internal_message,
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
    streams: dict[str, KitStream] = {}
    for klass in klasses.listed_names(lambda record: record.get("status") != "disabled"):
        context = f"kobject_{klass}"
        scopes = [Scope(context, "kobject"), Scope(context, context)]
        stream = SearchStream(client, settings, klass_stream_name(klass), scopes, schema="kobjects")
        stream.is_doubtful, stream.custom_resource = True, f"kobject.{klass}"
        streams[stream.name] = stream
    return list(streams.values())


def klass_stream_name(klass: str) -> str:
    """The stream of a klass: small letters, digits and underscores, by the name of the klass alone, so that it stays
    when another klass appears.

    `order` and `order-item`, as Kustomer's apps call their klasses, are `kobject_order` and `kobject_order_item`.
    Whatever else reads like one of these (`order_item`, `Order`) has six digits of its own behind two underscores.
    """
    readable = snake(klass) if re.fullmatch("[a-z0-9_]+", snake(klass)) else ""
    if klass == readable.replace("_", "-"):
        return KLASS_STREAM + readable
    digest = int(hashlib.sha256(klass.encode("utf-8", "replace")).hexdigest(), 16) % 1_000_000
    return f"{KLASS_STREAM}{readable or 'klass'}__{digest:06}"
