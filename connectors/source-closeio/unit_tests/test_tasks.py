"""Stream tasks: all types, incremental by `date_updated`, walked by `date_created`."""

from __future__ import annotations

from unit_tests.closeio_account import Account
from unit_tests.stream_skeleton import StreamSkeleton


class TestTasks(StreamSkeleton):
    stream = "tasks"
    group = "GET /task/"
    many = {"tasks": 2_400}  # noqa: RUF012 - a constant of the skeleton
    empty = {"tasks": 0}  # noqa: RUF012
    cursor = "date_updated"


def test_tasks_of_all_types_are_asked_for() -> None:
    account = Account(tasks=200)
    reading = account.read("tasks")
    assert len({record["_type"] for record in reading.records}) > 1
    first = next(sent.params for sent in account.vendor.sent if sent.group == "GET /task/")
    assert first == {"_limit": "1000", "_type": "all", "_order_by": "date_created"}


def test_an_incremental_read_asks_by_update_and_never_bounds_it_above() -> None:
    account = Account(tasks=200)
    state = account.read("tasks").states[-1]
    account.vendor.sent.clear()
    account.read("tasks", state)
    asked = [sent.params for sent in account.vendor.sent if sent.group == "GET /task/"]
    assert all("date_updated__gte" in params for params in asked)
    assert not any("date_updated__lt" in params for params in asked)


def test_the_state_moves_only_when_the_whole_walk_is_out() -> None:
    assert len(Account(tasks=2_400).read("tasks").states) == 1


def test_a_task_that_changes_is_read_again_and_only_that_one() -> None:
    account = Account(tasks=200)
    first = account.read("tasks")
    touched = account.app.touch("tasks", update=3, create=1, delete=0)
    again = account.read("tasks", first.states[-1])
    assert {*touched["updated"], *touched["created"]} <= set(again.ids)
    latest = max(record["date_updated"] for record in first.records)
    assert set(again.ids) - {*touched["updated"], *touched["created"]} <= {
        record["id"] for record in first.records if record["date_updated"] == latest
    }


def test_tasks_made_at_one_instant_are_read_whole() -> None:
    account = Account(tasks=2_400, task_ties=[1_300])
    assert sorted(account.read("tasks").ids) == sorted(row["id"] for row in account.truth("tasks"))
