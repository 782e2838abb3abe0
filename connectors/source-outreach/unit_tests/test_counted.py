"""The requests of a sync: counted, told at its end, and bounded for a day."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
import requests_mock

from source_kit.catalog_input import ConfiguredStream
from source_kit.errors import TransientError
from source_kit.testing import FakeClock
from source_outreach.counted import CountedBudget
from source_outreach.source import OutreachConnection
from unit_tests.outreach_account import API, connected, page, resource, sync

STAGES = f"{API}/stages"
LEFT = {"X-RateLimit-Limit": "10000", "X-RateLimit-Remaining": "9999, 19988", "X-RateLimit-Reset": "1767272400"}


def synced(connection: OutreachConnection, *names: str) -> int:
    return sync(connection, *(ConfiguredStream(name, "full_refresh") for name in names))


def told(connection: OutreachConnection) -> tuple[str, dict[str, Any]]:
    """The log line and the figures at the end of a sync."""
    (line,) = [line for line in connection.output.logs() if "This sync sent" in line]  # type: ignore[attr-defined]
    messages = connection.output.messages()  # type: ignore[attr-defined]  # a kept output
    (trace,) = [m["trace"] for m in messages if m["type"] == "TRACE" and m["trace"]["type"] == "ANALYTICS"]
    assert trace["analytics"]["type"] == "source-outreach-requests"
    return line, json.loads(trace["analytics"]["value"])


def test_a_sync_ends_with_its_requests_and_what_outreach_says_is_left(requests_mock: requests_mock.Mocker) -> None:
    rows = [{"json": page([resource(1)], "abc"), "headers": LEFT}, {"json": page([resource(2)]), "headers": LEFT}]
    requests_mock.get(STAGES, rows)
    connection = connected()
    assert synced(connection, "stages") == 0
    line, figures = told(connection)
    assert line == (
        "INFO This sync sent 2 requests to Outreach. Outreach says that 9,999 of 10,000 are left until "
        "2026-01-01T13:00:00Z, and 19,988 of another budget."
    )
    assert figures == {
        "requests": 2,
        "max_requests_per_day": None,
        "left": 9999,
        "limit": 10000,
        "resets_at": "2026-01-01T13:00:00Z",
        "others_left": [19988],
    }


def test_without_headers_nothing_is_made_up_and_a_failed_sync_tells_its_requests_too(
    requests_mock: requests_mock.Mocker,
) -> None:
    requests_mock.get(STAGES, status_code=404, json={})
    connection = connected()
    assert synced(connection, "stages") == 1
    line, figures = told(connection)
    assert line == "INFO This sync sent 1 requests to Outreach. Outreach did not say how many are left."
    assert (figures["left"], figures["others_left"]) == (None, [])


def test_the_ceiling_of_a_day_ends_the_streams_after_their_states(requests_mock: requests_mock.Mocker) -> None:
    requests_mock.get(STAGES, [{"json": page([resource(n)], f"c{n}")} for n in range(9)])
    connection = connected(max_requests_per_day=3)
    assert synced(connection, "stages") == 1
    messages = connection.output.messages()  # type: ignore[attr-defined]  # a kept output
    errors = [m["trace"]["error"] for m in messages if m.get("trace", {}).get("type") == "ERROR"]
    assert errors[0]["failure_type"] == "transient_error"
    assert "as max_requests_per_day allows (3)" in errors[0]["message"]
    assert len(requests_mock.request_history) == 3
    assert sum(m["type"] == "RECORD" for m in messages) == 3
    line, _ = told(connection)
    assert line.startswith("INFO This sync sent 3 requests to Outreach of the 3 of max_requests_per_day.")


def test_places_come_back_after_a_day() -> None:
    clock = FakeClock()
    budget = CountedBudget(clock, per_day=2, share=1.0)
    for _ in range(2):
        budget.acquire("api").release(200, {})
    assert budget.delay("api") == 86_400
    with pytest.raises(TransientError, match="max_requests_per_day"):
        budget.acquire("api")
    clock.tick(86_400 - 3_000)
    budget.acquire("api").release(200, {})
    assert sum(clock.sleeps) == pytest.approx(3_000, abs=1)
    assert budget.requests == 3


def test_no_more_workers_than_places_get_through() -> None:
    budget = CountedBudget(FakeClock(), per_day=5, share=1.0)
    passed: list[int] = []

    def take() -> None:
        try:
            budget.acquire("api").release(200, {})
            passed.append(1)
        except TransientError:
            pass

    threads = [threading.Thread(target=take) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(passed), budget.requests) == (5, 5)
