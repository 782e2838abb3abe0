"""The records of the searchable collections: vendor's form, with slots for what differs between them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from emulators.moments import DAY_MS, EPOCH
from emulators.records import Ids
from emulators.templates import Shape

ORGANISATION_ID = "5f00c0de0a1b2c3d4e5f6a7b"
TAIL = "5a1f"
VARIANTS = 24
SLOTS = ("key", "number", "created", "updated", "revision", "a", "b", "c")

CUSTOMERS = Ids("58228e05", TAIL)
CONVERSATIONS = Ids("59338f16", TAIL)
MESSAGES = Ids("6641c0de", TAIL)
NOTES = Ids("61aa00de", TAIL)
COMPANIES = Ids("5c77a0be", TAIL)
KOBJECTS = Ids("5d88b1cf", TAIL)
TIMES = Ids("5e99c2d0", TAIL)
ATTACHMENTS = Ids("6faad3e1", TAIL)
RESPONSES = Ids("60bbe4f2", TAIL)
EVENTS = Ids("64ccf503", TAIL)
WORK_ITEMS = Ids("65dd0614", TAIL)
MERGES = Ids("66ee1725", TAIL)
EDGES = Ids("67ff2836", TAIL)

RESOURCES = {
    **{name: number for number, name in enumerate((
        "users", "teams", "tags", "shortcuts", "slas", "brands", "queues", "queue_rules", "work_sessions",
        "satisfaction", "schedules", "role_groups", "cards", "notifications", "snoozes", "kb_articles", "kb_categories",
    ))},
    "sla_versions": 60, "klasses": 61, "custom_attributes": 62, "audit_logs": 63, "routing_settings": 64,
    "routing_statuses": 65,
}  # fmt: skip
"""The numbers by which ids of the small lists are made, by stream."""


class _Days(dict[int, bytes]):
    """Days since the epoch to `2026-06-19T`."""

    def __missing__(self, day: int) -> bytes:
        text = self[day] = (EPOCH + timedelta(days=day)).strftime("%Y-%m-%dT").encode()
        return text


_days = _Days()
_clock = [b"%02d:%02d:%02d" % (second // 3600, second // 60 % 60, second % 60) for second in range(86_400)]
_fractions = [b".%03dZ" % millisecond for millisecond in range(1000)]


def stamp(ms: int) -> bytes:
    """`2025-06-02T09:14:33.120Z`."""
    day, rest = divmod(ms, DAY_MS)
    second, fraction = divmod(rest, 1000)
    return _days[day] + _clock[second] + _fractions[fraction]


def key(number: int) -> bytes:
    """The middle of a record's id."""
    return b"%012d" % (number * Ids.FACTOR % Ids.MODULUS)


def listed(stream: str, number: int) -> str:
    """The id of a record of a small list: 24 hex digits."""
    return f"7{RESOURCES[stream]:03x}{number * 7_368_787 % 2**32:08x}{number:08x}beef"


def to(kind: str, path: str, identifier: str | None) -> dict[str, Any]:
    """A relationship to one record."""
    if identifier is None:
        return {"data": None}
    return {"links": {"self": f"/v1/{path}/{identifier}"}, "data": {"type": kind, "id": identifier}}


def _record(kind: str, path: str, ids: Ids, attributes: Shape, relationships: Shape) -> Shape:
    identifier = f"{ids.prefix}@@key@@{ids.tail}"
    times = {"createdAt": "@@created@@", "updatedAt": "@@updated@@", "modifiedAt": "@@updated@@", "rev": "@#revision@#"}
    return {
        "type": kind,
        "id": identifier,
        "attributes": attributes | times,
        "relationships": {"org": to("org", "orgs", ORGANISATION_ID)} | relationships,
        "links": {"self": f"/v1/{path}/{identifier}"},
    }


def by(user: int) -> dict[str, Any]:
    """A relationship to a user."""
    return to("user", "users", listed("users", user))


def customer(variant: int) -> Shape:
    """A customer."""
    email = "person.@@number@@@example.com"
    attributes: Shape = {
        "name": f"Ada Löwe {variant} @@number@@" if variant % 5 else None,
        "displayName": "Ada @@number@@", "displayColor": "teal", "displayIcon": "cat", "avatarUrl": None,
        "externalId": "ext-@@number@@" if variant % 2 else None,
        "externalIds": [{"externalId": "ext-@@number@@", "verified": True}] if variant % 2 else [],
        "emails": [{"type": "work", "email": email, "verified": variant % 2 == 0}], "sharedEmails": [],
        "phones": [{"type": "mobile", "phone": "+4930123456", "verified": False}] if variant % 3 else [],
        "locale": "en_US" if variant % 4 else None, "timeZone": None, "gender": ("f", "m", None)[variant % 3],
        "lastActivityAt": "@@updated@@", "lastMessageAt": "@@created@@" if variant % 2 else None,
        "conversationCounts": {"done": variant, "open": 1, "snoozed": 0, "all": variant + 1},
        "preview": {"channel": "email", "subject": f"Order {variant}", "text": "Hello", "type": "message_in"},
        "tags": [], "sentiment": {"polarity": 0.5, "confidence": 0.75} if variant % 2 else {}, "verified": False,
        "satisfactionLevel": {"count": variant, "avgRating": 4.5 if variant % 2 else 4, "firstSatisfaction": {}},
        "watchers": [], "recentItems": [], "deleted": False,
        "custom": {"tierStr": "gold", "ordersNum": variant, "vipBool": True, "seenAt": None, "labelsStrs": ["a"]},
    }  # fmt: skip
    relationships = {
        "messages": {"links": {"self": f"/v1/customers/{CUSTOMERS.prefix}@@key@@{TAIL}/messages"}},
        "company": to("company", "companies", f"{COMPANIES.prefix}@@a@@{TAIL}" if variant % 3 else None),
        "createdBy": by(1), "modifiedBy": by(variant % 4),
        "shopify-orders": {"links": {"self": "/v1/customers/x/klasses/shopify-order"}, "meta": {"kobject": True}},
    }  # fmt: skip
    return _record("customer", "customers", CUSTOMERS, attributes, relationships)


def conversation(variant: int) -> Shape:
    """A conversation; every fifth one has a satisfaction response."""
    recipients: Any = ("care@shop.example", {"email": "jo@example.com"}, [{"email": "jo@example.com"}], None)[
        variant % 4
    ]
    response = f"{RESPONSES.prefix}@@key@@{TAIL}"
    level = {"formResponse": response, "status": "rated", "rating": 5, "score": 100} if variant % 5 == 0 else {}
    attributes: Shape = {
        "name": f"Where is my order? {variant}", "preview": "Dear team, my parcel @@number@@ has not arrived.",
        "channels": ["email", "chat"][: 1 + variant % 2], "status": ("open", "snoozed", "done")[variant % 3],
        "open": {"statusAt": "@@created@@"}, "messageCount": "@#b@#", "noteCount": "@#c@#", "satisfaction": 0,
        "satisfactionLevel": level, "spam": False, "ended": False, "endedAt": None,
        "tags": [listed("tags", variant % 3)] if variant % 2 else [], "suggestedTags": [],
        "lastActivityAt": "@@updated@@", "lastMessageAt": "@@updated@@",
        "firstMessageIn": {"id": f"{MESSAGES.prefix}@@key@@{TAIL}", "sentAt": "@@created@@",
                           "channel": "sms", "meta": {"to": recipients}},
        "assignedUsers": [listed("users", variant % 4)],
        "assignedTeams": [listed("teams", variant % 3)] if variant % 3 else [],
        "firstResponse": {"time": 120 + variant, "businessTime": None, "createdByTeams": None},
        "snooze": None if variant % 2 else {"status": "canceled", "time": "@@created@@"},
        "direction": "in", "priority": 1 + variant % 5, "sentiment": {"polarity": -0.25, "confidence": 1},
        "modificationHistory": {"nameAt": None, "statusAt": "@@created@@"},
        "sla": {"name": "Gold", "version": 2, "breached": False, "status": "pending"} if variant % 4 == 0 else None,
        "custom": {"orderNumberStr": "A-@@number@@", "amountNum": 12.5, "dueAt": None},
    }  # fmt: skip
    relationships = {
        "messages": {"links": {"self": f"/v1/conversations/{CONVERSATIONS.prefix}@@key@@{TAIL}/messages"}},
        "customer": to("customer", "customers", f"{CUSTOMERS.prefix}@@a@@{TAIL}"),
        "queue": {"data": {"type": "queue", "id": listed("queues", 0)}},
        "brand": to("brand", "brands", listed("brands", variant % 2)), "createdBy": by(variant % 4),
        "modifiedBy": by(2),
        "sla": {"data": {"type": "sla", "id": listed("slas", 0)}} if variant % 4 == 0 else {"data": None},
    }  # fmt: skip
    return _record("conversation", "conversations", CONVERSATIONS, attributes, relationships)


def message(variant: int) -> Shape:
    """A message; its relationship to the customer has a plural type, as seen in production."""
    attributes: Shape = {
        "channel": ("email", "chat", "sms")[variant % 3], "app": "mailapp", "size": 0,
        "direction": ("in", "out")[variant % 2],
        "directionType": "initial-out", "preview": "Hello @@number@@", "subject": None if variant % 2 else "Order",
        "meta": {"from": "care@shop.example", "to": "jo@example.com" if variant % 2 else [{"email": "jo@example.com"}]},
        "status": "error" if variant % 7 == 0 else "sent", "error": {"status": 400, "code": "invalid-recipient"},
        "assignedTeams": [], "assignedUsers": [], "auto": False, "sentAt": "@@created@@",
        "redacted": False, "createdByTeams": [], "reactions": [], "intentDetections": [],
        "custom": {"ratingNum": 3},
    }  # fmt: skip
    relationships = {
        "customer": {
            "links": {"self": f"/v1/customers/{CUSTOMERS.prefix}@@b@@{TAIL}"},
            "data": {"type": "customers", "id": f"{CUSTOMERS.prefix}@@b@@{TAIL}"},
        },
        "conversation": to("conversation", "conversations", f"{CONVERSATIONS.prefix}@@a@@{TAIL}"),
        "createdBy": by(variant % 4),
        "shortcuts": {"data": [{"type": "shortcut", "id": listed("shortcuts", 1)}] if variant % 6 == 0 else []},
    }
    return _record("message", "messages", MESSAGES, attributes, relationships)


def note(variant: int) -> Shape:
    """A note."""
    attributes: Shape = {
        "externalId": None, "body": f"Called back @@number@@, {variant}", "createdByTeams": [], "userMentions": [],
        "deleted": False,
    }  # fmt: skip
    relationships = {
        "customer": to("customer", "customers", f"{CUSTOMERS.prefix}@@b@@{TAIL}"),
        "conversation": to("conversation", "conversations", f"{CONVERSATIONS.prefix}@@a@@{TAIL}"),
        "createdBy": by(variant % 4),
    }
    return _record("note", "notes", NOTES, attributes, relationships)


def company(variant: int) -> Shape:
    """A company; its domains are objects or texts."""
    attributes: Shape = {
        "externalId": None, "name": f"Müller & Söhne {variant} @@number@@", "tags": [], "emails": [], "phones": [],
        "domains": [{"domain": "example.com", "verified": True}] if variant % 2 else ["example.com"], "urls": [],
        "custom": {"segmentStr": "retail"},
    }  # fmt: skip
    return _record("company", "companies", COMPANIES, attributes, {"createdBy": by(1), "modifiedBy": by(2)})


def kobject(klass: str, variant: int, klasses: int) -> Shape:
    """A custom object of one of so many klasses, in turn; the link key of its klass is singular."""
    attributes: Shape = {
        "externalId": "k-@@number@@", "title": f"{klass} @@number@@", "description": None, "icon": None, "images": [],
        "custom": {"totalNum": variant + 0.5, "placedAt": "@@created@@"}, "data": {"raw": {"line": variant}},
        "tags": [],
    }  # fmt: skip
    relationships = {
        "klass": {
            "link": {"self": f"/v1/klasses/{klass}"},
            "data": {"type": "klass", "id": listed("klasses", variant % klasses)},
        },
        "customer": to("customer", "customers", f"{CUSTOMERS.prefix}@@a@@{TAIL}"),
    }
    return _record(f"kobject.{klass}", f"klasses/{klass}", KOBJECTS, attributes, relationships)


def conversation_time(variant: int) -> Shape:
    """Handle time of a conversation, written once: no updatedAt."""
    attributes: Shape = {
        "handleAt": "@@created@@", "handleTime": 60 + variant, "messageAt": None, "messageTime": 20,
        "channels": ["email"],
        "assignedUsers": [listed("users", variant % 4)], "assignedTeams": [], "createdByTeams": [],
    }  # fmt: skip
    shape = _record(
        "conversation_time",
        "conversations/times",
        TIMES,
        attributes,
        {"conversation": to("conversation", "conversations", f"{CONVERSATIONS.prefix}@@a@@{TAIL}")},
    )
    for name in ("updatedAt", "modifiedAt", "rev"):
        del shape["attributes"][name]
    return shape


def deleted(shape: Shape) -> Shape:
    """The same record after its deletion, as `includeDeleted` shows it."""
    return shape | {"attributes": shape["attributes"] | {"deleted": True, "deletedAt": "@@updated@@"}}
