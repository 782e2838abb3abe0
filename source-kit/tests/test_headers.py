"""Headers as vendors publish them, and as proxies and broken clocks send them: what cannot be read is not there."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from source_kit.budget import RateBudget
from source_kit.headers import Reading, http_date, read_headers, retry_after, seconds_until, server_time
from source_kit.testing import NOON, FakeClock
from tests.budget_bench import EPOCH, limited

SIXTH = datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"RateLimit": "limit=100, remaining=50, reset=5"}, [Reading("combined", 100, 50, 5.0, True)]),
        ({"ratelimit": "limit=240; remaining=239; reset=8"}, [Reading("combined", 240, 239, 8.0, True)]),
        ({"RATELIMIT": "limit=40, remaining=0, reset=0.87"}, [Reading("combined", 40, 0, 0.87, False)]),
        (
            {"ratelimit-limit": "60", "ratelimit-remaining": "59", "ratelimit-reset": "1"},
            [Reading("ratelimit", 60, 59, 1.0, True)],
        ),
        (
            {"X-RateLimit-Limit": "60, 60;w=1, 100;w=1", "X-RateLimit-Remaining": "59", "X-RateLimit-Reset": "1"},
            [Reading("x-ratelimit", 60, 59, 1.0, True)],
        ),
        (
            {"X-Rate-Limit-Limit": "40", "X-Rate-Limit-Remaining": "39", "X-Rate-Limit-Reset": "0.923"},
            [Reading("x-rate-limit", 40, 39, 0.923, False)],
        ),
        (
            {"X-RateLimit-Limit": "10", "X-RateLimit-Remaining": "3", "X-RateLimit-Reset": str(EPOCH + 30)},
            [Reading("x-ratelimit", 10, 3, 30.0, True)],
        ),
        ({"X-RateLimit-Remaining": "3"}, [Reading("x-ratelimit", None, 3, None, False)]),
        ({"X-RateLimit-Limit": "10"}, []),
        ({"RateLimit": "a policy that nobody knows"}, []),
        ({"RateLimit-Remaining": "many"}, []),
        ({}, []),
    ],
)
def test_every_published_form_of_the_headers_is_read(headers: dict[str, str], expected: list[Reading]) -> None:
    assert read_headers(headers, NOON) == expected


def test_two_windows_in_one_answer_are_both_read() -> None:
    headers = {"ratelimit": "limit=240; remaining=239; reset=8", **limited(59, limit=60, reset="1")}
    assert [reading.family for reading in read_headers(headers, NOON)] == ["combined", "ratelimit"]


def test_an_epoch_is_compared_with_the_clock_of_the_server() -> None:
    headers = {
        "Date": "Thu, 01 Jan 2026 12:00:00 GMT",
        "X-RateLimit-Remaining": "3",
        "X-RateLimit-Reset": str(EPOCH + 30),
    }
    wrong = datetime(2026, 1, 1, 11, tzinfo=UTC)
    assert read_headers(headers, wrong)[0].reset_seconds == 30.0
    assert server_time({"date": "no date"}) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5", 5.0),
        (" 0.5 ", 0.5),
        ("0", 0.0),
        ("-3", 0.0),
        (str(EPOCH + 30), 30.0),
        (str((EPOCH + 30) * 1000), 30.0),
        (str(EPOCH - 30), 0.0),
        ("2026-01-01T12:00:30Z", 30.0),
        ("2026-01-01T12:00:30", 30.0),
        ("2026-01-01T12:00:30.000Z, 2026-01-01T12:00:30.000Z", 30.0),
        ("30, 30", 30.0),
        ("Thu, 01 Jan 2026 12:00:30 GMT", 30.0),
        ("2026-99-99", None),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_a_reset_may_be_a_delta_an_epoch_or_a_date(text: str | None, expected: float | None) -> None:
    assert seconds_until(text, NOON) == expected
    assert retry_after({} if text is None else {"Retry-After": text}, NOON) == expected


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
