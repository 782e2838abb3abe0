"""What hangs on one conversation or customer: attachments, events, work items, satisfaction responses, merges."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import orjson

from emulators.kustomer import shapes
from emulators.kustomer.flat import flat
from emulators.kustomer.shapes import TAIL, by, key, stamp, to

if TYPE_CHECKING:
    from emulators.kustomer.account import Account

Record = dict[str, Any]
EVENTS_A_CONVERSATION = (0, 1, 3)
EDIT_MS = 10_000
EDITS: tuple[Record, ...] = (
    {"status": {"before": "open", "after": "snoozed"}},
    {"priority": {"before": 1, "after": 3}, "status": {"before": "snoozed", "after": "open"}},
    {"status": {"before": "open", "after": "done"}},
)
STREAMS = ("attachments", "conversation_events", "work_items", "satisfaction_responses", "customer_merges")


def _made(prefix: str, number: int, of: int) -> str:
    return f"{prefix}{number * 100 + of:012d}{TAIL}"


def attachments(account: Account, conversation: int) -> list[Record]:
    """The files of a conversation. They have no times, and say their message in a link only."""
    count = account.attachments_of(conversation)
    message = f"{shapes.MESSAGES.prefix}{key(conversation).decode()}{TAIL}"
    return [
        {
            "type": "attachment",
            "id": _made(shapes.ATTACHMENTS.prefix, conversation, index),
            "attributes": {
                "name": f"photo {index}.jpg",
                "contentType": "image/jpeg",
                "contentLength": 1000 + index,
                "redacted": False,
            },
            "relationships": {
                "message": {"links": {"self": f"/v1/messages/{message}"}},
                "org": to("org", "orgs", shapes.ORGANISATION_ID),
            },
            "links": {"self": f"/v1/messages/{message}/attachments/x", "related": "https://files.example/temporary"},
        }
        for index in range(count)
    ]


def changes_of(account: Account, conversation: int) -> list[tuple[int, Record]]:
    """The edits of a conversation, those of the time before the start first: (moment, changes)."""
    made = account.collections["conversations"].created[conversation]
    before = [
        (made + index * EDIT_MS, EDITS[(conversation + index) % len(EDITS)])
        for index in range(EVENTS_A_CONVERSATION[conversation % 3])
    ]
    return before + account.live_events.get(conversation, [])


def events(account: Account, conversation: int) -> list[Record]:
    """The history of a conversation."""
    return [
        {
            "type": "conversation_event",
            "id": f"{shapes.EVENTS.prefix}{conversation * 10_000 + index:012d}{TAIL}",
            "attributes": {
                "name": next(iter(changes)),
                "changes": changes,
                "createdAt": stamp(moment).decode(),
                "updatedAt": stamp(moment).decode(),
            },
            "relationships": {"createdBy": by(index % 3)},
        }
        for index, (moment, changes) in enumerate(changes_of(account, conversation))
    ]


def work_items(account: Account, conversation: int) -> list[Record]:
    """Every third conversation was routed once."""
    created = stamp(account.collections["conversations"].created[conversation]).decode()
    made = {
        "type": "work_item",
        "id": _made(shapes.WORK_ITEMS.prefix, conversation, 0),
        "attributes": {"status": "completed", "queuedCount": 1, "createdAt": created, "updatedAt": created},
        "relationships": {"queue": {"data": {"type": "queue", "id": shapes.listed("queues", 0)}}, "routedTo": by(1)},
    }
    return [account.recorded.turn("work_items", conversation // 3, made)] if conversation % 3 == 0 else []


def satisfaction_response(account: Account, conversation: int) -> Record | None:
    """The answer to a survey."""
    conversations = account.collections["conversations"].shapes.shapes
    if not conversations[conversation % len(conversations)]["attributes"]["satisfactionLevel"].get("formResponse"):
        return None
    of_conversation = key(conversation % max(1, account.options.customers)).decode()
    customer = f"{shapes.CUSTOMERS.prefix}{of_conversation}{TAIL}"
    created = stamp(account.collections["conversations"].created[conversation]).decode()
    return {
        "type": "satisfaction_response",
        "id": f"{shapes.RESPONSES.prefix}{key(conversation).decode()}{TAIL}",
        "attributes": {
            "status": "rated",
            "rating": 5,
            "score": 100,
            "answers": [{"answer": "yes"}],
            "sentAt": created,
            "createdAt": created,
            "updatedAt": created,
        },
        "relationships": {"customer": to("customer", "customers", customer)},
    }


def merges(account: Account, customer: int) -> list[Record]:
    """Every tenth customer has swallowed another one before the start, and some do later."""
    customers = account.collections["customers"]
    found = [(customers.created[customer], _made(shapes.CUSTOMERS.prefix, customer, 99))] if customer % 10 == 0 else []
    for moment, source in account.live_merges.get(customer, ()):
        found.append((moment, customers.ids.id(source).decode()))
    target = customers.ids.id(customer).decode()
    return [
        {
            "type": "customer_merge",
            "id": _made(shapes.MERGES.prefix, customer, index),
            "attributes": {
                "status": "complete",
                "createdAt": stamp(moment).decode(),
                "updatedAt": stamp(moment).decode(),
            },
            "relationships": {
                "source": to("customer", "customers", source),
                "target": to("customer", "customers", target),
            },
        }
        for index, (moment, source) in enumerate(found)
    ]


def _finds_attachments(account: Account) -> bool:
    """Whether a search for messages that have some finds any: else they are found by their conversations."""
    options, horizon = account.options, account.horizon()
    if "message_attachment_count" in (*options.refuse_attributes, *options.unfilled_attributes):
        return False
    times = account.collections["messages"].updated
    return any(updated >= horizon and account.attachments_of(number) for number, updated in enumerate(times))


def truth(account: Account, stream: str) -> Iterator[bytes]:
    """What a complete read of a child stream emits: each child with its parent's id and time."""
    if stream == "customer_merges":
        parents, name = account.collections["customers"], "customer"
    else:
        parents, name = account.collections["conversations"], "conversation"
    by_messages = stream == "attachments" and _finds_attachments(account)
    for number in range(len(parents.created)):
        if stream != "satisfaction_responses" and account.is_childless(parents.name, number):
            continue
        updated = parents.updated[number]
        if stream == "attachments":
            records = attachments(account, number)
            if records and by_messages:
                updated = account.collections["messages"].updated[number]
        elif stream == "conversation_events":
            records = events(account, number)
        elif stream == "work_items":
            records = work_items(account, number)
        elif stream == "satisfaction_responses":
            response = satisfaction_response(account, number)
            records = [response] if response else []
        else:
            records = merges(account, number)
        parent = {f"{name}_id": parents.ids.id(number).decode(), "parent_updated_at": stamp(updated).decode()}
        for record in records:
            yield orjson.dumps(flat(record, **parent))
