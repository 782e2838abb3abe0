"""Reading the options: aliases, types, bounds, the start date and the URLs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from source_kit.config import CommonDefaults, CommonOptions, ConfigReader, apply_aliases, common_options
from source_kit.errors import ConfigError

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DEFAULTS = CommonDefaults(
    user_agent="source-test/1",
    num_workers=8,
    api_url="https://api.vendor.test/v1/",
    token_url="https://auth.vendor.test/oauth/token",
    lookback_window_seconds=300,
)


def read(config: dict[str, Any]) -> tuple[CommonOptions, list[str]]:
    reader = ConfigReader(config)
    options = common_options(reader, DEFAULTS, now=NOW)
    reader.raise_problems()
    return options, reader.warnings


def test_an_empty_config_gives_the_defaults_and_no_warning() -> None:
    assert read({}) == (
        CommonOptions(
            start_date=None,
            user_agent="source-test/1",
            num_workers=8,
            lookback_window_seconds=300,
            rate_limit_share=0.95,
            max_requests_per_minute=None,
            api_url="https://api.vendor.test/v1/",
            token_url="https://auth.vendor.test/oauth/token",
        ),
        [],
    )


def test_null_and_empty_text_count_as_absent_for_options() -> None:
    blank = {key: value for key in ("start_date", "num_workers", "user_agent", "api_url") for value in ("",)}
    assert read(blank) == read({}) == read(dict.fromkeys(blank))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("2024-01-31", datetime(2024, 1, 31, tzinfo=UTC)),
        (" 2024-01-31\n", datetime(2024, 1, 31, tzinfo=UTC)),
        ("2024-01-31T10:20:30Z", datetime(2024, 1, 31, 10, 20, 30, tzinfo=UTC)),
        ("2024-01-31T10:20:30", datetime(2024, 1, 31, 10, 20, 30, tzinfo=UTC)),
        ("2024-01-31 10:20", datetime(2024, 1, 31, 10, 20, tzinfo=UTC)),
        ("2024-01-31T10:20:30+02:00", datetime(2024, 1, 31, 8, 20, 30, tzinfo=UTC)),
        ("2024-01-31T10:20:30-0530", datetime(2024, 1, 31, 15, 50, 30, tzinfo=UTC)),
        ("2024-01-31T10:20:30.123456Z", datetime(2024, 1, 31, 10, 20, 30, 123456, tzinfo=UTC)),
        ("2024-01-31T10:20:30.123456789Z", datetime(2024, 1, 31, 10, 20, 30, 123456, tzinfo=UTC)),
        ("2024-02-29", datetime(2024, 2, 29, tzinfo=UTC)),
    ],
)
def test_a_start_date_is_a_date_or_a_date_time_in_utc(given: str, expected: datetime) -> None:
    assert read({"start_date": given})[0].start_date == expected


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("yesterday", "start_date must be a date such as 2024-01-31"),
        ("31.01.2024", "start_date must be a date such as 2024-01-31"),
        ("2024-1-31", "start_date must be a date such as 2024-01-31"),
        ("2024-01-31T10", "start_date must be a date such as 2024-01-31"),
        ("2024-01-31T10:20:30 UTC", "start_date must be a date such as 2024-01-31"),
        ("2024-W05-3", "start_date must be a date such as 2024-01-31"),
        ("\u0662\u0660\u0662\u0664-\u0660\u0661-\u0663\u0661", "start_date must be a date such as 2024-01-31"),
        (20240131, "start_date must be a date such as 2024-01-31"),
        ("2023-02-29", "start_date is a date or time that does not exist"),
        ("2024-13-01", "start_date is a date or time that does not exist"),
        ("2024-01-31T25:00:00Z", "start_date is a date or time that does not exist"),
        ("0001-01-01T00:00:00+05:00", "start_date is a date or time that does not exist"),
    ],
)
def test_another_start_date_is_refused(given: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read({"start_date": given})


def test_a_start_date_in_the_future_is_warned_of() -> None:
    options, warnings = read({"start_date": "2030-01-01"})
    assert options.start_date == datetime(2030, 1, 1, tzinfo=UTC)
    assert warnings == ["start_date lies in the future: streams with a date filter bring nothing yet."]


@pytest.mark.parametrize(("given", "expected"), [(1, 1), (32, 32), ("16", 16), (" 4 ", 4), (8.0, 8)])
def test_whole_numbers_may_be_text_or_have_a_zero_fraction(given: object, expected: int) -> None:
    assert read({"num_workers": given})[0].num_workers == expected


@pytest.mark.parametrize(
    "given", [0, 33, -1, 1.5, "eight", "8 workers", True, [8], {}, "1e1", 10**400, "9" * 5000, float("inf")]
)
def test_other_worker_numbers_are_refused(given: object) -> None:
    with pytest.raises(ConfigError, match="num_workers must be a whole number between 1 and 32"):
        read({"num_workers": given})


@pytest.mark.parametrize(("given", "expected"), [(10, 0.1), (100, 1.0), ("50", 0.5), (12.5, 0.125)])
def test_the_share_of_the_rate_limit_is_given_in_per_cent(given: object, expected: float) -> None:
    assert read({"rate_limit_share": given})[0].rate_limit_share == expected


@pytest.mark.parametrize("given", [0.95, 9, 101, "much", False])
def test_a_share_out_of_bounds_is_refused(given: object) -> None:
    with pytest.raises(ConfigError, match=r"rate_limit_share must be a number between 10 and 100 \(per cent\)"):
        read({"rate_limit_share": given})


def test_a_ceiling_of_requests_is_optional() -> None:
    assert read({"max_requests_per_minute": "600"})[0].max_requests_per_minute == 600
    with pytest.raises(ConfigError, match="max_requests_per_minute must be a whole number between 1 and 1000000"):
        read({"max_requests_per_minute": 0})


@pytest.mark.parametrize("given", ["a\nb", "a\r\nX-Evil: 1", "größe", 7])
def test_a_user_agent_that_cannot_be_a_header_is_refused(given: object) -> None:
    with pytest.raises(ConfigError, match="user_agent"):
        read({"user_agent": given})


def test_an_api_url_that_is_not_the_vendors_is_warned_of_and_moves_the_token_url() -> None:
    options, warnings = read({"api_url": "http://127.0.0.1:8080/v1"})
    assert options.api_url == "http://127.0.0.1:8080/v1/"
    assert options.token_url == "http://127.0.0.1:8080/oauth/token"
    assert warnings == ["api_url is not the vendor's: credentials and requests go to http://127.0.0.1:8080."]


def test_the_vendors_own_url_in_another_spelling_is_not_warned_of() -> None:
    assert read({"api_url": "https://API.vendor.test/v1"}) == read({})


def test_a_token_url_may_be_given_alone() -> None:
    options, warnings = read({"token_url": "https://proxy.test/t"})
    assert (options.api_url, options.token_url) == ("https://api.vendor.test/v1/", "https://proxy.test/t")
    assert warnings == ["token_url is not the vendor's: credentials and requests go to https://proxy.test."]


def test_a_refused_url_is_named_without_its_value() -> None:
    with pytest.raises(ConfigError) as error:
        read({"api_url": "https://me:hunter2@api.vendor.test/"})
    assert str(error.value) == "The configuration cannot be used: api_url may not hold a user name or password."


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as error:
        read({"num_workers": 0, "start_date": "soon", "api_url": 5})
    assert str(error.value) == (
        "The configuration cannot be used: start_date must be a date such as 2024-01-31 or a date-time such as "
        "2024-01-31T00:00:00Z; api_url must be a string, not a number; num_workers must be a whole number between 1 "
        "and 32."
    )


def test_unknown_keys_are_ignored() -> None:
    assert read({"date_window": "15", "page_size": "250", "whatever": {"a": [1]}}) == read({})


def test_an_alias_fills_a_key_that_has_no_value_and_the_key_itself_wins() -> None:
    aliases = {"api_key": ("access_token", "api_token")}
    assert apply_aliases({"api_token": "b"}, aliases) == {"api_token": "b", "api_key": "b"}
    assert apply_aliases({"api_key": "a", "api_token": "b"}, aliases)["api_key"] == "a"
    assert apply_aliases({"api_key": "", "access_token": None, "api_token": "b"}, aliases)["api_key"] == "b"
    assert apply_aliases({}, aliases) == {}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "key is missing"),
        ({"key": None}, "key is missing"),
        ({"key": ""}, "key is empty"),
        ({"key": " \n"}, "key is empty"),
        ({"key": 12}, "key must be a string, not a number"),
        ({"key": ["x"]}, "key must be a string, not a list"),
        ({"key": "two words"}, "key holds a space"),
        ({"key": "a\nb"}, "key holds a space, a line break"),
        ({"key": "schlüssel"}, "special character"),
    ],
)
def test_a_secret_that_cannot_be_one_is_refused(given: dict[str, Any], message: str) -> None:
    reader = ConfigReader(given)
    assert reader.secret("key") == ""
    with pytest.raises(ConfigError, match=message):
        reader.raise_problems()


def test_white_space_around_a_secret_is_removed() -> None:
    assert ConfigReader({"key": " api_1\r\n"}).secret("key") == "api_1"


@pytest.mark.parametrize(("given", "expected"), [(True, True), ("false", False), (" TRUE ", True), (None, True)])
def test_flags_may_be_text(given: object, expected: bool) -> None:
    assert ConfigReader({"flag": given}).flag("flag", True) is expected


def test_problems_of_a_section_carry_its_name() -> None:
    reader = ConfigReader({"credentials": {}})
    section = reader.section("credentials")
    assert section is not None
    section.secret("api_key")
    assert reader.problems == ["credentials.api_key is missing"]


@pytest.mark.parametrize(
    ("given", "problem"), [(None, "is missing"), (5, "must be a string, not a number"), (" \n", "is empty")]
)
def test_a_text_of_several_lines_is_required(given: object, problem: str) -> None:
    reader = ConfigReader({"key": given})
    assert (reader.whole_text("key"), reader.problems) == ("", [f"key {problem}"])
    assert ConfigReader({"key": "a\n b"}).whole_text("key") == "a\n b"


@pytest.mark.parametrize(("given", "expected"), [(17, "17"), (" x1 ", "x1"), (None, ""), ("", "")])
def test_an_identifier_may_be_a_number_and_may_be_absent(given: object, expected: str) -> None:
    reader = ConfigReader({"key": given})
    assert (reader.identifier("key"), reader.problems) == (expected, [])


def test_the_end_date_is_read_like_the_start_date_and_lies_behind_it() -> None:
    options, _ = read({"start_date": "2024-01-01", "end_date": "2024-02-01T00:00:00+01:00"})
    assert options.end_date == datetime(2024, 1, 31, 23, tzinfo=UTC)
    with pytest.raises(ConfigError, match="end_date must be later than start_date"):
        read({"start_date": "2024-01-01", "end_date": "2024-01-01T00:00:00Z"})
    with pytest.raises(ConfigError, match="end_date must be a date such as"):
        read({"end_date": "tomorrow"})


@pytest.mark.parametrize("given", [["leads", " users ", "leads"], "leads, users", ["leads,users,"]])
def test_names_of_streams_come_as_a_list_or_separated_by_commas(given: Any) -> None:
    assert read({"record_ids_of": given})[0].record_ids_of == ("leads", "users")


def test_names_that_are_no_strings_are_refused() -> None:
    with pytest.raises(ConfigError, match="record_ids_of must be a list of strings"):
        read({"record_ids_of": [1]})
