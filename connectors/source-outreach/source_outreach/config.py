"""The configuration of source-outreach: spec.yaml in checked, typed form."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from source_kit.config import CommonDefaults, CommonOptions, ConfigReader, common_options
from source_outreach import credentials
from source_outreach.collections import Collection, is_name, is_stream
from source_outreach.credentials import Credentials

LARGEST_PAGE = 1000
MAX_INTERVAL_HOURS = 8760  # a year
DEFAULTS = CommonDefaults(
    user_agent="source-outreach/0.1.0",
    num_workers=8,
    api_url="https://api.outreach.io/api/v2/",
    token_url="https://api.outreach.io/oauth/token",
    # Another connector in production reads a second time six hours later, to find what the API did not show yet.
    lookback_window_seconds=21_600,
)


@dataclass(frozen=True)
class Settings:
    """The checked configuration, apart from the tokens."""

    common: CommonOptions
    credentials: Credentials
    page_size: int
    import_ids: tuple[int, ...]
    data_connections: bool = True
    lookback_interval_hours: int = 6
    reference_interval_hours: int = 0
    max_requests_per_day: int | None = None
    # Attributes by stream.
    extra_fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def allows(self, collection: Collection) -> bool:
        """Whether these credentials can have a scope for it."""
        return collection.has_app_scope or not self.credentials.is_app


def parse(config: Mapping[str, Any], *, now: datetime | None = None) -> tuple[Settings, list[str]]:
    """The settings and warnings for the log. Raises one `ConfigError` that names everything that is wrong."""
    reader = ConfigReader(config)
    settings = Settings(
        credentials=credentials.read(reader),
        common=common_options(reader, DEFAULTS, now=now),
        page_size=reader.whole("page_size", LARGEST_PAGE, 1, LARGEST_PAGE),
        import_ids=_ids(reader),
        data_connections=reader.flag("data_connections", True),
        extra_fields=_extra_fields(reader),
        lookback_interval_hours=reader.whole("lookback_interval_hours", 6, 0, MAX_INTERVAL_HOURS),
        reference_interval_hours=reader.whole("reference_interval_hours", 0, 0, MAX_INTERVAL_HOURS),
        max_requests_per_day=reader.optional_whole("max_requests_per_day", 1, 1_000_000_000),
    )
    reader.raise_problems()
    return settings, reader.warnings


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
    for entry in reader.strings("extra_fields"):
        stream, _, attribute = entry.partition(".")
        if is_stream(stream) and is_name(attribute):
            found.setdefault(stream, []).append(attribute)
        else:
            reader.problem(
                "extra_fields",
                "must hold entries such as prospects.contactHistogram: a stream, a dot, and the name of an attribute",
            )
    return {stream: tuple(dict.fromkeys(attributes)) for stream, attributes in found.items()}
