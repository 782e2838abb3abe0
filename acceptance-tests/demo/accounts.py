"""The emulated account of each connector's demo, and what changes in it between the two reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Changes = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True)
class DemoAccount:
    """`options` gives the emulator's options for a size; `changes` are touches by stream, `unit` what is counted."""

    unit: str
    options: Callable[[int], dict[str, Any]]
    changes: Changes


ACCOUNTS: Mapping[str, DemoAccount] = {
    "closeio": DemoAccount(
        unit="leads",
        options=lambda size: {"leads": size},
        changes={
            "leads": {"update": 25, "create": 5},
            "tasks": {"update": 10, "create": 3},
            "activities": {"create": 40},
        },
    ),
    "persistiq": DemoAccount(
        unit="leads",
        options=lambda size: {"leads": size, "events": 4 * size},
        changes={
            "leads": {"update": 25, "create": 5},
            "events": {"create": 60},
            "campaign_replies": {"create": 3},
        },
    ),
    "kustomer": DemoAccount(
        unit="messages",
        options=lambda size: {
            "messages": size, "notes": size // 2, "companies": size // 4, "customers": 200, "conversations": 200,
        },
        changes={
            "messages": {"update": 10, "create": 40},
            "conversations": {"update": 15, "create": 5},
            "customers": {"update": 5, "create": 2, "delete": 2},
        },
    ),
    "outreach": DemoAccount(
        unit="prospects",
        options=lambda size: {"prospects": size, "mailings": size},
        changes={
            "prospects": {"update": 25, "create": 5},
            "mailings": {"update": 10, "create": 40},
            "calls": {"create": 3},
        },
    ),
}  # fmt: skip
