"""What the records of the small resources hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from emulators.kustomer.shapes import by, listed, to

Record = dict[str, Any]
Attributes = Callable[[int], Record]
LINES = {"blocks": [{"text": "Hi", "type": "unstyled"}], "entityMap": {"0": {"type": "LINK"}}}
SNOOZE_OPTIONS: tuple[Record, ...] = (
    {"type": "relative", "value": 7_200_000},
    {"type": "dynamic", "value": {"day": {"type": "tomorrow", "value": ""}, "time": "09:00 am"}},
)
SURVEY = {"options": 5, "type": "numeric", "labelHigh": "good", "labelLow": "bad"}

# Stream: (path, type, attributes of the n-th record).
TABLE: dict[str, tuple[str, str, Attributes]] = {
    "users": (
        "/users",
        "user",
        lambda n: {
            "name": f"User {n}",
            "displayName": f"User {n}",
            "email": f"user{n}@shop.example",
            "userType": "user",
            "roles": ["org"],
            "roleGroups": [],
            "password": {"allowNew": True, "forceNew": False},
            "deletedAt": None,
            "firstLoginAt": None,
            "custom": {"shiftStr": "late"},
        },
    ),
    "teams": (
        "/teams",
        "team",
        lambda n: {
            "name": f"Team {n}",
            "displayName": f"Team {n}",
            "icon": "star",
            "members": [listed("users", n)],
            "roleGroups": [],
            "deleted": False,
            "deletedAt": None,
        },
    ),
    "tags": ("/tags", "tag", lambda n: {"name": f"tag-{n}", "color": "#fff", "deleted": False}),
    "shortcuts": (
        "/shortcuts",
        "shortcut",
        lambda n: {
            "name": f"Shortcut {n}",
            "draft": LINES,
            "payload": LINES,
            "isPrivate": False,
            "deleted": False,
            "rev": 1,
        },
    ),
    "slas": ("/slas", "sla", lambda n: {"currentVersion": 1 + n % 2}),
    "brands": ("/brands", "brand", lambda n: {"name": f"Brand {n}", "iconUrl": None, "default": n == 0}),
    "queues": (
        "/routing/queues",
        "queue",
        lambda n: {
            "name": "DEFAULT_QUEUE" if n == 0 else f"queue-{n}",
            "displayName": f"Queue {n}",
            "description": None,
            "priority": 1,
            "itemSize": 5,
            "system": n == 0,
        },
    ),
    "queue_rules": ("/routing/queue-rules", "queue_rule", lambda n: {"name": f"Rule {n}", "enabled": True}),
    "work_sessions": (
        "/routing/work-sessions",
        "work_session",
        lambda n: {"statusType": "available", "routable": n % 2 == 0, "signedOutAt": None},
    ),
    "satisfaction": (
        "/satisfaction",
        "satisfaction",
        lambda n: {
            "name": f"CSAT {n}",
            "formType": "csat",
            "enabled": True,
            "channel": "email",
            "scale": SURVEY,
            "delayTime": 3600,
            "from": {"account": "care", "app": "mailapp", "channel": "email"},
            "questions": [],
            "criteria": {"and": [], "or": []},
        },
    ),
    "schedules": (
        "/schedules",
        "schedule",
        lambda n: {
            "name": f"Schedule {n}",
            "hours": {"0": None, "1": [[540, 1020]]},
            "timezone": "Europe/Berlin",
            "default": n == 0,
        },
    ),
    "role_groups": (
        "/role-groups",
        "role_group",
        lambda n: {"name": f"Group {n}", "roles": ["org.permission.tag.read"]},
    ),
    "cards": (
        "/cards",
        "card",
        lambda n: {"name": f"Card {n}", "url": "https://card.example", "contexts": ["customer"]},
    ),
    "notifications": (
        "/notifications",
        "notification",
        lambda n: {"name": "mention", "status": "unread", "event": {"n": n}},
    ),
    "snoozes": (
        "/snoozes",
        "snooze",
        lambda n: {"name": f"Option {n}", "enabled": True, **SNOOZE_OPTIONS[n % 2]},
    ),
    "kb_articles": (
        "/kb/articles",
        "kb_article",
        lambda n: {"title": f"Article {n}", "hash": f"hash{n}", "status": "published"},
    ),
    "kb_categories": (
        "/kb/categories",
        "kb_category",
        lambda n: {"hash": f"hash{n}", "published": True, "root": n == 0},
    ),
    "routing_settings": (
        "/routing/settings",
        "routing_setting",
        lambda n: {
            "enabled": n % 2 == 0,
            "queues": [listed("queues", 0)],
            "externalQueues": [],
        },
    ),
    "routing_statuses": (
        "/routing/statuses",
        "routing_status",
        lambda n: {
            "name": ("Available", "Lunch", "Busy")[n % 3],
            "statusType": ("available", "unavailable", "busy")[n % 3],
            "system": n < 3,
        },
    ),
}


RELATED: dict[str, Callable[[int], Record]] = {
    "queue_rules": lambda n: {"queue": {"data": {"type": "queue", "id": listed("queues", n)}}},
    "work_sessions": lambda n: {
        "user": by(n),
        "status": {"data": {"type": "routing_status", "id": listed("routing_statuses", n % 3)}},
    },
    "routing_settings": lambda n: {"team": to("team", "teams", listed("teams", n))},
}
"""Relationships that the records of a list have besides the common ones."""
