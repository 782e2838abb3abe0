"""The emulated accounts of the demo, and what changes in them between the two loads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

# What a vendor's API really makes a reader wait for: the way to it, and its rate limit.
LATENCY_MS = 15


@dataclass(frozen=True)
class Account:
    """`options` are the emulator's, `changes` touches by stream; `label` is the vendor's name as it writes it.

    `fixed` are options that small accounts have as well. `config` goes over the emulator's. `deletions` come last, by
    stream. `all_streams`: not only those that the models read.
    """

    label: str
    options: Mapping[str, Any]
    changes: Mapping[str, Mapping[str, int]]
    deletions: Mapping[str, int] = field(default_factory=dict)
    fixed: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    all_streams: bool = True

    def small(self, options: Mapping[str, Any]) -> Account:
        """The same with other options of the emulator, and of it what the models read."""
        return replace(self, options={**options, **self.fixed}, all_streams=False)


ACCOUNTS: Mapping[str, Account] = {
    "closeio": Account(
        label="Close",
        options={
            "leads": 1_500, "contacts": 1_540, "activities": 4_500, "opportunities": 420, "tasks": 300, "events": 900,
            "days": 84, "rate_limit": 40, "rate_window": 2.0,
        },
        changes={
            "leads": {"update": 25, "create": 5},
            "opportunities": {"update": 12, "create": 6},
            "tasks": {"update": 10, "create": 3},
            "activities": {"create": 40},
        },
        deletions={"leads": 8, "contacts": 5, "opportunities": 4, "call_activities": 6},
    ),
    "persistiq": Account(
        label="PersistIQ",
        options={
            "leads": 2_400, "events": 4_000, "campaigns": 9, "campaign_leads": 140, "replies": 21, "days": 90,
            "rate_limit": 20, "rate_window": 1.0, "rate_headers": "epoch",
        },
        changes={
            "leads": {"update": 25, "create": 5},
            "events": {"create": 60},
            "campaign_replies": {"create": 9},
        },
        deletions={"leads": 30, "campaigns": 1, "campaign_leads": 7},
        # Nothing else tells of deletions.
        config={"record_ids_of": ["leads", "campaigns", "campaign_leads", "campaign_replies", "users"]},
    ),
    "kustomer": Account(
        label="Kustomer",
        options={
            "customers": 150, "conversations": 400, "messages": 9_000, "notes": 600, "companies": 90, "kobjects": 80,
            "conversation_times": 300, "days": 14,
        },
        changes={
            "messages": {"update": 10, "create": 40},
            "conversations": {"update": 15, "create": 5},
            "customers": {"update": 5, "create": 2},
        },
        deletions={"customers": 4, "companies": 3, "conversations": 8, "messages": 20},
    ),
    "outreach": Account(
        label="Outreach",
        options={
            "prospects": 1_800, "mailings": 2_400, "others": 24, "sizes": {"calls": 600, "events": 900},
            "rate_limit": 120, "rate_window": 2.0,
        },
        fixed={"largest_page": 1_000},  # as the vendor's: ids are listed in pages of 1,000
        changes={
            "prospects": {"update": 25, "create": 5},
            "mailings": {"update": 10, "create": 40},
            "calls": {"create": 3},
        },
        deletions={
            "prospects": 150, "accounts": 3, "mailings": 20, "calls": 5, "opportunities": 2, "sequences": 2,
            "sequence_states": 3,
        },
        # Nothing else tells of deletions.
        config={
            "record_ids_of": [
                "prospects", "accounts", "mailings", "calls", "opportunities", "sequences", "sequence_states", "users",
            ],
        },
    ),
}  # fmt: skip
