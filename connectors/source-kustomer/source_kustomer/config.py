"""The configuration of source-kustomer: spec.yaml in checked, typed form.

Hosts per developer.kustomer.com/docs/get-started/regions-and-base-urls: one per region, and one per organisation that
finds the region by itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from source_kit.config import CommonDefaults, CommonOptions, ConfigReader, apply_aliases, common_options

ALIASES = {"api_key": ("api_token",), "region": ("prod_point",)}
HOSTS = {"us": "api.kustomerapp.com", "eu": "api.prod2.kustomerapp.com", "in": "api.prod4.kustomerapp.com"}
# Kustomer's own names of the regions' installations, which appear in its errors and in the config of tap-kustomer.
PODS = {"prod1": "us", "prod2": "eu", "prod4": "in"}
# It becomes the host that gets the key.
ORG_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
SEARCHES_PER_MINUTE = 95
MOST_SEARCHES_PER_MINUTE = 100_000
MOST_HOURS = 8_760


@dataclass(frozen=True)
class Settings:
    """The checked configuration."""

    common: CommonOptions
    api_key: str = field(repr=False)
    include_deleted: bool
    include_archived: bool
    archived_conversation_times: bool
    search_requests_per_minute: int
    deep_lookback_hours: int
    lookback_interval_hours: int


def parse(config: Mapping[str, Any], *, now: datetime | None = None) -> tuple[Settings, list[str]]:
    """The settings and warnings for the log. Raises one `ConfigError` that names everything that is wrong."""
    reader = ConfigReader(apply_aliases(config, ALIASES))
    api_key = reader.secret("api_key")
    defaults = CommonDefaults(
        user_agent="source-kustomer/0.1.0",
        num_workers=8,
        api_url=f"https://{_host(reader)}/v1/",
        lookback_window_seconds=300,
    )
    common = common_options(reader, defaults, now=now)
    # Of the 100 that Kustomer allows, the share that the connector may use.
    shared = min(SEARCHES_PER_MINUTE, round(100 * common.rate_limit_share))
    settings = Settings(
        common=common,
        api_key=api_key,
        include_deleted=reader.flag("include_deleted", True),
        include_archived=reader.flag("include_archived", True),
        archived_conversation_times=reader.flag("archived_conversation_times", False),
        search_requests_per_minute=reader.whole("search_requests_per_minute", shared, 1, MOST_SEARCHES_PER_MINUTE),
        deep_lookback_hours=reader.whole("deep_lookback_hours", 6, 0, MOST_HOURS),
        lookback_interval_hours=reader.whole("lookback_interval_hours", 6, 0, MOST_HOURS),
    )
    reader.raise_problems()
    return settings, reader.warnings


def _host(reader: ConfigReader) -> str:
    """The organisation's host if it is named, else the region's."""
    organisation = reader.text("org_name", "")
    region = reader.choice("region", (*HOSTS, *PODS), "us") if reader.text("region", "") else "us"
    if not organisation:
        return HOSTS[PODS.get(region, region)]
    if not ORG_NAME.fullmatch(organisation):
        reader.problem("org_name", "must be the part before .kustomerapp.com: small letters, digits and hyphens")
        return HOSTS["us"]
    return f"{organisation}.api.kustomerapp.com"
