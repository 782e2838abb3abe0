"""Streams that ask once per parent."""

from __future__ import annotations

from typing import Any

import pytest

from source_kit.errors import StreamUnavailable, TransientError
from unit_tests.kustomer_account import NOTHING, REFUSED, Account, Answer, file, message, page, row, stream_of

STATE = {"parent_updated_at": "2025-06-01T00:00:00.000Z"}


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
    assert account.asked[0][2] == {"page": 1, "pageSize": 1}


def test_children_go_on_behind_an_empty_page_that_announces_more() -> None:
    def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        if method == "POST":
            return page(row(1, "2025-07-01T00:00:00.000Z"))
        number = params["page"]
        rows = [] if number == 1 else [row(number, "2025-07-01T00:00:00.000Z")]
        return page(*rows, following=number + 1 if number < 3 else 0)

    account = Account(server)
    assert len(account.read(stream_of(account, "conversation_events"), STATE)[0]) == 2


def test_parents_without_an_id_are_told_and_hold_the_state() -> None:
    nameless = {"type": "conversation", "attributes": {"updatedAt": "2025-07-02T00:00:00.000Z"}}

    def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        if method == "POST":
            return page(row(1, "2025-07-01T00:00:00.000Z"), nameless, row(3, "2025-07-03T00:00:00.000Z"))
        return page(row(9, "2025-07-01T00:00:00.000Z"))

    account = Account(server)
    records, checkpoints = account.read(stream_of(account, "conversation_events"), STATE)
    assert ([record["conversation_id"][-1] for record in records], checkpoints) == (["1", "3"], [])
    assert account.logged == [
        "1 rows came without id: nobody can be asked for what belongs to them. The state stays before them, so that "
        "the next sync looks again."
    ]


@pytest.mark.parametrize("odd", [None, "", "soon", 5])
def test_children_of_a_parent_without_a_usable_time_leave(odd: Any) -> None:
    def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        if method == "POST":
            return page(row(1, "2025-07-01T00:00:00.000Z"), row(2, odd))
        return 200, {"data": [None, {"type": "conversation_event", "attributes": None}]}

    account = Account(server)
    records, checkpoints = account.read(stream_of(account, "conversation_events"), STATE)
    assert [(record["id"], record["conversation_id"][-1], record["parent_updated_at"]) for record in records] == [
        (None, "1", "2025-07-01T00:00:00.000Z"),
        (None, "2", odd),
    ]
    assert checkpoints == [{"parent_updated_at": "2025-07-01T00:00:00.000Z"}]
    assert account.usage.not_objects == 2


def test_pages_of_children_that_are_too_heavy_are_halved_and_read_from_the_first_on() -> None:
    def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        if method == "POST":
            return page(row(1, "2025-07-01T00:00:00.000Z"))
        if params["pageSize"] > 50 and params["page"] == 2:
            return 504, {}
        size = params["pageSize"]
        numbers = range(180)[(params["page"] - 1) * size : params["page"] * size]
        rows = [row(number, "2025-07-01T00:00:00.000Z") for number in numbers]
        return page(*rows, following=params["page"] + 1 if numbers[-1] < 179 else 0)

    account = Account(server)
    records, _ = account.read(stream_of(account, "conversation_events"), STATE)
    assert sorted(int(record["id"], 16) for record in records) == list(range(180))


def test_an_answer_to_a_survey_without_an_id_leaves_and_one_without_anything_is_asked_for_again() -> None:
    served = iter([{}, {"errors": []}, {"type": "satisfaction_response", "attributes": {"rating": 5}}])

    def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        if method == "POST":
            return page(row(1, "2025-07-01T00:00:00.000Z", satisfactionLevel={"formResponse": "answer1"}))
        return 200, {"data": next(served)}

    account = Account(server)
    records, _ = account.read(stream_of(account, "satisfaction_responses"), STATE)
    assert [(record["id"], record["rating"]) for record in records] == [(None, 5)]


def test_an_answer_to_a_survey_without_attributes_leaves_with_its_id() -> None:
    def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        if method == "POST":
            return page(row(1, "2025-07-01T00:00:00.000Z", satisfactionLevel={"formResponse": "answer1"}))
        return 200, {"data": {"type": "satisfaction_response", "id": "answer1"}}

    account = Account(server)
    records, _ = account.read(stream_of(account, "satisfaction_responses"), STATE)
    assert [record["id"] for record in records] == ["answer1"]
    assert len(account.asked) == 2


def test_an_answer_to_a_survey_that_holds_attributes_only_leaves() -> None:
    def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        if method == "POST":
            return page(row(1, "2025-07-01T00:00:00.000Z", satisfactionLevel={"formResponse": "answer1"}))
        return 200, {"data": {"attributes": {"rating": 4}}}

    account = Account(server)
    records, _ = account.read(stream_of(account, "satisfaction_responses"), STATE)
    assert [(record["rating"], record["conversation_id"][-1]) for record in records] == [(4, "1")]


@pytest.mark.parametrize("damaged", [{}, {"data": None}, {"data": {}}, {"data": {"links": {}}}, {"data": "x"}, []])
def test_an_answer_to_a_survey_that_holds_no_record_is_asked_for_again(damaged: Any) -> None:
    whole = {"data": {"type": "satisfaction_response", "id": "answer1", "attributes": {"rating": 5}}}
    served = iter([damaged, whole])

    def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        if method == "POST":
            return page(row(1, "2025-07-01T00:00:00.000Z", satisfactionLevel={"formResponse": "answer1"}))
        return 200, next(served)

    account = Account(server)
    records, _ = account.read(stream_of(account, "satisfaction_responses"), STATE)
    assert [(record["id"], record["rating"]) for record in records] == [("answer1", 5)]
