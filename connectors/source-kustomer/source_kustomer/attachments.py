"""Attachments: files of conversations, found by the messages that have some."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from source_kit import timestamps
from source_kit.rules import Rejected
from source_kit.work import Plan, Record, Start, in_order
from source_kustomer.children import Children, ChildStream, Parent, is_id
from source_kustomer.endpoints import ListEndpoint
from source_kustomer.errors import is_refused_query
from source_kustomer.paging import ListFetcher
from source_kustomer.search import SearchAsk
from source_kustomer.searches import SearchStream
from source_kustomer.wanted import Wanted

ATTACHMENTS = ListEndpoint("attachments", "conversations/{id}/attachments", "message")
HAS_ATTACHMENTS = {"message_attachment_count": {"gt": 0}}
# In the state of attachments that were found by walking all conversations, not messages.
BY_CONVERSATIONS = "__by_conversations"


class FilesOf(Children):
    """Files of a walk over conversations: of all that have messages."""

    def parent(self, record: Record) -> Parent | None:
        return super().parent(record) if record.get("message_count") != 0 else None


class FilesByMessages(Children):
    """Files of a walk over messages: of their conversations, each asked once; again only for a message that may be
    younger than the first asking."""

    parent_key = "conversation_id"

    def __init__(self, pages: ListFetcher, lag: timedelta) -> None:
        super().__init__(pages)
        self._lag = lag
        self._conversations: set[Any] = set()

    def parent(self, record: Record) -> Parent | None:
        parent = super().parent(record)
        if parent is None:
            return None
        changed_at = timestamps.instant(parent.updated_at)
        is_settled = changed_at is not None and changed_at < timestamps.before(self.began_at, self._lag)
        if parent.id in self._conversations and is_settled:
            return None
        self._conversations.add(parent.id)
        return parent


class Attachments(ChildStream):
    """Files of conversations, found by the messages that have some.

    The archive cannot be searched for them: there every conversation with a message is asked.
    """

    def __init__(self, parents: SearchStream, messages: SearchStream) -> None:
        super().__init__(parents, ATTACHMENTS, FilesOf)
        self.messages = messages.renamed(self.name)

    def work(self, start: Start) -> Plan:
        """Messages one after the other, so that a conversation is asked when its first message passes; if the search
        for attachments is refused or finds none at all, every conversation with messages."""
        by_messages, by_conversations = FilesByMessages(self.pages, self.lag), FilesOf(self.pages)
        reason = self._unsearchable()
        if reason:
            self.pages.say("WARN", f"{reason}: asking every conversation for them.")
            yield from self.below(start, by_conversations, self.parents.walk, {BY_CONVERSATIONS: True})
            return
        # A state of the walk over conversations says nothing of this one.
        start = Start(start.incremental) if BY_CONVERSATIONS in start.position else start
        yield from self.below(start, by_messages, self._messages)

    def _messages(self, lower: datetime | None, wanted: Wanted) -> Plan:
        return in_order(self.messages.walk(lower, replace(wanted, criteria=[HAS_ATTACHMENTS])))

    def probe(self) -> None:
        """As the base, and the search for messages."""
        self._unsearchable()
        super().probe()

    def _unsearchable(self) -> str:
        """Why messages cannot be searched for attachments; empty if they can. An attribute may be known, yet without
        values: only a message proves it, no row without an id and no count."""
        asked = SearchAsk(limit=1, criteria=[HAS_ATTACHMENTS])
        try:
            found = self.messages.pages.page(asked)
            if found.total and not found.records:
                found = self.messages.pages.page(asked)  # it was counted, and may have been lost on the way
        except Rejected as rejected:
            if not is_refused_query(rejected):
                raise
            return f"Kustomer does not search for attachments here ({rejected.internal_message})"
        has_message = any(is_id(record.get("id")) for record in found.records)
        return "" if has_message else "Kustomer finds no message with attachments"
