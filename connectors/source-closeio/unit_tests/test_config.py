"""The configuration of source-closeio, those of the connectors that people switch from included."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
import requests_mock

from source_closeio.config import DEFAULTS, Settings, parse
from source_closeio.source import SourceCloseio
from source_kit.config import CommonOptions
from source_kit.errors import ConfigError
from source_kit.testing import opened

NOW = datetime(2026, 1, 1, tzinfo=UTC)
OAUTH = {"auth_type": "oauth2.0", "client_id": "id", "client_secret": "secret", "refresh_token": "refresh"}


def parsed(config: Mapping[str, Any]) -> Settings:
    settings, warnings = parse(config, now=NOW)
    assert warnings == []
    return settings


def test_a_flat_key_alone_is_enough() -> None:
    assert parsed({"api_key": " api_1\n"}) == Settings(
        common=CommonOptions(
            start_date=None,
            user_agent="source-closeio/0.1.0",
            num_workers=12,
            lookback_window_seconds=300,
            rate_limit_share=0.95,
            max_requests_per_minute=None,
            api_url="https://api.close.com/api/v1/",
            token_url="https://api.close.com/oauth2/token/",
        ),
        auth_type="api_key",
        secret="api_1",
        activities_window_seconds=86400,
        encode_event_data=True,
    )


def test_a_config_of_source_close_com_works_unchanged() -> None:
    settings = parsed({"api_key": "api_1", "start_date": "2021-01-01"})
    assert settings.common.start_date == datetime(2021, 1, 1, tzinfo=UTC)


def test_a_config_of_tap_closeio_works_unchanged() -> None:
    settings = parsed(
        {
            "api_key": "api_1",
            "start_date": "2017-01-01T00:00:00Z",
            "user_agent": "tap-closeio (me@example.com)",
            "activities_window_seconds": "172800",
            "date_window": "15",
        }
    )
    assert settings.common.start_date == datetime(2017, 1, 1, tzinfo=UTC)
    assert settings.common.user_agent == "tap-closeio (me@example.com)"
    assert settings.activities_window_seconds == 172800


def test_credentials_win_over_the_flat_key() -> None:
    settings = parsed({"api_key": "flat", "credentials": {"auth_type": "api_key", "api_key": "nested"}})
    assert settings.secret == "nested"


@pytest.mark.parametrize("empty", [None, {}, {"auth_type": None}])
def test_empty_credentials_leave_the_flat_key(empty: object) -> None:
    assert parsed({"api_key": "flat", "credentials": empty}).secret == "flat"


@pytest.mark.parametrize(
    ("credentials", "auth_type"),
    [
        ({"api_key": "k"}, "api_key"),
        ({"access_token": "t"}, "access_token"),
        ({"client_id": "i", "client_secret": "s", "refresh_token": "r", "access_token": "t"}, "oauth2.0"),
    ],
)
def test_a_missing_auth_type_is_guessed_from_the_values(credentials: dict[str, str], auth_type: str) -> None:
    assert parsed({"credentials": credentials}).auth_type == auth_type


def test_secrets_do_not_show_in_the_settings_text() -> None:
    assert "api_1" not in repr(parsed({"api_key": "api_1"}))


def test_another_api_url_is_warned_of_and_the_token_url_only_matters_with_oauth() -> None:
    config = {"api_url": "http://127.0.0.1:1/api/v1/", "token_url": "nonsense"}
    settings, warnings = parse({**config, "api_key": "k"}, now=NOW)
    assert settings.common.token_url == "http://127.0.0.1:1/oauth2/token/"
    assert len(warnings) == 1
    with pytest.raises(ConfigError, match="token_url must be a URL"):
        parse({**config, "credentials": OAUTH}, now=NOW)


def test_each_kind_of_credentials_has_its_header() -> None:
    def header(config: dict[str, Any]) -> str:
        auth = opened(SourceCloseio(), config).authentication(requests.Session())
        return f"{auth.header}: {auth.authorization()}"

    assert header({"api_key": "api_1"}) == "Authorization: Basic YXBpXzE6"
    assert header({"credentials": {"auth_type": "access_token", "access_token": "t"}}) == "Authorization: Bearer t"
    with requests_mock.Mocker() as mocker:
        mocker.post("https://api.close.com/oauth2/token/", json={"access_token": "minted", "expires_in": 3600})
        assert header({"credentials": OAUTH}) == "Authorization: Bearer minted"


def test_the_user_agent_carries_the_version_of_the_package() -> None:
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
    assert f"{project['name']}/{project['version'].removesuffix('+unpublished')}" == DEFAULTS.user_agent
