"""spec.yaml: what platforms demand of it, and that it says what the code does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # no stubs among the development requirements
import pytest

from source_closeio.config import CREDENTIALS, parse
from source_kit.config import MAX_WINDOW_SECONDS, START_DATE_PATTERN
from source_kit.run import load_spec

SPEC = load_spec("source_closeio")["connectionSpecification"]
OPTIONS = {option["properties"]["auth_type"]["const"]: option for option in SPEC["properties"]["credentials"]["oneOf"]}
HIDDEN = {"api_key", "api_url", "token_url", "trust_foreign_state"}


def objects(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        yield schema
        for value in schema.values():
            yield from objects(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from objects(value)


def test_the_root_asks_for_nothing_so_that_foreign_configs_pass() -> None:
    assert SPEC["required"] == []
    assert "oneOf" not in SPEC
    assert all(each.get("additionalProperties", True) is True for each in objects(SPEC))


@pytest.mark.parametrize(
    "config",
    [
        {"api_key": "k", "start_date": "2021-01-01"},
        {"api_key": "k", "start_date": "2017-01-01T00:00:00Z", "user_agent": "x", "date_window": "15"},
        {"credentials": {"auth_type": "api_key", "api_key": "k"}, "num_workers": 4},
        {"credentials": {"auth_type": "access_token", "access_token": "t"}},
        {
            "credentials": {
                "auth_type": "oauth2.0",
                "client_id": "i",
                "client_secret": "s",
                "refresh_token": "r",
                "access_token": "t",
                "token_expiry_date": "2026-01-01T00:00:00Z",
            }
        },
    ],
)
def test_configs_that_the_code_accepts_match_the_spec(config: dict[str, Any]) -> None:
    jsonschema.Draft7Validator(SPEC).validate(config)
    parse(config)


def test_the_ways_of_authentication_are_those_of_the_code() -> None:
    assert {kind: tuple(option["required"][1:]) for kind, option in OPTIONS.items()} == dict(CREDENTIALS)
    for option in OPTIONS.values():
        assert option["title"]
        assert not {"enum", "default"} & option["properties"]["auth_type"].keys()


def test_secrets_are_marked_and_nothing_else_is() -> None:
    marked = {
        name
        for each in objects(SPEC)
        for name, value in each.items()
        if isinstance(value, dict) and value.get("airbyte_secret")
    }
    assert marked == {"api_key", "access_token", "client_secret", "refresh_token"}


def test_only_aliases_and_options_for_tests_are_hidden() -> None:
    assert {name for name, value in SPEC["properties"].items() if value.get("airbyte_hidden")} == HIDDEN
    hidden = {name for name, value in OPTIONS["oauth2.0"]["properties"].items() if value.get("airbyte_hidden")}
    assert hidden == {"access_token", "token_expiry_date"}


def test_the_order_of_the_fields_has_no_duplicates() -> None:
    for group in (SPEC, *OPTIONS.values()):
        orders = [value["order"] for value in group["properties"].values()]
        assert orders == list(range(len(orders)))


def test_every_field_has_a_title_and_a_description() -> None:
    for group in (SPEC, *OPTIONS.values()):
        for name, value in group["properties"].items():
            assert value["title"], name
            assert value.get("description") or "const" in value, name


def test_the_start_date_is_checked_by_pattern_and_not_by_format() -> None:
    start_date = SPEC["properties"]["start_date"]
    assert start_date["pattern"] == START_DATE_PATTERN
    assert "format" not in start_date


def test_defaults_and_bounds_are_those_of_the_code() -> None:
    settings, _ = parse({"api_key": "k"})
    properties = SPEC["properties"]
    assert properties["num_workers"]["default"] == settings.common.num_workers == 12
    assert properties["lookback_window_seconds"]["default"] == settings.common.lookback_window_seconds == 300
    assert properties["activities_window_seconds"]["default"] == settings.activities_window_seconds == 86400
    assert properties["rate_limit_share"]["default"] / 100 == settings.common.rate_limit_share == 0.95
    assert properties["encode_event_data"]["default"] is settings.encode_event_data is True
    assert properties["lookback_window_seconds"]["maximum"] == MAX_WINDOW_SECONDS
    assert properties["activities_window_seconds"]["maximum"] == MAX_WINDOW_SECONDS


def test_close_has_no_advanced_auth() -> None:
    assert load_spec("source_closeio").keys() == {"documentationUrl", "connectionSpecification"}
