"""Notes, old ones among them; it is 2026-01-01T12:00Z."""

from __future__ import annotations

from typing import Any

import pytest

from source_kit.errors import StreamUnavailable
from source_kustomer.streams import build
from unit_tests.kustomer_account import NOTHING, Account, Answer, page, row

OLD = "2020-05-05T00:00:00.000Z"


def notes_of(account: Account) -> Any:
    return next(stream for stream in build(account.client, account.settings) if stream.name == "notes")


def answering(listed: Answer) -> Account:
    """An account with one old conversation that has a note; `listed` is what the list of notes answers."""

    def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        if method == "POST":
            is_archive = path == "customers/archive/search"
            return page(row(1, OLD, "conversation")) if is_archive and "lt" in str(body) else NOTHING
        if path == "users/current":
            return 200, {"data": {"id": "u"}}
        return page(row(7, OLD, "note"), row(8, "soon", "note")) if path.startswith("conversations/") else listed

    return Account(server)


def test_old_notes_are_listed_and_one_without_a_usable_time_leaves() -> None:
    account = answering(page(row(5, OLD, "note"), row(6, "soon", "note"), row(4, "2025-05-05T00:00:00.000Z", "note")))
    records, checkpoints = account.read(notes_of(account))
    assert ([record["id"][-1] for record in records], checkpoints) == (["5", "6"], [])
    assert account.logged == []


def test_a_note_without_a_usable_time_that_is_listed_and_found_leaves_once_in_each_read() -> None:
    """Kustomer files it under a time that it does not show."""
    timeless = [row(6, "soon", "note"), row(8, "", "note"), {"type": "note", "attributes": {"body": "no id"}}]

    def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        if path == "users/current":
            return 200, {"data": {"id": "u"}}
        is_recent = method == "POST" and "2026-01-01" in str(body["and"])
        return page(*timeless) if method == "GET" or is_recent else NOTHING

    account = Account(server)
    notes = notes_of(account)
    for _ in range(2):
        assert [(record["id"] or "none")[-1] for record in account.read(notes)[0]] == ["6", "8", "e"]
    assert len([path for method, path, *_ in account.asked if method == "POST"]) == 6


@pytest.mark.parametrize("status", [401, 403])
def test_a_list_that_is_refused_is_a_missing_permission(status: int) -> None:
    account = answering((status, {"errors": []}))
    with pytest.raises(StreamUnavailable, match=r"Stream notes cannot be read: .* org\.permission\.note\.read"):
        account.read(notes_of(account))


def test_a_plan_without_notes_is_told() -> None:
    account = answering((402, {"errors": []}))
    with pytest.raises(StreamUnavailable, match="plan does not include this"):
        account.read(notes_of(account))


@pytest.mark.parametrize("status", [400, 404])
def test_where_notes_cannot_be_listed_old_conversations_are_asked_and_the_reason_is_told(status: int) -> None:
    account = answering((status, {"errors": []}))
    records, _ = account.read(notes_of(account))
    assert [record["id"][-1] for record in records] == ["7", "8"]
    assert account.logged == [
        f"Stream notes: Kustomer does not list all old notes (GET notes: status {status}, request id none): asking old "
        "conversations for theirs."
    ]


def test_where_there_are_more_notes_than_are_listed_old_conversations_are_asked() -> None:
    numbers = iter(range(100, 10**6))

    def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        if path == "notes":
            return page(*(row(next(numbers), OLD, "note") for _ in range(100)), following=params["page"] + 1)
        is_archive = path == "customers/archive/search"
        if path.startswith("conversations/"):
            return page(row(7, OLD, "note"))
        return page(row(1, OLD, "conversation")) if is_archive and "lt" in str(body) else NOTHING

    account = Account(server)
    records, _ = account.read(notes_of(account))
    assert len(records) == 10_001
    assert account.logged == [
        "Stream notes: Kustomer does not list all old notes (GET notes: 10000 rows, and page 101): asking old "
        "conversations for theirs."
    ]
