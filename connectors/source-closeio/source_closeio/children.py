"""Streams that take more than one endpoint: single objects, and children that are listed per parent."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from source_closeio.activities import Activities
from source_closeio.base import CloseList, CloseStream
from source_closeio.edits import chunks
from source_closeio.endpoints import ListAsk, ListEndpoint, MembersEndpoint, ObjectAsk, ObjectEndpoint
from source_closeio.errors import is_gone
from source_closeio.fetcher import ListFetcher, TimelineFetcher
from source_closeio.lists import SmallListFetcher, row_of
from source_closeio.opportunities import Opportunities
from source_kit import rows
from source_kit.fetcher import Fetcher
from source_kit.rules import Rejected, Unavailable
from source_kit.walks import walk
from source_kit.windows import Window
from source_kit.work import Fork, Page, Plan, Record, Start


def ids_of(records: Iterable[Record]) -> list[str]:
    """The ids of records, as far as they have one."""
    return [record["id"] for record in records if isinstance(record.get("id"), str) and record["id"].strip()]


def per_parent(stream: CloseStream, parents: str, ids: Sequence[str], read: Callable[[str], Plan]) -> Plan:
    """The plans of all parents, side by side.

    One that was deleted after it was listed is passed over, with a WARN; if Close answers so for all, the stream cannot
    be read.
    """
    gone: dict[str, Unavailable | Rejected] = {}

    def one(identity: str) -> Plan:
        try:
            yield from read(identity)
        except (Unavailable, Rejected) as refused:
            if not is_gone(refused):
                raise
            gone[identity] = refused

    yield Fork([one(identity) for identity in ids])
    if len(gone) == len(ids) > 0:
        raise next(iter(gone.values()))
    if gone:
        stream.client.log(
            "WARN", f"Stream {stream.name} leaves out {parents} that were deleted meanwhile: {', '.join(gone)}."
        )


class Organizations(CloseStream):
    """The organisations of the key: one with an API key."""

    pages: Fetcher[ObjectAsk]
    name = "organizations"
    resource = "organization/"
    nested: Sequence[str] = ("pipelines", "lead_custom_fields", "memberships", "inactive_memberships")
    # What is asked for, where it is not all.
    fields = ""

    def fetcher(self) -> Fetcher[ObjectAsk]:
        return Fetcher(self.client, ObjectEndpoint(self.resource, self.mending), self.name)

    def work(self, start: Start) -> Plan:
        """One request each."""
        for identity in self.account.organization_ids:
            yield Page(self.pages.fetch(ObjectAsk(id=identity, fields=self.fields)).records)

    def probe(self) -> None:
        """The first of them."""
        for identity in self.account.organization_ids[:1]:
            self.pages.fetch(ObjectAsk(id=identity))


class Memberships(Organizations):
    """Who belongs, or belonged, to the organisation; `users` has only those who still do."""

    name = "memberships"
    nested = ()
    fields = "id,memberships,inactive_memberships"

    def fetcher(self) -> Fetcher[ObjectAsk]:
        return Fetcher(self.client, MembersEndpoint(self.resource, self.mending), self.name)


class Groups(CloseStream):
    """Groups with their members, which only the single GET gives."""

    pages: Fetcher[ObjectAsk]
    name = "groups"
    resource = "group/"

    def fetcher(self) -> Fetcher[ObjectAsk]:
        return Fetcher(self.client, ObjectEndpoint(self.resource, self.mending), self.name)

    @property
    def listed(self) -> ListFetcher:
        """Asks for the list of groups, without their members."""
        return ListFetcher(self.client, ListEndpoint(self.resource, self.mending), self.name)

    def work(self, start: Start) -> Plan:
        """The list, then one request for each; one without an id leaves as it was listed."""
        ids: list[str] = []
        for page in self.listed.rows():
            ids += ids_of(page.records)
            yield replace(page, records=[row for row in page.records if not ids_of([row])])
        yield from per_parent(self, "groups", ids, self._one)

    def probe(self) -> None:
        """The list."""
        self.listed.fetch(ListAsk(limit=1))

    def _one(self, identity: str) -> Plan:
        yield Page(self.pages.fetch(ObjectAsk(id=identity)).records)


class SendAs(CloseList):
    """Whose address a user may send from: what the key's user allowed others, and what others allowed that user."""

    name = "send_as"
    resource = "send_as/"

    def work(self, start: Start) -> Plan:
        """Both directions; a permission that appears in both leaves once."""
        known: set[Any] = set()
        for filters in ({}, {"allowed_user_id": self.account.me["id"]}):
            for page in self.pages.rows(filters):
                yield Page(rows.unseen(page.records, known))


class SequenceSubscriptions(CloseList):
    """Who was subscribed to which sequence; Close lists them only per sequence, contact or lead."""

    name = "sequence_subscriptions"
    resource = "sequence_subscription/"
    starts_after = ("email_sequences",)
    worker_share = 0.5

    def fetcher(self) -> ListFetcher:
        """A list that begins with a deleted row looks like that of a deleted sequence, which so costs ten requests."""
        pages = super().fetcher()
        pages.most_deleted_at_start = 1
        return pages

    @property
    def _sequences(self) -> ListFetcher:
        return SmallListFetcher(self.client, row_of("email_sequences"))

    def work(self, start: Start) -> Plan:
        """The sequences, then the subscriptions of each."""
        listed = [sequence for page in self._sequences.rows() for sequence in page.records]
        ids = ids_of(listed)
        nameless = len(listed) - len(ids)
        told = f"{nameless} sequences came without an id: their subscriptions cannot be asked for."
        yield Page(warning=told if nameless else None)
        yield from per_parent(self, "sequences", ids, lambda identity: self.pages.rows({"sequence_id": identity}))

    def probe(self) -> None:
        """One subscription of the first sequence."""
        for identity in ids_of(self._sequences.fetch(ListAsk(limit=1)).records):
            self.pages.fetch(ListAsk(limit=1, filters={"sequence_id": identity}))


class CommentThreads(CloseList):
    """Threads of comments on activities and opportunities; Close lists them only for named objects."""

    name = "comment_threads"
    resource = "comment_thread/"
    worker_share = 0.5
    nested = ("comments",)

    def probe(self) -> None:
        """One thread of the newest activity."""
        for identity in ids_of(self._timeline(Activities).fetch(ListAsk(limit=1)).records):
            self.pages.fetch(ListAsk(limit=1, filters={"object_ids": identity}))

    def _timeline(self, parents: type[Activities | Opportunities]) -> TimelineFetcher:
        """Asks for objects that may have threads; nothing of them leaves, so that nothing is mended."""
        fields = f"id,{parents.walked_field}"
        endpoint = ListEndpoint(parents.resource, page_size=parents.page_size, fields=fields)
        return TimelineFetcher(self.client, endpoint, parents.name, parents.walked_field)

    def work(self, start: Start) -> Plan:
        """The walks of activities and opportunities, where each page gives way to the threads of its objects."""
        known: set[Any] = set()
        lock = threading.Lock()

        def threads(objects: list[Record]) -> list[Record]:
            found = {
                rows.identity(thread): thread
                for ids in chunks(ids_of(objects))
                for page in self.pages.rows({"object_ids": ",".join(ids)})
                for thread in page.records
            }
            # An opportunity that is edited meanwhile is walked twice; where Close ignores object_ids, every thread
            # comes with every request.
            with lock:
                fresh = [thread for key, thread in found.items() if key not in known]
                known.update(found)
            return fresh

        window = Window(self.settings.common.start_date, self.settings.common.end_date)
        walks = [self._timeline(parents).keyset(self.lag) for parents in (Activities, Opportunities)]
        yield Fork([walk(replace(each, emit=threads, estimates=False), window) for each in walks])
