"""Secrets never appear in what people read."""

from __future__ import annotations

import base64

import pytest

from source_kit.redaction import Redactor, secret_values

SPEC = {
    "connectionSpecification": {
        "properties": {
            "api_key": {"type": "string", "airbyte_secret": True},
            "start_date": {"type": "string"},
            "credentials": {
                "oneOf": [
                    {"properties": {"client_id": {}, "client_secret": {"airbyte_secret": True}}},
                    {"properties": {"tokens": {"type": "array", "airbyte_secret": True}}},
                ]
            },
        }
    }
}
KEY = 'api_5x+/"7Q'


def test_every_secret_of_the_spec_is_found_also_in_options() -> None:
    config = {
        "api_key": "k1",
        "start_date": "2024-01-01",
        "credentials": {"client_id": "id", "client_secret": "s1", "tokens": ["t1", {"x": 9}]},
    }
    assert secret_values(SPEC, config) == ["k1", "s1", "t1", "9"]
    assert secret_values(SPEC, {"credentials": "not an object", "api_key": None}) == []


@pytest.mark.parametrize(
    "form",
    [
        KEY,
        base64.b64encode(KEY.encode()).decode(),
        base64.b64encode(f"{KEY}:".encode()).decode(),
        "api_5x%2B%2F%227Q",
        "api_5x%2B/%227Q",
        'api_5x+/\\"7Q',
    ],
)
def test_a_secret_is_masked_in_every_encoding(form: str) -> None:
    assert Redactor([KEY]).clean(f"before {form} after") == "before **** after"


@pytest.mark.parametrize(
    "form",
    [
        "c2s/fn4+MTI=",
        "c2s/fn4+MTI",
        "c2s_fn4-MTI=",
        "c2s_fn4-MTI",
        "c2s/fn4+MTI6",
        "c2s_fn4-MTI6",
    ],
)
def test_a_secret_is_masked_in_base64_of_both_alphabets_with_and_without_padding(form: str) -> None:
    assert base64.b64encode(b"sk?~~>12").decode() == "c2s/fn4+MTI="
    assert Redactor(["sk?~~>12"]).clean(f"before {form}, after") == "before ****, after"


def test_surrounding_white_space_of_a_secret_does_not_matter() -> None:
    assert Redactor(["api_longkey\n"]).clean("x api_longkey y") == "x **** y"


def test_the_longest_of_overlapping_secrets_is_masked_whole() -> None:
    assert Redactor(["abcd", "abcdefgh"]).clean("abcdefgh abcd") == "**** ****"


def test_very_short_secrets_are_not_masked_blindly() -> None:
    assert Redactor(["a", "", "key"]).clean("a key is a key") == "a key is a key"


def test_secrets_can_be_added_later() -> None:
    redactor = Redactor()
    redactor.add("freshtoken")
    assert redactor.clean("got freshtoken") == "got ****"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("Authorization: Basic abc=", "Authorization: ****"),
        ("{'Authorization': 'Bearer x.y-z'}", "{'Authorization': '****'}"),
        ('"authorization": "token12"', '"authorization": "****"'),
        ("sent Bearer eyJhbGciOi.1 to", "sent Bearer **** to"),
        ("sent basic YXBpOg== to", "sent basic **** to"),
        ("refresh_token=abc&grant_type=x", "refresh_token=****&grant_type=x"),
        ('{"access_token": "abc", "expires_in": 7}', '{"access_token": "****", "expires_in": 7}'),
        ('{\\"client_secret\\":\\"abc\\"}', '{\\"client_secret\\":\\"****\\"}'),
    ],
)
def test_what_looks_like_a_credential_is_masked_without_being_known(given: str, expected: str) -> None:
    assert Redactor().clean(given) == expected


@pytest.mark.parametrize(
    "text",
    [
        "HTTP Basic authentication failed",
        "the bearer must renew it",
        "api_key is missing: give credentials, or the flat api_key",
        "credentials.refresh_token is used up",
    ],
)
def test_ordinary_sentences_stay_as_they_are(text: str) -> None:
    assert Redactor().clean(text) == text
