"""Two budgets, one of which no header shows."""

from __future__ import annotations

import pytest

from source_kit.budget import BudgetSpent
from source_kit.clock import Interrupted
from source_kit.testing import FakeClock
from source_kustomer.budget import ORGANISATION, SEARCH, KustomerBudget, SearchLimit
from source_kustomer.streams import build
from unit_tests.kustomer_account import Account, Answer, page, row

ROOMY = {"x-ratelimit-limit": "1000", "x-ratelimit-remaining": "900"}


def budget(clock: FakeClock, searches: int = 95) -> KustomerBudget:
    return KustomerBudget(clock, share=0.95, max_per_minute=None, searches_per_minute=searches)


def search(target: KustomerBudget, status: int = 200, **headers: str) -> None:
    permit = target.acquire(SEARCH)
    permit.release(status, {name.replace("_", "-"): value for name, value in headers.items()} or ROOMY)


def refusal_in(clock: FakeClock, seconds: float) -> dict[str, str]:
    return {"x_ratelimit_reset": str(int(clock.now().timestamp() + seconds))}


def test_no_sixty_seconds_hold_more_searches_than_configured() -> None:
    clock = FakeClock()
    target = budget(clock, 20)
    sent = []
    for _ in range(100):
        search(target)
        sent.append(clock.monotonic())
    assert all(later - earlier >= 60 for earlier, later in zip(sent, sent[20:], strict=False))
    assert 240 <= sent[-1] - sent[0] < 250


def test_other_requests_do_not_wait_for_searches() -> None:
    clock = FakeClock()
    target = budget(clock, 1)
    search(target)
    assert target.delay(SEARCH) == 60
    assert target.delay(ORGANISATION) == 0


def test_a_search_that_does_not_leave_gives_its_place_back() -> None:
    clock = FakeClock()
    target = budget(clock, 1)
    target.refuse(ORGANISATION, 7200)
    with pytest.raises(BudgetSpent):
        target.acquire(SEARCH)
    clock.tick(7200)
    assert target.delay(SEARCH) == 0


def test_a_smaller_budget_is_learned_from_the_first_refusal() -> None:
    clock = FakeClock()
    target = budget(clock)
    for _ in range(40):
        search(target)
    search(target, 429, **refusal_in(clock, 25))
    assert target.searches.limit == 38
    assert 25 <= target.delay(SEARCH) <= 27
    assert target.delay(ORGANISATION) == 0


def test_searches_before_the_window_of_the_refusal_do_not_count() -> None:
    clock = FakeClock()
    target = budget(clock)
    for _ in range(30):
        search(target)
    clock.tick(50)
    for _ in range(20):
        search(target)
    search(target, 429, **refusal_in(clock, 50))  # its window began ten seconds ago
    assert target.searches.limit == 19


def test_late_answers_to_searches_in_flight_raise_what_was_learned() -> None:
    clock = FakeClock()
    target = budget(clock)
    for _ in range(10):
        search(target)
    refused, *answered = [target.acquire(SEARCH) for _ in range(4)]
    refused.release(429, {"x-ratelimit-reset": str(int(clock.now().timestamp() + 30))})
    for permit in answered:
        permit.release(200, ROOMY)
    assert target.searches.limit == 12


def test_a_short_refusal_is_obeyed_but_teaches_nothing() -> None:
    clock = FakeClock()
    target = budget(clock)
    for _ in range(5):
        search(target)
    search(target, 429, retry_after="1")
    assert target.searches.limit == 95
    assert 1 <= target.delay(SEARCH) <= 3


def test_what_was_learned_is_forgotten_after_ten_minutes() -> None:
    clock = FakeClock()
    target = budget(clock)
    for _ in range(20):
        search(target)
    search(target, 429, **refusal_in(clock, 30))
    assert target.searches.limit == 19
    clock.tick(601)
    assert target.searches.limit == 95


def test_a_refusal_of_the_organisation_blocks_everything_and_teaches_nothing_about_searches() -> None:
    clock = FakeClock()
    target = budget(clock)
    target.acquire(SEARCH).release(200, {"x-ratelimit-limit": "300", "x-ratelimit-remaining": "1"})
    listed = target.acquire(ORGANISATION)  # waits for the next minute
    reset = str(int(clock.now().timestamp() + 40))
    listed.release(200, {"x-ratelimit-limit": "300", "x-ratelimit-remaining": "20"})
    refused = {"x-ratelimit-limit": "300", "x-ratelimit-remaining": "0", "x-ratelimit-reset": reset}
    target.acquire(SEARCH).release(429, refused)
    assert target.searches.limit == 95
    assert target.delay(ORGANISATION) > 30


def test_reserved_searches_count_before_they_leave() -> None:
    limit = SearchLimit(FakeClock(), 2, 0.95)
    limit.reserve()
    limit.reserve()
    assert limit.delay() > 0


@pytest.mark.parametrize("before", [0, 3])
@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"x_ratelimit_limit": "1000", "x_ratelimit_remaining": "880"}, 2),
        ({"x_ratelimit_limit": "100", "x_ratelimit_remaining": "0"}, 30),
        ({"x_ratelimit_limit": "300", "x_ratelimit_remaining": "0"}, 30),
        ({"retry_after": "30"}, None),
    ],
)
def test_an_early_refusal_is_waited_for_and_teaches_nothing(
    headers: dict[str, str], seconds: float | None, before: int
) -> None:
    clock = FakeClock()
    target = budget(clock)
    for _ in range(before):
        search(target)
    began = clock.monotonic()
    search(target, 429, **headers, **({} if seconds is None else refusal_in(clock, seconds)))
    for _ in range(60):
        search(target)
    assert target.searches.limit == 95
    assert clock.monotonic() - began <= 65


def test_a_window_that_was_watched_from_its_beginning_always_teaches() -> None:
    clock = FakeClock()
    target = budget(clock)
    search(target)
    clock.tick(50)
    for _ in range(4):
        search(target)
    search(target, 429, **refusal_in(clock, 40))  # its window began thirty seconds after the first search
    assert target.searches.limit == 3


def test_a_refusal_without_a_reset_teaches_after_a_minute_of_searches() -> None:
    clock = FakeClock()
    target = budget(clock)
    search(target)
    clock.tick(61)
    for _ in range(5):
        search(target)
    search(target, 429, x_none="")
    assert target.searches.limit == 4


def test_the_end_of_a_window_teaches_nothing_if_nearly_all_configured_searches_were_held() -> None:
    clock = FakeClock()
    target = budget(clock)
    for _ in range(80):
        search(target)
    search(target, 429, **refusal_in(clock, 25))
    assert target.searches.limit == 95
    assert 25 <= target.delay(SEARCH) <= 27


ODD_HEADERS = [
    {"RateLimit": "limit=100, remaining=50, reset=.."},
    {"x-ratelimit-remaining": "9" * 400, "x-ratelimit-limit": "1000"},
    {"x-ratelimit-limit": "-5", "x-ratelimit-remaining": "-1", "x-ratelimit-reset": "soon"},
    {"x-ratelimit-reset": "9" * 400},
    {"x-ratelimit-reset": "99999999999"},
    {"Retry-After": "Infinity", "Date": "x, y"},
    {
        "Date": "Thu, 01 Jan 2026 12:00:00 GMT, Thu, 01 Jan 2026 12:00:00 GMT",
        "x-ratelimit-reset": "2026-01-01T12:00:09Z",
    },
]


@pytest.mark.parametrize("headers", ODD_HEADERS)
@pytest.mark.parametrize("status", [200, 429, 500, None])
def test_headers_that_cannot_be_read_leave_no_search_in_flight(status: int | None, headers: dict[str, str]) -> None:
    clock = FakeClock()
    target = budget(clock, 1)
    for _ in range(3):
        target.acquire(SEARCH).release(status, headers)
        clock.tick(120)
    assert target.delay(SEARCH) == 0


def test_a_search_that_the_end_of_the_sync_interrupts_is_not_in_flight(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock()
    target = budget(clock, 1)
    target.refuse(ORGANISATION, 10)

    def interrupted(seconds: float) -> None:
        raise Interrupted

    monkeypatch.setattr(clock, "sleep", interrupted)
    with pytest.raises(Interrupted):
        target.acquire(SEARCH)
    clock.tick(10)
    assert target.delay(SEARCH) == 0


def test_a_refused_request_that_is_no_search_blocks_the_whole_organisation() -> None:
    clock = FakeClock()
    target = budget(clock)
    target.acquire(ORGANISATION).release(429, {"Retry-After": "30"})
    assert (target.delay(ORGANISATION), target.delay(SEARCH)) == (30, 30)
    assert target.searches.limit == 95
    clock.tick(30)
    assert (target.delay(ORGANISATION), target.delay(SEARCH)) == (0, 0)


def test_a_request_that_is_refused_twice_without_a_hint_waits_longer_each_time() -> None:
    refused: Answer = (429, {"errors": [{"code": "rate_limited"}]})
    answers = iter([refused, refused, page(row(1, "2025-12-01T00:00:00.000Z", "user"))])
    account = Account(lambda *asked: next(answers))
    stream = next(each for each in build(account.client, account.settings) if each.name == "teams")
    records, _ = account.read(stream)
    assert (len(records), len(account.asked), sum(account.clock.sleeps)) == (1, 3, 3.0)


def test_searches_that_are_refused_without_a_hint_wait_longer_and_longer_up_to_a_minute() -> None:
    clock = FakeClock()
    target = budget(clock)
    waits = []
    for _ in range(8):
        search(target, 429, x_none="")
        waits.append(target.delay(SEARCH))
        clock.tick(waits[-1])
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]
    search(target)
    search(target, 429, x_none="")
    assert target.delay(SEARCH) == 1


def test_the_longer_wait_of_a_refusal_and_a_full_minute_holds() -> None:
    clock = FakeClock()
    target = budget(clock, 2)
    for _ in range(2):
        search(target)
    assert target.delay(SEARCH) == 60
    target.searches.reserve()
    target.searches.refused(3, is_passing=True)
    assert target.delay(SEARCH) == 60  # the refusal ends after four seconds
    clock.tick(50)
    target.searches.reserve()
    target.searches.refused(30, is_passing=True)
    assert target.delay(SEARCH) == 31  # the minute ends after ten


def test_a_refused_search_waits_though_there_is_room_for_others() -> None:
    clock = FakeClock()
    target = budget(clock)
    search(target, 429, **refusal_in(clock, 20))
    assert 20 <= target.delay(SEARCH) <= 22
