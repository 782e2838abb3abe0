"""Server-to-server sign-in to Outreach: complete reads, hosts that are refused, and sentences for whatever is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from emulators import Emulator, start
from emulators.outreach.resources import resources
from emulators.outreach.settings import S2S_SCOPES
from harness.connector import Connector
from harness.messages import Result
from harness.secrets import leaks, secret_values
from harness.trial import NewTrial, Trial
from harness.truth import all_differences

pytestmark = pytest.mark.only("outreach")

STREAMS = sorted(resources()[scope].stream for scope in S2S_SCOPES)
OTHERS = sorted(each.stream for each in resources().values() if each.stream not in STREAMS)
SMALL = {"prospects": 300, "mailings": 200, "sizes": {"events": 60, "calls": 60}}
Config = dict[str, Any]


def of_app(trial: Trial, ready: str = "s2s_config") -> Trial:
    """The account read by an app, whose catalog is smaller than a user's."""
    trial.config = trial.emulator.ready[ready]
    trial.known_catalog = None
    return trial


def key_lines(config: Config) -> set[str]:
    """The key in pieces, which a message could hold on one line."""
    return {line for line in config["credentials"]["private_key"].splitlines() if "-----" not in line}


def told_secrets(trial: Trial, result: Result) -> list[str]:
    """Problems where the output holds the key, an app token, a setup token or an access token."""
    wanted = key_lines(trial.config) | secret_values(trial.spec, trial.config) | {"s2s-access-", "eyJ"}
    return leaks(result, wanted)


def message_of(result: Result) -> str:
    """What `check` says of a connection that does not work."""
    (status,) = result.of_type("CONNECTION_STATUS")
    assert status["connectionStatus"]["status"] == "FAILED", result.logs
    assert "Traceback" not in result.stderr
    message: str = status["connectionStatus"]["message"]
    return message


@pytest.fixture(scope="module")
def app(connector: Connector, shared: Trial) -> Iterator[Trial]:
    """An account with an installed app, which no test changes."""
    emulator = start("outreach", **SMALL, s2s=True)
    trial = of_app(Trial(connector, shared.runner, emulator, shared.spec))
    yield trial
    trial.stop()


def test_check_succeeds_and_tells_the_streams_that_no_scope_holds(app: Trial) -> None:
    result = app.runner.run("check", app.config)
    (status,) = result.of_type("CONNECTION_STATUS")
    assert status["connectionStatus"]["status"] == "SUCCEEDED", status
    told = "\n".join(result.logs)
    untold = [name for name in OTHERS if name not in ("org_settings", "duties") and name not in told]
    assert not untold, f"check does not tell of {untold}"
    assert not told_secrets(app, result)


def test_the_catalog_has_the_streams_of_the_scopes_and_no_others(app: Trial) -> None:
    result = app.runner.run("discover", app.config)
    assert result.exit_code == 0, result.describe()
    assert sorted(stream["name"] for stream in result.catalog["streams"]) == STREAMS
    assert not told_secrets(app, result)


def test_a_read_is_complete_and_says_no_secret(app: Trial) -> None:
    read = app.read(STREAMS)
    problems = all_differences(app.connector, app.truth(STREAMS), read.result.records)
    problems += told_secrets(app, read.result)
    assert not problems, "\n".join(problems)
    assert app.emulator.stats()["s2s"]["refused"] == []
    assert app.emulator.stats()["tokens_minted"] == 0


@pytest.mark.thorough
def test_access_tokens_of_two_seconds_are_renewed_in_time(new_trial: NewTrial) -> None:
    trial = of_app(new_trial(s2s=True, s2s_lifetime=2.0, latency_ms=120))
    read = trial.read(STREAMS)
    statistics = trial.emulator.stats()
    assert statistics["s2s"]["minted"] >= 2, "no token expired: the test proves nothing"
    problems = all_differences(trial.connector, trial.truth(STREAMS), read.result.records)
    problems += told_secrets(trial, read.result)
    assert not problems, "\n".join(problems)


def test_check_discover_and_read_of_a_new_installation_need_one_setup_token(new_trial: NewTrial) -> None:
    """As a platform does it: each command gets the config of the CONTROL before, which keeps the installation."""
    trial = of_app(new_trial(**SMALL, s2s=True), "s2s_setup_config")
    installation = trial.emulator.ready["s2s_config"]["credentials"]["installation_id"]
    checked = trial.runner.run("check", trial.config)
    said = checked.controls[-1]
    assert said["credentials"].get("installation_id") == installation
    assert orjson.loads((checked.directory / "config.json").read_bytes()) == said
    discovered = trial.runner.run("discover", said)
    assert discovered.exit_code == 0, discovered.describe()
    trial.known_catalog = discovered.catalog
    trial.config = discovered.controls[-1] if discovered.controls else said
    read = trial.runner.run("read", trial.config, trial.configured(["users"]))
    assert (read.exit_code, len(read.records["users"])) == (0, len(trial.truth(["users"])["users"])), read.describe()
    assert trial.emulator.stats()["s2s"]["set_up"] == 1
    assert not [problem for result in (checked, discovered, read) for problem in told_secrets(trial, result)]


def test_a_host_of_the_vendor_is_replaced_by_the_given_one(new_trial: NewTrial) -> None:
    trial = of_app(new_trial(**SMALL, s2s=True, s2s_host="https://app1f.outreach.io/api/v2"))
    read = trial.read(["users"])
    assert len(read.result.records["users"]) == len(trial.truth(["users"])["users"])


THOROUGH = pytest.mark.thorough  # told apart by unit tests as well (`unit_tests/test_s2s.py`)
FOREIGN = (
    "http://127.0.0.1:{port}/api/v2",
    "http://127.0.0.1:{port}/api.outreach.io/api/v2",
    "http://app.outreach.io@127.0.0.1:{port}/api/v2",
    "http://127.0.0.1:{port}/api/v2?.outreach.io",
    "http://app1f.outreach.io/api/v2",
    "https://outreach.io.example/api/v2",
    "https://app1f-outreach.io/api/v2",
    "nothing",
)


@pytest.mark.parametrize("host", [FOREIGN[0], *(pytest.param(host, marks=THOROUGH) for host in FOREIGN[1:])])
def test_a_foreign_host_is_refused_and_never_asked(new_trial: NewTrial, host: str) -> None:
    with start("outreach", others=1, prospects=1, mailings=1) as foreign:
        port = foreign.url.rpartition(":")[2]
        trial = of_app(new_trial(**SMALL, s2s=True, s2s_host=host.format(port=port)))
        result = trial.runner.run("check", trial.config)
        assert "outreach.io" in message_of(result)
        assert trial.emulator.stats()["s2s"]["minted"] >= 1, "nobody signed in: the test proves nothing"
        assert not [path for path in trial.emulator.stats()["by_path"] if path.startswith("GET")]
        assert foreign.stats()["requests"] == 0
        assert not told_secrets(trial, result)


def other_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def changed(**changes: str) -> Callable[[Emulator], Config]:
    """The config of an installed app, with other credentials."""

    def config(emulator: Emulator) -> Config:
        ready: Config = emulator.ready["s2s_config"]
        return {**ready, "credentials": {**ready["credentials"], **changes}}

    return config


def with_setup_token(token: str) -> Callable[[Emulator], Config]:
    """The config of an app that was not installed yet, with another setup token."""

    def config(emulator: Emulator) -> Config:
        ready: Config = emulator.ready["s2s_setup_config"]
        return {**ready, "credentials": {**ready["credentials"], "setup_token": token}}

    return config


MISTAKES: list[tuple[str, Callable[[Emulator], Config], dict[str, Any], str]] = [
    ("no PEM", changed(private_key="MIIEvQIBADANBg"), {}, "private_key"),
    (
        "a public key",
        changed(private_key="-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----"),
        {},
        "private_key",
    ),
    ("no GUID", changed(s2s_guid="my-app"), {}, "s2s_guid"),
    ("another GUID", changed(s2s_guid="11111111-2222-4333-8444-555555555555"), {}, "GUID"),
    ("another key", changed(private_key=other_key()), {}, "key"),
    ("an installation of nobody", changed(installation_id="11111111-2222-4333-8444-555555555555"), {}, "install"),
    ("a removed app", changed(), {"uninstalled": True}, "install"),
    ("a missing scope", changed(), {"s2s_status": 403}, "scope"),
    ("a gone installation", changed(), {"s2s_status": 410}, "install"),
    ("an old setup token", lambda emulator: emulator.ready["s2s_setup_config"], {"setup_lifetime": 0.0}, "setup"),
    ("a setup token of nobody", with_setup_token("setup-of-nobody"), {}, "setup"),
]


QUICK_MISTAKES = ("another key", "a removed app", "a setup token of nobody")


@pytest.mark.parametrize(
    ("config", "options", "word"),
    [
        pytest.param(*case, id=name.replace(" ", "_"), marks=[] if name in QUICK_MISTAKES else [THOROUGH])
        for name, *case in MISTAKES
    ],
)
def test_each_mistake_has_a_sentence_that_says_where_to_mend_it(
    connector: Connector, shared: Trial, config: Callable[[Emulator], Config], options: dict[str, Any], word: str
) -> None:
    with start("outreach", others=2, prospects=2, mailings=2, s2s=True, **options) as emulator:
        trial = Trial(connector, shared.runner, emulator, shared.spec)
        trial.config = config(emulator)
        result = trial.runner.run("check", trial.config)
        message = message_of(result)
        assert word.lower() in message.lower()
        assert "outreach" in message.lower() or "portal" in message.lower(), message
        assert not told_secrets(trial, result)


def test_a_sign_in_that_is_refused_for_a_moment_is_tried_again(shared: Trial, new_trial: NewTrial) -> None:
    trial = of_app(new_trial(**SMALL, s2s=True, s2s_status=429, s2s_refusals=1))
    # A user's catalog: a discovery of the app's own would take a sign-in.
    trial.known_catalog = shared.catalog
    read = trial.read(["users"])
    assert trial.emulator.stats()["s2s"]["refused"] == [429]
    assert read.result.records["users"]


def test_oauth_under_credentials_gives_what_the_flat_keys_give(new_trial: NewTrial) -> None:
    trial = new_trial(**SMALL)
    flat = trial.read(["users", "stages"])
    trial.config = trial.emulator.ready["oauth_config"]
    nested = trial.read(["users", "stages"])
    assert nested.result.records == flat.result.records
    assert all(flat.result.records.values())
