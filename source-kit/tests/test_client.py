"""The HTTP client: whole answers or another attempt, and honest errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import requests

from source_kit.addresses import with_query
from source_kit.client import Request, Usage
from source_kit.errors import ConfigError, SourceError, TransientError
from source_kit.rules import Action, Denied, Rejected, Rule, Unavailable
from source_kit.transport import Patience, new_session
from tests.client_bench import BASE, GOOD, URL, Bench, TokenAuth


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


def test_what_one_request_carries_the_next_one_does_not(vendor: Any) -> None:
    vendor.get(URL, **GOOD)
    vendor.post(BASE + "search/", **GOOD)
    bench = Bench()

    def sent(request: Request) -> dict[str, str]:
        bench.client.send(request)
        return dict(vendor.last_request.headers)

    plain, posted, empty = (
        Request("leads/", "b"),
        Request("search/", "b", method="POST", json={"a": None}),
        Request("search/", "b", method="POST"),
    )
    first = sent(plain)
    assert sent(posted)["Content-Length"] == "10"
    assert sent(empty)["Content-Length"] == "0"
    assert sent(plain) == first
    bench.client.session.cookies.set("a", "1", domain="api.vendor.test")
    assert sent(plain)["Cookie"] == "a=1"
    assert sent(posted)["Cookie"] == "a=1"
    bench.client.session.cookies.clear()
    assert sent(plain) == first


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
