"""Budgets, the headers that publish them, and requests sent in spite of them."""

from __future__ import annotations

import re
import time
from typing import Any

import orjson
import pytest

from emulator_tests.close_client import LEADS, CloseClient
from emulators.rate_limits import (
    GRACE_SECONDS,
    HEADER_FORMS,
    Budget,
    ClockWindow,
    FixedWindow,
    RateLimits,
    SlidingWindow,
    Style,
)

BUDGET = Budget(limit=100, remaining=50, reset=4.2, window=8.0)


def test_a_fixed_window_starts_with_its_first_request() -> None:
    window = FixedWindow(2, 10)
    budgets = [window.take(now) for now in (5.0, 14.0, 14.9, 15.0)]
    assert [(budget.remaining, budget.reset, budget.refused) for budget in budgets] == [
        (1, 10.0, False),
        (0, 1.0, False),
        (0, pytest.approx(0.1), True),
        (1, 10.0, False),
    ]


def test_a_sliding_window_forgets_requests_one_by_one() -> None:
    window = SlidingWindow(2, 10)
    budgets = [window.take(now) for now in (0.0, 4.0, 9.0, 10.0, 11.0)]
    assert [budget.refused for budget in budgets] == [False, False, True, False, True]
    assert budgets[4].reset == 3.0


def test_a_window_of_the_clock_ends_whenever_its_requests_came() -> None:
    window = ClockWindow(2, 10, origin=1.0)
    budgets = [window.take(now) for now in (8.0, 10.9, 10.99, 11.0)]
    assert [(budget.remaining, round(budget.reset, 2), budget.refused) for budget in budgets] == [
        (1, 3.0, False),
        (0, 0.1, False),
        (0, 0.01, True),
        (1, 10.0, False),
    ]


@pytest.mark.parametrize(("style", "use"), [("fixed", [2, 0, 2]), ("clock", [2, 0, 2]), ("sliding", [2, 0, 2])])
def test_what_was_used_of_each_window_is_reported(style: Style, use: list[int], monkeypatch: Any) -> None:
    monkeypatch.setattr(time, "monotonic", lambda: 103.7)  # a window of the clock begins at 100
    limits = RateLimits()
    limits.configure(2, 10, style, {})
    for now in (104.0, 105.0, 106.0, 127.0, 128.0):
        limits.take("a", now)
    assert limits.report() == {"window_use": {"a": use}, "refusals": {"a": 1}}


@pytest.mark.parametrize(
    ("form", "headers"),
    [
        ("documented", {"RateLimit": "limit=100, remaining=50, reset=5"}),
        ("legacy", {"X-Rate-Limit-Limit": "100", "X-Rate-Limit-Remaining": "50", "X-Rate-Limit-Reset": "4.200"}),
        ("none", {}),
        ("only_429", {}),
        (
            "live",
            {
                "ratelimit": "limit=100; remaining=50; reset=5",
                "ratelimit-limit": "60",
                "ratelimit-remaining": "59",
                "ratelimit-reset": "1",
                "x-ratelimit-limit": "60, 60;w=1, 100;w=1",
                "x-ratelimit-remaining": "59",
                "x-ratelimit-reset": "1",
            },
        ),
    ],
)
def test_header_forms(form: str, headers: dict[str, str]) -> None:
    assert dict(HEADER_FORMS[form](BUDGET)) == headers


def test_the_epoch_form_tells_when_the_window_ends() -> None:
    headers = dict(HEADER_FORMS["epoch"](BUDGET))
    assert 4 <= int(headers["X-RateLimit-Reset"]) - time.time() <= 6


def test_groups_have_budgets_of_their_own_and_may_be_overridden() -> None:
    close = CloseClient(leads=1, rate_limit=2, rate_limits={"POST /data/search/": [1, 60]})
    assert [close.ask("GET", "/lead/").status for _ in range(3)] == [200, 200, 429]
    assert close.ask("GET", "/user/").status == 200
    body = orjson.dumps({"query": LEADS})
    assert [close.ask("POST", "/data/search/", body=body).status for _ in range(2)] == [200, 429]


def test_a_refusal_tells_how_long_to_wait_in_every_published_way() -> None:
    close = CloseClient(leads=1, rate_limit=1, rate_window=5, rate_headers="only_429", rate_body=True)
    assert not close.ask("GET", "/lead/").headers
    refusal = close.ask("GET", "/lead/")
    headers = dict(refusal.headers)
    assert headers["Retry-After"] == "5"
    assert re.fullmatch(r"limit=1, remaining=0, reset=5", headers["RateLimit"])
    error = orjson.loads(refusal.body)["error"]
    assert 4 < error["rate_reset"] <= 5
    assert error["rate_limit_type"] == "key"


def test_a_request_after_the_budget_is_known_to_be_spent_is_a_violation() -> None:
    limits = RateLimits()
    limits.configure(2, 10, "fixed", {})
    limits.take("a", 100.0)
    limits.take("a", 100.0)
    limits.told("a", 100.1, 9.9)
    limits.take("a", 100.12)
    assert limits.violations == []
    limits.take("a", 101.0)
    limits.take("b", 101.0)
    assert [(entry.group, entry.seconds_early) for entry in limits.violations] == [("a", 9.0)]
    limits.take("a", 110.1)
    assert len(limits.violations) == 1


def test_statistics_report_violations_and_are_reset() -> None:
    close = CloseClient(leads=1, rate_limit=1, rate_window=30)
    close.ask("GET", "/lead/")
    time.sleep(GRACE_SECONDS + 0.01)
    close.ask("GET", "/lead/")
    report = close.app.statistics_report()
    assert [entry["group"] for entry in report["violations"]] == ["GET /lead/"]
    assert report["by_group"] == {"GET /lead/": 2}
    assert report["statuses"] == {"200": 1, "429": 1}
    close.app.reset_statistics()
    assert close.app.statistics_report()["violations"] == []


def test_without_headers_nobody_can_know_before_the_first_refusal() -> None:
    close = CloseClient(leads=1, rate_limit=1, rate_window=30, rate_headers="none")
    close.ask("GET", "/lead/")
    time.sleep(GRACE_SECONDS + 0.01)
    close.ask("GET", "/lead/")
    assert close.app.statistics_report()["violations"] == []
    time.sleep(GRACE_SECONDS + 0.01)
    close.ask("GET", "/lead/")
    assert len(close.app.statistics_report()["violations"]) == 1
