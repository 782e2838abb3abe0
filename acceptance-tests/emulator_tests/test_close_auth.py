"""Authentication of the Close emulator."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlencode

import orjson

from emulator_tests.close_client import CloseClient
from emulators.close.identity import ACCESS_TOKEN, API_KEY, CLIENT_ID, CLIENT_SECRET
from emulators.messages import Request

FORM = "application/x-www-form-urlencoded"


def mint(close: CloseClient, refresh_token: str = "refresh-0", **changes: str) -> tuple[int, dict[str, Any]]:
    form = {
        "grant_type": "refresh_token",
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "refresh_token": refresh_token,
    } | changes
    headers = {"content-type": FORM}
    response = close.app.handle(Request("POST", "/oauth2/token/", "", headers, urlencode(form).encode()))
    return response.status, orjson.loads(response.body)


def test_the_key_is_the_user_name_and_the_password_is_empty() -> None:
    close = CloseClient(leads=1)
    assert close.get("/me/")["email"] == "ada.0@example.com"
    for wrong in ("", "Basic bm9ib2R5Og==", f"Bearer {API_KEY}", "Bearer nonsense"):
        close.authorization = wrong
        assert close.refused("/me/") == (401, {"error": "Unauthorized"})


def test_bearer_is_for_access_tokens_and_for_keys_only_by_option() -> None:
    close = CloseClient(leads=1)
    close.authorization = f"Bearer {ACCESS_TOKEN}"
    assert close.ask("GET", "/me/").status == 200
    lenient = CloseClient(leads=1, bearer_api_key=True)
    lenient.authorization = f"Bearer {API_KEY}"
    assert lenient.ask("GET", "/me/").status == 200


def test_a_refresh_token_works_once_and_its_access_token_expires() -> None:
    close = CloseClient(leads=1, token_lifetime=0.05)
    status, answer = mint(close)
    assert (status, answer["token_type"], answer["refresh_token"]) == (200, "Bearer", "refresh-1")
    close.authorization = f"Bearer {answer['access_token']}"
    assert close.ask("GET", "/me/").status == 200
    time.sleep(0.07)
    assert close.ask("GET", "/me/").status == 401
    assert mint(close) == (400, {"error": "invalid_grant"})
    assert mint(close, "refresh-1")[0] == 200
    assert close.app.statistics_report()["tokens_minted"] == 2


def test_used_refresh_tokens_may_live_on_and_minting_may_be_limited() -> None:
    close = CloseClient(leads=1, token_strict=False)
    assert [mint(close)[0] for _ in range(2)] == [200, 200]
    slow = CloseClient(leads=1, token_interval=60)
    assert [mint(slow)[0], mint(slow, "refresh-1")[0]] == [200, 429]


def test_wrong_clients_and_bodies_that_are_no_form_are_refused() -> None:
    close = CloseClient(leads=1)
    assert mint(close, client_secret="wrong") == (401, {"error": "invalid_client"})
    assert mint(close, grant_type="password") == (400, {"error": "unsupported_grant_type"})
    request = Request("POST", "/oauth2/token/", "", {"content-type": "application/json"}, b"{}")
    assert close.app.handle(request).status == 400
    assert mint(close)[0] == 200


def test_parameters_may_come_in_the_body_of_an_overridden_post() -> None:
    close = CloseClient(leads=30)
    headers = {"x-http-method-override": "GET"}
    response = close.ask("POST", "/lead/", body=orjson.dumps({"_params": {"_limit": 3}}), headers=headers)
    assert len(close.read(response)["data"]) == 3
