"""Apps that sign in to the Outreach emulator server to server."""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from emulator_tests.outreach_client import OutreachClient

INSTALLS = "/api/app/installs"


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class App:
    """An app's owner, before an organisation of a few records."""

    def __init__(self, **options: Any) -> None:
        self.client = OutreachClient(s2s=True, **options)
        said = self.client.app.ready("http://api")
        self.installed: Mapping[str, str] = said["s2s_config"]["credentials"]
        self.setup_token: str = said["s2s_setup_config"]["credentials"]["setup_token"]
        self.key: Any = serialization.load_pem_private_key(self.installed["private_key"].encode(), None)

    def token(self, *, alg: str = "RS256", key: Any = None, ahead: int = 0, **claims: Any) -> str:
        now = int(time.time()) + ahead
        given = {"iss": self.installed["s2s_guid"], "iat": now, "exp": now + 3600} | claims
        signed = f"{encoded(orjson.dumps({'alg': alg, 'typ': 'JWT'}))}.{encoded(orjson.dumps(given))}"
        signature = (key or self.key).sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{encoded(signature)}"

    def install(self, setup_token: str = "") -> tuple[int, dict[str, Any]]:
        path = f"{INSTALLS}/{setup_token or self.setup_token}/actions/setupToken"
        return self.client.post(path, self.token())

    def sign_in(self, token: str = "", installation: str = "", body: bytes = b"") -> tuple[int, dict[str, Any]]:
        path = f"{INSTALLS}/{installation or self.installed['installation_id']}/actions/accessToken"
        return self.client.post(path, token or self.token(), body)

    def use(self, path: str = "/prospects") -> tuple[int, dict[str, Any]]:
        self.client.token = self.sign_in()[1]["data"]["meta"]["accessToken"]
        return self.client.ask(path, page__size=3)


@pytest.fixture(scope="module")
def app() -> App:
    return App()


def test_a_setup_token_gives_the_installation_once() -> None:
    app = App()
    assert app.install("setup-of-nobody")[0] == 404
    assert app.install() == (200, {"data": {"type": "install", "id": app.installed["installation_id"]}})
    assert app.install()[0] == 410


def test_a_setup_token_ends_after_fifteen_minutes() -> None:
    app = App()
    app.client.options(clock_ahead=901.0)
    path = f"{INSTALLS}/{app.setup_token}/actions/setupToken"
    assert app.client.post(path, app.token(ahead=901))[0] == 410


def test_signing_in_gives_a_token_and_the_host_of_the_organisation(app: App) -> None:
    status, answer = app.sign_in()
    assert (status, answer["data"]["relationships"]) == (200, {"org": {"links": {"api": "http://api/api/v2"}}})
    assert app.use()[0] == 200


def test_the_host_can_be_another_one() -> None:
    answer = App(s2s_host="https://app1f.outreach.io/api/v2").sign_in()[1]
    assert answer["data"]["relationships"]["org"]["links"]["api"] == "https://app1f.outreach.io/api/v2"


@pytest.mark.parametrize(
    "wrong",
    [
        {"iss": "00000000-0000-0000-0000-000000000000"},
        {"exp": int(time.time()) + 7200},
        {"exp": int(time.time()) + 600},
        {"exp": int(time.time()) - 1},
        {"sub": "someone"},
        {"alg": "RS512"},
        {"ahead": 600},
        {"iat": "yesterday"},
    ],
)
def test_app_tokens_with_other_claims_are_refused(app: App, wrong: dict[str, Any]) -> None:
    status, answer = app.sign_in(app.token(**wrong))
    assert (status, answer["errors"][0]["title"]) == (401, "Unauthorized")


def test_app_tokens_of_another_key_or_of_no_form_are_refused(app: App) -> None:
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    assert app.sign_in(app.token(key=other))[0] == 401
    assert app.sign_in("no.jwt")[0] == 401


def test_a_body_is_refused(app: App) -> None:
    assert app.sign_in(body=b'{"grant_type": "client_credentials"}')[0] == 422


def test_an_installation_that_is_none_or_was_removed_is_not_found(app: App) -> None:
    assert app.sign_in(installation="1")[0] == 404
    gone = App()
    assert gone.use()[0] == 200
    gone.client.options(uninstalled=True)
    assert gone.sign_in()[0] == 404
    assert gone.client.ask("/prospects")[0] == 401


@pytest.mark.parametrize("status", [401, 403, 404, 410, 429])
def test_signing_in_can_be_refused_for_a_while(status: int) -> None:
    app = App(s2s_status=status, s2s_refusals=2)
    assert [app.sign_in()[0] for _ in range(3)] == [status, status, 200]
    assert App(s2s_status=status).sign_in()[0] == status


def test_access_tokens_end() -> None:
    app = App(s2s_lifetime=0.05)
    assert app.use()[0] == 200
    time.sleep(0.06)
    assert app.client.ask("/prospects")[0] == 401


def test_an_app_reads_what_its_scopes_hold(app: App) -> None:
    assert app.use("/sequenceStates")[0] == 200
    status, answer = app.use("/mailboxes")
    assert (status, answer["errors"][0]["id"]) == (403, "unauthorizedOauthScope")
    assert "'mailboxes.read'" in answer["errors"][0]["detail"]
    assert app.use("/customObjects/myCustomObject")[1]["errors"][0]["detail"].endswith("'customObjectRecords.read'.")


def test_users_read_on_with_their_own_tokens(app: App) -> None:
    client = OutreachClient(s2s=True)
    assert client.ask("/mailboxes", page__size=2)[0] == 200


def test_without_apps_their_paths_do_not_exist() -> None:
    assert OutreachClient().post(f"{INSTALLS}/1/actions/accessToken", "x")[0] == 404
