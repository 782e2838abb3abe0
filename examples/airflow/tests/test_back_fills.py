"""Each connector, read in windows: together with the ongoing part they hold the account, also when it changes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any, TypeAlias

import psycopg
import pytest
from accounts.connector import Connector
from accounts.loader import Loader, finished
from accounts.plan import Job, jobs, summary
from emulated import Account
from verdict import problems

from emulators import start
from harness.connector import all_connectors
from harness.runner import find_script

Connection: TypeAlias = psycopg.Connection[Any]
SIZES: dict[str, dict[str, Any]] = {
    "source-closeio": {"leads": 120, "activities": 200, "tasks": 60, "events": 80},
    "source-persistiq": {"leads": 200, "events": 300, "campaigns": 3, "campaign_leads": 20, "replies": 9},
    "source-kustomer": {
        "customers": 40, "conversations": 40, "messages": 200, "notes": 60, "companies": 30, "kobjects": 40,
    },
    "source-outreach": {"prospects": 150, "mailings": 150, "largest_page": 100},
}  # fmt: skip


def thirds(since: str) -> list[str]:
    """The dates that cut the time since then into three."""
    first, last = date.fromisoformat(since[:10]), datetime.now(UTC).date()
    return [(first + (last - first) / 3 * part).isoformat() for part in (1, 2)]


def load(connection: Connection, source: Connector, planned: Sequence[Job], run: str) -> dict[str, int]:
    """Loads all jobs; the records of each part."""
    found: dict[str, int] = {}
    for job in planned:
        loader = Loader(connection, "acme", job, run)
        source.overlay = dict(job["overlay"])
        states = loader.states()
        count = loader.load(source.read(job["streams"], states), resumed=len(states))
        found[job["part"]] = found.get(job["part"], 0) + count
    source.overlay = {}
    return found


@pytest.mark.parametrize("script", SIZES)
def test_windows_and_the_ongoing_part_hold_the_account_before_and_after_changes(
    connection: Connection, script: str
) -> None:
    (known,) = [connector for connector in all_connectors() if connector.script == script]
    with start(known.emulator, **SIZES[script]) as emulator:
        account = Account("acme", known, emulator)
        source = Connector(str(find_script(script)), dict(emulator.config), keep=lambda config: None)
        since = emulator.config["start_date"]
        bounds = thirds(since)

        def planned() -> list[Job]:
            return jobs(script, map(summary, source.streams()), since, bounds, finished(connection, "acme"))

        assert "end_date" in source.options()
        read = load(connection, source, planned(), "run 1")
        windows = {f"{since}..{bounds[0]}", f"{bounds[0]}..{bounds[1]}"}
        assert read.keys() == windows | {"whole", "ongoing"}
        assert min(read.values()) > 0, read
        assert problems(connection, [account])[0] == []

        account.change()
        again = planned()
        assert not windows & {job["part"] for job in again}
        load(connection, source, again, "run 2")
        assert problems(connection, [account])[0] == []
