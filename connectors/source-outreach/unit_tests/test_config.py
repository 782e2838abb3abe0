"""The configuration, and what connections of the Airbyte and Singer connectors bring along."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bad_inputs.outreach import CREDENTIALS, OPTIONS
from source_kit.config import START_DATE_PATTERN
from source_kit.errors import ConfigError
from source_kit.foreign_state import adopt
from source_kit.run import load_spec
from source_kit.state_input import parse_state
from source_outreach.config import DEFAULTS, parse
from source_outreach.foreign import IGNORED_STATES, rules_for

AIRBYTE: dict[str, Any] = {
    "client_id": "client",
    "client_secret": "secret",
    "refresh_token": "refresh",
    "redirect_uri": "https://example.com/",
    "start_date": "2020-11-16T00:00:00Z",
}
SINGER = {**AIRBYTE, "quota_limit": ".8", "request_timeout": "300", "page_size": "250"}


@pytest.mark.parametrize("start_date", ["2020-11-16T00:00:00Z", "2020-11-16T00:00:00.000Z"])
def test_a_config_of_source_outreach_works_as_it_is(start_date: str) -> None:
    settings, warnings = parse({**AIRBYTE, "start_date": start_date})
    assert settings.common.start_date == datetime(2020, 11, 16, tzinfo=UTC)
    assert (settings.page_size, settings.common.num_workers, warnings) == (1000, 8, [])


def test_a_config_of_tap_outreach_works_as_it_is() -> None:
    settings, _ = parse(SINGER)
    assert settings.page_size == 250


def test_the_redirect_uri_is_optional() -> None:
    parse({key: value for key, value in AIRBYTE.items() if key != "redirect_uri"})


def test_everything_missing_is_named_at_once() -> None:
    with pytest.raises(ConfigError, match="client_id is missing; client_secret is missing; refresh_token is missing"):
        parse({})


def test_ids_of_imports_are_numbers_between_commas() -> None:
    assert parse({**AIRBYTE, "import_ids": " 3,17 , 4"})[0].import_ids == (3, 17, 4)
    assert parse({**AIRBYTE, "import_ids": ""})[0].import_ids == ()


@pytest.mark.parametrize(
    "case", [case for case in CREDENTIALS + OPTIONS if not case.online], ids=lambda case: case.name
)
def test_every_bad_config_is_explained(case: Any) -> None:
    content = case.config
    given = content.value if hasattr(content, "value") else {**AIRBYTE, **content.values}
    with pytest.raises(ConfigError) as refused:
        parse({key: value for key, value in given.items() if key not in getattr(content, "without", ())})
    assert case.fragment in str(refused.value)


def test_the_token_url_follows_the_api_url() -> None:
    settings, warnings = parse({**AIRBYTE, "api_url": "http://localhost:8080/api/v2"})
    assert settings.common.token_url == "http://localhost:8080/oauth/token"
    assert len(warnings) == 1


def test_the_spec_agrees_with_the_defaults() -> None:
    specification = load_spec("source_outreach")
    properties = specification["connectionSpecification"]["properties"]
    assert properties["lookback_window_seconds"]["default"] == DEFAULTS.lookback_window_seconds == 21_600
    assert properties["num_workers"]["default"] == DEFAULTS.num_workers
    assert properties["start_date"]["pattern"] == START_DATE_PATTERN
    secrets = {name for name, details in properties.items() if details.get("airbyte_secret")}
    assert secrets == {"client_secret", "refresh_token", "access_token"}


def test_advanced_auth_has_no_predicate_and_points_to_the_flat_keys() -> None:
    advanced = load_spec("source_outreach")["advanced_auth"]
    assert (advanced["auth_flow_type"], "predicate_key" in advanced) == ("oauth2.0", False)
    output = advanced["oauth_config_specification"]["complete_oauth_output_specification"]["properties"]
    # What is not listed here the platform drops; all three are read back.
    assert {name: details["path_in_connector_config"] for name, details in output.items()} == {
        "access_token": ["access_token"],
        "refresh_token": ["refresh_token"],
        "token_expiry_date": ["token_expiry_date"],
    }


def test_states_of_both_connectors_are_taken_over_less_the_look_back() -> None:
    rules = rules_for(timedelta(hours=6))
    airbyte = {
        "type": "STREAM",
        "stream": {
            "stream_descriptor": {"name": "prospects"},
            "stream_state": {"updatedAt": "2026-05-31T23:51:02.000Z"},
        },
    }
    singer = {"bookmarks": {"prospects": {"updatedAt": "2026-05-31T23:51:02.000Z"}}}
    for given in ([airbyte], singer):
        states, warnings = adopt(parse_state(given), rules, False, ignored=IGNORED_STATES)
        assert states["prospects"].value == {"updatedAt": "2026-05-31T17:51:02.000000+00:00", "__v": 1}
        assert warnings == []


def test_events_of_the_tap_start_again_because_they_went_by_another_time() -> None:
    given = {"bookmarks": {"events": {"eventAt": "2026-05-31T23:51:02.000Z"}}}
    states, warnings = adopt(parse_state(given), rules_for(timedelta(hours=6)), False, ignored=IGNORED_STATES)
    assert states == {}
    assert warnings == [
        "Stream events starts again: its state is of another connector, which followed eventAt, so that events "
        "recorded late are missing."
    ]


def test_bookmarks_of_streams_that_are_read_whole_mean_nothing() -> None:
    given = {"bookmarks": {"duties": {"x": "2026-05-31"}, "sequence_templates": {"updatedAt": "2026-05-31"}}}
    assert adopt(parse_state(given), rules_for(timedelta(0)), False, ignored=IGNORED_STATES) == ({}, [])
