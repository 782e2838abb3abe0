"""The configuration of source-closeio: spec.yaml in checked, typed form.

Authentication per developer.close.com/api/overview/api-key-authentication (HTTP Basic, the key as user name, no
password) and .../oauth-authentication (bearer tokens).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, cast

from source_kit.config import MAX_WINDOW_SECONDS, CommonDefaults, CommonOptions, ConfigReader, common_options
from source_kit.oauth import TokenPaths

AuthType = Literal["api_key", "access_token", "oauth2.0"]
# The values that each way of authentication needs, in the order in which a missing `auth_type` is guessed.
CREDENTIALS: Mapping[AuthType, tuple[str, ...]] = {
    "api_key": ("api_key",),
    "oauth2.0": ("client_id", "client_secret", "refresh_token"),
    "access_token": ("access_token",),
}
DEFAULTS = CommonDefaults(
    user_agent="source-closeio/0.1.0",
    num_workers=12,
    api_url="https://api.close.com/api/v1/",
    token_url="https://api.close.com/oauth2/token/",
    lookback_window_seconds=300,
)
TOKEN_PATHS = TokenPaths(
    client_id=("credentials", "client_id"),
    client_secret=("credentials", "client_secret"),
    refresh_token=("credentials", "refresh_token"),
    access_token=("credentials", "access_token"),
    token_expiry_date=("credentials", "token_expiry_date"),
)


@dataclass(frozen=True)
class Settings:
    """The checked configuration. `secret` is the API key or the access token, empty with OAuth."""

    common: CommonOptions
    auth_type: AuthType
    secret: str = field(repr=False)
    activities_window_seconds: int
    encode_event_data: bool
    custom_by_name: bool = False


def parse(config: Mapping[str, Any], *, now: datetime | None = None) -> tuple[Settings, list[str]]:
    """The settings and warnings for the log. Raises one `ConfigError` that names everything that is wrong."""
    reader = ConfigReader(config)
    auth_type, secret = _credentials(reader)
    if auth_type != "oauth2.0":
        reader = ConfigReader({**config, "token_url": None}, problems=reader.problems)
    settings = Settings(
        common=common_options(reader, DEFAULTS, now=now),
        auth_type=auth_type,
        secret=secret,
        activities_window_seconds=reader.whole("activities_window_seconds", 86_400, 0, MAX_WINDOW_SECONDS),
        encode_event_data=reader.flag("encode_event_data", True),
        custom_by_name=reader.flag("custom_by_name", False),
    )
    reader.raise_problems()
    return settings, reader.warnings


def _credentials(reader: ConfigReader) -> tuple[AuthType, str]:
    """The kind of authentication and its secret; `credentials` wins over the flat `api_key`."""
    section = reader.section("credentials")
    if section is None or not section.keys():
        if not reader.has("api_key"):
            reader.problem("api_key", "is missing: give credentials, or the flat api_key")
            return "api_key", ""
        return "api_key", reader.secret("api_key")
    guess = next((kind for kind, keys in CREDENTIALS.items() if section.has(keys[0])), "")
    auth_type = cast(AuthType, section.choice("auth_type", tuple(CREDENTIALS), guess))
    secrets = [section.secret(key) for key in CREDENTIALS.get(auth_type, ())]
    return auth_type, secrets[0] if len(secrets) == 1 else ""
