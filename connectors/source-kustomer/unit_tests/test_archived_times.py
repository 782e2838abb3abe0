"""Conversation times older than two years: asked of the conversations that may have some."""

from __future__ import annotations

from typing import Any

from source_kit.work import Page, Start, in_order
from unit_tests.kustomer_account import NOTHING, Account, Answer, page, row, search, stream_of

# The account's clock shows 2026-01-01: two years are over in the first days of 2024.
OLD, BORDER, RECENT = "2022-03-01T00:00:00.000Z", "2024-01-02T00:00:00.000Z", "2025-06-01T00:00:00.000Z"


def time(number: int, created: str) -> dict[str, Any]:
    return row(number, created, "conversation_time")


CONVERSATIONS = {
    # Not changed for two years; changed since, but begun before; begun since.
    "archive": [row(1, OLD, "conversation")],
    "search": [
        row(2, RECENT, "conversation") | {"attributes": {"createdAt": OLD, "updatedAt": RECENT}},
        row(3, RECENT, "conversation"),
    ],
}
TIMES = {1: [time(11, OLD)], 2: [time(21, OLD), time(22, BORDER), time(23, RECENT)], 3: [time(31, RECENT)]}


def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
    if method == "GET":
        return page(*TIMES[int(path.split("/")[1], 16)]) if path.endswith("/times") else NOTHING
    if body["queryContext"] == "conversation_time":
        searchable = [one for times in TIMES.values() for one in times if one["attributes"]["createdAt"] >= BORDER]
        return search(searchable, params, body)
    return search(CONVERSATIONS["archive" if "archive" in path else "search"], params, body)


def asked_for_times(account: Account) -> list[str]:
    return [path for _, path, _, _ in account.asked if path.endswith("/times")]


def numbers(records: list[dict[str, Any]]) -> list[int]:
    return sorted(int(record["id"], 16) for record in records)


def test_by_default_times_come_from_the_search_alone() -> None:
    account = Account(server)
    assert numbers(account.read(stream_of(account, "conversation_times"))[0]) == [22, 23, 31]
    assert asked_for_times(account) == []


def test_old_times_come_from_the_conversations_that_are_old_enough_and_each_time_leaves_once() -> None:
    account = Account(server, archived_conversation_times=True)
    records, checkpoints = account.read(stream_of(account, "conversation_times"))
    assert numbers(records) == [11, 21, 22, 23, 31]
    assert sorted(asked_for_times(account)) == [f"conversations/{number:024x}/times" for number in (1, 2)]
    assert {record["conversation_id"] for record in records if record["id"] == f"{21:024x}"} == {f"{2:024x}"}
    assert checkpoints[-1] == {"created_at": RECENT}


def test_how_many_requests_old_times_cost_is_told_before_they_are_sent() -> None:
    account = Account(server, archived_conversation_times=True)
    pages = list(in_order(stream_of(account, "conversation_times").work(Start(incremental=True))))
    assert [each.estimate for each in pages if isinstance(each, Page) and each.estimate is not None] == [2]
    assert (
        "Stream conversation_times: 2 conversations are asked for times that are older than two years, "
        "one request each."
    ) in account.logged


def test_a_read_that_goes_on_from_a_recent_state_asks_no_conversation() -> None:
    account = Account(server, archived_conversation_times=True)
    assert numbers(account.read(stream_of(account, "conversation_times"), {"created_at": RECENT})[0]) == [23, 31]
    assert asked_for_times(account) == []


def test_a_count_that_is_capped_is_made_of_parts_and_said_to_be_the_least() -> None:
    def crowded(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        status, content = server(method, path, params, body)
        is_archive = "archive" in path and body["queryContext"] == "conversation" and params.get("pageSize") == 1
        return (status, {**content, "meta": {"total": 10_000}}) if is_archive else (status, content)

    account = Account(crowded, archived_conversation_times=True)
    account.read(stream_of(account, "conversation_times"))
    assert any("at least 160001 conversations are asked" in line for line in account.logged)
