"""Signing in as an app: signatures, installations, the organisation's own host, and what each refusal means."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import jwt
import pytest
import requests_mock
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from source_kit.catalog_input import ConfiguredStream
from source_kit.errors import ConfigError
from source_kit.rules import Denied, Unavailable
from source_kit.testing import FakeClock, opened
from source_outreach.collections import table
from source_outreach.pem import NoKey, private_key
from source_outreach.s2s import organisation_url, refused
from source_outreach.source import OutreachConnection, SourceOutreach
from unit_tests.outreach_account import API, page, problem, read, resource, stream_of, sync

GUID = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
ORIGIN = "https://api.outreach.io"
INSTALLS = f"{ORIGIN}/api/app/installs"
OWN_HOST = "https://app1f.outreach.io/api/v2"
SCOPED = (
    "accounts audit_logs calls events imports kaia_recordings mailings opportunities prospects sequence_states "
    "sequences snippets tasks templates users webhooks"
)


@cache
def key_pair(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def pem(key: Any = None, *, form: Any = serialization.PrivateFormat.PKCS8, lock: Any = None) -> str:
    encryption = serialization.BestAvailableEncryption(lock) if lock else serialization.NoEncryption()
    text: bytes = (key or key_pair()).private_bytes(serialization.Encoding.PEM, form, encryption)
    return text.decode()


def config(**credentials: Any) -> dict[str, Any]:
    found = {"auth_type": "s2s", "s2s_guid": GUID, "private_key": pem(), "installation_id": "17", **credentials}
    return {"credentials": {name: value for name, value in found.items() if value is not None}}


def connected(path: Path | None = None, **given: Any) -> OutreachConnection:
    source = SourceOutreach()
    source.clock = FakeClock()
    connection: OutreachConnection = opened(source, given, path=path)
    return connection


def granted(token: str = "access-1", host: Any = OWN_HOST, **meta: Any) -> dict[str, Any]:
    link = {"relationships": {"org": {"links": {"api": host}}}} if host is not None else {}
    return {"data": {"id": 17, "type": "install", "meta": {"accessToken": token, **meta}, **link}}


def written(connection: OutreachConnection) -> str:
    connection.output.flush()
    return bytes(connection.output.written).decode()  # type: ignore[attr-defined]  # a kept output


def claims_of(request: Any) -> dict[str, Any]:
    scheme, _, token = request.headers["Authorization"].partition(" ")
    assert scheme == "Bearer"
    options = {"verify_exp": False, "verify_iat": False}
    found: dict[str, Any] = jwt.decode(token, key_pair().public_key(), algorithms=["RS256"], options=options)  # type: ignore[arg-type]
    return found


# The way in.


def test_an_app_signs_a_token_of_three_claims_and_reads_from_the_host_that_the_answer_names(
    requests_mock: requests_mock.Mocker,
) -> None:
    requests_mock.post(f"{INSTALLS}/17/actions/accessToken", json=granted())
    requests_mock.get(f"{OWN_HOST}/users", json=page([resource(1, "user")]))
    connection = connected(**config())
    assert len(read(stream_of(connection, "users"))) == 1
    signed, asked = requests_mock.request_history
    issued = int(datetime(2026, 1, 1, 12, tzinfo=UTC).timestamp())
    assert claims_of(signed) == {"iss": GUID, "iat": issued, "exp": issued + 3600}
    assert signed.body is None
    assert "Content-Type" not in signed.headers
    assert asked.headers["Authorization"] == "Bearer access-1"
    assert connection.store.config == config()


def test_a_setup_token_is_exchanged_once_and_the_installation_is_kept_before_it_is_used(
    requests_mock: requests_mock.Mocker, tmp_path: Path
) -> None:
    path = tmp_path / "config.json"
    given = config(installation_id=None, setup_token="setup/1")
    path.write_text(json.dumps(given))
    kept: list[Any] = []

    def grant(request: Any, context: Any) -> dict[str, Any]:
        kept.append(json.loads(path.read_text())["credentials"]["installation_id"])
        return granted()

    requests_mock.post(f"{INSTALLS}/setup%2F1/actions/setupToken", json={"data": {"id": 17, "type": "install"}})
    requests_mock.post(f"{INSTALLS}/17/actions/accessToken", json=grant)
    requests_mock.get(f"{OWN_HOST}/users", json=page([]))
    connection = connected(path, **given)
    read(stream_of(connection, "users"))
    assert kept == ["17"]
    (control,) = [m for m in connection.output.messages() if m["type"] == "CONTROL"]  # type: ignore[attr-defined]
    assert control["control"]["connectorConfig"]["config"]["credentials"]["installation_id"] == "17"
    read(stream_of(connected(path, **json.loads(path.read_text())), "users"))
    assert [request.path for request in requests_mock.request_history].count(
        "/api/app/installs/setup%2f1/actions/setuptoken"
    ) == 1


def test_the_log_tells_the_installation_for_nobody_may_keep_message_and_file(
    requests_mock: requests_mock.Mocker,
) -> None:
    requests_mock.post(f"{INSTALLS}/setup-1/actions/setupToken", json={"data": {"id": "17"}})
    requests_mock.post(f"{INSTALLS}/17/actions/accessToken", json=granted())
    requests_mock.get(f"{OWN_HOST}/users", json=page([]))
    connection = connected(**config(installation_id=None, setup_token="setup-1"))
    read(stream_of(connection, "users"))
    assert [line for line in connection.output.logs() if line.startswith("WARN")] == [  # type: ignore[attr-defined]
        "WARN The config file cannot be written. Keep the config of the last CONTROL message for the next run: the "
        "setup token in the present one is used up.",
        "WARN The setup token is used up. From now on the connection needs installation_id 17.",
    ]


@pytest.mark.parametrize(
    ("meta", "seconds"),
    [
        ({}, 3600 - 300),
        ({"expiresIn": 2}, 1.6),
        ({"expiresAt": "2026-01-01T12:10:00.000Z"}, 480),
        ({"expiresAt": "long ago"}, 3300),
    ],
)
def test_an_access_token_is_renewed_before_its_end(
    requests_mock: requests_mock.Mocker, meta: dict[str, Any], seconds: float
) -> None:
    grants = requests_mock.post(f"{INSTALLS}/17/actions/accessToken", json=granted(**meta))
    requests_mock.get(f"{OWN_HOST}/users", json=page([]))
    connection = connected(**config())
    stream = stream_of(connection, "users")
    read(stream)
    connection.clock.tick(seconds - 0.1)  # type: ignore[attr-defined]  # a fake clock
    read(stream)
    assert grants.call_count == 1
    connection.clock.tick(0.2)  # type: ignore[attr-defined]  # a fake clock
    read(stream)
    assert grants.call_count == 2


def test_a_token_that_tells_its_end_itself_is_believed(requests_mock: requests_mock.Mocker) -> None:
    issued = int(datetime(2026, 1, 1, 12, tzinfo=UTC).timestamp())
    token = jwt.encode({"iat": issued, "exp": issued + 100}, "x" * 32, algorithm="HS256")
    grants = requests_mock.post(f"{INSTALLS}/17/actions/accessToken", json=granted(token))
    requests_mock.get(f"{OWN_HOST}/users", json=page([]))
    connection = connected(**config())
    read(stream_of(connection, "users"))
    connection.clock.tick(81)  # type: ignore[attr-defined]  # a fake clock
    read(stream_of(connection, "users"))
    assert grants.call_count == 2


def test_an_access_token_that_is_refused_is_renewed_and_the_request_repeated(
    requests_mock: requests_mock.Mocker,
) -> None:
    requests_mock.post(
        f"{INSTALLS}/17/actions/accessToken", [{"json": granted("access-1")}, {"json": granted("access-2")}]
    )
    late = {"status_code": 401, "json": {"error": "Invalid JWT token."}}
    requests_mock.get(f"{OWN_HOST}/users", [{"json": page([resource(1)], "abc")}, late, {"json": page([resource(2)])}])
    assert len(read(stream_of(connected(**config()), "users"))) == 2
    assert requests_mock.request_history[-1].headers["Authorization"] == "Bearer access-2"


def test_a_clock_that_is_off_is_corrected_by_that_of_outreach(requests_mock: requests_mock.Mocker) -> None:
    refusal = {"status_code": 401, "json": {}, "headers": {"Date": "Thu, 01 Jan 2026 13:30:00 GMT"}}
    requests_mock.post(f"{INSTALLS}/17/actions/accessToken", [refusal, {"json": granted()}])
    requests_mock.get(f"{OWN_HOST}/users", json=page([]))
    connection = connected(**config())
    read(stream_of(connection, "users"))
    assert (
        claims_of(requests_mock.request_history[1])["iat"] - claims_of(requests_mock.request_history[0])["iat"] == 5400
    )
    assert any("+5400 s behind" in line for line in connection.output.logs())  # type: ignore[attr-defined]


def test_too_many_sign_ins_are_waited_for(requests_mock: requests_mock.Mocker) -> None:
    busy = {"status_code": 429, "headers": {"Retry-After": "7"}}
    requests_mock.post(f"{INSTALLS}/17/actions/accessToken", [busy, {"json": granted()}])
    requests_mock.get(f"{OWN_HOST}/users", json=page([]))
    connection = connected(**config())
    read(stream_of(connection, "users"))
    assert connection.clock.sleeps == [7.0]  # type: ignore[attr-defined]  # a fake clock


# The host of the organisation.


@pytest.mark.parametrize(
    "host",
    [
        "https://evil.example.com/api/v2",
        "https://evil-outreach.io/api/v2",
        "https://app1f.outreach.io.evil.example.com/api/v2",
        "https://app1f.outreach.io@evil.example.com/api/v2",
        "https://app1f.outreach.io:8443/api/v2",
        "http://app1f.outreach.io/api/v2",
        "http://127.0.0.1/api/v2",
        "//evil.example.com",
        "",
        5,
    ],
)
def test_a_host_that_is_not_outreachs_gets_no_request(requests_mock: requests_mock.Mocker, host: Any) -> None:
    requests_mock.post(f"{INSTALLS}/17/actions/accessToken", json=granted(host=host))
    connection = connected(**config())
    with pytest.raises(Denied, match=r"does not end in \.outreach\.io: nothing was sent there"):
        read(stream_of(connection, "users"))
    assert {request.hostname for request in requests_mock.request_history} == {"api.outreach.io"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (OWN_HOST, OWN_HOST + "/"),
        ("https://app1f.outreach.io", OWN_HOST + "/"),
        ("https://APP1F.Outreach.io:443/api/v2/", "https://app1f.outreach.io:443/api/v2/"),
        (None, "https://api.outreach.io/api/v2/"),
        ("https://api.outreach.io", "https://api.outreach.io/api/v2/"),
    ],
)
def test_a_host_of_outreachs_is_asked(given: str | None, expected: str) -> None:
    assert organisation_url(given, "https://api.outreach.io/api/v2/", stays=False) == expected


@pytest.mark.parametrize("given", [OWN_HOST, "http://localhost:8080/api/v2", None])
def test_an_api_url_of_the_users_own_replaces_the_host(given: str | None) -> None:
    own = "http://localhost:8080/api/v2/"
    assert organisation_url(given, own, stays=True) == own
    with pytest.raises(ConfigError, match="nothing was sent there"):
        organisation_url("https://evil.example.com/api/v2", own, stays=True)


def test_signing_in_goes_to_the_origin_of_the_users_own_api_url(requests_mock: requests_mock.Mocker) -> None:
    requests_mock.post("http://localhost:8080/api/app/installs/17/actions/accessToken", json=granted())
    requests_mock.get("http://localhost:8080/v9/users", json=page([]))
    read(stream_of(connected(**config(), api_url="http://localhost:8080/v9"), "users"))
    assert {request.netloc for request in requests_mock.request_history} == {"localhost:8080"}


# Refusals.


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (
            401,
            "private_key and s2s_guid do not belong together. Compare the S2S GUID and the public key in the Outreach",
        ),
        (403, "a scope is missing. Add it in the Outreach developer portal"),
        (404, "The app is not installed in this organisation any more, or installation_id is wrong"),
        (410, "The installation_id has expired or was used"),
        (422, "refused the installation_id (status 422). Check it, and the app in the Outreach developer portal"),
        (302, "There is no sign-in for apps at this address"),
    ],
)
def test_a_refused_sign_in_says_where_to_mend_it_and_is_tried_once(
    requests_mock: requests_mock.Mocker, status: int, message: str
) -> None:
    requests_mock.post(f"{INSTALLS}/17/actions/accessToken", status_code=status, json={})
    connection = connected(**config())
    for _ in range(2):
        with pytest.raises(Denied) as denied:
            read(stream_of(connection, "users"))
        assert message in str(denied.value.message)
    assert len(requests_mock.request_history) == 1


@pytest.mark.parametrize("status", [404, 410])
def test_a_setup_token_that_has_expired_says_how_to_get_another(
    requests_mock: requests_mock.Mocker, status: int
) -> None:
    requests_mock.post(f"{INSTALLS}/s3cretsetup/actions/setupToken", status_code=status, json={})
    connection = connected(**config(installation_id=None, setup_token="s3cretsetup"))
    with pytest.raises(Denied) as denied:
        read(stream_of(connection, "users"))
    assert str(denied.value.message).startswith(
        f"The setup_token has expired or was used ({status}): a setup token works once, within 15 minutes. Install the "
        "app again in Outreach"
    )
    assert "s3cretsetup" not in str(denied.value.internal_message)


def test_a_lost_answer_to_the_setup_token_is_told() -> None:
    assert "may have used it up" in refused("setup_token", 410, answer_lost=True)


def test_neither_key_nor_tokens_are_in_any_output(requests_mock: requests_mock.Mocker) -> None:
    requests_mock.post(f"{INSTALLS}/17/actions/accessToken", json=granted("s3cret-access"))
    requests_mock.get(f"{OWN_HOST}/users", [{"status_code": 500, "text": "Bearer s3cret-access"}, {"json": page([])}])
    connection = connected(**config())
    connection.output.debug = True
    assert sync(connection, ConfiguredStream("users", "full_refresh")) == 0
    signature = requests_mock.request_history[0].headers["Authorization"].rsplit(".", 1)[1]
    connection.output.log(
        "WARN", f"{signature} s3cret-access {requests_mock.request_history[0].headers['Authorization']}"
    )
    text = written(connection)
    assert "s3cret-access" not in text
    assert requests_mock.request_history[0].headers["Authorization"].removeprefix("Bearer ") not in text
    assert not [line for line in pem().splitlines() if line in text]


# What an app may read.


def test_sixteen_streams_have_a_scope_that_an_app_can_have() -> None:
    assert {name for name, each in table().items() if each.has_app_scope} == set(SCOPED.split())


def test_streams_without_a_scope_are_told_and_are_not_in_the_catalog(requests_mock: requests_mock.Mocker) -> None:
    requests_mock.post(f"{INSTALLS}/17/actions/accessToken", json=granted())
    requests_mock.get(f"{OWN_HOST}/imports", json=page([]))
    connection = connected(**config())
    assert {stream.name for stream in connection.streams()} == set(SCOPED.split())
    (told,) = [line for line in connection.output.logs() if "no scope" in line]  # type: ignore[attr-defined]
    assert "duties, roles" in told
    assert {request.path for request in requests_mock.request_history[1:]} == {"/api/v2/imports"}


def test_such_a_stream_in_a_catalog_of_before_says_why_without_a_request(requests_mock: requests_mock.Mocker) -> None:
    with pytest.raises(Unavailable, match=r"no scope for duties that an app can have \(S2S\)"):
        read(stream_of(connected(**config()), "duties"))
    assert requests_mock.request_history == []


@pytest.mark.parametrize(
    ("plural", "scope"),
    [
        ("calls", "calls.read"),
        # The portal offers an app no other.
        ("webhooks", "webhooks.all"),
    ],
)
def test_a_missing_scope_of_an_app_is_added_in_the_portal(
    requests_mock: requests_mock.Mocker, plural: str, scope: str
) -> None:
    requests_mock.post(f"{INSTALLS}/17/actions/accessToken", json=granted())
    refusal = problem("unauthorizedOauthScope", f"The required scope '{plural}.read'.")
    requests_mock.get(f"{OWN_HOST}/{plural}", status_code=403, json=refusal)
    with pytest.raises(Unavailable, match=f"the app lacks the scope {scope}. Add it in the Outreach developer portal"):
        read(stream_of(connected(**config()), plural))


# The config.


@pytest.mark.parametrize(
    ("credentials", "message"),
    [
        (
            {"s2s_guid": "my app"},
            "credentials.s2s_guid is no GUID such as 3f2504e0-4f89-41d3-9a0c-0305e82c3301: copy the S2S GUID of your "
            "app from the Outreach developer portal",
        ),
        ({"s2s_guid": "12345"}, "credentials.s2s_guid is no GUID such as 3f2504e0"),
        ({"private_key": "secret"}, "credentials.private_key is no PEM private key"),
        ({"private_key": None}, "credentials.private_key is missing"),
        ({"private_key": 5}, "credentials.private_key must be a string, not a number"),
        ({"installation_id": None}, "credentials.installation_id is missing: give it, or once, within 15 minutes"),
        ({"auth_type": "jwt"}, "credentials.auth_type must be one of oauth2.0, s2s"),
    ],
)
def test_a_wrong_value_is_named(credentials: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        connected(**config(**credentials))
    assert message in str(refusal.value)


def test_credentials_of_oauth_win_over_the_flat_keys_and_rotate_where_they_stand(
    requests_mock: requests_mock.Mocker,
) -> None:
    requests_mock.post(
        f"{ORIGIN}/oauth/token", json={"access_token": "a", "expires_in": 7200, "refresh_token": "refresh-2"}
    )
    requests_mock.get(f"{API}/users", json=page([]))
    grouped = {"auth_type": "oauth2.0", "client_id": "id", "client_secret": "s2", "refresh_token": "refresh-1"}
    connection = connected(client_id="other", client_secret="other", refresh_token="other", credentials=grouped)
    read(stream_of(connection, "users"))
    assert "refresh_token=refresh-1&client_id=id" in requests_mock.request_history[0].text
    assert connection.store.get(("credentials", "refresh_token")) == "refresh-2"
    assert connection.store.get(("refresh_token",)) == "other"


@pytest.mark.parametrize(
    "spoilt", [lambda t: t.replace("\n", " "), lambda t: t.replace("\n", "\\n"), lambda t: f"\n{t}\n"]
)
@pytest.mark.parametrize("form", [serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.TraditionalOpenSSL])
def test_a_key_is_read_whatever_became_of_its_lines(spoilt: Any, form: Any) -> None:
    assert private_key(spoilt(pem(form=form))).private_numbers() == key_pair().private_numbers()


def test_other_keys_say_what_is_wrong_with_them() -> None:
    public = key_pair().public_key()
    texts = {
        "passphrase": pem(lock=b"secret"),
        "passphrase: give the key without": pem(form=serialization.PrivateFormat.TraditionalOpenSSL, lock=b"secret"),
        "OpenSSH": pem(form=serialization.PrivateFormat.OpenSSH),
        r"is not the private key \(public key\)": public.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        ).decode(),
        "no RSA key": pem(ec.generate_private_key(ec.SECP256R1())),
        "has 1024 bits": pem(key_pair(1024)),
        "is damaged": pem().replace("M", "", 3),
    }
    for message, text in texts.items():
        with pytest.raises(NoKey, match=message):
            private_key(text)
