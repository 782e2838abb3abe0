"""The engine while a budget is spent: long waits are told, short ones are not."""

from __future__ import annotations

import pytest

from source_kit import engine as engine_module
from source_kit import scheduler as scheduler_module
from source_kit.testing import FakeClock
from source_kit.work import Plan, Start
from tests.engine_bench import Bench, Stream, page, plan_of


class RunningClock(FakeClock):
    """Half a second passes with every look at it."""

    def monotonic(self) -> float:
        self.tick(0.5)
        return super().monotonic()


def test_a_long_rate_limit_wait_is_told_every_minute_and_its_end_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "WAKE_SECONDS", 0.001)
    monkeypatch.setattr(scheduler_module, "IDLE_SECONDS", 0.001)
    bench = Bench(Stream("leads", plan_of(page(1))), clock=RunningClock())
    bench.client.budget.refuse("GET leads", 150)
    bench.run()
    assert bench.story("leads") == [
        "STARTED", "RUNNING*", "RUNNING*", "RUNNING*", "RUNNING", 1, (None, 1), "COMPLETE",
    ]  # fmt: skip
    reasons = [
        (message["trace"]["emitted_at"], reason["rate_limited"]["quota_reset"])
        for message in bench.output.messages()
        if message["type"] == "TRACE"
        for reason in message["trace"].get("stream_status", {}).get("reasons", [])
    ]
    for emitted_at, quota_reset in reasons:
        assert emitted_at < quota_reset <= 1767268800000 + 170_000


def test_a_short_wait_is_no_news() -> None:
    bench = Bench(Stream("leads", plan_of(page(1))), clock=RunningClock())
    bench.client.budget.refuse("GET leads", 1.5)
    assert "RUNNING*" not in bench.run().story("leads")


def test_a_wait_that_is_too_long_is_left_to_the_client_to_refuse() -> None:
    bench = Bench(Stream("leads", plan_of(page(1))))
    bench.client.budget.refuse("GET leads", 7200)
    assert bench.run().ids("leads") == [1]


def test_a_clock_that_a_run_has_stopped_sleeps_again_in_the_next() -> None:
    clock = FakeClock()

    def backing_off(start: Start) -> Plan:
        clock.sleep(1.0)
        yield page(1)
        return None

    for _ in range(2):
        assert Bench(Stream("leads", backing_off), clock=clock).run().ids("leads") == [1]
