"""What a complete read of each stream emits."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import orjson

from emulators.close import activities, identity, tasks
from emulators.close.account import Account
from emulators.close.field_schemas import schema_records
from emulators.close.small import SECRET
from emulators.records import Collection

FIELD_STREAMS = {
    "contact_custom_fields": "contact", "opportunity_custom_fields": "opportunity",
    "activity_custom_fields": "activity", "custom_object_custom_fields": "custom_object_type",
}  # fmt: skip
CONNECTED_STREAMS = {
    "google_connected_accounts": "google", "custom_email_connected_accounts": "custom_email",
    "zoom_connected_accounts": "zoom",
}  # fmt: skip
TASK_STREAMS = {f"{kind}_tasks": kind for kind in sorted(set(tasks.PATTERN)) if kind != "outgoing_call"}
EVENTS = ("event_log", "events")
_SECRET = re.compile(rb'"%s"' % SECRET.encode())
Record = dict[str, Any]


class Truth:
    """Records of an account, by stream."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._lists: dict[str, Callable[[], list[Record]]] = {
            "users": lambda: account.users,
            "custom_fields": lambda: account.lead_fields,
            "lead_custom_fields": lambda: account.lead_fields,
            "shared_custom_fields": lambda: account.shared_fields,
            "groups": lambda: account.groups,
            "send_as": lambda: account.send_as,
            "sequence_subscriptions": lambda: account.subscriptions,
            "comment_threads": lambda: account.threads,
            "organizations": lambda: [account.organization()],
            "memberships": self._memberships,
            "deleted_records": self._deleted_records,
            "custom_field_schemas": lambda: schema_records(account),
        }
        for stream, resource in FIELD_STREAMS.items():
            self._lists[stream] = lambda resource=resource: account.other_fields[resource]  # type: ignore[misc]
        for stream in account.small:
            self._lists[stream] = lambda stream=stream: account.small[stream]  # type: ignore[misc]
        for stream, kind in CONNECTED_STREAMS.items():
            self._lists[stream] = lambda kind=kind: self._connected(kind)  # type: ignore[misc]
        self._lists["unsubscribed_emails"] = self._unsubscribed

    def of(self, stream: str, *, all_fields: bool = False) -> Iterator[bytes] | None:
        """Each record as JSON, None for an unknown stream; `all_fields`: with those that must be named."""
        account, fields = self._account, frozenset({"_all"}) if all_fields else None
        if stream in self._lists:
            return (_SECRET.sub(b"null", orjson.dumps(record)) for record in self._lists[stream]())
        if stream in EVENTS:
            return iter(account.events.render(account.events.truth_numbers()))
        numbers = self._numbers(stream)
        if numbers is None:
            return None
        collection = numbers[0]
        projection = collection.shapes.projection(fields)
        return (collection.render(number, projection) for number in numbers[1])

    def counts(self) -> dict[str, int]:
        """Records per stream."""
        account = self._account
        counts = {stream: len(make()) for stream, make in self._lists.items()}
        counts |= dict.fromkeys(EVENTS, len(account.events.truth_numbers()))
        for stream in (*account.collections, "user_posts", *activities.STREAMS, *TASK_STREAMS):
            numbers = self._numbers(stream)
            if numbers is not None and stream not in counts:
                counts[stream] = sum(1 for _ in numbers[1])
        return counts

    def _numbers(self, stream: str) -> tuple[Collection, Iterator[int]] | None:
        account = self._account
        if stream == "activities":
            return account.activities, self._mixed()
        if stream == "user_posts":
            return account.activities, self._posts()
        if stream in activities.STREAMS:
            kind = activities.STREAMS[stream]
            return account.activities, (n for n in account.activities.numbers() if activities.activity_type(n) == kind)
        if stream in TASK_STREAMS:
            kind = TASK_STREAMS[stream]
            return account.tasks, (n for n in account.tasks.numbers() if tasks.task_type(n) == kind)
        collection = account.collections.get(stream)
        return None if collection is None else (collection, collection.numbers())

    def _mixed(self) -> Iterator[int]:
        """Activities that `GET /activity/` shows by default: no email threads."""
        return (n for n in self._account.activities.numbers() if activities.activity_type(n) != activities.THREAD)

    def _posts(self) -> Iterator[int]:
        """Activities of present users."""
        present = {user["id"] for user in self._account.users}
        size = self._account.options.users
        mine = [identity.user_id(number) in present for number in range(size + 1)]
        shapes = self._account.activities.shapes.shapes
        # A recorded activity may be nobody's, or somebody's who is unknown here.
        is_own = [shape["user_id"] == "@@user_id@@" for shape in shapes]
        return (n for n in self._mixed() if is_own[n % len(shapes)] and mine[n % (size + 1)])

    def _memberships(self) -> list[Record]:
        organization = self._account.organization()
        return [
            membership | {"is_active": is_active}
            for name, is_active in (("memberships", True), ("inactive_memberships", False))
            for membership in organization[name]
        ]

    def _connected(self, kind: str) -> list[Record]:
        return [each for each in self._account.small["connected_accounts"] if each["_type"] == kind]

    def _unsubscribed(self) -> list[Record]:
        """The addresses have no id of their own."""
        return [record | {"id": record["email"]} for record in self._account.small["unsubscribed_emails"]]

    def _deleted_records(self) -> list[Record]:
        events = self._account.events
        found = (orjson.loads(event) for event in events.render(events.truth_numbers()))
        return [_deletion(event) for event in found if event["action"] in ("deleted", "merged")]


def _deletion(event: Record) -> Record:
    """Of a merge the source is gone."""
    merged = event["action"] == "merged"
    gone = event["meta"]["merge_source_lead_id"] if merged else event["object_id"]
    return {
        "id": event["id"], "organization_id": event["organization_id"], "object_type": event["object_type"],
        "object_id": gone, "lead_id": gone if merged else event["lead_id"], "action": event["action"],
        "merged_into_lead_id": event["meta"]["merge_destination_lead_id"] if merged else None,
        "deleted_at": event["date_updated"], "deleted_by": event["user_id"],
    }  # fmt: skip
