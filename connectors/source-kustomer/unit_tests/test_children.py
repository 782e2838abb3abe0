"""Streams that ask once per parent."""

from __future__ import annotations

from typing import Any

import pytest

from source_kit.errors import StreamUnavailable, TransientError
from source_kustomer.streams import build
from unit_tests.kustomer_account import NOTHING, REFUSED, Account, Answer, page, row

STATE = {"parent_updated_at": "2025-06-01T00:00:00.000Z"}


def stream_of(account: Account, name: str) -> Any:
    return next(stream for stream in build(account.client, account.settings) if stream.name == name)


def message(number: int, conversation: str, updated: str) -> dict[str, Any]:
    record = row(number, updated, "message")
    record["relationships"] = {"conversation": {"data": {"type": "conversation", "id": conversation}}}
    return record


def file(number: int) -> dict[str, Any]:
    return {"type": "attachment", "id": f"file{number}", "attributes": {"name": "a.jpg"}}


def test_children_carry_their_parent_and_the_state_follows_them() -> None:
    def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        if method == "POST":
            return page(row(1, "2025-07-01T00:00:00.000Z"), row(2, "2025-08-01T00:00:00.000Z"))
        return page(row(9, "2025-01-01T00:00:00.000Z", "conversation_event"))

    account = Account(server)
    records, checkpoints = account.read(stream_of(account, "conversation_events"), STATE)
    assert [(record["conversation_id"][-1], record["parent_updated_at"]) for record in records] == [
        ("1", "2025-07-01T00:00:00.000Z"),
        ("2", "2025-08-01T00:00:00.000Z"),
    ]
    assert checkpoints == [{"parent_updated_at": "2025-08-01T00:00:00.000Z"}]
    assert account.asked[0][3]["and"] == [{"conversation_updated_at": {"gte": "2025-06-01T00:00:00.000Z"}}]


def test_a_parent_that_is_gone_has_no_children() -> None:
    def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        return page(row(1, "2025-07-01T00:00:00.000Z")) if method == "POST" else (404, {"errors": []})

    account = Account(server)
    assert account.read(stream_of(account, "work_items"), STATE)[0] == []


def test_a_missing_role_is_not_taken_for_a_parent_without_children() -> None:
    def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        return page(row(1, "2025-07-01T00:00:00.000Z")) if method == "POST" else (403, {"errors": []})

    account = Account(server)
    with pytest.raises(StreamUnavailable, match=r"org\.permission\.work_item\.read"):
        account.read(stream_of(account, "work_items"), STATE)


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


def test_children_go_on_where_pages_are_smaller_than_was_asked_for() -> None:
    def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        if method == "POST":
            return page(message(1, "c1", "2025-07-01T00:00:00.000Z"))
        first = (params["page"] - 1) * 20
        files = [file(number) for number in range(first, min(first + 20, 50))]
        return 200, {"data": files, "meta": {"pageSize": 20, "page": params["page"]}}

    account = Account(server)
    assert len(account.read(stream_of(account, "attachments"), STATE)[0]) == 50


def test_times_of_a_conversation_go_on_where_the_size_of_pages_is_ignored() -> None:
    def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        if method == "POST":
            is_search_of_times = body["queryContext"] == "conversation_time"
            return REFUSED if is_search_of_times else page(row(1, "2025-07-01T00:00:00.000Z"))
        first = (params["page"] - 1) * 100
        rows = [row(number, "2025-07-01T00:00:00.000Z") for number in range(first, min(first + 100, 130))]
        return 200, {"data": rows}

    account = Account(server)
    records, _ = account.read(stream_of(account, "conversation_times"), {"created_at": "2025-06-01T00:00:00.000Z"})
    assert len(records) == 130
    assert [params for method, _, params, _ in account.asked if method == "GET"] == [
        {"page": 1, "pageSize": 1000},
        {"page": 2, "pageSize": 1000},
    ]


def test_work_items_come_once_where_a_page_is_longer_than_was_asked_for() -> None:
    def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        if method == "POST":
            return page(row(1, "2025-07-01T00:00:00.000Z"))
        return page(*[row(number, "2025-07-01T00:00:00.000Z", "work_item") for number in range(250)])

    account = Account(server)
    assert len(account.read(stream_of(account, "work_items"), STATE)[0]) == 250
    assert len([path for method, path, *_ in account.asked if method == "GET"]) == 1


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


def test_answers_to_surveys_are_asked_for_by_the_ids_on_conversations() -> None:
    def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        if method == "POST":
            return page(
                row(1, "2025-07-01T00:00:00.000Z", satisfactionLevel={"formResponse": "answer1"}),
                row(2, "2025-07-02T00:00:00.000Z", satisfactionLevel={}),
            )
        return 200, {"data": row(7, "2025-07-01T00:00:00.000Z", "satisfaction_response", rating=5)}

    account = Account(server)
    records, _ = account.read(stream_of(account, "satisfaction_responses"), STATE)
    assert [(record["rating"], record["conversation_id"][-1]) for record in records] == [(5, "1")]
    assert [path for method, path, _, _ in account.asked if method == "GET"] == ["satisfaction-responses/answer1"]


def test_the_id_of_an_answer_may_be_inside_an_object_or_in_a_relationship_only() -> None:
    linked = row(2, "2025-07-02T00:00:00.000Z", satisfactionLevel={"formResponse": {"type": "x"}})
    linked["relationships"] = {"satisfactionResponse": {"data": {"type": "satisfaction_response", "id": "answer2"}}}

    def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        if method == "POST":
            within = {"formResponse": {"type": "satisfaction_response", "id": "answer1"}}
            return page(row(1, "2025-07-01T00:00:00.000Z", satisfactionLevel=within), linked)
        return 200, {"data": row(7, "2025-07-01T00:00:00.000Z", "satisfaction_response", rating=4.5)}

    account = Account(server)
    account.read(stream_of(account, "satisfaction_responses"), STATE)
    assert [path for method, path, _, _ in account.asked if method == "GET"] == [
        "satisfaction-responses/answer1",
        "satisfaction-responses/answer2",
    ]


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


def events(first: int, after: str | None) -> Answer:
    """A hundred events, and the cursor of the next page."""
    rows = [row(number, "2025-01-01T00:00:00.000Z", "conversation_event") for number in range(first, first + 100)]
    link = f"https://elsewhere.example/v2/events?after={after}&pageSize=100" if after else None
    return 200, {"data": rows, "links": {"self": "", "next": link}}


def test_children_are_followed_along_cursors() -> None:
    """Of a link only the parameters are used."""

    def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        if method == "POST":
            return page(row(1, "2025-07-01T00:00:00.000Z"))
        return events(100, None) if params.get("after") == "a+b" else events(0, "a%2Bb")

    account = Account(server)
    records, _ = account.read(stream_of(account, "conversation_events"), STATE)
    assert len(records) == 200
    assert [(path[-8:], params) for method, path, params, _ in account.asked if method == "GET"] == [
        ("1/events", {"page": 1, "pageSize": 100}),
        ("1/events", {"after": "a+b", "pageSize": 100}),
    ]


def test_children_that_lead_in_circles_fail_loudly() -> None:
    def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        return page(row(1, "2025-07-01T00:00:00.000Z")) if method == "POST" else events(0, "x")

    account = Account(server)
    with pytest.raises(TransientError, match="again and again that there are more rows"):
        account.read(stream_of(account, "conversation_events"), STATE)
    assert len(account.asked) == 3


@pytest.mark.parametrize(
    ("child", "permission"),
    [("work_items", "conversation"), ("customer_merges", "customer"), ("attachments", "message")],
)
def test_a_refusal_of_the_parents_is_reported_under_the_name_of_the_children(child: str, permission: str) -> None:
    account = Account(lambda *asked: (403, {"errors": []}))
    with pytest.raises(StreamUnavailable, match=rf"Stream {child} cannot .* org\.permission\.{permission}\.read, or"):
        account.read(stream_of(account, child), STATE)


@pytest.mark.parametrize("name", ["conversation_events", "work_items", "customer_merges", "attachments"])
def test_check_asks_for_the_children_of_the_newest_parent(name: str) -> None:
    def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        return page(row(1, "2025-07-01T00:00:00.000Z")) if method == "POST" else (403, {"errors": []})

    account = Account(server)
    with pytest.raises(StreamUnavailable, match=f"Stream {name} cannot be read"):
        stream_of(account, name).probe()
    (attribute,) = account.asked[-2][3]["sort"]
    assert (list(attribute.values()), len(account.asked)) == (["desc"], 3 if name == "attachments" else 2)


def test_check_is_content_with_a_parent_that_has_no_children() -> None:
    account = Account(
        lambda method, *asked: page(row(1, "2025-07-01T00:00:00.000Z")) if method == "POST" else (404, {})
    )
    stream_of(account, "satisfaction_responses").probe()
    stream_of(account, "work_items").probe()
    assert [path[:8] for _, path, _, _ in account.asked] == ["customer", "customer", "routing/"]


def test_check_asks_for_the_children_of_one_parent_only() -> None:
    def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        if method == "POST":
            return page(row(1, "2025-07-01T00:00:00.000Z"), row(2, "2025-07-01T00:00:00.000Z"))
        return NOTHING

    account = Account(server)
    stream_of(account, "work_items").probe()
    assert [method for method, *_ in account.asked] == ["POST", "GET"]
