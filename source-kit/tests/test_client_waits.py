"""The HTTP client where an API tells it to wait: as long as it says, and not for hours."""

from __future__ import annotations

from typing import Any

import pytest

from source_kit.answers import body_wait
from source_kit.client import Usage
from source_kit.errors import TransientError
from source_kit.testing import NOON
from source_kit.transport import Patience
from tests.client_bench import GOOD, URL, Bench


def test_maintenance_is_waited_for_as_long_as_it_says(vendor: Any) -> None:
    vendor.get(URL, [{"status_code": 503, "headers": {"Retry-After": "120"}}, GOOD])
    bench = Bench()
    bench.send()
    assert sum(bench.clock.sleeps) == pytest.approx(120.0)


def test_maintenance_of_hours_ends_the_stream(vendor: Any) -> None:
    vendor.get(URL, status_code=503, headers={"Retry-After": "7200"})
    error = Bench().fail()
    assert isinstance(error, TransientError)
    assert "longer than an hour" in str(error.message)
    assert vendor.call_count == 1


def test_a_rate_limit_refusal_is_waited_for_and_costs_no_attempt(vendor: Any) -> None:
    refusal = {"status_code": 429, "headers": {"Retry-After": "3"}}
    vendor.get(URL, [refusal] * 12 + [GOOD])
    bench = Bench(patience=Patience(attempts=2))
    usage = Usage()
    bench.client.account_to(usage)
    bench.send()
    assert sum(bench.clock.sleeps) == 36.0
    assert usage.waited_seconds == 36.0


def test_the_wait_in_the_body_of_a_refusal_counts(vendor: Any) -> None:
    vendor.get(URL, [{"status_code": 429, "json": {"error": {"rate_reset": 7.5}}}, GOOD])
    bench = Bench()
    bench.send()
    assert sum(bench.clock.sleeps) == 7.5


def test_a_budget_that_comes_back_in_hours_ends_the_stream_before_anything_is_refused(vendor: Any) -> None:
    spent = {"RateLimit-Limit": "100", "RateLimit-Remaining": "0", "RateLimit-Reset": "7200"}
    vendor.get(URL, headers=spent, **GOOD)
    bench = Bench()
    bench.send()
    error = bench.fail()
    assert isinstance(error, TransientError)
    assert "more than an hour" in str(error.message)
    assert vendor.call_count == 1
    assert bench.clock.sleeps == []


def test_a_rate_limit_of_hours_ends_the_stream(vendor: Any) -> None:
    vendor.get(URL, status_code=429, headers={"Retry-After": "7200", "X-Request-Id": "req-8"})
    error = Bench().fail()
    assert isinstance(error, TransientError)
    assert "more than an hour" in str(error.message)
    assert error.internal_message == "GET leads/: status 429, request id req-8: the budget is spent for 7200 s"


def test_whoever_waits_ends_when_another_request_is_refused_for_hours(vendor: Any) -> None:
    vendor.get(URL, **GOOD)
    bench = Bench()
    bench.client.budget.refuse("GET leads/", 60)
    bench.clock.during(30, lambda: bench.client.budget.refuse("GET leads/", 7200))
    error = bench.fail()
    assert isinstance(error, TransientError)
    assert error.internal_message == "GET leads/: the budget is spent for 7200 s"
    assert vendor.call_count == 0
    assert sum(bench.clock.sleeps) == 30


def test_refusals_without_end_do_not_last_for_ever(vendor: Any) -> None:
    vendor.get(URL, status_code=429)
    error = Bench().fail()
    assert isinstance(error, TransientError)
    assert "refused it 61 times in a row" in str(error.message)
    assert vendor.call_count == 61


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"rate_reset": 2}, 2.0),
        ({"error": {"rate_reset": 0.87}}, 0.87),
        ({"message": "Limit will be reseted at 1767268830."}, 30.0),
        ({"message": "Limit will be reseted at 1767268000."}, 0.0),
        ({"errors": [{"id": "rateLimited", "detail": "Please try again at 2026-01-01T12:00:30."}]}, 30.0),
        ({"errors": [{"detail": "try again at 2026-01-01T13:00:30.000+01:00 please"}, "x"]}, 30.0),
        ({"errors": [{"detail": "try again at 2026-99-01T13:00:30Z"}]}, None),
        ({"errors": "slow down"}, None),
        ({"error": "slow down"}, None),
        ("<html>", None),
        ([], None),
        (None, None),
    ],
)
def test_the_body_of_a_refusal_may_tell_the_wait(content: Any, expected: float | None) -> None:
    assert body_wait(content, NOON) == expected
