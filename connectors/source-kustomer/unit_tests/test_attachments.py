"""Attachments: found by the messages that have some, or asked of every conversation."""

from __future__ import annotations

from typing import Any

import pytest

from unit_tests.kustomer_account import NOTHING, REFUSED, Account, Answer, file, message, page, row, stream_of

STATE = {"parent_updated_at": "2025-06-01T00:00:00.000Z"}


def test_attachments_without_links_go_on_while_pages_are_full() -> None:
    def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        if method == "POST":
            return page(message(1, "c1", "2025-07-01T00:00:00.000Z"))
        first = (params["page"] - 1) * 100
        return 200, {"data": [file(number) for number in range(first, min(first + 100, 230))]}

    account = Account(server)
    records, _ = account.read(stream_of(account, "attachments"), STATE)
    assert len(records) == 230
    assert [params["page"] for method, _, params, _ in account.asked if method == "GET"] == [1, 2, 3]


def test_a_conversation_is_asked_once_however_many_of_its_messages_have_attachments() -> None:
    def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        if method == "POST":
            return page(
                message(1, "c1", "2025-07-01T00:00:00.000Z"),
                message(2, "c2", "2025-07-02T00:00:00.000Z"),
                message(3, "c1", "2025-07-03T00:00:00.000Z"),
            )
        return 200, {"data": [file(1 if "c1" in path else 2)]}

    account = Account(server)
    records, checkpoints = account.read(stream_of(account, "attachments"), STATE)
    assert [(record["id"], record["conversation_id"]) for record in records] == [("file1", "c1"), ("file2", "c2")]
    assert [path for method, path, _, _ in account.asked if method == "GET"] == [
        "conversations/c1/attachments",
        "conversations/c2/attachments",
    ]
    assert checkpoints == [{"parent_updated_at": "2025-07-03T00:00:00.000Z"}]
    assert account.asked[1][3]["and"][0] == {"message_attachment_count": {"gt": 0}}


def test_a_message_younger_than_the_read_has_its_conversation_asked_again() -> None:
    def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        if method == "POST":
            return page(message(1, "c1", "2025-07-01T00:00:00.000Z"), message(2, "c1", "2026-01-01T11:59:00.000Z"))
        return 200, {"data": [file(1)]}

    account = Account(server)
    account.read(stream_of(account, "attachments"), STATE)
    assert [path for method, path, _, _ in account.asked if method == "GET"] == ["conversations/c1/attachments"] * 2


def test_where_attachments_cannot_be_searched_every_conversation_with_messages_is_asked() -> None:
    def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        if method == "GET":
            return 200, {"data": [file(1)]}
        if body["queryContext"] == "message":
            return REFUSED
        return page(
            row(1, "2025-07-01T00:00:00.000Z", messageCount=0), row(2, "2025-07-02T00:00:00.000Z", messageCount=4)
        )

    account = Account(server)
    records, checkpoints = account.read(stream_of(account, "attachments"), STATE)
    assert [record["conversation_id"][-1] for record in records] == ["2"]
    assert checkpoints == [{"parent_updated_at": "2025-07-02T00:00:00.000Z", "__by_conversations": True}]


def test_a_state_found_by_conversations_does_not_hold_for_messages() -> None:
    found = page(message(1, "c1", "2025-07-01T00:00:00.000Z"))
    account = Account(
        lambda method, *asked: found if method == "POST" else (200, {"data": []}), start_date="2025-03-01"
    )
    account.read(stream_of(account, "attachments"), {**STATE, "__by_conversations": True})
    assert account.asked[1][3]["and"][1] == {"message_updated_at": {"gte": "2025-03-01T00:00:00.000Z"}}


def test_where_no_message_has_a_count_of_attachments_every_conversation_with_messages_is_asked() -> None:
    """The attribute is known, but has no values."""

    def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        if method == "GET":
            return 200, {"data": [file(1)]}
        return NOTHING if body["queryContext"] == "message" else page(row(2, "2025-07-02T00:00:00.000Z"))

    account = Account(server)
    records, checkpoints = account.read(stream_of(account, "attachments"), STATE)
    assert [record["conversation_id"][-1] for record in records] == ["2"]
    assert checkpoints == [{"parent_updated_at": "2025-07-02T00:00:00.000Z", "__by_conversations": True}]
    assert account.logged == [
        "Stream attachments: Kustomer finds no message with attachments: asking every conversation for them."
    ]


@pytest.mark.parametrize(
    "first",
    [
        {"data": [{"oddity": 1}], "meta": {"total": 0}},
        {"data": [{"attributes": {"subject": "no id"}}], "meta": {"total": 1}},
        {"data": [], "meta": {"total": 3}},
    ],
)
def test_neither_a_count_nor_a_row_without_id_proves_that_messages_have_counts_of_attachments(
    first: dict[str, Any],
) -> None:
    def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        if method == "GET":
            return 200, {"data": [file(1)]}
        return (200, first) if body["queryContext"] == "message" else page(row(2, "2025-07-02T00:00:00.000Z"))

    account = Account(server)
    records, _ = account.read(stream_of(account, "attachments"), STATE)
    assert [record["conversation_id"][-1] for record in records] == ["2"]


def test_a_message_that_was_counted_but_not_sent_is_asked_for_again() -> None:
    probes = iter([(200, {"data": [], "meta": {"total": 1}})])

    def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        if method == "GET":
            return 200, {"data": [file(1)]}
        assert body["queryContext"] == "message"
        return next(probes, page(message(1, "c1", "2025-07-01T00:00:00.000Z")))

    account = Account(server)
    records, _ = account.read(stream_of(account, "attachments"), STATE)
    assert ([record["conversation_id"] for record in records], account.logged) == (["c1"], [])


def test_a_conversation_is_asked_again_for_a_message_that_is_younger_by_the_servers_clock() -> None:
    """It is 12:00 here and 11:00 there."""

    def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        if method == "POST":
            return page(message(1, "c1", "2025-07-01T00:00:00.000Z"), message(2, "c1", "2026-01-01T11:10:00.000Z"))
        return 200, {"data": [file(1)]}

    account = Account(server)
    account.headers = {"Date": "Thu, 01 Jan 2026 11:00:00 GMT"}
    _, checkpoints = account.read(stream_of(account, "attachments"), STATE)
    assert len([method for method, *_ in account.asked if method == "GET"]) == 2
    assert checkpoints == [{"parent_updated_at": "2025-07-01T00:00:00.000Z"}]


def test_the_reason_why_attachments_are_asked_of_every_conversation_is_told() -> None:
    def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        return REFUSED if method == "POST" and body["queryContext"] == "message" else NOTHING

    account = Account(server)
    account.read(stream_of(account, "attachments"), STATE)
    assert account.logged == [
        "Stream attachments: Kustomer does not search for attachments here (POST customers/search: status 400, request "
        "id none): asking every conversation for them."
    ]


def test_a_message_of_no_conversation_asks_nobody_and_holds_the_state() -> None:
    stray = row(2, "2025-07-02T00:00:00.000Z", "message")

    def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        if method == "POST":
            return page(
                message(1, "c1", "2025-07-01T00:00:00.000Z"), stray, message(3, "c3", "2025-07-03T00:00:00.000Z")
            )
        return 200, {"data": [file(1 if "c1" in path else 3)]}

    account = Account(server)
    records, checkpoints = account.read(stream_of(account, "attachments"), STATE)
    assert ([record["conversation_id"] for record in records], checkpoints) == (["c1", "c3"], [])
    assert account.logged == [
        "1 rows came without conversation_id: nobody can be asked for what belongs to them. The state stays before "
        "them, so that the next sync looks again."
    ]


def test_the_archive_is_not_asked_for_messages_with_attachments_which_it_does_not_know() -> None:
    """Of the last two years only messages that have some, of older ones all."""
    message = row(1, "2025-12-01T00:00:00.000Z", "message")
    message["relationships"] = {"conversation": {"data": {"type": "conversation", "id": "c1"}}}

    def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        return page(message) if path == "customers/search" else NOTHING

    account = Account(server)
    account.read(stream_of(account, "attachments"))
    asked = {
        path: {attribute for criterion in body["and"] for attribute in criterion}
        for _, path, _, body in account.asked
        if body
    }
    assert asked["customers/search"] == {"message_attachment_count", "message_updated_at"}
    assert asked["customers/archive/search"] == {"message_updated_at"}
