"""The configuration of source-persistiq: spec.yaml in checked, typed form.

One API key per company, without scopes, sent as `x-api-key` (apidocs.persistiq.com).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from source_kit.config import CommonDefaults, CommonOptions, ConfigReader, apply_aliases, common_options

# The Singer tap's name for the key.
ALIASES = {"api_key": ("access_token",)}
DEFAULTS = CommonDefaults(
    user_agent="source-persistiq/0.1.0",
    num_workers=4,
    api_url="https://api.persistiq.com/v1/",
    lookback_window_seconds=120,
)


@dataclass(frozen=True)
class Settings:
    """The checked configuration."""

    common: CommonOptions
    api_key: str = field(repr=False)


def parse(config: Mapping[str, Any], *, now: datetime | None = None) -> tuple[Settings, list[str]]:
    """The settings and warnings for the log. Raises one `ConfigError` that names everything that is wrong."""
    reader = ConfigReader(apply_aliases(config, ALIASES))
    settings = Settings(api_key=reader.secret("api_key"), common=common_options(reader, DEFAULTS, now=now))
    reader.raise_problems()
    return settings, reader.warnings
