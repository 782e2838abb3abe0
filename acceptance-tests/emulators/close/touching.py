"""How the emulated account changes: edits, creations, deletions with all that hangs on a lead, and merges of leads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from emulators.close import activities, identity, objects, tasks
from emulators.close.account import Account
from emulators.close.events import Subject
from emulators.close.fields import custom_field
from emulators.moments import now_ms, with_offset

Touched = dict[str, list[str]]
LeadOf = Callable[[int, int], int | None]
CHILDREN: dict[str, LeadOf] = {
    "contacts": objects.lead_of_contact, "opportunities": objects.lead_of, "custom_objects": objects.lead_of,
    "activities": activities.lead_of, "tasks": tasks.lead_of,
}  # fmt: skip
"""Collections whose records belong to leads, and to which."""

OBJECTS = {"leads": "lead", "contacts": "contact", "opportunities": "opportunity", "custom_objects": "custom_object"}


class Touching:
    """Changes records now, and logs the events of it."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._children: dict[str, dict[int, list[int]]] = {name: {} for name in CHILDREN}
        self._indexed: dict[str, int] = dict.fromkeys(CHILDREN, 0)

    def touch(self, stream: str, update: int, create: int, delete: int, ago_ms: int = 0) -> Touched:
        """Change records of a stream, or of one type of it; `lead_merges` merges `create` pairs of leads.

        `ago_ms`: as if so long ago.
        """
        now = now_ms() - ago_ms
        if stream == "users":
            return self._touch_users(now, update, create, delete)
        if stream == "custom_fields":
            return self._touch_fields(now, update, create, delete)
        if stream == "event_log":
            return self._touch_events(now, update, create)
        if stream == "lead_merges":
            return self._merge_leads(now, create)
        kind = activities.STREAMS.get(stream)
        if kind is not None:
            return self._touch_activities(kind, now, update, create, delete)
        collection = self._account.collections[stream]
        touched = collection.touch(self._account.chance, now, update, create, delete)
        return self._logged(stream, touched, now)

    def _touch_activities(self, kind: str, now: int, update: int, create: int, delete: int) -> Touched:
        """The same for activities of one type; numbers decide on types, so others are created on the way."""
        collection = self._account.activities
        alive = [number for number in collection.numbers() if activities.activity_type(number) == kind]
        chosen = self._account.chance.sample(alive, min(len(alive), update + delete))
        made: list[int] = []
        while len(made) < create:
            number = collection.create(now)
            if activities.activity_type(number) == kind:
                made.append(number)
        for number in chosen[:update]:
            collection.update(number, now)
        for number in chosen[update:]:
            collection.delete(number, now)
        return self._logged(
            "activities", {"updated": chosen[:update], "created": made, "deleted": chosen[update:]}, now
        )

    def _logged(self, stream: str, touched: dict[str, list[int]], now: int) -> Touched:
        collection = self._account.collections[stream]
        for action, numbers in touched.items():
            for number in numbers:
                self._log(stream, number, action, now)
                if stream == "leads" and action == "deleted":
                    self._delete_children(number, now)
        return {action: [collection.ids.id(n).decode() for n in numbers] for action, numbers in touched.items()}

    def _log(self, stream: str, number: int, action: str, now: int) -> None:
        kind, subject = self._subject(stream, number)
        self._account.events.record((kind, action), subject, now)

    def _subject(self, stream: str, number: int) -> tuple[str, Subject]:
        """The object type of a record in events, and what an event says of it."""
        account = self._account
        revision = account.collections[stream].revisions.get(number, 0)
        user = number % max(1, account.options.users)
        if stream == "leads":
            return "lead", Subject(number, number, revision, user)
        lead = account.surviving_lead(CHILDREN[stream](number, account.options.leads)) or 0
        kind = OBJECTS.get(stream)
        if stream == "tasks":
            kind = f"task.{tasks.task_type(number)}"
        elif stream == "activities":
            kind = f"activity.{activities.OBJECT_TYPES[activities.activity_type(number)]}"
        assert kind is not None
        return kind, Subject(number, lead, revision, user)

    def _delete_children(self, lead: int, now: int) -> None:
        """All that belonged to a lead goes with it, each with an event of its own."""
        for stream, number in self._children_of(lead):
            self._account.collections[stream].delete(number, now)
            self._log(stream, number, "deleted", now)

    def _children_of(self, lead: int) -> list[tuple[str, int]]:
        """Living records of a lead, and of those that were merged into it."""
        account = self._account
        leads = {lead} | {gone for gone in account.moved if account.surviving_lead(gone) == lead}
        found = []
        for stream, lead_of in CHILDREN.items():
            collection, index = account.collections[stream], self._children[stream]
            for number in range(self._indexed[stream], len(collection.created)):
                owner = lead_of(number, account.options.leads)
                if owner is not None:
                    index.setdefault(owner, []).append(number)
            self._indexed[stream] = len(collection.created)
            found += [(stream, n) for each in leads for n in index.get(each, ()) if collection.alive(n)]
        return found

    def _merge_leads(self, now: int, pairs: int) -> Touched:
        """Of each pair the source disappears; the destination gets all that belonged to it."""
        account = self._account
        alive = [number for number in account.leads.numbers() if number < account.options.leads]
        chosen = account.chance.sample(alive, min(2 * pairs, len(alive) // 2 * 2))
        sources, destinations = chosen[::2], chosen[1::2]
        for source, destination in zip(sources, destinations, strict=True):
            children = self._children_of(source)
            account.moved[source] = destination
            account.leads.delete(source, now)
            account.leads.update(destination, now)
            subject = Subject(destination, destination, account.leads.revisions[destination], 0, source)
            account.events.record(("lead", "merged"), subject, now)
            if account.options.merge_also_deletes:
                self._log("leads", source, "deleted", now)
            for stream, number in children:
                account.collections[stream].update(number, now)
                self._log(stream, number, "updated", now)
        name = account.leads.ids.id
        return {
            "updated": [name(number).decode() for number in destinations], "created": [],
            "deleted": [name(number).decode() for number in sources],
        }  # fmt: skip

    def _touch_events(self, now: int, update: int, create: int) -> Touched:
        """New events about leads; moved ones, as by consolidation. Events are never deleted."""
        account, made = self._account, []
        collection = account.events.collection
        for _ in range(create):
            lead = account.chance.randrange(max(1, len(account.leads.created)))
            made.append(account.events.record(("lead", "created"), Subject(lead, lead, 0, 0), now))
        recent = [number for number in account.events.truth_numbers() if number not in made]
        moved = account.chance.sample(recent, min(update, len(recent)))
        for number in moved:
            collection.update(number, now)
        ids = collection.ids
        return {
            "updated": [ids.id(number).decode() for number in moved],
            "created": [ids.id(number).decode() for number in made],
            "deleted": [],
        }

    def _touch_users(self, now: int, update: int, create: int, delete: int) -> Touched:
        account, stamp = self._account, with_offset(now).decode()
        changed = account.chance.sample(account.users, min(update, len(account.users)))
        for user in changed:
            user |= {"last_used_timezone": f"Etc/GMT-{now % 12}", "date_updated": stamp}
        gone = [account.users.pop() for _ in range(min(delete, len(account.users)))]
        known = {user["id"] for user in account.users + gone}
        numbers = (n for n in range(account.options.users + 1, 10**6) if identity.user_id(n) not in known)
        made = [identity.make_user(next(numbers), now) | {"date_updated": stamp} for _ in range(create)]
        account.users.extend(made)
        return _ids(changed, made, gone)

    def _touch_fields(self, now: int, update: int, create: int, delete: int) -> Touched:
        account, stamp = self._account, with_offset(now).decode()
        fields = account.lead_fields
        changed = account.chance.sample(fields, min(update, len(fields)))
        for entry in changed:
            entry |= {"description": f"Changed {stamp}", "date_updated": stamp}
        gone = [fields.pop() for _ in range(min(delete, len(fields)))]
        first = account.options.custom_fields + account.fields_made
        account.fields_made += create
        made = [custom_field("lead", first + step, now) | {"date_updated": stamp} for step in range(create)]
        fields.extend(made)
        return _ids(changed, made, gone)


def _ids(changed: list[dict[str, Any]], made: list[dict[str, Any]], gone: list[dict[str, Any]]) -> Touched:
    listed = {"updated": changed, "created": made, "deleted": gone}
    return {action: [str(record["id"]) for record in records] for action, records in listed.items()}
