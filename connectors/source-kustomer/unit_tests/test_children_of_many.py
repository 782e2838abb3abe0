"""Children of parents by the thousand, and of parents that change while they are read."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest

from source_kit.testing import SideBySide
from source_kit.timestamps import milliseconds_z, parse
from source_kit.work import Record, Start
from unit_tests.kustomer_account import NOTHING, Account, Answer, page, row, search, stream_of

BEGIN = parse("2025-07-01T00:00:00Z")
STATE = {"parent_updated_at": "2025-06-01T00:00:00.000Z"}


def conversations(count: int, *, answered: set[int]) -> list[Record]:
    """One a minute; the answer to the survey of conversation 7 is `answer7`."""
    rows = []
    for number in range(count):
        level = {"formResponse": f"answer{number}"} if number in answered else {}
        time = milliseconds_z(BEGIN + timedelta(minutes=number))
        rows.append(row(number, time, "conversation", satisfactionLevel=level))
    return rows


@pytest.mark.parametrize("seed", range(3))
def test_the_children_of_all_of_7000_parents_leave_and_each_state_comes_behind_them(seed: int) -> None:
    """A walk of fourteen pages is cut into windows that are read side by side; each has answers of its own."""
    answered = {0, 499, 500, 1_700, 3_400, 4_100, 5_800, 6_999}
    rows = conversations(7_000, answered=answered)

    def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        if method == "POST":
            return search(rows, params, body)
        number = int(path.removeprefix("satisfaction-responses/answer"))
        return 200, {"data": row(number, "2025-07-01T00:00:00.000Z", "satisfaction_response")}

    account = Account(server)
    work = stream_of(account, "satisfaction_responses").work(Start(incremental=True, position=STATE))
    plan = SideBySide(work, random.Random(seed).choice).run()
    assert plan.error is None
    given: list[int] = []
    states = []
    for each in plan.pages:
        given += [int(record["id"], 16) for record in each.records]
        if each.checkpoint is not None:
            states.append(each.checkpoint["parent_updated_at"])
            before = {number for number in answered if BEGIN + timedelta(minutes=number) < parse(states[-1])}
            assert before <= set(given), f"the state {states[-1]} is past parents whose children are not out"
    assert sorted(given) == sorted(answered)
    assert states[-1] == milliseconds_z(BEGIN + timedelta(minutes=6_999))
    assert len(states) > 1


def test_parents_never_leave_with_their_children_where_a_state_follows_each_page_of_them() -> None:
    """Kustomer does not count here, so that each page of conversations has a state of its own."""
    rows = conversations(1_100, answered={3})

    def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        if method == "GET":
            return 200, {"data": row(3, "2025-07-01T00:00:00.000Z", "satisfaction_response")}
        status, answer = search(rows, params, body)
        return status, {**answer, "meta": {}}

    account = Account(server)
    records, checkpoints = account.read(stream_of(account, "satisfaction_responses"), STATE)
    assert [(record["type"], record["id"]) for record in records] == [("satisfaction_response", f"{3:024x}")]
    assert len(checkpoints) > 1


def test_children_of_parents_that_change_during_the_read_are_left_to_the_next_by_its_state() -> None:
    """It is 12:00 when the read begins, and every search takes ten minutes. Conversations 9001 and 9002 are answered at
    12:05, which the second search finds: they may be answered again before it comes to its end."""
    rows = conversations(501, answered=set())
    answers: dict[str, dict[str, Any]] = {}

    def answered(at: str, number: int) -> None:
        rows.append(row(number, at, "conversation", satisfactionLevel={"formResponse": f"answer{number}"}))

    def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        if method == "GET":
            return 200, {"data": answers[path]}
        if account.clock.now() < parse("2026-01-01T12:05:00Z"):
            found = search(rows, params, body)
            answered("2026-01-01T12:04:59.000Z", 9_001)
            answered("2026-01-01T12:05:00.000Z", 9_002)
        else:
            found = search(rows, params, body)
        account.clock.tick(600)
        return found

    for number in (9_001, 9_002):
        path = f"satisfaction-responses/answer{number}"
        answers[path] = row(number, "2026-01-01T12:05:00.000Z", "satisfaction_response", rating=1)
    account = Account(server)
    stream = stream_of(account, "satisfaction_responses")
    first, checkpoints = account.read(stream, STATE)
    assert [record["rating"] for record in first] == [1, 1]
    assert checkpoints[-1] == {"parent_updated_at": "2026-01-01T11:55:00.000000+00:00"}
    answers["satisfaction-responses/answer9001"]["attributes"]["rating"] = 5
    again, _ = account.read(stream, checkpoints[-1])
    assert {record["rating"] for record in again if record["id"] == f"{9_001:024x}"} == {5}


def test_a_parent_that_changes_faster_than_it_can_be_asked_is_asked_once_since_the_beginning() -> None:
    """Each search finds it anew, for as long as the search goes on."""
    searches: list[Any] = []

    def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        if method == "GET":
            account.clock.tick(60)
            return NOTHING
        searches.append(body)
        changed = milliseconds_z(account.clock.now())
        others = [row(1_000 * len(searches) + number, changed, "conversation") for number in range(499)]
        return page(row(1, changed, "conversation"), *others, following=2 if len(searches) < 4 else 0)

    account = Account(server)
    account.read(stream_of(account, "work_items"), {"parent_updated_at": "2025-12-31T00:00:00.000Z"})
    asked = [path for method, path, *_ in account.asked if method == "GET" and f"/{1:024x}/" in path]
    assert len(searches) >= 4
    assert len(asked) == 1
