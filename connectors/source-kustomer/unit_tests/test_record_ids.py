"""The ids that exist now: by searches for ids only, and by lists."""

from __future__ import annotations

from typing import Any

import pytest

from source_kit.errors import ConfigError
from source_kit.work import Record
from source_kustomer.streams import record_ids
from unit_tests.kustomer_account import NOTHING, REFUSED, Account, Answer, page, row, search

# The account's clock shows 2026-01-01: what is older than 2024-01-02 is in the archive.
HORIZON = "2024-01-02"


class Records:
    """Searches that know `idsOnly`, or ignore or refuse it."""

    def __init__(self, rows: list[Record], ids: str = "honoured") -> None:
        self.rows, self.ids = rows, ids

    def __call__(self, method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        if method == "GET":
            return NOTHING if path != "tags" else page(*self.rows)
        asks_for_ids = params.get("idsOnly") == "true"
        if asks_for_ids and self.ids == "refused":
            return REFUSED
        is_archive = "archive" in path
        found = [one for one in self.rows if (one["attributes"]["updatedAt"] < HORIZON) == is_archive]
        if not body.get("includeDeleted"):
            found = [one for one in found if not one["attributes"].get("deleted")]
        status, content = search(found, params, body)
        if asks_for_ids and self.ids == "honoured":
            content["data"] = [{"type": one["type"], "id": one["id"]} for one in content["data"]]
        return status, content


def listed(account: Account) -> list[Record]:
    (stream,) = record_ids(account.client, account.settings)
    return account.read(stream)[0]


def numbers(records: list[Record]) -> list[int]:
    return sorted(int(record["id"], 16) for record in records)


def moment(number: int) -> str:
    """One a minute, from the autumn of 2025 on."""
    day, minute = divmod(number, 1440)
    month, day = divmod(day, 28)
    return f"2025-{9 + month:02d}-{1 + day:02d}T{minute // 60:02d}:{minute % 60:02d}:00.000Z"


@pytest.mark.parametrize("ids", ["honoured", "ignored", "refused"])
def test_what_is_searched_is_listed_by_ids_alone_or_whole_and_what_is_deleted_is_left_out(ids: str) -> None:
    rows = [row(1, "2022-01-01T00:00:00.000Z"), row(2, moment(0)), row(3, moment(1), deleted=True)]
    account = Account(Records(rows, ids), record_ids_of=["customers"])
    records = listed(account)
    assert [set(record) for record in records] == [{"stream", "id", "seen_at"}] * 2
    assert {record["stream"] for record in records} == {"customers"}
    assert numbers(records) == [1, 2]
    asked = [params.get("idsOnly") for method, _, params, _ in account.asked if method == "POST"]
    assert asked.count("true") == (1 if ids == "refused" else len(asked))


def test_five_hundred_ids_are_one_request() -> None:
    account = Account(Records([row(number, moment(number)) for number in range(2_000)]), record_ids_of=["customers"])
    assert numbers(listed(account)) == list(range(2_000))
    searches = [params for method, _, params, _ in account.asked if method == "POST"]
    # Four pages; the question whether ids come alone, the archive, the border from both sides, and the open end.
    assert len(searches) == 4 + 5


def test_more_than_one_query_gives_are_listed_in_parts() -> None:
    rows = [row(number, moment(number)) for number in range(12_000)]
    account = Account(Records(rows), record_ids_of=["customers"])
    assert numbers(listed(account)) == list(range(12_000))
    assert len(account.asked) < 12_000 / 500 + 25


def test_more_of_one_instant_than_one_query_gives_are_told_apart_by_their_creation() -> None:
    rows = [row(number, moment(9), createdAt=moment(number % 8)) for number in range(10_500)]
    account = Account(Records(rows), record_ids_of=["customers"])
    assert numbers(listed(account)) == list(range(10_500))


def test_a_row_that_leaves_a_window_while_it_is_paged_hides_no_other() -> None:
    rows = [row(number, moment(number)) for number in range(1_200)]

    class Moving(Records):
        def __call__(self, method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
            answer = super().__call__(method, path, params, body)
            is_first = params.get("page") == 1 and params.get("pageSize") == 500 and len(self.rows) == 1_200
            if is_first and len(answer[1]["data"]) == 500:
                self.rows = self.rows[1:]
            return answer

    account = Account(Moving(rows), record_ids_of=["customers"])
    assert set(numbers(listed(account))) >= set(range(1, 1_200))


def test_lists_are_listed_as_they_come() -> None:
    rows = [row(1, moment(0), "tag"), row(2, moment(0), "tag", deleted=True)]
    account = Account(Records(rows), record_ids_of=["tags"])
    assert [(record["stream"], record["id"][-1]) for record in listed(account)] == [("tags", "1")]


def test_companies_are_listed_where_they_cannot_be_searched() -> None:
    def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        return REFUSED if method == "POST" else page(row(1, moment(0)), row(2, moment(0), deleted=True))

    assert numbers(listed(Account(server, record_ids_of=["companies"]))) == [1]


def test_a_stream_without_ids_to_list_is_named() -> None:
    account = Account(Records([]), record_ids_of=["customers", "attachments"])
    with pytest.raises(ConfigError, match="record_ids_of names what has no ids to list: attachments"):
        listed(account)


def test_conversation_times_cannot_be_listed_since_old_ones_are_in_no_search() -> None:
    with pytest.raises(ConfigError, match=r"no ids to list: conversation_times\. It takes"):
        listed(Account(Records([]), record_ids_of=["conversation_times"]))


def test_without_names_there_is_no_such_stream() -> None:
    account = Account(Records([]))
    assert record_ids(account.client, account.settings) == []


def test_notes_are_listed_and_no_search_is_asked_for_them() -> None:
    rows = [row(number, moment(number), "note") for number in range(250)]

    def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        end = params["page"] * 100
        return page(*rows[end - 100 : end], following=params["page"] + 1 if end < len(rows) else 0)

    account = Account(server, record_ids_of=["notes"])
    assert numbers(listed(account)) == list(range(250))
    # A list without a count is read again until nothing new comes.
    assert [(path, params["page"]) for _, path, params, _ in account.asked] == [("notes", n) for n in (1, 2, 3)] * 2


def test_where_the_list_of_notes_is_too_long_recent_ones_are_searched_and_old_ones_asked_of_conversations() -> None:
    old = row(7, "2022-01-01T00:00:00.000Z", "conversation")
    recent, ancient = row(1, moment(0), "note"), row(2, "2022-01-01T00:00:00.000Z", "note")

    def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        if method == "GET":
            return page(ancient) if path.endswith("/notes") else (400, {"errors": [{"code": "bad_request"}]})
        is_archive = "archive" in path
        if body["queryContext"] == "conversation":
            return search([old] if is_archive else [], params, body)
        return search([recent], params, body)

    assert numbers(listed(Account(server, record_ids_of=["notes"]))) == [1, 2]


def test_notes_that_the_list_had_before_it_ended_are_not_listed_again() -> None:
    """The list gives the first 10,000; of those some are found by the search, and below an old conversation."""
    old, notes = "2022-01-01T00:00:00.000Z", [row(number, moment(number), "note") for number in range(10_100)]
    notes[5] = row(5, old, "note")
    deleted = row(20_000, old, "note", deleted=True)

    def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        if path.endswith("/notes"):
            return page(notes[5], deleted, row(20_001, old, "note"))
        if method == "GET":
            end = params["page"] * 100
            return page(*notes[end - 100 : end], following=params["page"] + 1)
        if body["queryContext"] == "conversation":
            return search([row(7, old, "conversation")] if "archive" in path else [], params, body)
        return search([each for each in notes if each is not notes[5]], params, body)

    account = Account(server, record_ids_of=["notes"])
    assert numbers(listed(account)) == [*range(10_100), 20_001]
    walked = [params["page"] for _, path, params, _ in account.asked if path == "notes"]
    assert walked == list(range(1, 101))
    searches = [(path, body) for method, path, _, body in account.asked if method == "POST"]
    asked = next(body for path, body in searches if "archive" not in path and body["queryContext"] == "conversation")
    assert "conversation_created_at" in str(asked["and"])


@pytest.mark.parametrize("stream", ["customers", "tags"])
def test_what_the_tables_leave_out_is_not_deleted(stream: str) -> None:
    rows = [row(1, "2022-01-01T00:00:00.000Z", stream[:-1]), row(2, moment(0), stream[:-1])]
    narrow = {"include_archived": False, "start_date": "2023-01-01", "end_date": "2023-02-01"}
    assert numbers(listed(Account(Records(rows), record_ids_of=[stream], **narrow))) == [1, 2]
