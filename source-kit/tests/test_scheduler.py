"""The scheduler: which step comes next."""

from __future__ import annotations

from typing import Any

import pytest

from source_kit import scheduler as module
from source_kit.budget import RateBudget
from source_kit.client import HttpClient
from source_kit.oauth import basic
from source_kit.running import Batch, Node, StreamRun
from source_kit.scheduler import Scheduler
from source_kit.state import StateLedger
from source_kit.testing import FakeClock
from source_kit.work import Page, Piece, Start, Work


class Stream:
    """A stream whose pieces are never run here."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.bucket = f"GET {name}"
        self.cursor_name = None

    def work(self, start: Start) -> Work:
        yield Page()
        return None


def nothing() -> Piece:
    return Piece(Stream("").work(Start(False)))


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

    def step(self) -> tuple[str, Node] | None:
        """The next step, or None if there is none to take now."""
        if not any(self.scheduler._may_run(lane) for lane in self.scheduler._lanes.values()):
            return None
        taken = self.scheduler.next_step()
        assert taken is not None
        return taken[0].name, taken[1]

    def split(self, run: StreamRun, *pieces: Piece) -> None:
        """Run the root of a stream and let these pieces follow it."""
        step = self.step()
        assert step is not None
        self.scheduler.done(run, step[1], None, list(pieces))
        self.scheduler.pop(run)


def batch(size: int = 1) -> Batch:
    return Batch(b"x" * size, 1, None, None)


def test_a_stream_begins_with_its_root() -> None:
    bench = Bench()
    bench.add("leads")
    step = bench.step()
    assert step is not None
    assert (step[0], step[1].order) == ("leads", (0,))
    assert bench.step() is None


def test_pieces_are_taken_in_their_order_and_followers_right_after_their_piece() -> None:
    bench = Bench()
    run = bench.add("leads")
    bench.split(run, nothing(), nothing(), nothing())
    first, second = bench.step(), bench.step()
    assert first is not None
    assert second is not None
    assert [first[1].order, second[1].order] == [(0, 0), (0, 1)]
    bench.scheduler.done(run, first[1], None, [nothing(), nothing()])
    orders = [step[1].order for step in (bench.step(), bench.step(), bench.step()) if step]
    assert orders == [(0, 0, 0), (0, 0, 1), (0, 2)]


def test_heads_of_streams_come_before_what_lies_ahead() -> None:
    bench = Bench()
    runs = {name: bench.add(name) for name in ("leads", "tasks")}
    for root in (bench.step(), bench.step()):
        assert root is not None
        bench.scheduler.done(runs[root[0]], root[1], None, [nothing(), nothing(), nothing()])
        bench.scheduler.pop(runs[root[0]])
    steps = [bench.step() for _ in range(4)]
    assert [(step[0], step[1].order[-1]) for step in steps if step] == [
        ("leads", 0),
        ("tasks", 0),
        ("leads", 1),
        ("tasks", 1),
    ]


def test_a_stream_takes_more_than_its_share_only_where_no_other_can_use_it() -> None:
    bench = Bench(workers=4)
    children = bench.add("children", worker_share=0.5)
    bench.split(children, nothing(), nothing(), nothing(), nothing())
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


def test_too_much_ahead_leaves_only_heads_with_nothing_to_write(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AHEAD_BYTES", 100)
    bench = Bench()
    run = bench.add("leads")
    bench.split(run, nothing(), nothing())
    head, ahead = bench.step(), bench.step()
    assert head is not None
    assert ahead is not None
    bench.scheduler.done(run, ahead[1], batch(200), None)
    assert bench.step() is None
    bench.scheduler.done(run, head[1], batch(200), None)
    assert bench.step() is None
    assert bench.scheduler.take(run)[0] is not None
    step = bench.step()
    assert step is not None
    assert step[1] is head[1]


def test_a_removed_stream_gives_its_bytes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AHEAD_BYTES", 100)
    bench = Bench()
    run, other = bench.add("leads"), bench.add("tasks")
    step = bench.step()
    assert step is not None
    bench.scheduler.done(run, step[1], batch(200), None)
    bench.split(other, nothing(), nothing())
    assert [step[1].order for step in (bench.step(), bench.step()) if step] == [(0, 0)]
    bench.scheduler.remove(run)
    assert bench.step() is not None
    bench.scheduler.done(run, step[1], batch(200), None)
    bench.scheduler.broke(run, step[1], ValueError())
    assert bench.scheduler._ahead == 0


def test_nothing_more_of_a_stream_starts_after_its_head_broke() -> None:
    bench = Bench()
    run = bench.add("leads")
    bench.split(run, nothing(), nothing())
    head = bench.step()
    assert head is not None
    error = ValueError()
    bench.scheduler.broke(run, head[1], error)
    assert bench.step() is None
    assert bench.scheduler.take(run) == (None, head[1])
    assert head[1].error is error


def test_a_last_piece_is_not_taken_before_it_is_the_head() -> None:
    bench = Bench()
    run = bench.add("leads")
    last = nothing()
    last.last = True
    bench.split(run, nothing(), last)
    first = bench.step()
    assert first is not None
    assert bench.step() is None
    bench.scheduler.done(run, first[1], None, [])
    assert bench.scheduler.pop(run)
    step = bench.step()
    assert step is not None
    assert step[1].piece is last


def test_closing_lets_every_worker_go() -> None:
    bench = Bench()
    bench.scheduler.close()
    assert bench.scheduler.next_step() is None
