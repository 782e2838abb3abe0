"""The HTTP client: whole answers or another attempt, credentials to one origin only, and honest errors."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import requests_mock

from source_kit.addresses import with_query
from source_kit.answers import body, body_wait
from source_kit.budget import RateBudget
from source_kit.client import HttpClient, Request, Usage
from source_kit.errors import ConfigError, SourceError, TransientError
from source_kit.oauth import basic
from source_kit.room import Room
from source_kit.rules import Action, Denied, Rejected, Rule, Unavailable
from source_kit.testing import NOON, FakeClock
from source_kit.transport import Patience, new_session

BASE = "https://api.vendor.test/v1/"
URL = BASE + "leads/"
KEY = "api_s3cret"
LEADS = Request("leads/", "GET leads/", what="stream leads")
GOOD = {"json": {"data": [1]}}


class TokenAuth:
    """Tokens that can be renewed a number of times."""

    header = "Authorization"

    def __init__(self, renewals: int = 1) -> None:
        self.number = 0
        self.renewals = renewals
        self.good: list[str] = []

    def authorization(self) -> str:
        return f"Bearer s3cret{self.number}"

    def rejected(self, authorization: str) -> bool:
        if self.number >= self.renewals:
            return False
        self.number += 1
        return True

    def accepted(self, authorization: str) -> None:
        self.good.append(authorization)


class Bench:
    """A client with its clock and log."""

    def __init__(self, auth: Any = None, **options: Any) -> None:
        self.clock = FakeClock()
        self.logs: list[str] = []
        self.client = HttpClient(
            BASE,
            auth or basic(KEY),
            RateBudget(self.clock, share=1.0),
            self.clock,
            headers={"User-Agent": "test/1"},
            log=lambda level, text: self.logs.append(f"{level} {text}"),
            **options,
        )

    def send(self, request: Request = LEADS) -> Any:
        return body(self.client.send(request))

    def fail(self, request: Request = LEADS) -> SourceError:
        with pytest.raises(SourceError) as caught:
            self.client.send(request)
        for text in (str(caught.value.message), str(caught.value.internal_message), *self.logs):
            assert "s3cret" not in text
        return caught.value


@pytest.fixture
def vendor() -> Iterator[Any]:
    with requests_mock.Mocker() as mocker:
        yield mocker


def test_a_request_carries_the_key_the_agent_and_nothing_of_netrc(vendor: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NETRC", "/nonexistent")
    vendor.get(URL, **GOOD)
    assert Bench().send(Request("leads/", "b", params={"_limit": 2})) == {"data": [1]}
    request = vendor.last_request
    assert request.qs == {"_limit": ["2"]}
    assert dict(request.headers) == {
        "Accept": "application/json",
        "Accept-Encoding": "gzip, deflate",
        "User-Agent": "test/1",
        "Authorization": "Basic YXBpX3MzY3JldDo=",
    }
    assert request.timeout == (10.0, 90.0)


def test_a_body_is_sent_as_json(vendor: Any) -> None:
    vendor.post(BASE + "search/", **GOOD)
    Bench().send(Request("search/", "b", method="POST", json={"a": None}))
    assert vendor.last_request.body == b'{"a":null}'
    assert vendor.last_request.headers["Content-Type"] == "application/json"


DAMAGES: list[dict[str, Any]] = [
    {"content": b""},
    {"content": b" \n"},
    {"content": b'{"data": [1, 2'},
    {"content": b"<html>Bad gateway</html>"},
    {"json": {"error": None}},
    {"status_code": 500, "json": {}},
    {"status_code": 502, "text": "<html>"},
    {"status_code": 503, "text": ""},
    {"status_code": 408, "json": {}},
    {"exc": requests.exceptions.ConnectTimeout},
    {"exc": requests.exceptions.ReadTimeout},
    {"exc": requests.exceptions.ConnectionError},
    {"exc": requests.exceptions.ChunkedEncodingError},
    {"exc": requests.exceptions.ContentDecodingError},
]


@pytest.mark.parametrize("damage", DAMAGES, ids=str)
def test_a_damaged_answer_is_asked_for_again(vendor: Any, damage: dict[str, Any]) -> None:
    vendor.get(URL, [damage, damage, GOOD])
    request = Request("leads/", "b", accepts=lambda content: "data" in content)
    bench = Bench()
    usage = Usage()
    bench.client.account_to(usage)
    assert bench.send(request) == {"data": [1]}
    assert (usage.requests, usage.retries) == (3, 2)


@pytest.mark.parametrize("damage", DAMAGES, ids=str)
def test_damage_that_stays_ends_as_a_transient_error_after_ten_attempts(vendor: Any, damage: dict[str, Any]) -> None:
    vendor.get(URL, [damage])
    bench = Bench()
    error = bench.fail(Request("leads/", "b", what="stream leads", accepts=lambda content: "data" in content))
    assert isinstance(error, TransientError)
    assert str(error.message).startswith("Reading stream leads failed 10 times: ")
    assert str(error.message).endswith("Run the sync again later; it goes on from the last saved state.")
    assert vendor.call_count == 10
    assert [round(nap / base, 2) for nap, base in zip(bench.clock.sleeps, (0.3, 0.6, 1.2), strict=False)] == [
        pytest.approx(1.0, abs=0.25)
    ] * 3
    assert max(bench.clock.sleeps) <= 75.0


def test_a_source_may_allow_fewer_attempts(vendor: Any) -> None:
    vendor.get(URL, status_code=500, json={})
    assert "failed 3 times" in str(Bench(patience=Patience(attempts=3)).fail().message)


def test_a_rule_may_allow_fewer_attempts(vendor: Any) -> None:
    vendor.get(URL, status_code=404, json={})
    rules = [Rule((404,), Action.RETRY, "Gone for now.", attempts=2)]
    assert str(Bench(rules=rules).fail().message).startswith("Reading stream leads failed 2 times: Gone for now.")


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


@pytest.mark.parametrize(
    ("status", "kind", "failure"),
    [
        (400, Rejected, "system_error"),
        (401, Denied, "config_error"),
        (402, Unavailable, "config_error"),
        (403, Unavailable, "config_error"),
        (404, Unavailable, "config_error"),
        (405, Rejected, "system_error"),
        (418, Rejected, "system_error"),
        (407, ConfigError, "config_error"),
    ],
)
def test_a_refusal_is_not_tried_again_and_tells_what_failed(
    vendor: Any, status: int, kind: type[SourceError], failure: str
) -> None:
    vendor.get(URL, status_code=status, json={"error": "lead of Ann"}, headers={"X-Request-Id": "req-7"})
    error = Bench().fail()
    assert type(error) is kind
    assert error.kind.value == failure
    assert str(error.message).startswith("Reading stream leads failed: ")
    assert error.internal_message == f"GET leads/: status {status}, request id req-7"
    assert "Ann" not in str(error.message)
    assert vendor.call_count == 1


def test_the_rules_of_a_connector_come_first(vendor: Any) -> None:
    vendor.get(URL, status_code=403, json={"code": "plan"})
    rules = [Rule((403,), Action.DENIED, "No plan.", matches=lambda content: content["code"] == "plan")]
    error = Bench(rules=rules).fail()
    assert isinstance(error, Denied)
    assert str(error.message) == "Reading stream leads failed: No plan."


def test_a_rejection_keeps_the_answer_for_the_reading_plan(vendor: Any) -> None:
    vendor.get(URL, status_code=400, json={"error": "max_skip = 500"})
    error = Bench().fail()
    assert isinstance(error, Rejected)
    assert (error.status, error.body, error.text) == (
        400,
        {"error": "max_skip = 500"},
        '{"error":"max_skip = 500"}',
    )


def test_an_unavailable_stream_tells_its_status(vendor: Any) -> None:
    vendor.get(URL, status_code=404, text="not found")
    error = Bench().fail()
    assert isinstance(error, Unavailable)
    assert error.status == 404


def test_a_refused_token_is_renewed_and_the_request_sent_again(vendor: Any) -> None:
    vendor.get(URL, [{"status_code": 401}, GOOD])
    auth = TokenAuth()
    assert Bench(auth).send() == {"data": [1]}
    assert [sent.headers["Authorization"] for sent in vendor.request_history] == ["Bearer s3cret0", "Bearer s3cret1"]
    assert auth.good == ["Bearer s3cret1"]


def test_a_token_that_is_refused_for_ever_ends_the_sync(vendor: Any) -> None:
    vendor.get(URL, status_code=401)
    assert isinstance(Bench(TokenAuth(renewals=100)).fail(), Denied)
    assert vendor.call_count == 6


def test_a_key_that_cannot_be_renewed_is_denied_at_once(vendor: Any) -> None:
    vendor.get(URL, status_code=401)
    assert isinstance(Bench().fail(), Denied)
    assert vendor.call_count == 1


def test_a_get_follows_a_redirect_within_its_origin_once(vendor: Any) -> None:
    vendor.get(BASE + "leads", status_code=301, headers={"Location": "/v1/leads/?_limit=2"})
    vendor.get(URL, **GOOD)
    assert Bench().send(Request("leads", "b", params={"_limit": 2})) == {"data": [1]}
    assert vendor.last_request.headers["Authorization"] == "Basic YXBpX3MzY3JldDo="


@pytest.mark.parametrize("target", ["?page=x", "/v1/leads/", "/v1/leads/?_limit=2&type=", "/v1/leads/?_limit=3&type=a"])
def test_a_redirect_that_loses_parameters_is_not_followed(vendor: Any, target: str) -> None:
    vendor.get(requests_mock.ANY, **GOOD)
    vendor.get(BASE + "leads", status_code=307, headers={"Location": target})
    assert isinstance(Bench().fail(Request("leads", "b", params={"_limit": 2, "type": "a"})), TransientError)
    assert [sent.query for sent in vendor.request_history] == ["_limit=2&type=a"] * 3


@pytest.mark.parametrize("target", ["/v1/leads/?type=a&_limit=2", "/v1/leads/?_limit=2&region=eu&type=a"])
def test_a_redirect_may_add_parameters(vendor: Any, target: str) -> None:
    vendor.get(URL, **GOOD)
    vendor.get(BASE + "leads", status_code=307, headers={"Location": target})
    assert Bench().send(Request("leads", "b", params={"_limit": 2, "type": "a"})) == {"data": [1]}


def test_a_second_redirect_is_not_followed(vendor: Any) -> None:
    vendor.get(BASE + "leads", status_code=302, headers={"Location": URL})
    vendor.get(URL, status_code=302, headers={"Location": URL})
    assert isinstance(Bench().fail(Request("leads", "b")), TransientError)
    # Three attempts, each of which follows one.
    assert vendor.call_count == 6


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.test/v1/leads/",
        "http://api.vendor.test/v1/leads/",
        "https://api.vendor.test:8443/v1/leads/",
        "//evil.test/",
        "https://api.vendor.test@evil.test/",
        "https://api.vendor.test.evil.test/",
    ],
)
def test_no_credential_follows_a_redirect_to_another_origin(vendor: Any, target: str) -> None:
    vendor.get(URL, status_code=302, headers={"Location": target})
    vendor.get(requests_mock.ANY, **GOOD)
    vendor.get(URL, status_code=302, headers={"Location": target})
    assert isinstance(Bench().fail(), TransientError)
    assert [sent.url for sent in vendor.request_history] == [URL] * 3


def test_a_post_never_follows_a_redirect(vendor: Any) -> None:
    vendor.post(BASE + "search", status_code=307, headers={"Location": "/v1/search/"})
    vendor.post(BASE + "search/", **GOOD)
    assert isinstance(Bench().fail(Request("search", "b", method="POST", json={})), TransientError)
    assert [sent.url for sent in vendor.request_history] == [BASE + "search"] * 3


@pytest.mark.parametrize("path", ["https://evil.test/leads/", "//evil.test/leads/", "http://api.vendor.test/v1/leads/"])
def test_a_request_to_a_foreign_host_is_stopped_before_it_leaves(vendor: Any, path: str) -> None:
    vendor.get(requests_mock.ANY, **GOOD)
    error = Bench().fail(Request(path, "b"))
    assert str(error.message) == "A request to a foreign host was stopped."
    assert vendor.call_count == 0


def test_a_stopped_request_does_not_block_its_bucket(vendor: Any) -> None:
    vendor.get(URL, **GOOD)
    bench = Bench()
    bench.fail(Request("//evil.test/", "GET leads/"))
    assert bench.send() == {"data": [1]}


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


def test_a_bad_certificate_is_the_users_to_settle(vendor: Any) -> None:
    vendor.get(URL, exc=requests.exceptions.SSLError("certificate of 10.0.0.1"))
    error = Bench().fail()
    assert isinstance(error, ConfigError)
    assert "REQUESTS_CA_BUNDLE" in str(error.message)
    assert error.internal_message == "SSLError"


def test_debug_logs_tell_of_each_attempt(vendor: Any) -> None:
    vendor.get(URL, [{"status_code": 500, "headers": {"cf-ray": "ray-1"}}, GOOD])
    bench = Bench()
    bench.send()
    (log,) = bench.logs
    assert log.startswith("DEBUG GET leads/: status 500, request id ray-1; attempt 1, again in 0.")


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


def test_a_session_takes_proxy_and_bundle_from_the_environment_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bundle = tmp_path / "bundle.pem"
    bundle.touch()
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.test:3128")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    session = new_session(BASE, {"User-Agent": "test/1"}, pool_size=4)
    monkeypatch.setenv("HTTPS_PROXY", "http://other.test:3128")
    assert session.proxies["https"] == "http://proxy.test:3128"
    assert (session.verify, session.trust_env) == (str(bundle), False)


@pytest.mark.parametrize(
    ("url", "params", "whole"),
    [
        ("https://a/b", None, "https://a/b"),
        ("https://a/b", {"page": 2, "none": None}, "https://a/b?page=2"),
        ("https://a/b", {"id__in": ["x", "y"], "q": "a b&c/ü"}, "https://a/b?id__in=x&id__in=y&q=a+b%26c%2F%C3%BC"),
        ("https://a/b", [("f", "1"), ("f", "2")], "https://a/b?f=1&f=2"),
        ("https://a/b?c=1", {"d": 2}, "https://a/b?c=1&d=2"),
    ],
)
def test_parameters_are_written_as_requests_writes_them(url: str, params: Any, whole: str) -> None:
    assert with_query(url, params) == whole == requests.Request("GET", url, params=params).prepare().url


@pytest.mark.parametrize("status", [300, 302, 304, 308])
def test_an_answer_from_elsewhere_is_no_refusal_of_the_api(vendor: Any, status: int) -> None:
    vendor.get(URL, status_code=status, headers={"Location": "https://elsewhere.test/"}, text="")
    error = Bench().fail()
    assert isinstance(error, TransientError)
    assert str(error.message).startswith("Reading stream leads failed 3 times: ")
    assert {request.hostname for request in vendor.request_history} == {"api.vendor.test"}


@pytest.mark.parametrize("status", [404, 410])
def test_what_is_not_found_behind_a_redirect_is_not_gone(vendor: Any, status: int) -> None:
    vendor.get(URL, status_code=302, headers={"Location": "/v1/caf\xe9"})
    vendor.get(requests_mock.ANY, status_code=status, json={})
    vendor.get(URL, status_code=302, headers={"Location": "/v1/caf\xe9"})
    assert isinstance(Bench().fail(), TransientError)


def test_a_client_that_is_told_another_host_asks_there_and_stops_requests_to_others(vendor: Any) -> None:
    vendor.get("https://eu.vendor.test/v1/leads/", json={"data": [2]})
    bench = Bench()
    bench.client.move_to("https://eu.vendor.test/v1/")
    assert bench.send() == {"data": [2]}
    assert bench.client.base_url == "https://eu.vendor.test/v1/"
    bench.fail(Request("https://api.vendor.test/v1/leads/", "b"))
    assert [request.hostname for request in vendor.request_history] == ["eu.vendor.test"]


class Broken(io.BytesIO):
    """A body that breaks off."""

    def read(self, size: int | None = -1, /) -> bytes:
        raise ConnectionResetError


def test_the_room_of_a_body_is_given_back_whatever_becomes_of_it(vendor: Any) -> None:
    bench = Bench()
    bench.client.room.join()
    for answer in ({"body": Broken()}, {"content": b"{"}, {"status_code": 500, "json": {}}):
        vendor.get(URL, [answer, GOOD])
        assert bench.send() == {"data": [1]}
        assert bench.client.room.taken == 0


def test_the_budget_hears_of_an_answer_whose_body_has_to_wait(vendor: Any) -> None:
    vendor.get(URL, headers={"ratelimit": "limit=10, remaining=0, reset=7"}, **GOOD)
    bench, found = Bench(), list[Any]()
    bench.client.room = room = Room(10, patience_seconds=60)
    room.join()
    room.take(10)

    def send() -> None:
        room.join()
        found.append(bench.send())

    thread = threading.Thread(target=send)
    thread.start()
    deadline = time.monotonic() + 5
    while bench.client.budget.delay(LEADS.bucket) <= 1 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert bench.client.budget.delay(LEADS.bucket) == pytest.approx(7, abs=1.1)
    assert found == []
    room.leave()
    thread.join(5)
    assert found == [{"data": [1]}]
    assert room.taken == 0
