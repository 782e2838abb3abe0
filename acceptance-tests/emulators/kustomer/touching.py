"""How the emulated account changes: edits, creations, deletions and merges, each with its entry in the audit log."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from emulators.kustomer import children, shapes
from emulators.kustomer.audit import KINDS, Record
from emulators.kustomer.kept import Records
from emulators.moments import DAY_MS, now_ms

if TYPE_CHECKING:
    from emulators.kustomer.account import Account

Touched = dict[str, list[str]]
MERGES = "customer_merges"
SEEDED = ("customers", "companies", "conversations")
"""Collections whose creations and edits of the time before the start are in the audit log; of all, deletions are."""
TAG_ENTRIES_DAYS = 89


class Touching:
    """Changes records now, and logs it."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def touch(self, stream: str, update: int, create: int, delete: int, ago_ms: int = 0) -> Touched:
        """Change records of a stream, now or so long ago; `customer_merges` merges `create` pairs of customers."""
        account, now = self._account, now_ms() - ago_ms
        if stream == "audit_logs":
            return account.audit.touch(now, create, delete)
        if stream == MERGES:
            return self._merge(now, create)
        if stream in account.small:
            return account.small[stream].touch(account.chance, shapes.stamp(now).decode(), update, create, delete)
        collection = account.collections[stream]
        if stream == "conversation_times":
            update = delete = 0
        live = self._sample(collection, update + delete)
        changed, gone = live[:update], live[update:]
        made = [collection.create(now) for _ in range(create)]
        for number in made:
            self._log(stream, number, "create", now)
        for number in changed:
            collection.update(number, now)
            self._log(stream, number, "update", now)
        for number in gone:
            collection.delete(number, now)
            self._log(stream, number, "delete", now)
        touched = {"updated": changed, "created": made, "deleted": gone}
        return {action: [collection.ids.id(n).decode() for n in numbers] for action, numbers in touched.items()}

    def _log(self, stream: str, number: int, verb: str, now: int) -> None:
        kind = KINDS.get(stream)
        if kind is None:
            return
        collection = self._account.collections[stream]
        identifier = collection.ids.id(number).decode()
        if verb == "delete":
            self._account.audit.log_deletion(now, kind, identifier)
            return
        revision = collection.revisions.get(number, 0)
        changes: Record = {"priority": {"before": revision, "after": revision + 1}} if verb == "update" else {}
        self._account.audit.log(now, kind, verb, identifier, changes)
        if stream == "conversations" and verb == "update":
            self._account.live_events.setdefault(number, []).append((now, changes))

    def _merge(self, now: int, pairs: int) -> Touched:
        """Of each pair the source disappears."""
        account, customers = self._account, self._account.collections["customers"]
        chosen = self._sample(customers, 2 * pairs)
        sources, targets = chosen[: len(chosen) // 2], chosen[len(chosen) // 2 : len(chosen) // 2 * 2]
        for source, target in zip(sources, targets, strict=True):
            customers.delete(source, now)
            customers.update(target, now)
            account.live_merges.setdefault(target, []).append((now, source))
            account.audit.log_merge(now, customers.ids.id(source).decode(), customers.ids.id(target).decode())
        names = [[customers.ids.id(number).decode() for number in part] for part in (targets, sources)]
        return {"updated": names[0], "created": [], "deleted": names[1]}

    def _sample(self, collection: Records, size: int) -> list[int]:
        account = self._account
        chosen: dict[int, None] = {}
        for _ in range(50 * size):
            number = account.chance.randrange(len(collection.created)) if len(collection.created) else 0
            if number < len(collection.created) and not collection.is_deleted(number):
                chosen[number] = None
            if len(chosen) == size:
                break
        return list(chosen)


def seeded(account: Account) -> Iterator[tuple[int, str, str, str, Record]]:
    """What the audit log knows of the time before the start: (moment, kind, verb, id, changes)."""
    options = account.options
    since = max(account.first, account.last - int(options.audit_days * DAY_MS))
    yield from _of_small_lists(account)
    for stream, kind in KINDS.items():
        collection = account.collections[stream]
        for number, (made, updated) in enumerate(zip(collection.created, collection.updated, strict=True)):
            if updated < since:
                continue
            identifier = collection.ids.id(number).decode()
            if stream in SEEDED and made >= since:
                yield made, kind, "create", identifier, {}
            if collection.is_deleted(number):
                yield updated, kind, "delete", identifier, {}
            elif stream in ("customers", "companies") and updated > made:
                yield updated, kind, "update", identifier, {"name": {"before": None, "after": f"Name {number}"}}
    conversations = account.collections["conversations"]
    for number, made in enumerate(conversations.created):
        if made >= since:
            identifier = conversations.ids.id(number).decode()
            for moment, changes in children.changes_of(account, number):
                yield moment, "conversation", "update", identifier, changes


def _of_small_lists(account: Account) -> Iterator[tuple[int, str, str, str, Record]]:
    """Edits of tags and users, evenly spread."""
    options = account.options
    since = max(account.first, account.last - TAG_ENTRIES_DAYS * DAY_MS)
    step = max(1, (account.last - since) // max(1, options.audit_logs))
    for number in range(options.audit_logs):
        kind = ("tag", "user", "tag")[number % 3]
        size = options.users if kind == "user" else options.small
        identifier = shapes.listed(f"{kind}s", number % max(1, size))
        yield since + number * step, kind, "update", identifier, {"name": {"before": "a", "after": "b"}}
