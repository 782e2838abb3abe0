"""Headers that proxies and broken clocks send: read where they can be, else as if they were not there."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from source_kit.budget import RateBudget
from source_kit.headers import http_date, read_headers, retry_after, seconds_until
from source_kit.testing import NOON, FakeClock

SIXTH = datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT, Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994, Sun Nov  6 08:49:37 1994",
        "Sun, 06 Nov 1994 08:49:37 -0000",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 10:49:37 +0200",
        "1994-11-06T08:49:37Z",
    ],
)
def test_every_form_of_a_date_is_read_and_never_in_the_local_zone(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    http_date.cache_clear()
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    assert http_date(text) == SIXTH


@pytest.mark.parametrize("text", ["", "garbage", "é\xff", "32", "Sun, 06 Nov 99999 08:49:37 GMT", "9" * 400])
def test_a_date_that_is_none_is_not_there(text: str) -> None:
    assert http_date(text) is None


@pytest.mark.parametrize(
    "value",
    ["9" * 400, "..", "inf", "nan", "99999999999", "5138-01-01T00:00:00Z", "Fri, 01 Jan 5138 00:00:00 GMT", "x"],
)
def test_a_wait_that_nobody_can_mean_is_none(value: str) -> None:
    assert seconds_until(value, NOON) is None
    assert retry_after({"Retry-After": value}, NOON) is None


ODD_HEADERS: list[dict[str, str]] = [
    {"RateLimit": "limit=100, remaining=50, reset=.."},
    {"RateLimit": "limit=x, remaining=y, reset=z"},
    {"X-RateLimit-Remaining": "9" * 400, "X-RateLimit-Limit": "100", "X-RateLimit-Reset": "5"},
    {"X-RateLimit-Remaining": "50", "X-RateLimit-Limit": "-100", "X-RateLimit-Reset": "9" * 400},
    {"X-RateLimit-Remaining": "50", "X-RateLimit-Limit": "100", "X-RateLimit-Reset": "5138-01-01T00:00:00Z"},
    {
        "Date": "Thu, 01 Jan 2026 12:00:00 GMT, Thu, 01 Jan 2026 12:00:00 GMT",
        "X-RateLimit-Remaining": "50",
        "X-RateLimit-Limit": "100",
        "X-RateLimit-Reset": "2026-01-01T12:00:05Z, 2026-01-01T12:00:05Z",
    },
    {"Date": "Thu, 01 Jan 2026 12:00:00", "X-RateLimit-Remaining": "5", "X-RateLimit-Reset": "2026-01-01T12:00:05Z"},
    {
        "Date": "Thu, 01 Jan 2026 12:00:00 -0000",
        "X-RateLimit-Remaining": "5",
        "X-RateLimit-Reset": "2026-01-01T12:00:05",
    },
    {"Retry-After": "9" * 400},
    {"Date": "\xff", "RateLimit-Remaining": "\xff", "Retry-After": "\xff"},
]


@pytest.mark.parametrize("headers", ODD_HEADERS)
@pytest.mark.parametrize("status", [200, 429, None])
def test_no_header_keeps_a_request_in_flight(headers: dict[str, str], status: int | None) -> None:
    """The first answer of a bucket decides whether the others may leave: one that was never released stops them all."""
    clock = FakeClock()
    budget = RateBudget(clock, share=1.0)
    for _ in range(3):
        budget.acquire("b").release(status, headers)
    budget.acquire("b")
    assert sum(clock.sleeps) < 100


@pytest.mark.parametrize("reset", ["9" * 400, "99999999999", ".."])
def test_a_budget_that_comes_back_never_is_no_budget(reset: str) -> None:
    clock = FakeClock()
    budget = RateBudget(clock, share=1.0)
    budget.acquire("b").release(
        200, {"X-RateLimit-Limit": "100", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}
    )
    budget.acquire("b")
    assert clock.sleeps == []


@pytest.mark.parametrize("remaining", ["50", "0", "-1", "90000"])
@pytest.mark.parametrize("reset", ["", "-1", "5"])
def test_a_negative_limit_is_none(remaining: str, reset: str) -> None:
    headers = {"X-RateLimit-Limit": "-1", "X-RateLimit-Remaining": remaining, "X-RateLimit-Reset": reset}
    assert read_headers(headers, NOON) == []
    clock = FakeClock()
    budget = RateBudget(clock, share=1.0)
    for _ in range(3):
        budget.acquire("b").release(200, headers)
    assert clock.sleeps == []


def test_less_than_nothing_may_be_left_of_a_limit() -> None:
    (reading,) = read_headers({"X-RateLimit-Limit": "100", "X-RateLimit-Remaining": "-3"}, NOON)
    assert (reading.limit, reading.remaining) == (100, -3)


def test_the_reset_of_a_header_that_came_twice_is_read_once() -> None:
    (reading,) = read_headers(ODD_HEADERS[5], NOON)
    assert reading.reset_seconds == 5.0
