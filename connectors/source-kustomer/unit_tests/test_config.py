"""The configuration, and the states of other connectors."""

from __future__ import annotations

from typing import Any

import pytest

from source_kit.errors import ConfigError
from source_kit.foreign_state import adopt
from source_kit.run import load_spec
from source_kit.state_input import parse_state
from source_kustomer.config import MOST_SEARCHES_PER_MINUTE, SEARCHES_PER_MINUTE, parse
from source_kustomer.foreign import FOREIGN_RULES

SPEC = load_spec("source_kustomer")["connectionSpecification"]


@pytest.mark.parametrize(
    ("config", "url"),
    [
        ({}, "https://api.kustomerapp.com/v1/"),
        ({"region": "us"}, "https://api.kustomerapp.com/v1/"),
        ({"region": "eu"}, "https://api.prod2.kustomerapp.com/v1/"),
        ({"region": "in"}, "https://api.prod4.kustomerapp.com/v1/"),
        ({"region": "prod2"}, "https://api.prod2.kustomerapp.com/v1/"),
        ({"prod_point": "prod1"}, "https://api.kustomerapp.com/v1/"),
        ({"prod_point": "prod4"}, "https://api.prod4.kustomerapp.com/v1/"),
        ({"org_name": "acme-1"}, "https://acme-1.api.kustomerapp.com/v1/"),
        ({"org_name": "acme", "region": "eu"}, "https://acme.api.kustomerapp.com/v1/"),
    ],
)
def test_the_host_follows_region_and_organisation(config: dict[str, Any], url: str) -> None:
    settings, warnings = parse({"api_key": "k", **config})
    assert (settings.common.api_url, warnings) == (url, [])


@pytest.mark.parametrize("name", ["a.b", "evil/", "-a", "A", "a" * 64, "a@b", "a b"])
def test_an_organisation_is_one_label_of_a_host(name: str) -> None:
    with pytest.raises(ConfigError, match="org_name"):
        parse({"api_key": "k", "org_name": name})


def test_configs_of_both_taps_work_unchanged() -> None:
    singer = {
        "api_token": "k",
        "start_date": "2021-01-01T00:00:00Z",
        "date_window_size": "60",
        "page_size_limit": "100",
    }
    meltano = {"api_key": "k", "start_date": "2021-01-01", "end_date": "2022-01-01", "prod_point": "prod2"}
    assert parse(singer)[0].api_key == "k"
    assert parse(meltano)[0].common.api_url == "https://api.prod2.kustomerapp.com/v1/"


def test_defaults_are_those_of_the_spec() -> None:
    settings, _ = parse({"api_key": "k"})
    properties = SPEC["properties"]
    assert settings.include_deleted is properties["include_deleted"]["default"] is True
    assert settings.include_archived is properties["include_archived"]["default"] is True
    assert settings.search_requests_per_minute == SEARCHES_PER_MINUTE == 95
    # Forms fill in defaults: one here would hide that the user gave none.
    assert "default" not in properties["search_requests_per_minute"]
    assert properties["search_requests_per_minute"]["maximum"] == MOST_SEARCHES_PER_MINUTE
    assert settings.common.num_workers == properties["num_workers"]["default"]
    assert settings.common.lookback_window_seconds == properties["lookback_window_seconds"]["default"]


@pytest.mark.parametrize(
    ("config", "searches"),
    [
        ({}, 95),
        ({"rate_limit_share": 100}, 95),
        ({"rate_limit_share": 50}, 50),
        ({"rate_limit_share": 29}, 29),
        ({"rate_limit_share": 50, "search_requests_per_minute": 95}, 95),
        ({"search_requests_per_minute": 400}, 400),
    ],
)
def test_the_share_of_the_rate_limit_holds_for_searches_unless_their_number_is_given(
    config: dict[str, Any], searches: int
) -> None:
    assert parse({"api_key": "k", **config})[0].search_requests_per_minute == searches


def test_secrets_are_declared_under_both_names() -> None:
    assert [name for name, each in SPEC["properties"].items() if each.get("airbyte_secret")] == ["api_key", "api_token"]
    assert SPEC["required"] == []


def test_bookmarks_of_singer_io_are_taken_over_but_for_messages() -> None:
    states = parse_state({"bookmarks": {"customers": "2026-06-11T13:37:51Z", "messages": "2026-06-11T13:37:51Z"}})
    adopted, warnings = adopt(states, FOREIGN_RULES, False)
    assert {name: state.value for name, state in adopted.items()} == {
        "customers": {"updated_at": "2026-06-11T13:32:51.000000+00:00", "__v": 1}
    }
    assert warnings == [
        "Stream messages starts again: its state is of another connector, "
        "whose schema dropped most columns of messages."
    ]


def test_bookmarks_of_meltano_are_taken_over() -> None:
    bookmark = {"replication_key": "updated_at", "replication_key_value": "2026-06-11T13:37:51Z"}
    states = parse_state({"bookmarks": {"customers": bookmark, "messages": bookmark, "companies": bookmark}})
    adopted, warnings = adopt(states, FOREIGN_RULES, False)
    assert {state.value["updated_at"] for state in adopted.values()} == {"2026-06-11T13:32:51.000000+00:00"}
    assert (sorted(adopted), warnings) == (["companies", "customers", "messages"], [])
