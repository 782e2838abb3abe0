"""Conversation times: how long somebody handled a conversation."""

from __future__ import annotations

from datetime import datetime

from source_kit import timestamps
from source_kit.client import HttpClient
from source_kit.work import Fork, Page, Plan, Record, Start
from source_kustomer.children import ChildStream, Parent
from source_kustomer.config import Settings
from source_kustomer.lists import is_within, times_of
from source_kustomer.search import Scope
from source_kustomer.searches import SearchRefused, SearchStream, no_checkpoint


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
