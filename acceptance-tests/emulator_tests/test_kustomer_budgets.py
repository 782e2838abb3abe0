"""Who may ask the Kustomer emulator and how often: keys, roles, writes, the two budgets, failures on the way."""

from __future__ import annotations

import gzip
import http.client
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest

from emulator_tests.kustomer_client import ARCHIVE, SEARCH, Answer, Json, KustomerClient, query, serving
from emulators.rate_limits import GRACE_SECONDS

LIMIT, REMAINING, RESET = "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"
NOTES = query("note")


@pytest.fixture(scope="module")
def account() -> Iterator[KustomerClient]:
    with serving(customers=5, conversations=5, messages=120, notes=30, companies=5, kobjects=5, days=600) as client:
        yield client


@pytest.fixture
def kustomer(account: KustomerClient) -> Iterator[KustomerClient]:
    yield account
    account.restore()


class Patient(KustomerClient):
    """Searches again whenever an answer is not whole."""

    failures = 0

    def search(self, body: Json, path: str = SEARCH, **params: Any) -> Json:
        """The first good answer."""
        while True:
            try:
                return super().search(body, path, **params)
            except (OSError, http.client.HTTPException, ValueError, AssertionError):
                self.failures += 1


def budget(answer: Answer) -> tuple[int, str | None, str | None]:
    return answer.status, answer.headers.get(LIMIT), answer.headers.get(REMAINING)


def seconds_left(answer: Answer) -> float:
    return int(answer.headers[RESET]) - time.time()


# Keys and roles.


def test_a_missing_or_wrong_key_is_unauthorized(kustomer: KustomerClient) -> None:
    for given in ("", "Bearer wrong", kustomer.emulator.config["api_key"]):
        answer = kustomer.ask("GET", "/users/current", headers={"Authorization": given})
        assert answer.refusal[:2] == (401, "unauthorized")


def test_a_key_of_another_region_is_told_which(kustomer: KustomerClient) -> None:
    kustomer.options(key_pod="prod2")
    text = "Auth token associated with pod prod2 but request is being handled by prod1"
    assert kustomer.ask("GET", "/users/current").refusal == (401, "unauthorized", text)
    assert kustomer.ask("POST", SEARCH, NOTES).refusal == (401, "unauthorized", text)


def test_a_missing_role_closes_one_resource_and_leaves_the_others(kustomer: KustomerClient) -> None:
    kustomer.options(refuse={"GET /tags": 403, "POST /customers/search": 403})
    assert kustomer.ask("GET", "/tags").refusal[:2] == (403, "forbidden")
    assert kustomer.ask("POST", SEARCH, NOTES).refusal[:2] == (403, "forbidden")
    for path in ("/teams", "/notes", "/users/current"):
        assert kustomer.ask("GET", path).status == 200
    kustomer.options(role_status=401)
    assert kustomer.ask("GET", "/tags").refusal[:2] == (401, "unauthorized")


def test_errors_may_come_as_json_api(kustomer: KustomerClient) -> None:
    kustomer.options(error_form="jsonapi")
    (error,) = kustomer.ask("POST", SEARCH, {"queryContext": "nonsense"}).json["errors"]
    assert error.keys() == {"status", "code", "title", "detail"}
    assert (error["status"], error["code"]) == ("400", "bad_request")


# Writes.


@pytest.mark.parametrize("path", ["/customers", "/conversations", "/companies", "/messages", "/notes"])
def test_a_post_to_a_collection_creates_and_is_counted_as_a_write(kustomer: KustomerClient, path: str) -> None:
    assert kustomer.ask("POST", path, NOTES).status == 201
    assert kustomer.emulator.stats()["writes"] == 1


def test_searches_are_no_writes_and_every_other_post_is_one(kustomer: KustomerClient) -> None:
    body = query("message")
    for path in (SEARCH, ARCHIVE):
        assert kustomer.ask("POST", path, body).status == 200
    kustomer.get("/notes")
    assert kustomer.emulator.stats()["writes"] == 0
    for path in ("/companies/search", "/conversations/search", "/customers/merges", "/nothing"):
        assert kustomer.ask("POST", path, body).refusal[:2] == (404, "not_found")
    assert kustomer.ask("DELETE", "/customers/58228e050000000000005a1f").status == 404
    assert kustomer.emulator.stats()["writes"] == 5


# The two budgets.


def test_a_hundred_searches_a_minute_are_answered_and_no_more(kustomer: KustomerClient) -> None:
    kustomer.options(rate_limit=300, rate_window=60.0, rate_limits={"search": [100, 60]})
    answers = [kustomer.ask("POST", SEARCH, NOTES, pageSize=1) for _ in range(101)]
    assert [answer.status for answer in answers] == [200] * 100 + [429]
    assert answers[-1].refusal[1] == "too_many_requests"
    assert "retry-after" not in answers[-1].headers
    assert 0 < seconds_left(answers[-1]) <= 61
    assert budget(answers[-2]) == (200, "300", "200")
    assert kustomer.ask("POST", ARCHIVE, query("message")).status == 429
    assert kustomer.ask("GET", "/notes").status == 200


def test_all_requests_share_the_budget_of_the_organisation(kustomer: KustomerClient) -> None:
    kustomer.options(rate_limit=3, rate_window=60.0)
    answers = [kustomer.ask("GET", path) for path in ("/notes", "/tags")]
    answers.append(kustomer.ask("POST", SEARCH, NOTES))
    assert [budget(answer) for answer in answers] == [(200, "3", "2"), (200, "3", "1"), (200, "3", "0")]
    assert not any(RESET in answer.headers for answer in answers)
    refused = kustomer.ask("GET", "/users")
    assert budget(refused) == (429, "3", "0")
    assert refused.headers[RESET].isdigit()
    assert 0 < seconds_left(refused) <= 61


def test_a_window_ends_when_its_reset_says_so_and_the_next_one_is_whole(kustomer: KustomerClient) -> None:
    kustomer.options(rate_limits={"search": [2, 1]})
    first = [kustomer.ask("POST", SEARCH, NOTES) for _ in range(3)]
    assert [answer.status for answer in first] == [200, 200, 429]
    time.sleep(max(0.0, seconds_left(first[-1])))
    assert [kustomer.ask("POST", SEARCH, NOTES).status for _ in range(2)] == [200, 200]
    assert kustomer.emulator.stats()["violations"] == []


@pytest.mark.parametrize(("form", "shown"), [("org", ("50", "47")), ("search", ("2", "0")), ("none", (None, None))])
def test_a_refused_search_shows_any_of_the_budgets(
    kustomer: KustomerClient, form: str, shown: tuple[str | None, str | None]
) -> None:
    kustomer.options(rate_limit=50, rate_window=60.0, rate_limits={"search": [2, 60]}, search_429=form)
    answers = [kustomer.ask("POST", SEARCH, NOTES) for _ in range(3)]
    assert [budget(answer) for answer in answers] == [(200, "50", "49"), (200, "50", "48"), (429, *shown)]
    assert (RESET in answers[-1].headers) == (form != "none")


def test_the_reset_may_come_always_or_no_numbers_at_all(kustomer: KustomerClient) -> None:
    kustomer.options(rate_limit=50, rate_window=60.0, limit_headers="always")
    assert 0 < seconds_left(kustomer.ask("GET", "/notes")) <= 61
    kustomer.options(limit_headers="none")
    assert not {LIMIT, REMAINING, RESET} & kustomer.ask("GET", "/notes").headers.keys()


def test_a_search_in_spite_of_a_refusal_is_a_violation_and_a_list_is_none(kustomer: KustomerClient) -> None:
    kustomer.options(rate_limits={"search": [1, 60]})
    for _ in range(2):
        kustomer.ask("POST", SEARCH, NOTES)
    time.sleep(GRACE_SECONDS + 0.05)
    kustomer.ask("GET", "/notes")
    assert kustomer.emulator.stats()["violations"] == []
    kustomer.ask("POST", SEARCH, NOTES)
    report = kustomer.emulator.stats()
    assert [entry["group"] for entry in report["violations"]] == ["search"]
    assert report["refusals"] == {"search": 2}
    assert report["window_use"] == {"search": [1]}


def test_nobody_knows_that_a_budget_is_spent_before_the_answer_that_says_so(kustomer: KustomerClient) -> None:
    kustomer.options(rate_limit=1, rate_window=60.0, latency_ms=3_000 * GRACE_SECONDS)
    with closing(KustomerClient(kustomer.emulator, {})) as other, ThreadPoolExecutor() as pool:
        first = pool.submit(kustomer.ask, "GET", "/notes")
        time.sleep(GRACE_SECONDS + 0.1)
        assert not first.done()
        assert other.ask("GET", "/notes").status == 429
    assert budget(first.result()) == (200, "1", "0")
    assert kustomer.emulator.stats()["violations"] == []


# Failures on the way.


def test_a_reader_that_tries_again_sees_every_record_whatever_fails(kustomer: KustomerClient) -> None:
    kustomer.options(faults={"all": 0.05}, fault_slow_seconds=0.01)
    with closing(Patient(kustomer.emulator, {})) as patient:
        seen = patient.keyset("message", size=2)
    assert seen == {record["id"]: record["updated_at"] for record in kustomer.emulator.truth("messages")}
    assert patient.failures > 10
    assert len(kustomer.emulator.stats()["faults"]) > 5


def test_a_search_fails_at_most_twice_in_a_row(kustomer: KustomerClient) -> None:
    kustomer.options(faults={"502": 1.0})
    statuses = [kustomer.ask("POST", SEARCH, NOTES).status for _ in range(6)]
    assert statuses == [502, 502, 200, 502, 502, 200]


def test_answers_are_compressed_for_those_who_can_read_them(kustomer: KustomerClient) -> None:
    plain = kustomer.ask("POST", SEARCH, NOTES)
    kustomer.options(gzip=True)
    packed = kustomer.ask("POST", SEARCH, NOTES, headers={"Accept-Encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert kustomer.ask("POST", SEARCH, NOTES).body == plain.body
