"""Attachments: files of conversations, found by the messages that have some."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from source_kit import timestamps
from source_kit.client import HttpClient
from source_kit.rules import Rejected
from source_kit.windows import Fetched, Window
from source_kit.work import Plan, Record, Start, in_order
from source_kustomer.children import ChildStream, Parent, is_id
from source_kustomer.config import Settings
from source_kustomer.errors import is_refused_query
from source_kustomer.searches import SearchStream
from source_kustomer.wanted import Wanted

HAS_ATTACHMENTS = {"message_attachment_count": {"gt": 0}}
# In the state of attachments that were found by walking all conversations, not messages.
BY_CONVERSATIONS = "__by_conversations"


class Attachments(ChildStream):
    """Files of conversations, found by the messages that have some.

    The archive cannot be searched for them: there every conversation with a message is asked.
    """

    name = "attachments"
    resource = "conversations/{id}/attachments"
    permission = "org.permission.message.read"
    # Whether conversations that have messages are walked, not messages that have attachments.
    _has_messages = True

    def __init__(self, client: HttpClient, settings: Settings, parents: SearchStream, messages: SearchStream) -> None:
        super().__init__(client, settings, parents)
        self.messages = messages.renamed(self.name)

    def work(self, start: Start) -> Plan:
        """Messages one after the other, so that a conversation is asked when its first message passes; if the search
        for attachments is refused or finds none at all, every conversation with messages."""
        self.begin()
        reason = self._unsearchable()
        if reason:
            self.client.log("WARN", f"Stream {self.name}: {reason}: asking every conversation for them.")
            self._has_messages, self.parent_key = True, "id"
            yield from self.below(start, lambda lower, wanted: self.fan_out(self.parents.walk(lower, wanted)))
            return
        self._conversations: set[Any] = set()
        self._has_messages, self.parent_key = False, "conversation_id"
        # A state of the walk over conversations says nothing of this one.
        yield from self.below(
            Start(start.incremental) if BY_CONVERSATIONS in start.position else start, self._by_messages
        )

    def _by_messages(self, lower: datetime | None, wanted: Wanted) -> Plan:
        with_some = replace(wanted, criteria=[HAS_ATTACHMENTS])
        return self.fan_out(in_order(self.messages.walk(lower, with_some)))

    def marked(self, state: Mapping[str, Any]) -> Mapping[str, Any]:
        """Which walk it belongs to."""
        return {**state, BY_CONVERSATIONS: True} if self._has_messages else state

    def probe(self) -> None:
        """As the base, and the search for messages."""
        self._unsearchable()
        super().probe()

    def _unsearchable(self) -> str:
        """Why messages cannot be searched for attachments; empty if they can. An attribute may be known, yet without
        values: only a message proves it, no row without an id and no count."""
        try:
            found = self._one_with_attachments()
            if found.total and not found.records:
                # It was counted, and may have been lost on the way.
                found = self._one_with_attachments()
        except Rejected as rejected:
            if not is_refused_query(rejected):
                raise
            return f"Kustomer does not search for attachments here ({rejected.internal_message})"
        has_message = any(is_id(record.get("id")) for record in found.records)
        return "" if has_message else "Kustomer finds no message with attachments"

    def _one_with_attachments(self) -> Fetched:
        return self.messages.fetch_window(Window(), limit=1, criteria=[HAS_ATTACHMENTS])

    def parent(self, record: Record) -> Parent | None:
        """The conversation of a message, once; again only for a message that may be younger than the first asking."""
        parent = super().parent(record)
        if self._has_messages:
            return parent if record.get("message_count") != 0 else None
        if parent is None:
            return None
        changed_at = timestamps.instant(parent.updated_at)
        is_settled = changed_at is not None and changed_at < timestamps.before(self.began_at, self.time_cursor.lag)
        if parent.id in self._conversations and is_settled:
            return None
        self._conversations.add(parent.id)
        return parent
