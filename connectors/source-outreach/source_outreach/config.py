"""The configuration of source-outreach: spec.yaml in checked, typed form.

Authentication per developers.outreach.io/api/getting-started (OAuth 2.0; access tokens live two hours, refresh tokens
14 days, one token a minute).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import requests

from source_kit.clock import Clock
from source_kit.config import CommonDefaults, CommonOptions, ConfigReader, common_options
from source_kit.config_store import ConfigStore
from source_kit.oauth import Auth, OAuth, TokenPaths
from source_outreach.collections import is_name, is_stream

LARGEST_PAGE = 1000
# Rate-limit groups: one budget for all requests of a user; recordings have a lower one of their own beside it.
BUCKET = "api"
KAIA_BUCKET = "kaia"
DEFAULTS = CommonDefaults(
    user_agent="source-outreach/0.1.0",
    num_workers=8,
    api_url="https://api.outreach.io/api/v2/",
    token_url="https://api.outreach.io/oauth/token",
    # Another connector in production reads a second time six hours later, to find what the API did not show yet.
    lookback_window_seconds=21_600,
)
TOKEN_PATHS = TokenPaths(redirect_uri=("redirect_uri",))
# Outreach gives a user one token of an application a minute.
MINT_INTERVAL_SECONDS = 60.0
RENEWAL_HINT = (
    "Outreach ends a refresh token 14 days after it was issued: a connection that was idle for longer is lost."
)


@dataclass(frozen=True)
class Settings:
    """The checked configuration, apart from the tokens."""

    common: CommonOptions
    page_size: int
    import_ids: tuple[int, ...]
    data_connections: bool = True
    # Attributes by stream.
    extra_fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def parse(config: Mapping[str, Any], *, now: datetime | None = None) -> tuple[Settings, list[str]]:
    """The settings and warnings for the log. Raises one `ConfigError` that names everything that is wrong."""
    reader = ConfigReader(config)
    for key in ("client_id", "client_secret", "refresh_token"):
        reader.secret(key)
    reader.text("redirect_uri", "")
    settings = Settings(
        common=common_options(reader, DEFAULTS, now=now),
        page_size=reader.whole("page_size", LARGEST_PAGE, 1, LARGEST_PAGE),
        import_ids=_ids(reader),
        data_connections=reader.flag("data_connections", True),
        extra_fields=_extra_fields(reader),
    )
    reader.raise_problems()
    return settings, reader.warnings


def authentication(
    settings: Settings,
    store: ConfigStore,
    session: requests.Session,
    clock: Clock,
    *,
    emit_control: Callable[[Mapping[str, Any]], None],
    log: Callable[[str, str], None],
    on_secret: Callable[[str], None],
) -> Auth:
    """OAuth with the refresh token of the config; `session` carries the token requests."""
    # The media type of the API is not that of the token endpoint, which takes a form.
    session.headers.pop("Content-Type", None)
    session.headers["Accept"] = "application/json"
    return OAuth(
        store,
        TOKEN_PATHS,
        settings.common.token_url or "",
        session=session,
        clock=clock,
        emit_control=emit_control,
        log=log,
        on_secret=on_secret,
        mint_interval_seconds=MINT_INTERVAL_SECONDS,
        renewal_hint=RENEWAL_HINT,
    )


def _ids(reader: ConfigReader) -> tuple[int, ...]:
    """Ids separated by commas."""
    text = reader.text("import_ids", "")
    if not re.fullmatch(r"(\s*[0-9]{1,18}\s*(,|$))*", text):
        reader.problem("import_ids", "must be whole numbers separated by commas")
        return ()
    return tuple(int(part) for part in text.split(",") if part.strip())


def _extra_fields(reader: ConfigReader) -> Mapping[str, tuple[str, ...]]:
    """Attributes by stream, of entries such as `prospects.contactHistogram`."""
    found: dict[str, list[str]] = {}
    for entry in reader.texts("extra_fields"):
        stream, _, attribute = entry.partition(".")
        if is_stream(stream) and is_name(attribute):
            found.setdefault(stream, []).append(attribute)
        else:
            reader.problem(
                "extra_fields",
                "must hold entries such as prospects.contactHistogram: a stream, a dot, and the name of an attribute",
            )
    return {stream: tuple(dict.fromkeys(attributes)) for stream, attributes in found.items()}
