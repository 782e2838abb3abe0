"""The scheduler: which step comes next, and what is given to the writer."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from source_kit import scheduler as module
from source_kit.branches import Branch, Reached
from source_kit.budget import RateBudget
from source_kit.client import HttpClient
from source_kit.oauth import basic
from source_kit.running import Batch, StreamRun
from source_kit.scheduler import Ended, Scheduler
from source_kit.state import StateLedger
from source_kit.testing import FakeClock
from source_kit.work import Ending, Fork, Page, Plan, Start


class Stream:
    """A stream whose plan is never run here."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.bucket = f"GET {name}"
        self.cursor_name = None

    def work(self, start: Start) -> Plan:
        return nothing()


def nothing() -> Plan:
    return iter([Page()])


class Bench:
    """A scheduler whose steps the test takes and ends by hand."""

    def __init__(self, workers: int = 4) -> None:
        self.clock = FakeClock()
        client = HttpClient("https://v.test/", basic("k"), RateBudget(self.clock, share=1.0), self.clock, headers={})
        self.budget = client.budget
        self.scheduler = Scheduler(client, self.clock, workers)

    def add(self, name: str, **options: Any) -> StreamRun:
        run = StreamRun(Stream(name), StateLedger("at", True, {}), mode="incremental", **options)
        self.scheduler.add(run)
        return run

    def step(self) -> tuple[str, Branch] | None:
        """The next step, or None if there is none to take now."""
        if not self.scheduler._candidates():
            return None
        taken = self.scheduler.next_step()
        assert taken is not None
        return taken[0].name, taken[1]

    def fork(self, run: StreamRun, plans: int) -> None:
        """Run the root of a stream and let it fork."""
        step = self.step()
        assert step is not None
        self.scheduler.done(run, step[1], Fork([nothing() for _ in range(plans)]))

    def items(self) -> list[Any]:
        """What the writer would be given now."""
        return [item[1] for item in iter(lambda: self.scheduler.take(0), None)]


def batch(size: int = 1, reached: Reached | None = None) -> Batch:
    return Batch(b"x" * size, 1, reached=reached)


def test_heads_of_streams_come_before_what_lies_ahead() -> None:
    bench = Bench()
    runs = {name: bench.add(name) for name in ("leads", "tasks")}
    for root in (bench.step(), bench.step()):
        assert root is not None
        bench.scheduler.done(runs[root[0]], root[1], Fork([nothing(), nothing(), nothing()]))
    steps = [bench.step() for _ in range(4)]
    assert [(step[0], step[1].order) for step in steps if step] == [
        ("leads", (0, 0, 0)),
        ("tasks", (0, 0, 0)),
        ("leads", (0, 1, 0)),
        ("tasks", (0, 1, 0)),
    ]


def test_a_stream_takes_more_than_its_share_only_where_no_other_can_use_it() -> None:
    bench = Bench(workers=4)
    children = bench.add("children", worker_share=0.5)
    bench.fork(children, 4)
    leads = bench.add("leads")
    steps = [bench.step() for _ in range(5)]
    assert leads.name == "leads"
    assert [step[0] for step in steps if step] == ["children", "leads", "children", "children", "children"]


def test_a_stream_whose_budget_is_spent_lets_the_others_pass() -> None:
    bench = Bench()
    bench.add("leads")
    bench.add("tasks")
    bench.budget.refuse("GET leads", 60)
    step = bench.step()
    assert step is not None
    assert step[0] == "tasks"


def test_records_are_given_to_the_writer_at_once_and_states_in_order() -> None:
    bench = Bench()
    run = bench.add("leads")
    bench.fork(run, 2)
    first, second = bench.step(), bench.step()
    assert first is not None
    assert second is not None
    ahead, head = batch(2, Reached({"at": "2"})), batch(1, Reached({"at": "1"}))
    bench.scheduler.done(run, second[1], ahead)
    assert bench.items() == [ahead]
    bench.scheduler.done(run, first[1], head)
    assert bench.items() == [head, head.reached]
    assert bench.step() is not None
    bench.scheduler.done(run, first[1], None)
    assert bench.items() == [ahead.reached]


def test_a_full_queue_begins_no_step_until_the_writer_has_taken_from_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "QUEUE_BYTES", 100)
    bench = Bench()
    run = bench.add("leads")
    bench.fork(run, 2)
    first, second = bench.step(), bench.step()
    assert first is not None
    assert second is not None
    bench.scheduler.done(run, second[1], batch(60))
    bench.scheduler.done(run, first[1], batch(60))
    assert bench.step() is None
    assert bench.scheduler.take(0) is not None
    step = bench.step()
    assert step is not None
    assert step[1] is first[1]


def test_a_stream_ends_when_all_of_it_is_in_the_queue() -> None:
    bench = Bench()
    run = bench.add("leads")
    step = bench.step()
    assert step is not None
    bench.scheduler.done(run, step[1], None)
    assert bench.items() == [Ended()]
    assert bench.step() is None


def test_a_broken_stream_ends_behind_what_comes_before_and_takes_nothing_more() -> None:
    bench = Bench()
    run = bench.add("leads")
    bench.fork(run, 3)
    first, second, third = bench.step(), bench.step(), bench.step()
    assert first is not None
    assert second is not None
    assert third is not None
    error = ValueError()
    bench.scheduler.broke(run, second[1], error)
    assert bench.items() == []
    last = batch(1)
    bench.scheduler.done(run, first[1], last)
    assert bench.step() == ("leads", first[1])
    bench.scheduler.done(run, first[1], None)
    bench.scheduler.done(run, third[1], batch(2))
    bench.scheduler.broke(run, third[1], error)
    assert bench.items() == [last, Ended(error)]


def test_closing_lets_every_worker_go() -> None:
    bench = Bench()
    bench.scheduler.close()
    assert bench.scheduler.next_step() is None


def test_a_stream_that_goes_on_with_other_requests_waits_for_their_budget() -> None:
    bench = Bench()
    run = bench.add("a")
    bench.budget.refuse("GET a", 60.0)
    assert bench.budget.delay(run.bucket) > 0
    run.stream.bucket = "GET others"  # type: ignore[misc]  # it has found out that it can
    assert bench.step() is not None


class KnownEnd(Ending):
    """A plan of one page that knows that it has ended."""

    def __next__(self) -> Page:
        self.has_ended = True
        return Page()


def test_a_plan_that_says_that_it_has_ended_is_not_asked_once_more() -> None:
    bench = Bench()
    run = bench.add("leads")
    root = bench.step()
    assert root is not None
    bench.scheduler.done(run, root[1], Fork([KnownEnd(), nothing()]))
    for plan in (KnownEnd, type(nothing())):
        step = bench.step()
        assert step is not None
        assert isinstance(step[1].plan, plan)
        next(step[1].plan)
        bench.scheduler.done(run, step[1], batch(reached=Reached({"at": plan.__name__})))
    again = bench.step()
    assert again is not None
    assert isinstance(again[1].plan, type(nothing()))
    assert [item.checkpoint for item in bench.items() if isinstance(item, Reached)] == [
        {"at": "KnownEnd"},
        {"at": "list_iterator"},
    ]


def test_the_writer_is_woken_by_what_leaves_at_once_and_by_states_and_ends_but_not_by_each_page(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = Bench()
    run = bench.add("leads")
    root = bench.step()
    assert root is not None
    woken: list[int] = []
    monkeypatch.setattr(bench.scheduler._items, "notify", lambda: woken.append(len(bench.scheduler._queue)))
    for size in (100_000, 100_000, 70_000):
        bench.scheduler.done(run, root[1], batch(size))
        bench.scheduler.next_step()
    assert woken == [3]
    bench.scheduler.done(run, root[1], None)
    assert woken == [3, 4]
    assert isinstance(bench.items()[-1], Ended)


def test_fewer_lines_than_leave_at_once_wait_for_some_seconds_and_are_not_forgotten() -> None:
    bench = Bench()
    run = bench.add("leads")
    root = bench.step()
    assert root is not None
    late = threading.Timer(0.05, bench.scheduler.done, (run, root[1], batch(10)))
    late.start()
    assert bench.scheduler.take(1.5) == (run, batch(10))
    late.join()
