"""Reads that touch: each ends where the next begins, and together they are one."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from source_kit.work import Record
from source_kustomer.streams import build
from unit_tests.kustomer_account import NOTHING, Account, Answer, page, row, search

# The account's clock shows 2026-01-01: what is older than 2024-01-02 is in the archive.
TIMES = [f"{year}-{month:02d}-15T12:00:00.000Z" for year in (2022, 2023, 2024, 2025) for month in (1, 4, 7, 10)]
FIRST, SECOND = "2023-07-15T12:00:00Z", "2025-04-15"
PARTS: tuple[dict[str, Any], ...] = (
    {"end_date": FIRST},
    {"start_date": FIRST, "end_date": SECOND},
    {"start_date": SECOND, "end_date": "2025-12-01"},
)
HORIZON = "2024-01-02"
ROWS = [row(number, moment) for number, moment in enumerate(TIMES)]


def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
    if path == "audit-logs":
        low, high = params.get("filter[start]", ""), params.get("filter[end]", "9")
        found = [one for one in ROWS if low <= one["attributes"]["createdAt"] <= high]
        kinds = {"eventVerb": "delete", "objectType": "customer", "objectId": "x"}
        entries = [{**one, "attributes": {**one["attributes"], **kinds}} for one in reversed(found)]
        return 200, {"data": entries, "links": {"next": None}}
    if method == "GET":
        if path.endswith("/events"):
            return page(row(int(path.split("/")[1], 16) + 100, TIMES[0]))
        return page(*ROWS) if path in ("tags", "kedge") else NOTHING
    is_archive = "archive" in path
    return search([one for one in ROWS if (one["attributes"]["updatedAt"] < HORIZON) == is_archive], params, body)


def read(name: str, position: dict[str, Any] | None = None, **config: Any) -> tuple[list[Record], list[Any]]:
    account = Account(server, **config)
    stream = next(each for each in build(account.client, account.settings) if each.name == name)
    return account.read(stream, position)


STREAMS = {
    "customers": "updated_at", "notes": "updated_at", "conversation_times": "created_at", "tags": "updated_at",
    "company_edges": "updated_at", "conversation_events": "parent_updated_at", "audit_logs": "created_at",
    "deleted_records": "deleted_at", "record_history": "created_at",
}  # fmt: skip


@pytest.mark.parametrize("name", STREAMS)
def test_touching_reads_are_one_and_no_state_passes_their_ends(name: str) -> None:
    whole = Counter(record["id"] for record in read(name, end_date="2025-12-01")[0])
    parts: Counter[str] = Counter()
    for config in PARTS:
        records, states = read(name, **config)
        parts.update(record["id"] for record in records)
        assert all(state[STREAMS[name]][:10] <= config["end_date"][:10] for state in states)
        assert all(record[STREAMS[name]][:19] < config["end_date"][:19] for record in records)
    assert parts == whole
    assert set(whole.values()) == {1}


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize("hours", [0, 6])
def test_a_read_whose_state_has_reached_the_end_brings_nothing(name: str, hours: int) -> None:
    position = {STREAMS[name]: "2025-12-01T00:00:00.000Z"}
    records, _ = read(name, position, end_date="2025-12-01", deep_lookback_hours=hours)
    assert records == []


def test_lists_come_whole_without_an_end_whatever_the_start_date() -> None:
    assert len(read("tags", start_date=SECOND)[0]) == len(TIMES)
