"""Conversation times: how long somebody handled a conversation.

Those of the last two years are searched. Older ones can only be asked for conversation by conversation, which is an
option, because it costs a request each.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from typing import Any

from source_kit import timestamps
from source_kit.timestamps import is_within, within
from source_kit.walks import walk
from source_kit.windows import Window, cut_points
from source_kit.work import Page, Plan, Record, Start
from source_kustomer.children import Children, Parent
from source_kustomer.endpoints import ListEndpoint
from source_kustomer.late_index import looking_back
from source_kustomer.paging import ListFetcher
from source_kustomer.search import MOST_RECORDS, Scope, SearchAsk
from source_kustomer.search_fetcher import SearchFetcher, SearchRefused
from source_kustomer.searches import Border, SearchStream, unseen_versions
from source_kustomer.times import latest, until
from source_kustomer.wanted import Wanted, conversations_before

TIMES_BELOW = ListEndpoint("conversation_times", "conversations/{id}/times", "conversation", page_size=1000)
# Counts end at 10,000: a larger one is the sum of those of so many parts of the time.
COUNTED_PARTS = 16


class TimesOf(Children):
    """Handle times of conversations that began before `upper`, as far as they were written in `[lower, upper)`.

    `once` drops, of those since `certain_until`, what was found otherwise.
    """

    def __init__(
        self,
        pages: ListFetcher,
        lower: datetime | None,
        upper: datetime | None,
        certain_until: datetime | None = None,
        once: Callable[[list[Record]], list[Record]] = list,
    ) -> None:
        super().__init__(pages)
        self._lower, self._upper = lower, upper
        self._certain_until = certain_until
        self._once = once

    def parent(self, record: Record) -> Parent | None:
        return super().parent(record) if is_within(record.get("created_at"), None, self._upper) else None

    def found(self, parent: Parent, records: list[Record]) -> list[Record]:
        fresh = within(records, "created_at", self._lower, self._upper)
        if self._certain_until is not None:
            doubtful = within(fresh, "created_at", self._certain_until, None)
            certain = [record for record in fresh if not is_within(record.get("created_at"), self._certain_until, None)]
            fresh = certain + self._once(doubtful)
        self.latest = latest(fresh, "created_at", self.latest)
        return [{"conversation_id": parent.id} | record for record in fresh]


class ConversationTimes(SearchStream):
    """Handle times: written once, so walked by creation."""

    cursor_field = "created_at"
    has_archive = False

    def __init__(self, conversations: SearchStream) -> None:
        client, settings = conversations.client, conversations.settings
        scope = Scope("conversation_time", "conversation_time", "created_at")
        super().__init__(client, settings, "conversation_times", scope, is_doubtful=True)
        self.conversations = conversations
        self._below = ListFetcher(client, TIMES_BELOW, self.name)

    def work(self, start: Start) -> Plan:
        """As the base; per conversation where the search is refused, or, for old ones, where that is wanted."""
        try:
            self.pages.find_scope()
            yield from looking_back(self, start, self._with_archived)
        except SearchRefused as refusal:
            self.pages.say(
                "WARN",
                f"Kustomer does not search them here ({refusal.internal_message}): asking every conversation.",
            )
            cursor = self.time_cursor
            lower = cursor.lower(start)
            yield from TimesOf(self._below, lower, cursor.end_date).whole(self.conversations.walk(lower), cursor)

    def _with_archived(self, lower: datetime | None, wanted: Wanted) -> Plan:
        border = self.border(lower) if self.settings.archived_conversation_times else None
        if border is None:
            return self.outlined(lower, wanted)
        return self.recent([self._archived(lower, border, wanted)], border.upper, wanted)

    def _archived(self, lower: datetime | None, border: Border, wanted: Wanted) -> Plan:
        """First what may still be searched, then conversations that may have older times; what is in both leaves once.
        No checkpoints: conversations come by their last change, not by the time of what they bring."""
        border = border._replace(upper=until(border.upper, wanted.upper))
        keyset, lock, seen = self.keyset(), threading.Lock(), set[Any]()

        def once(records: list[Record]) -> list[Record]:
            with lock:
                return unseen_versions(records, seen=seen, mark_of=keyset.mark_of)

        yield from walk(replace(keyset, emit=once), Window(border.lower, border.upper), cut=False)
        times = TimesOf(self._below, lower, border.upper, border.lower, once)
        parents = self.conversations.renamed(self.name)
        old = conversations_before(border.upper)
        yield Page((), estimate=self._count_parents(parents.pages, old.criteria, lower, border, times.began_at))
        yield from times.fan_out(parents.walk(lower, old))

    def _count_parents(
        self,
        parents: SearchFetcher,
        criteria: Sequence[dict[str, Any]],
        lower: datetime | None,
        border: Border,
        now: datetime,
    ) -> int:
        """How many conversations will be asked, which is said in the log; at least so many, where counts are capped."""
        archived = _count(parents, SearchAsk(is_archive=True), lower or timestamps.EPOCH, border.lower)
        searched = _count(parents, SearchAsk(criteria=criteria), border.lower, now)
        found, is_least = archived[0] + searched[0], archived[1] or searched[1]
        self.pages.say(
            "INFO",
            f"{'at least ' if is_least else ''}{found} conversations are asked for times that are older than two "
            "years, one request each.",
        )
        return found


def _count(parents: SearchFetcher, asked: SearchAsk, lower: datetime, upper: datetime) -> tuple[int, bool]:
    """The rows of a window; whether there are more than Kustomer counts."""
    found, is_least = 0, False
    for parts in (1, COUNTED_PARTS) if lower < upper else ():
        bounds = cut_points(lower, upper, parts, timestamps.MILLISECOND)
        totals = [parents.count(replace(asked, window=Window(*pair))) for pair in pairwise(bounds)]
        found, is_least = sum(totals), any(total >= MOST_RECORDS for total in totals)
        if not is_least:
            break
    return found, is_least
