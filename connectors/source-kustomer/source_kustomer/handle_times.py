"""Conversation times: how long somebody handled a conversation.

Those of the last two years are searched. Older ones can only be asked for conversation by conversation, which is an
option, because it costs a request each.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from typing import Any

from source_kit import timestamps
from source_kit.client import HttpClient
from source_kit.timestamps import milliseconds_z
from source_kit.windows import Window, cut_points
from source_kit.work import Fork, Page, Plan, Record, Start
from source_kustomer.children import ChildStream, Parent
from source_kustomer.config import Settings
from source_kustomer.late_index import looking_back
from source_kustomer.lists import is_within, times_of
from source_kustomer.search import MOST_RECORDS, Scope
from source_kustomer.search_requests import SearchRefused
from source_kustomer.searches import Border, SearchStream, unseen_versions
from source_kustomer.wanted import Wanted

# Counts end at 10,000: a larger one is the sum of those of so many parts of the time.
COUNTED_PARTS = 16


class ConversationTimes(SearchStream):
    """Handle times: written once, so walked by creation."""

    cursor_field = "created_at"
    has_archive = False
    is_doubtful = True

    def __init__(self, client: HttpClient, settings: Settings, conversations: SearchStream) -> None:
        scope = Scope("conversation_time", "conversation_time", "created_at")
        super().__init__(client, settings, "conversation_times", [scope])
        self.conversations = conversations

    def work(self, start: Start) -> Plan:
        """As the base; per conversation where the search is refused, or, for old ones, where that is wanted."""
        try:
            self.settle()
            yield from looking_back(self, start, self._with_archived)
        except SearchRefused as refusal:
            self.client.log(
                "WARN",
                f"Stream conversation_times: Kustomer does not search them here ({refusal.internal_message}): asking "
                "every conversation.",
            )
            yield from self._by_conversation(self.time_cursor.lower(start))

    def _with_archived(self, lower: datetime | None, wanted: Wanted) -> Plan:
        border = self.border(lower) if self.settings.archived_conversation_times else None
        if border is None:
            return self.walk(lower, wanted)
        return self.recent([self._archived(lower, border, wanted)], border.upper, wanted)

    def _archived(self, lower: datetime | None, border: Border, wanted: Wanted) -> Plan:
        """First what may still be searched, then conversations that may have older times; what is in both leaves once.
        No checkpoints: conversations come by their last change, not by the time of what they bring."""
        border = border if wanted.upper is None else Border(border.lower, min(border.upper, wanted.upper))
        keyset, lock, seen = self.keyset(), threading.Lock(), set[Any]()

        def once(records: list[Record]) -> list[Record]:
            with lock:
                return unseen_versions(records, seen=seen, mark_of=keyset.mark_of)

        yield from replace(keyset, emit=once).walk(Window(border.lower, border.upper), cut=False)
        children = _TimesOf(self.client, self.settings, self.conversations, lower, border, once)
        children.begin()
        yield Page((), estimate=children.count_parents())
        yield from children.fan_out(children.parents.walk(lower, Wanted(criteria=children.criteria)))

    def _by_conversation(self, lower: datetime | None) -> Plan:
        children = _TimesOf(self.client, self.settings, self.conversations, lower)
        children.begin()
        yield from children.fan_out(self.conversations.walk(lower))
        yield Fork()
        top = children.latest
        yield Page((), None if top is None else self.time_cursor.checkpoint(top, children.began_at))


class _TimesOf(ChildStream):
    """Handle times per conversation. Not a stream of its own.

    With a `border` only of conversations that began before its end, and only what was written before; `once` drops what
    was searched on either side of it.
    """

    name = "conversation_times"
    resource = "conversations/{id}/times"
    permission = "org.permission.conversation.read"
    page_size = 1000

    def __init__(
        self,
        client: HttpClient,
        settings: Settings,
        parents: SearchStream,
        lower: datetime | None,
        border: Border | None = None,
        once: Callable[[list[Record]], list[Record]] = list,
    ) -> None:
        super().__init__(client, settings, parents)
        self.lower = lower
        self.border = border
        self.upper = settings.common.end_date if border is None else border.upper
        self.once = once
        self.latest: str | None = None

    @property
    def criteria(self) -> list[dict[str, Any]]:
        """What narrows the standard search to conversations that may have old times."""
        return [] if self.border is None else [{"conversation_created_at": {"lt": milliseconds_z(self.border.upper)}}]

    def parent(self, record: Record) -> Parent | None:
        """Whoever is old enough."""
        return super().parent(record) if is_within(record.get("created_at"), None, self.upper) else None

    def found(self, parent: Parent, records: list[Record]) -> list[Record]:
        """The times of one conversation that the read is about."""
        fresh = [record for record in records if is_within(record.get("created_at"), self.lower, self.upper)]
        if self.border is not None:
            since = self.border.lower
            certain = [record for record in fresh if not is_within(record.get("created_at"), since, None)]
            fresh = certain + self.once(
                [record for record in fresh if is_within(record.get("created_at"), since, None)]
            )
        values = times_of(fresh, "created_at")
        if values:
            self.latest = timestamps.latest(values if self.latest is None else [*values, self.latest])
        return [{"conversation_id": parent.id} | record for record in fresh]

    def count_parents(self) -> int:
        """How many conversations will be asked, which is said in the log; at least so many, where counts are capped."""
        assert self.border is not None
        begin = timestamps.EPOCH if self.lower is None else self.lower
        found, is_least = 0, False
        for archive, low, top in ((True, begin, self.border.lower), (False, self.border.lower, self.began_at)):
            if low < top:
                count, capped = self._count(low, top, archive=archive)
                found, is_least = found + count, is_least or capped
        self.client.log(
            "INFO",
            f"Stream {self.name}: {'at least ' if is_least else ''}{found} conversations are asked for times that are "
            "older than two years, one request each.",
        )
        return found

    def _count(self, lower: datetime, upper: datetime, *, archive: bool) -> tuple[int, bool]:
        """The conversations that changed in this time; whether there are more than Kustomer counts."""
        found, is_least = 0, False
        for parts in (1, COUNTED_PARTS):
            bounds = cut_points(lower, upper, parts, timestamps.MILLISECOND)
            totals = [self._total(Window(*pair), archive=archive) for pair in pairwise(bounds)]
            found, is_least = sum(totals), any(total >= MOST_RECORDS for total in totals)
            if not is_least:
                break
        return found, is_least

    def _total(self, window: Window, *, archive: bool) -> int:
        criteria = () if archive else self.criteria
        return self.parents.fetch_window(window, limit=1, archive=archive, criteria=criteria).total or 0
