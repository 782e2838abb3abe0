"""The twelve emulated accounts: what they hold, how their vendors answer, and what changes between two loads."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from emulators import Emulator, start
from harness.connector import Connector, all_connectors

# The way to a vendor, and the requests that it allows.
LATENCY_MS = 40
OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "source-closeio": {
        "leads": 400, "activities": 900, "tasks": 150, "events": 400, "rate_limit": 60, "rate_window": 2.0,
    },
    "source-persistiq": {"leads": 700, "events": 1_500, "campaigns": 6, "campaign_leads": 110, "replies": 40},
    "source-kustomer": {
        "customers": 90, "conversations": 90, "messages": 900, "notes": 500, "companies": 150, "kobjects": 150,
    },
    # Every command must ask for a token, and each refresh token works once.
    "source-outreach": {
        "prospects": 700, "mailings": 600, "largest_page": 100, "token_lifetime": 60.0, "token_strict": True,
    },
}  # fmt: skip
# The account whose worker is killed: a vendor that lets it read for half a minute.
VICTIM, VICTIMS_GROUP = "close_west", "activities"
SLOW = {"activities": 6_000, "rate_limit": 12, "rate_window": 2.0}

# Rows of what was deleted stay in a raw table; nothing is deleted here.
CHANGES: Mapping[str, Mapping[str, Mapping[str, int]]] = {
    "source-closeio": {
        "leads": {"update": 25, "create": 5},
        "contacts": {"update": 9, "create": 4},
        "tasks": {"update": 10, "create": 3},
        "activities": {"update": 6, "create": 40},
    },
    "source-persistiq": {
        "leads": {"update": 25, "create": 5},
        "events": {"create": 60},
        "campaign_replies": {"create": 3},
    },
    "source-kustomer": {
        "messages": {"update": 10, "create": 40},
        "conversations": {"update": 15, "create": 5},
        "customers": {"update": 5, "create": 2},
    },
    "source-outreach": {
        "prospects": {"update": 25, "create": 5},
        "mailings": {"update": 10, "create": 40},
        "calls": {"create": 3},
    },
}


@dataclass(frozen=True)
class Account:
    """An account and the vendor that emulates it."""

    name: str
    connector: Connector
    emulator: Emulator

    def change(self) -> None:
        """Changes and adds records."""
        for stream, numbers in CHANGES[self.connector.script].items():
            self.emulator.touch(stream, **numbers)


@contextlib.contextmanager
def emulated(accounts: Mapping[str, Mapping[str, Any]]) -> Iterator[list[Account]]:
    """An emulator for each account of accounts.json."""
    connectors = {connector.script: connector for connector in all_connectors()}
    with contextlib.ExitStack() as stack:
        found = []
        for seed, (name, settings) in enumerate(accounts.items(), start=1):
            connector = connectors[settings["connector"]]
            options = {"seed": seed, "latency_ms": LATENCY_MS, **OPTIONS[connector.script]}
            if name == VICTIM:
                options |= SLOW
            found.append(Account(name, connector, stack.enter_context(start(connector.emulator, **options))))
        yield found
