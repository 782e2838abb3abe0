"""Types of custom attributes."""

from __future__ import annotations

from typing import Any

import pytest

from source_kit.json_text import UNHOLDABLE
from source_kustomer import lists
from source_kustomer.custom import definitions_in, schema_of, type_of
from source_kustomer.endpoints import ListAsk
from source_kustomer.streams import build
from unit_tests.kustomer_account import Account

TEXT = {"type": ["null", "string"]}
MOMENT = {"type": ["null", "string"], "format": "date-time", "airbyte_type": "timestamp_with_timezone"}


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [({"properties": {"tierStr": {}}}, False), ({}, False), (None, False), ("x", True), (7, True), (UNHOLDABLE, True)],
)
def test_something_else_than_attributes_is_believed_only_if_it_comes_again(attributes: Any, expected: bool) -> None:
    """A number that JSON cannot hold (1e400) stood there once, and all definitions were lost."""
    content = {"data": {"type": "metadata", "attributes": attributes}}
    assert lists.DEFINITIONS.request(ListAsk(), "definitions").doubts(content) is expected


@pytest.mark.parametrize(
    ("name", "schema"),
    [
        ("orderNumberStr", TEXT),
        ("bodyTxt", TEXT),
        ("siteUrl", TEXT),
        ("ownerId", TEXT),
        ("reasonTree", TEXT),
        ("amountNum", {"type": ["null", "number"]}),
        ("vipBool", {"type": ["null", "boolean"]}),
        ("dueAt", MOMENT),
        ("labelsStrs", {"type": ["null", "array"], "items": TEXT}),
        ("amountsNums", {"type": ["null", "array"], "items": {"type": ["null", "number"]}}),
        ("extra", None),
    ],
)
def test_the_suffix_tells_the_type(name: str, schema: Any) -> None:
    assert type_of(name, {}) == schema


@pytest.mark.parametrize(
    ("name", "schema"),
    [
        ("orderNumberStr", TEXT),
        ("amountNum", {"type": ["null", "number", "string"]}),
        ("dueAt", TEXT),
        (
            "amountsNums",
            {"type": ["null", "array", "string"], "items": {"type": ["null", "number", "string"]}},
        ),
    ],
)
def test_a_sensitive_value_may_be_a_masked_text(name: str, schema: Any) -> None:
    assert type_of(name, {"hasSensitiveAttributes": True}) == schema


@pytest.mark.parametrize("mark", ["array", "multi"])
def test_a_definition_of_several_values_allows_a_list_beside_the_single_value(mark: str) -> None:
    assert type_of("reasonTree", {mark: True}) == {"type": ["null", "string", "array"], "items": TEXT}
    assert type_of("dueAt", {mark: True}) == {"type": ["null", "string", "array"], "items": MOMENT}
    assert type_of("labelsStrs", {mark: True}) == {"type": ["null", "array"], "items": TEXT}


def test_unknown_names_stay_open() -> None:
    assert schema_of({"tierStr": {}, "extra": {}}) == {
        "type": ["null", "object"],
        "additionalProperties": True,
        "properties": {"tierStr": TEXT},
    }


def test_definitions_come_as_one_object_or_as_a_list() -> None:
    entry = {"attributes": {"properties": {"tierStr": {"type": "string"}}}}
    expected = ({"tierStr": {"type": "string"}}, 0)
    assert definitions_in({"data": entry}) == definitions_in({"data": [entry]}) == expected
    assert definitions_in({"data": None}) == ({}, 0)


def test_what_stands_in_the_place_of_definitions_is_counted() -> None:
    entries = [{"attributes": 0}, {"attributes": {"properties": {"tierStr": "x"}}}, {"attributes": None}, {}]
    assert definitions_in({"data": entries}) == ({}, 2)


DEFINITIONS = {"data": {"attributes": {"properties": {"tierStr": {"type": "string"}, "amountNum": {"type": "number"}}}}}


@pytest.mark.parametrize("name", ["customers", "conversations", "messages", "companies"])
def test_a_discover_types_the_custom_attributes_that_the_account_defines(name: str) -> None:
    account = Account(lambda *asked: (200, DEFINITIONS))
    stream = next(each for each in build(account.client, account.settings) if each.name == name)
    custom = stream.get_json_schema()["properties"]["custom"]
    assert custom["properties"] == {"tierStr": TEXT, "amountNum": {"type": ["null", "number"]}}
    assert custom["additionalProperties"] is True
    resource = {"companies": "company"}.get(name, name.removesuffix("s"))
    assert [(method, path) for method, path, *_ in account.asked] == [("GET", f"metadata/{resource}")]


def test_custom_attributes_of_records_of_all_klasses_stay_open_without_being_asked_for() -> None:
    account = Account(lambda *asked: (200, DEFINITIONS))
    stream = next(each for each in build(account.client, account.settings) if each.name == "kobjects")
    assert "properties" not in stream.get_json_schema()["properties"]["custom"]
    assert account.asked == []
