"""The engine: records as they come, states in order, what a failure ends, and what it leaves alone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from source_kit import scheduler as scheduler_module
from source_kit.engine import Engine, Terminated
from source_kit.errors import TransientError
from source_kit.output import OutputClosed
from source_kit.rules import Denied, Unavailable
from source_kit.running import StreamRun
from source_kit.state import StateLedger
from source_kit.testing import FakeClock, KeptOutput
from source_kit.work import Fork, Page, Plan, Start
from tests.engine_bench import T1, T2, T3, Bench, Stream, eventually, page, part, plan_of, short


def test_a_stream_tells_its_whole_story_in_order() -> None:
    bench = Bench(Stream("leads", plan_of(page(1, 2, at=T1, estimate=3), page(3, at=T2)))).run()
    assert bench.story("leads") == [
        "STARTED", "about 3", "RUNNING", 1, 2, 3, (T1, 3), (T2, 0), "COMPLETE",
    ]  # fmt: skip
    assert any(log.startswith("INFO Stream leads: 3 records, 0 requests") for log in bench.output.logs())
    assert bench.engine.failed == []


def test_an_empty_stream_runs_and_completes_with_a_state() -> None:
    assert Bench(Stream("leads", plan_of())).run().story("leads") == ["STARTED", "RUNNING", (None, 0), "COMPLETE"]


def test_a_finished_full_refresh_is_completed_without_reading() -> None:
    def forbidden(start: Start) -> Plan:
        raise AssertionError("the stream was read")
        yield

    bench = Bench()
    ledger = StateLedger("at", False, {"__ab_full_refresh_sync_complete": True})
    run = StreamRun(Stream("leads", forbidden), ledger, mode="full_refresh")
    Engine([run], bench.client, bench.output, bench.clock, 2).run()
    assert bench.story("leads") == ["STARTED", "RUNNING", (None, 0), "COMPLETE"]


def test_records_leave_when_they_are_there_whatever_their_place() -> None:
    late = threading.Event()
    ahead = part(page(4), page(5), sets=late)
    bench = Bench(Stream("leads", plan_of(page(1), then=[part(page(2), page(3), after=late), ahead]))).run()
    assert bench.ids("leads") == [1, 4, 5, 2, 3]


def test_what_follows_a_fork_begins_when_everything_before_it_is_out() -> None:
    other, slow, ended, seen = threading.Event(), threading.Event(), threading.Event(), []

    def plan(start: Start) -> Plan:
        yield Fork([part(page(2), after=slow, sets=ended), part(page(3), sets=other)])
        seen.append(ended.is_set())
        yield page(9)

    def linger() -> None:
        other.wait(5)
        time.sleep(0.05)
        slow.set()

    threading.Thread(target=linger).start()
    assert Bench(Stream("leads", plan)).run().ids("leads") == [3, 2, 9]
    assert seen == [True]


def test_a_state_waits_for_the_records_of_everything_before_it() -> None:
    late = threading.Event()
    ahead = part(page(3, at=T3), sets=late)
    bench = Bench(Stream("leads", plan_of(page(1, at=T1), then=[part(page(2, at=T2), after=late), ahead]))).run()
    assert bench.story("leads")[2:-1] == [1, 3, 2, (T1, 3), (T2, 0), (T3, 0)]


class Stalled(KeptOutput):
    """A reader of stdout that takes nothing for a while."""

    def __init__(self, clock: FakeClock, goes: threading.Event) -> None:
        super().__init__(clock)
        self.goes = goes

    def write(self, data: bytes) -> None:
        if b"RECORD" in data:
            assert self.goes.wait(5)
        super().write(data)


def test_what_waits_for_a_slow_writer_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler_module, "QUEUE_BYTES", 5_000)
    goes = threading.Event()
    made: list[int] = []

    def plan(start: Start) -> Plan:
        for number in range(1, 200):
            made.append(number)
            yield page(number)

    clock = FakeClock()
    bench = Bench(Stream("leads", plan), clock=clock, output=Stalled(clock, goes))
    thread = threading.Thread(target=bench.run)
    thread.start()
    eventually(lambda: len(made) > 20)
    time.sleep(0.05)
    assert len(made) < 80
    goes.set()
    thread.join(10)
    assert bench.ids("leads") == list(range(1, 200))


def test_at_most_four_streams_are_active_and_they_start_in_their_order() -> None:
    go = threading.Event()
    streams = [Stream(f"s{n}", lambda start: part(page(1), after=go)) for n in range(6)]
    bench = Bench(*streams)
    thread = threading.Thread(target=bench.run)
    thread.start()
    eventually(lambda: len(started(bench)) == 4)
    time.sleep(0.02)
    assert started(bench) == ["s0", "s1", "s2", "s3"]
    go.set()
    thread.join(10)
    assert started(bench) == ["s0", "s1", "s2", "s3", "s4", "s5"]


def started(bench: Bench) -> list[str]:
    stories = [short(message) for message in bench.output.messages()]
    return [name for name, part in stories if part == "STARTED"]


def failing(error: BaseException, *pages: Page) -> Callable[[Start], Plan]:
    def plan(start: Start) -> Plan:
        yield from pages
        raise error

    return plan


def test_one_stream_fails_with_its_last_safe_state_and_the_others_finish() -> None:
    error = Unavailable("The plan does not include tasks.", internal_message="GET tasks/: status 403")
    bench = Bench(
        Stream("tasks", failing(error, page(1, at=T1), page(2, at=T2), page(3))), Stream("leads", plan_of(page(7)))
    ).run()
    assert bench.story("tasks") == [
        "STARTED", "RUNNING", 1, 2, (T1, 2), 3, (T2, 1), "INCOMPLETE", "config_error",
    ]  # fmt: skip
    assert bench.story("leads") == ["STARTED", "RUNNING", 7, (None, 1), "COMPLETE"]
    assert [run.name for run in bench.engine.failed] == ["tasks"]
    (trace,) = [m["trace"]["error"] for m in bench.output.messages() if m.get("trace", {}).get("type") == "ERROR"]
    assert trace == {
        "message": "The plan does not include tasks.",
        "internal_message": "GET tasks/: status 403",
        "failure_type": "config_error",
        "stream_descriptor": {"name": "tasks"},
    }


def test_no_state_speaks_of_what_comes_after_a_broken_part() -> None:
    slow = threading.Event()

    def broken() -> Plan:
        slow.set()
        raise TransientError("Later.")
        yield

    following = [part(page(2, at=T1), after=slow), broken(), part(page(4, at=T3))]
    bench = Bench(Stream("leads", plan_of(page(1), then=following)), workers=2).run()
    assert bench.story("leads") == [
        "STARTED", "RUNNING", 1, 2, (T1, 2), "INCOMPLETE", "transient_error",
    ]  # fmt: skip


def test_a_fault_of_the_connector_is_told_without_record_data() -> None:
    def faulty(start: Start) -> Plan:
        raise KeyError("ann@example.com")
        yield

    bench = Bench(Stream("leads", faulty)).run()
    (trace,) = [m["trace"]["error"] for m in bench.output.messages() if m.get("trace", {}).get("type") == "ERROR"]
    assert trace["failure_type"] == "system_error"
    assert (
        trace["message"] == "Stream leads failed because of a fault in the connector. Please report it with this log."
    )
    assert trace["internal_message"].startswith("KeyError in test_engine.py:")
    assert trace["stack_trace"].endswith("faulty\nKeyError")
    assert b"ann@example.com" not in bench.output.written


def test_refused_credentials_end_every_stream() -> None:
    denied, done = threading.Event(), threading.Event()

    def waiting(start: Start) -> Plan:
        yield page(1, at=T1)
        denied.set()
        assert done.wait(5)
        yield page(2, at=T2)

    def refused(start: Start) -> Plan:
        assert denied.wait(5)
        raise Denied("The key was refused.")
        yield

    streams = [Stream("leads", waiting), Stream("users", refused)]
    bench = Bench(*streams, *[Stream(f"s{n}", waiting) for n in range(3)], workers=6)
    threading.Timer(0.3, done.set).start()
    with pytest.raises(Denied, match="The key was refused"):
        bench.run()
    assert bench.story("leads") == ["STARTED", "RUNNING", 1, (T1, 1), "INCOMPLETE"]
    assert bench.story("users") == ["STARTED", "INCOMPLETE"]
    assert bench.story("s2") == ["STARTED", "INCOMPLETE"]


def test_termination_ends_every_stream_with_its_last_safe_state() -> None:
    done = threading.Event()
    bench: Bench

    def endless(start: Start) -> Plan:
        yield page(1, at=T1)
        eventually(lambda: bench.ids("leads") == [1])
        bench.engine.terminate()
        assert done.wait(5)
        yield page(2, at=T2)

    bench = Bench(Stream("leads", endless))
    threading.Timer(1.0, done.set).start()
    with pytest.raises(Terminated):
        bench.run()
    assert bench.story("leads") == ["STARTED", "RUNNING", 1, (T1, 1), "INCOMPLETE"]
    assert "WARN The sync was stopped." in bench.output.logs()


class ClosedPipe(KeptOutput):
    """A reader that goes away after some bytes."""

    def flush(self) -> None:
        if len(self.written) > 300:
            raise OutputClosed
        super().flush()


def test_a_closed_pipe_ends_the_run_and_its_workers() -> None:
    clock = FakeClock()
    pages = [page(number, at=f"2026-01-01T00:00:{number:02d}Z") for number in range(60)]
    bench = Bench(Stream("leads", plan_of(*pages)), clock=clock, output=ClosedPipe(clock))
    with pytest.raises(OutputClosed):
        bench.run()
    eventually(lambda: not [thread for thread in threading.enumerate() if thread.name.startswith("reader-")])


def test_no_worker_is_left_after_a_run() -> None:
    Bench(Stream("leads", plan_of(page(1)))).run()
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("reader-")] == []


def test_many_streams_and_forks_give_every_record_once_and_what_waits_comes_last() -> None:
    def nested(depth: int, base: int) -> Plan:
        yield page(base)
        if depth:
            yield Fork([nested(depth - 1, base * 10 + n) for n in (1, 2)], goes_on=bool(base % 2))
            yield Fork()
            yield from nested(depth - 1, base * 10 + 3)

    def expected(depth: int, base: int) -> list[int]:
        return [base, *(row for n in range(1, 4) for row in (expected(depth - 1, base * 10 + n) if depth else []))]

    streams = [Stream(f"s{n}", lambda start, n=n: nested(4, n)) for n in range(1, 7)]  # type: ignore[misc]  # default
    bench = Bench(*streams, workers=8).run()
    for number in range(1, 7):
        ids = bench.ids(f"s{number}")
        assert sorted(ids) == sorted(expected(4, number))
        for last in (each for each in ids if str(each).endswith("3")):
            before = [
                each for each in expected(4, number) if str(each) < str(last) and not str(last).startswith(str(each))
            ]
            assert set(before) <= set(ids[: ids.index(last)])


def test_rows_that_stay_out_are_told_and_the_state_stays_before_them() -> None:
    missing = Page(holds=True, warning="the API counts 2 records more than it gives.")
    bench = Bench(Stream("leads", plan_of(page(1, at=T1), missing, page(2, at=T2), page(3, at=T3)))).run()
    assert bench.story("leads") == ["STARTED", "RUNNING", 1, 2, 3, (T1, 3), "COMPLETE"]
    assert "WARN Stream leads: the API counts 2 records more than it gives." in bench.output.logs()


def test_only_the_first_estimate_of_a_stream_is_told() -> None:
    bench = Bench(Stream("leads", plan_of(page(1, estimate=5), page(2, estimate=7)))).run()
    assert [part for part in bench.story("leads") if str(part).startswith("about")] == ["about 5"]


def test_records_without_a_time_are_counted_in_one_warning() -> None:
    odd = Page([{"id": 1, "at": None}, {"id": 2}, {"id": 3, "at": "soon"}, {"id": 4, "at": T1}])
    leads = Stream("leads", plan_of(odd, page(5)))
    leads.cursor_name = "at"
    bench = Bench(leads).run()
    assert bench.ids("leads") == [1, 2, 3, 4, 5]
    (warning,) = [log for log in bench.output.logs() if log.startswith("WARN")]
    assert warning.startswith("WARN Stream leads: 4 records have no usable time in at. They were emitted")


def test_whatever_breaks_the_main_loop_every_stream_has_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: Any, **options: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(StateLedger, "wrote", broken)
    names = [f"s{number}" for number in range(6)]
    bench = Bench(*(Stream(name, plan_of(page(1))) for name in names))
    with pytest.raises(ZeroDivisionError):
        bench.run()
    assert [bench.story(name)[-1] for name in names] == ["INCOMPLETE"] * 6
