"""The configuration of source-persistiq, those of the connectors that people switch from included, and its spec."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # no stubs among the development requirements
import pytest

from source_kit.config import START_DATE_PATTERN
from source_kit.errors import ConfigError
from source_kit.run import load_spec
from source_persistiq.config import DEFAULTS, Settings, parse

SPEC = load_spec("source_persistiq")["connectionSpecification"]


def parsed(config: dict[str, Any]) -> Settings:
    settings, warnings = parse(config, now=datetime(2026, 1, 1, tzinfo=UTC))
    assert warnings == []
    jsonschema.Draft7Validator(SPEC).validate(config)
    return settings


def test_a_key_alone_is_enough_as_in_the_airbyte_connector() -> None:
    settings = parsed({"api_key": " pk_1\n"})
    assert (settings.api_key, settings.common.lag, settings.common.num_workers) == ("pk_1", timedelta(seconds=120), 4)
    assert (settings.common.api_url, settings.common.start_date) == ("https://api.persistiq.com/v1/", None)


def test_a_config_of_tap_persistiq_works_unchanged() -> None:
    settings = parsed(
        {"access_token": "pk_2", "start_date": "2017-01-01T00:00:00Z", "user_agent": "tap (me@example.com)"}
    )
    assert (settings.api_key, settings.common.user_agent) == ("pk_2", "tap (me@example.com)")
    assert settings.common.start_date == datetime(2017, 1, 1, tzinfo=UTC)


def test_the_key_wins_over_its_alias() -> None:
    assert parsed({"api_key": "pk_1", "access_token": "pk_2"}).api_key == "pk_1"


def test_a_missing_key_is_named_and_never_shown() -> None:
    with pytest.raises(ConfigError, match="api_key is missing"):
        parse({})
    assert "pk_1" not in repr(parsed({"api_key": "pk_1"}))


def test_the_specification_says_what_the_code_does() -> None:
    properties = SPEC["properties"]
    assert properties["start_date"]["pattern"] == START_DATE_PATTERN
    assert properties["num_workers"]["default"] == DEFAULTS.num_workers
    assert properties["lookback_window_seconds"]["default"] == DEFAULTS.lookback_window_seconds
    assert SPEC["required"] == []
    assert {name for name, option in properties.items() if option.get("airbyte_secret")} == {"api_key", "access_token"}
    hidden = {name for name, option in properties.items() if option.get("airbyte_hidden")}
    assert hidden == {"access_token", "api_url", "trust_foreign_state"}
