"""The audit log: who created, changed, deleted or merged what, with what it was and is; entries expire."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from emulators.kustomer.flat import flat
from emulators.kustomer.settings import KustomerOptions
from emulators.kustomer.shapes import ORGANISATION_ID, listed, stamp, to
from emulators.moments import DAY_MS, bound, now_ms

Record = dict[str, Any]
KINDS = {
    "customers": "customer", "conversations": "conversation", "messages": "message", "notes": "note",
    "companies": "company", "kobjects": "kobject",
}  # fmt: skip
"""`objectType` by stream."""
HISTORY = ("conversation", "customer", "company")
FILTERS = ("objectType", "objectId", "userId", "start", "end")
LONGEST_READ_MS = DAY_MS // 24
"""No entry of the start expires in the first hour, so that a read of a new account, which the suite gives a quarter of
an hour at most, and the truth that is asked for after it show the same entries."""
SYSTEM_EVERY = 5
"""Every so manieth entry is of the system: `userType` system, no user."""


def created(entry: Record) -> tuple[str, str]:
    """What entries are sorted by."""
    return entry["attributes"]["createdAt"], entry["id"]


@dataclass
class AuditLog:
    """The entries, oldest first; what has expired is shown to nobody."""

    options: KustomerOptions
    path: str = "/audit-logs"
    records: list[Record] = field(default_factory=list)
    gone: list[Record] = field(default_factory=list)
    made: int = 0

    def log(self, moment: int, kind: str, verb: str, identifier: str, changes: Record) -> Record:
        """An entry of that time (milliseconds) about an object."""
        number, self.made = self.made, self.made + 1
        is_system = number % SYSTEM_EVERY == SYSTEM_EVERY - 1
        written = stamp(moment).decode()
        attributes = {
            "eventName": f"kustomer.{kind}.{verb}", "eventVerb": verb, "objectType": kind, "objectId": identifier,
            "userId": None if is_system else listed("users", number % 4),
            "userType": "system" if is_system else "user",
            "ip": "192.0.2.7", "changes": changes, "createdAt": written, "publishedAt": written,
            "expiresAt": stamp(moment + int(self.options.audit_days * DAY_MS)).decode(),
        }  # fmt: skip
        key = listed("audit_logs", number)
        entry = {
            "type": "audit_log", "id": key, "attributes": attributes,
            "relationships": {"org": to("org", "orgs", ORGANISATION_ID)}, "links": {"self": f"/v1/audit-logs/{key}"},
        }  # fmt: skip
        insort(self.records, entry, key=created)
        return entry

    def log_deletion(self, moment: int, kind: str, identifier: str) -> Record:
        """As a deletion, or as an update of `deleted` where option `deletes_as_updates` says so."""
        verb = "update" if kind in self.options.deletes_as_updates else "delete"
        return self.log(moment, kind, verb, identifier, {"deleted": {"before": False, "after": True}})

    def log_merge(self, moment: int, source: str, target: str) -> Record:
        """In one of the ways of option `merge_log`; the customer `source` is gone."""
        how = self.options.merge_log
        if how == "delete":
            return self.log_deletion(moment, "customer", source)
        subject = source if how == "source" else target
        other = {"source": {"mergedInto": target}, "target": {"mergedFrom": source}}[how]
        changes = {name: {"before": None, "after": value} for name, value in other.items()}
        return self.log(moment, "customer", "merge", subject, changes)

    def touch(self, now: int, create: int, delete: int) -> dict[str, list[str]]:
        """New entries about tags; the oldest ones go."""
        gone = [self.records.pop(0) for _ in range(min(delete, len(self.records)))]
        changes = {"name": {"before": "a", "after": "b"}}
        made = [self.log(now, "tag", "update", listed("tags", 0), changes) for _ in range(create)]
        return {"updated": [], "created": [e["id"] for e in made], "deleted": [e["id"] for e in gone]}

    def visible(self) -> list[Record]:
        """What has not expired, oldest first."""
        horizon = stamp(now_ms() - int(self.options.audit_days * DAY_MS)).decode()
        return self.records[bisect_left(self.records, (horizon, ""), key=created) :]

    def selected(self, params: dict[str, str]) -> list[Record]:
        """The entries that pass the filters, newest first; `ValueError` for a bad date."""
        ignored = self.options.ignored_audit_filters
        given = {name: params[f"filter[{name}]"] for name in FILTERS if f"filter[{name}]" in params}
        wanted = {name: text for name, text in given.items() if name not in ignored and "*" not in ignored}
        low, high = (bound("gte", wanted.pop(name))[0] if wanted.get(name) else None for name in ("start", "end"))
        rows = self.visible()
        if low is not None:
            rows = rows[bisect_left(rows, (stamp(low).decode(), ""), key=created) :]
        if high is not None:
            rows = rows[: bisect_left(rows, (stamp(high + 1).decode(), ""), key=created)]
        fits = (entry for entry in reversed(rows) if all(entry["attributes"][n] == t for n, t in wanted.items()))
        return list(fits)

    # What complete reads emit.

    def truth(self) -> Iterator[Record]:
        """Every entry."""
        return map(flat, self.visible())

    def history(self) -> Iterator[Record]:
        """Entries about the objects whose history is a stream."""
        return (flat(entry) for entry in self.visible() if entry["attributes"]["objectType"] in HISTORY)

    def deletions(self) -> Iterator[Record]:
        """One row for each object that an entry says is gone."""
        return (row for row in map(_deletion, self.visible()) if row is not None)


def _deletion(entry: Record) -> Record | None:
    attributes, changes = entry["attributes"], entry["attributes"]["changes"]
    verb, subject, target = attributes["eventVerb"], attributes["objectId"], None
    if verb == "merge":
        target = changes["mergedInto"]["after"] if "mergedInto" in changes else subject
        subject = changes["mergedFrom"]["after"] if "mergedFrom" in changes else subject
    elif verb != "delete" and changes.get("deleted", {}).get("after") is not True:
        return None
    return {
        "id": entry["id"], "organization_id": ORGANISATION_ID, "object_type": attributes["objectType"],
        "object_id": subject,
        "action": "merged" if verb == "merge" else "deleted", "merged_into_id": target,
        "deleted_at": attributes["createdAt"], "deleted_by": attributes["userId"],
        "user_type": attributes["userType"], "event_name": attributes["eventName"],
        "expires_at": attributes["expiresAt"],
    }  # fmt: skip


def seed(log: AuditLog, entries: Iterator[tuple[int, str, str, str, Record]]) -> None:
    """Take over (moment, kind, verb, id, changes) of the start, in the order of time; nothing that would expire while
    the account is read."""
    expiring = now_ms() - int(log.options.audit_days * DAY_MS)
    for moment, kind, verb, identifier, changes in sorted(entries, key=lambda entry: entry[:4]):
        if expiring <= moment < expiring + LONGEST_READ_MS:
            continue
        if verb == "delete":
            log.log_deletion(moment, kind, identifier)
        else:
            log.log(moment, kind, verb, identifier, changes)
