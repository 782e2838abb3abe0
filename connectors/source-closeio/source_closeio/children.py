"""Streams that take more than one endpoint: single objects, and children that are listed per parent."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from source_closeio.account import objects
from source_closeio.activities import Activities
from source_closeio.base import CloseList, CloseStream
from source_closeio.edits import chunks
from source_closeio.errors import is_gone
from source_closeio.lists import LISTS, Listed
from source_closeio.opportunities import Opportunities
from source_closeio.single import CloseObject
from source_kit import rows
from source_kit.keyset import Keyset
from source_kit.rules import Rejected, Unavailable
from source_kit.windows import Window
from source_kit.work import Fork, Page, Plan, Record, Start


def ids_of(records: Iterable[Record]) -> list[str]:
    """The ids of records, as far as they have one."""
    return [record["id"] for record in records if isinstance(record.get("id"), str) and record["id"]]


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


class Organizations(CloseObject):
    """The organisations of the key: one with an API key."""

    name = "organizations"
    resource = "organization/"
    nested: Sequence[str] = ("pipelines", "lead_custom_fields", "memberships", "inactive_memberships")

    def work(self, start: Start) -> Plan:
        """One request each."""
        for identity in self.account.organization_ids:
            yield Page(self.fetch({"id": identity}).records)

    def probe(self) -> None:
        """The first of them."""
        for identity in self.account.organization_ids[:1]:
            self.fetch({"id": identity})


class Memberships(Organizations):
    """Who belongs, or belonged, to the organisation; `users` has only those who still do."""

    name = "memberships"
    nested = ()

    def is_whole(self, content: Any) -> bool:
        """Also with the list of members, which holds the user of the key at least; nobody may have left."""
        left = content.get("inactive_memberships") if isinstance(content, dict) else None
        has_left = left is None or rows.has_list(content, "inactive_memberships")
        return super().is_whole(content) and has_left and rows.has_list(content, "memberships")

    def work(self, start: Start) -> Plan:
        """Both lists of the organisation; `is_active` says which one a membership comes from."""
        fields = {"_fields": "id,memberships,inactive_memberships"}
        for identity in self.account.organization_ids:
            (organization,) = self.fetch({"id": identity, "filters": fields}).records
            records = [
                {"organization_id": identity, **membership, "is_active": is_active}
                for name, is_active in (("memberships", True), ("inactive_memberships", False))
                for membership in self._listed(organization, name)
            ]
            self.fix_zones(records)
            for record in records:
                if record.get("id") is None:
                    record["id"] = record.get("user_id")
            yield Page(records)
        return None

    def _listed(self, organization: Record, name: str) -> list[Record]:
        self.client.usage.not_objects += rows.settle(organization, name).not_objects
        return objects(organization.get(name))


class GroupList(CloseList):
    """Groups without their members."""

    name = "groups"
    resource = "group/"


class Groups(CloseObject):
    """Groups with their members, which only the single GET gives."""

    name = "groups"
    resource = "group/"

    def work(self, start: Start) -> Plan:
        """The list, then one request for each; one without an id leaves as it was listed."""
        groups = GroupList(self.client, self.settings, self.account)
        ids: list[str] = []
        for page in groups.rows():
            ids += ids_of(page.records)
            yield replace(page, records=[row for row in page.records if not ids_of([row])])
        yield from per_parent(self, "groups", ids, self._one)

    def probe(self) -> None:
        """The list."""
        GroupList(self.client, self.settings, self.account).probe()

    def _one(self, identity: str) -> Plan:
        yield Page(self.fetch({"id": identity}).records)


class SendAs(CloseList):
    """Whose address a user may send from: what the key's user allowed others, and what others allowed that user."""

    name = "send_as"
    resource = "send_as/"

    def work(self, start: Start) -> Plan:
        """Both directions; a permission that appears in both leaves once."""
        known: set[Any] = set()
        for filters in ({}, {"allowed_user_id": self.account.me["id"]}):
            for page in self.rows(**filters):
                records = [record for record in page.records if rows.identity(record) not in known]
                known.update(map(rows.identity, records))
                yield replace(page, records=records)
        return None


class SequenceSubscriptions(CloseList):
    """Who was subscribed to which sequence; Close lists them only per sequence, contact or lead."""

    name = "sequence_subscriptions"
    resource = "sequence_subscription/"
    starts_after = ("email_sequences",)
    worker_share = 0.5
    # A list that begins with a deleted row looks like that of a deleted sequence, which so costs ten requests.
    most_deleted_at_start = 1

    @property
    def _sequences(self) -> Listed:
        row = next(row for row in LISTS if row.name == "email_sequences")
        return Listed(self.client, self.settings, self.account, row=row)

    def work(self, start: Start) -> Plan:
        """The sequences, then the subscriptions of each."""
        listed = [sequence for page in self._sequences.rows() for sequence in page.records]
        ids = ids_of(listed)
        nameless = len(listed) - len(ids)
        told = f"{nameless} sequences came without an id: their subscriptions cannot be asked for."
        yield Page(warning=told if nameless else None)
        yield from per_parent(self, "sequences", ids, lambda identity: self.rows(sequence_id=identity))

    def probe(self) -> None:
        """One subscription of the first sequence."""
        for identity in ids_of(self._sequences.fetch({"limit": 1}).records):
            self.fetch({"limit": 1, "filters": {"sequence_id": identity}})


class CommentThreads(CloseList):
    """Threads of comments on activities and opportunities; Close lists them only for named objects."""

    name = "comment_threads"
    resource = "comment_thread/"
    worker_share = 0.5
    nested = ("comments",)

    def probe(self) -> None:
        """One thread of the newest activity."""
        for identity in ids_of(Activities(self.client, self.settings, self.account).fetch({"limit": 1}).records):
            self.fetch({"limit": 1, "filters": {"object_ids": identity}})

    def work(self, start: Start) -> Plan:
        """The walks of activities and opportunities, where each page gives way to the threads of its objects."""
        known: set[Any] = set()
        lock = threading.Lock()

        def threads(parents: list[Record]) -> list[Record]:
            found = {
                rows.identity(thread): thread
                for ids in chunks(ids_of(parents))
                for page in self.rows(object_ids=",".join(ids))
                for thread in page.records
            }
            # An opportunity that is edited meanwhile is walked twice; where Close ignores object_ids, every thread
            # comes with every request.
            with lock:
                fresh = [thread for key, thread in found.items() if key not in known]
                known.update(found)
            return fresh

        yield Fork(
            [
                Keyset(
                    fetch=parents.fetch_window,
                    field=parents.walked_field,
                    page_size=parents.page_size,
                    emit=threads,
                    estimates=False,
                ).walk(Window(self.settings.common.start_date, self.settings.common.end_date))
                for parents in (
                    Activities(self.client, self.settings, self.account),
                    Opportunities(self.client, self.settings, self.account),
                )
            ]
        )
