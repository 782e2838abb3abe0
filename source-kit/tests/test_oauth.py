"""OAuth with refresh tokens that work once: order, concurrency, early renewal, retries and messages."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
import requests
import requests_mock

from source_kit.clock import Clock
from source_kit.config_store import ConfigStore
from source_kit.errors import ConfigError, TransientError
from source_kit.oauth import OAuth, TokenPaths, basic, bearer
from source_kit.output import Output
from source_kit.redaction import Redactor
from source_kit.surroundings import Surroundings

URL = "https://api.vendor.test/oauth2/token/"
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
CONFIG = {"client_id": "id1", "client_secret": "secret1", "refresh_token": "refresh1", "other": [1]}


class FakeClock(Clock):
    def __init__(self) -> None:
        super().__init__()
        self.time = NOW
        self.sleeps: list[float] = []

    def now(self) -> datetime:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.time += timedelta(seconds=seconds)

    def pass_seconds(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


class Bench:
    """An OAuth object with everything around it recorded."""

    def __init__(self, config: Mapping[str, Any] = CONFIG, path: Path | None = None, **options: Any) -> None:
        self.clock = FakeClock()
        self.controls: list[Mapping[str, Any]] = []
        self.logs: list[str] = []
        self.secrets: list[str] = []
        self.store = ConfigStore(path, config)
        output, redactor = Output(lambda data: None, self.clock), Redactor()
        output.control = options.pop("emit_control", self.controls.append)  # type: ignore[method-assign]
        output.log = lambda level, text: self.logs.append(f"{level} {text}")  # type: ignore[method-assign]
        redactor.add = lambda *secrets: self.secrets.extend(secrets)  # type: ignore[method-assign]
        surroundings = Surroundings(output, redactor, self.store, self.clock)
        paths = TokenPaths(redirect_uri=("redirect_uri",))
        self.oauth = OAuth(surroundings, paths, URL, session=requests.Session(), **options)


def granted(number: int, expires_in: object = 3600, **more: Any) -> dict[str, Any]:
    return {"json": {"access_token": f"access{number}", "expires_in": expires_in, "token_type": "Bearer", **more}}


@pytest.fixture
def vendor() -> Any:
    with requests_mock.Mocker() as mocker:
        yield mocker


def test_a_key_is_sent_as_the_user_name_of_basic_authentication() -> None:
    assert basic("api_1").authorization() == "Basic YXBpXzE6"
    assert bearer("t").authorization() == "Bearer t"
    assert basic("api_1").rejected("Basic YXBpXzE6") is False


def test_the_first_request_mints_a_token_with_a_form(vendor: Any) -> None:
    vendor.post(URL, **granted(1))
    assert Bench().oauth.authorization() == "Bearer access1"
    request = vendor.last_request
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert request.text == ("grant_type=refresh_token&refresh_token=refresh1&client_id=id1&client_secret=secret1")
    assert request.timeout == (10.0, 90.0)


def test_a_redirect_uri_is_sent_where_the_config_has_one(vendor: Any) -> None:
    vendor.post(URL, **granted(1))
    Bench({**CONFIG, "redirect_uri": "https://me.test/cb"}).oauth.authorization()
    assert vendor.last_request.text.endswith("&redirect_uri=https%3A%2F%2Fme.test%2Fcb")


def test_new_tokens_are_safe_before_they_are_used(vendor: Any, tmp_path: Path) -> None:
    vendor.post(URL, **granted(1, refresh_token="refresh2"))
    path = tmp_path / "config.json"
    path.write_text(json.dumps(CONFIG))
    order: list[str] = []

    def emit_control(config: Mapping[str, Any]) -> None:
        order.append(f"control {config['refresh_token']}, file {json.loads(path.read_text())['refresh_token']}")

    bench = Bench(path=path, emit_control=emit_control)
    bench.oauth.authorization()
    assert order == ["control refresh2, file refresh1"]
    assert json.loads(path.read_text()) == {
        **CONFIG,
        "access_token": "access1",
        "token_expiry_date": "2026-01-01T13:00:00Z",
        "refresh_token": "refresh2",
    }
    assert bench.secrets == ["access1", "refresh2"]


def test_the_file_is_written_even_if_nobody_reads_the_control(vendor: Any, tmp_path: Path) -> None:
    vendor.post(URL, **granted(1, refresh_token="refresh2"))
    path = tmp_path / "config.json"
    path.write_text(json.dumps(CONFIG))

    def closed(config: Mapping[str, Any]) -> None:
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        Bench(path=path, emit_control=closed).oauth.authorization()
    assert json.loads(path.read_text())["refresh_token"] == "refresh2"


def test_an_answer_without_a_refresh_token_keeps_the_old_one(vendor: Any) -> None:
    vendor.post(URL, **granted(1))
    bench = Bench()
    bench.oauth.authorization()
    assert bench.controls[0]["refresh_token"] == "refresh1"


@pytest.mark.parametrize("odd", ["", None, 5, True, {"token": "x"}, ["refresh2"]])
def test_a_new_refresh_token_that_is_none_does_not_take_the_place_of_the_old_one(vendor: Any, odd: object) -> None:
    vendor.post(URL, **granted(1, refresh_token=odd))
    bench = Bench()
    bench.oauth.authorization()
    assert bench.controls[0]["refresh_token"] == "refresh1"
    assert bench.secrets == ["access1"]


def test_a_token_endpoint_whose_certificate_is_refused_is_named(vendor: Any) -> None:
    vendor.post(URL, exc=requests.exceptions.SSLError)
    with pytest.raises(ConfigError, match=r"api\.vendor\.test"):
        Bench().oauth.authorization()
    assert vendor.call_count == 1


def test_a_config_file_that_cannot_be_written_is_warned_of(vendor: Any) -> None:
    vendor.post(URL, **granted(1))
    bench = Bench()
    bench.oauth.authorization()
    assert [line.split(".")[0] for line in bench.logs] == ["WARN The config file cannot be written"]


@pytest.mark.parametrize(("seconds_left", "mints"), [(301, 0), (299, 1), (-5, 1)])
def test_a_token_of_the_config_is_used_while_it_is_valid_for_five_more_minutes(
    vendor: Any, seconds_left: int, mints: int
) -> None:
    vendor.post(URL, **granted(1))
    expiry = (NOW + timedelta(seconds=seconds_left)).isoformat()
    header = Bench({**CONFIG, "access_token": "kept", "token_expiry_date": expiry}).oauth.authorization()
    assert header == ("Bearer access1" if mints else "Bearer kept")
    assert vendor.call_count == mints


@pytest.mark.parametrize("expiry", [None, "", "soon", 5])
def test_a_token_whose_end_nobody_tells_is_used_until_it_is_refused(vendor: Any, expiry: object) -> None:
    vendor.post(URL, **granted(1))
    oauth = Bench({**CONFIG, "access_token": "kept", "token_expiry_date": expiry}).oauth
    assert (oauth.authorization(), vendor.call_count) == ("Bearer kept", 0)
    assert oauth.rejected("Bearer kept") is True
    assert oauth.authorization() == "Bearer access1"


@pytest.mark.parametrize(
    ("expires_in", "still_used_after", "renewed_after"),
    [
        (3600, 3299, 3300),
        (2, 1.5, 1.6),
        ("7200", 6899, 6900),
        (None, 3299, 3300),
        ("x", 3299, 3300),
        (-1, 3299, 3300),
        (0, 3299, 3300),
        (1, 0.79, 0.8),
        (1e9, 3299, 3300),
    ],
)
def test_a_token_is_renewed_a_fifth_of_its_life_or_five_minutes_early(
    vendor: Any, expires_in: object, still_used_after: float, renewed_after: float
) -> None:
    vendor.post(URL, [granted(1, expires_in), granted(2, expires_in)])
    bench = Bench()
    bench.oauth.authorization()
    bench.clock.pass_seconds(still_used_after)
    assert bench.oauth.authorization() == "Bearer access1"
    bench.clock.pass_seconds(renewed_after - still_used_after)
    assert bench.oauth.authorization() == "Bearer access2"


def test_many_threads_mint_one_token(vendor: Any) -> None:
    started = threading.Barrier(8)
    vendor.post(URL, **granted(1))
    bench = Bench()
    headers: list[str] = []

    def ask() -> None:
        started.wait()
        headers.append(bench.oauth.authorization())

    run_all([ask] * 8)
    assert headers == ["Bearer access1"] * 8
    assert vendor.call_count == 1


def test_a_refresh_token_that_works_once_is_used_once_though_eight_threads_wait_for_the_mint(vendor: Any) -> None:
    """The mint takes 50 ms, in which all others come to wait for it."""
    used: list[str] = []

    def mint(request: Any, context: Any) -> dict[str, Any]:
        used.extend(parse_qs(request.text)["refresh_token"])
        time.sleep(0.05)
        return {"access_token": f"access{len(used)}", "expires_in": 3600, "refresh_token": f"refresh{len(used) + 1}"}

    vendor.post(URL, json=mint)
    bench = Bench()
    headers: list[str] = []
    run_all([lambda: headers.append(bench.oauth.authorization())] * 8)
    assert (headers, used) == (["Bearer access1"] * 8, ["refresh1"])
    bench.clock.pass_seconds(3600)
    headers.clear()
    run_all([lambda: headers.append(bench.oauth.authorization())] * 8)
    assert (headers, used) == (["Bearer access2"] * 8, ["refresh1", "refresh2"])


def test_many_threads_with_a_refused_token_renew_it_once(vendor: Any) -> None:
    vendor.post(URL, **granted(2))
    expiry = (NOW + timedelta(hours=1)).isoformat()
    bench = Bench({**CONFIG, "access_token": "revoked", "token_expiry_date": expiry})
    answers: list[bool] = []
    run_all([lambda: answers.append(bench.oauth.rejected("Bearer revoked"))] * 8)
    assert answers == [True] * 8
    assert vendor.call_count == 1
    assert bench.oauth.authorization() == "Bearer access2"


def run_all(tasks: list[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=task) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)


def test_a_fresh_token_that_is_refused_too_is_not_renewed(vendor: Any) -> None:
    vendor.post(URL, **granted(1))
    bench = Bench()
    assert bench.oauth.rejected(bench.oauth.authorization()) is False
    assert vendor.call_count == 1


def test_a_fresh_token_that_has_worked_is_renewed_when_it_is_refused(vendor: Any) -> None:
    vendor.post(URL, [granted(1), granted(2)])
    bench = Bench()
    bench.oauth.accepted(bench.oauth.authorization())
    assert bench.oauth.rejected("Bearer access1") is True
    assert bench.oauth.authorization() == "Bearer access2"


@pytest.mark.parametrize(("lifetime", "age"), [(2, 2.1), (3600, 61)])
def test_a_token_that_ran_out_on_the_way_or_is_old_is_renewed(vendor: Any, lifetime: float, age: float) -> None:
    vendor.post(URL, [granted(1, lifetime), granted(2)])
    bench = Bench()
    bench.oauth.authorization()
    bench.clock.pass_seconds(age)
    assert bench.oauth.rejected("Bearer access1") is True


@pytest.mark.parametrize(
    "trouble",
    [
        {"status_code": 500},
        {"status_code": 503, "text": "<html>"},
        {"status_code": 200, "text": ""},
        {"status_code": 200, "text": '{"access_tok'},
        {"status_code": 200, "json": {"access_token": ""}},
        {"status_code": 408},
        {"exc": requests.ConnectionError},
        {"exc": requests.ReadTimeout},
        {"exc": requests.exceptions.ChunkedEncodingError},
    ],
)
def test_what_may_pass_is_retried_with_the_same_refresh_token(vendor: Any, trouble: dict[str, Any]) -> None:
    vendor.post(URL, [trouble, trouble, granted(1)])
    bench = Bench()
    assert bench.oauth.authorization() == "Bearer access1"
    assert ["refresh_token=refresh1" in request.text for request in vendor.request_history] == [True] * 3
    assert bench.clock.sleeps == [1.0, 2.0]


@pytest.mark.parametrize(
    ("headers", "interval", "sleep"),
    [
        ({"Retry-After": "17"}, 0, 17.0),
        ({"Retry-After": "Thu, 01 Jan 2026 12:00:40 GMT"}, 0, 40.0),
        ({"Retry-After": "Thu, 01 Jan 2026 12:00:40 -0000"}, 0, 40.0),
        ({"Retry-After": "Thu, 01 Jan 2026 12:00:40"}, 0, 40.0),
        ({"Retry-After": "Thu, 01 Jan 2026 13:00:40 +0100"}, 0, 40.0),
        ({"Retry-After": "Thu, 99 Jan 2026 12:00:40 GMT"}, 0, 1.0),
        ({}, 0, 1.0),
        ({}, 60, 60.0),
        ({"Retry-After": "5"}, 60, 5.0),
        ({"Retry-After": "nonsense"}, 0, 1.0),
    ],
)
def test_a_rate_limited_mint_waits_as_told(vendor: Any, headers: dict[str, str], interval: float, sleep: float) -> None:
    vendor.post(URL, [{"status_code": 429, "headers": headers}, granted(1)])
    bench = Bench(mint_interval_seconds=interval)
    bench.oauth.authorization()
    assert bench.clock.sleeps == [sleep]


def test_lasting_trouble_is_transient(vendor: Any) -> None:
    vendor.post(URL, status_code=503)
    bench = Bench()
    with pytest.raises(TransientError, match="gives no access token at present") as error:
        bench.oauth.authorization()
    assert error.value.internal_message == f"POST {URL}: It answered with status 503. Attempt 6 of 6"
    assert bench.clock.sleeps == [1.0, 2.0, 4.0, 8.0, 16.0]


def test_a_wait_of_hours_is_not_sat_out(vendor: Any) -> None:
    vendor.post(URL, status_code=429, headers={"Retry-After": "7200"})
    bench = Bench()
    with pytest.raises(TransientError, match="at present: It allows no more tokens at present"):
        bench.oauth.authorization()
    assert bench.clock.sleeps == []


@pytest.mark.parametrize(
    ("status", "answer", "message"),
    [
        (400, {"error": "invalid_grant"}, "refresh_token is used up, expired or withdrawn. Authorise the connection"),
        (401, {"error": "invalid_grant"}, "refresh_token is used up, expired or withdrawn. Authorise the connection"),
        (400, {"error": "invalid_client"}, "does not know this client. Check client_id and client_secret."),
        (401, {"error": "Unauthorized"}, "does not know this client. Check client_id and client_secret."),
        (400, {"error": "unauthorized_client"}, "does not know this client. Check client_id and client_secret."),
        (401, None, "does not know this client. Check client_id and client_secret."),
        (400, {"error": "invalid_request"}, r"No access token was granted \(invalid_request\)."),
        (400, {"error": "echo refresh1 secret1"}, r"No access token was granted \(no reason given\)."),
        (404, None, r"There is no token endpoint at api.vendor.test \(status 404\)"),
        (302, None, r"There is no token endpoint at api.vendor.test \(status 302\)"),
    ],
)
def test_a_refusal_says_what_to_do_and_shows_no_secret(
    vendor: Any, status: int, answer: dict[str, str] | None, message: str
) -> None:
    vendor.post(URL, status_code=status, json=answer, headers={"Location": "https://evil.test/"})
    with pytest.raises(ConfigError, match=message) as error:
        Bench().oauth.authorization()
    for text in (str(error.value), error.value.internal_message or ""):
        assert "refresh1" not in text
        assert "secret1" not in text
    assert vendor.call_count == 1


def test_a_dead_refresh_token_is_told_with_how_the_vendors_tokens_die(vendor: Any) -> None:
    vendor.post(URL, status_code=400, json={"error": "invalid_grant"})
    with pytest.raises(ConfigError, match=r"enter the new one\. They live for 14 days\.$"):
        Bench(renewal_hint="They live for 14 days.").oauth.authorization()


def test_a_refusal_after_a_lost_answer_says_so(vendor: Any) -> None:
    vendor.post(URL, [{"exc": requests.ReadTimeout}, {"status_code": 400, "json": {"error": "invalid_grant"}}])
    with pytest.raises(ConfigError, match="The answer to an earlier attempt was lost on the way"):
        Bench().oauth.authorization()


def test_a_refused_refresh_token_is_tried_only_once(vendor: Any) -> None:
    vendor.post(URL, status_code=400, json={"error": "invalid_grant"})
    bench = Bench()
    for _ in range(3):
        with pytest.raises(ConfigError):
            bench.oauth.authorization()
    assert vendor.call_count == 1


def test_a_token_that_is_created_is_one(vendor: Any) -> None:
    vendor.post(URL, status_code=201, **granted(1))
    assert Bench().oauth.authorization() == "Bearer access1"


def test_a_refresh_token_that_another_run_has_used_is_read_again_from_the_file(vendor: Any, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps({**CONFIG, "refresh_token": "refresh2"}))
    vendor.post(URL, [{"status_code": 400, "json": {"error": "invalid_grant"}}, granted(2, refresh_token="refresh3")])
    assert Bench(path=path).oauth.authorization() == "Bearer access2"
    assert "refresh_token=refresh2" in vendor.last_request.text
    assert json.loads(path.read_text())["refresh_token"] == "refresh3"


def test_an_access_token_that_another_run_has_minted_is_used(vendor: Any, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    tokens = {"refresh_token": "refresh2", "access_token": "access2", "token_expiry_date": "2026-01-01T13:00:00Z"}
    path.write_text(json.dumps({**CONFIG, **tokens}))
    vendor.post(URL, status_code=400, json={"error": "invalid_grant"})
    bench = Bench(path=path)
    assert [bench.oauth.authorization() for _ in range(2)] == ["Bearer access2"] * 2
    assert vendor.call_count == 1


def test_a_spent_token_that_the_file_holds_too_is_the_end(vendor: Any, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(CONFIG))
    vendor.post(URL, status_code=400, json={"error": "invalid_grant"})
    with pytest.raises(ConfigError, match="refresh_token is used up"):
        Bench(path=path).oauth.authorization()
    assert vendor.call_count == 1
