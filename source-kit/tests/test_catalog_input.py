"""The --catalog input: what is a configured catalog, and what the user is told otherwise."""

from __future__ import annotations

from typing import Any

import pytest

from source_kit.catalog_input import ConfiguredStream, parse_catalog
from source_kit.errors import ConfigError


def entry(name: Any = "leads", mode: Any = "full_refresh", **more: Any) -> dict[str, Any]:
    return {"stream": {"name": name}, "sync_mode": mode, "destination_sync_mode": "append", **more}


def test_a_configured_catalog_becomes_streams_in_its_order() -> None:
    catalog = {
        "streams": [
            {
                "stream": {"name": "leads", "namespace": "n", "json_schema": {"type": "object"}, "is_resumable": True},
                "sync_mode": "incremental",
                "cursor_field": ["date_updated"],
                "primary_key": [["id"]],
                "destination_sync_mode": "append_dedup",
                "generation_id": 3,
            },
            entry("users", cursor_field=None, primary_key=None),
        ]
    }
    assert parse_catalog(catalog) == [
        ConfiguredStream("leads", "incremental", "n", {"type": "object"}),
        ConfiguredStream("users", "full_refresh"),
    ]


def test_the_selected_columns_are_those_of_the_schema() -> None:
    selecting = entry("users")
    selecting["stream"]["json_schema"] = {"properties": {"id": {}, "name": {}}}
    catalog = {"streams": [entry("leads"), selecting]}
    assert [stream.columns for stream in parse_catalog(catalog)] == [frozenset(), frozenset(["id", "name"])]


def test_a_catalog_may_select_nothing() -> None:
    assert parse_catalog({"streams": []}) == []


@pytest.mark.parametrize(
    ("catalog", "message"),
    [
        ([], "it is a list instead of an object"),
        (None, "it is null instead of an object"),
        ({}, "it has no list named streams; it must look like"),
        ({"streams": {}}, "it has no list named streams"),
        (
            {"type": "CATALOG", "catalog": {"streams": []}},
            "it is the output of discover; choose streams and sync modes",
        ),
        ({"catalog": {"streams": []}}, "it is the output of discover"),
        (
            {"streams": [{"name": "leads", "json_schema": {}}]},
            "it is a discovered catalog; choose streams and sync modes",
        ),
        ({"streams": [5]}, r"streams\[0\] is a number instead of an object"),
        ({"streams": [{"sync_mode": "full_refresh"}]}, r"streams\[0\] has no object named stream"),
        ({"streams": [entry(None)]}, r"streams\[0\].stream has no name"),
        ({"streams": [entry(5)]}, r"streams\[0\].stream has no name"),
        ({"streams": [entry("")]}, r"streams\[0\].stream has no name"),
        ({"streams": [entry(mode="sometimes")]}, "the sync_mode of stream leads must be full_refresh or incremental"),
        ({"streams": [entry(mode=None)]}, "the sync_mode of stream leads must be full_refresh or incremental"),
        ({"streams": [entry(mode=["incremental"])]}, "the sync_mode of stream leads must be"),
        ({"streams": [entry(cursor_field="x")]}, r"streams\[0\].cursor_field must be a list of texts"),
        ({"streams": [entry(primary_key=["id"])]}, r"streams\[0\].primary_key must be a list of lists of texts"),
        ({"streams": [{**entry(), "stream": {"name": "x", "json_schema": []}}]}, "json_schema must be an object"),
        ({"streams": [{**entry(), "stream": {"name": "x", "namespace": 1}}]}, "namespace must be a text"),
        ({"streams": [entry(), entry()]}, "stream leads is in it twice"),
        (
            {"streams": [entry(None), entry(mode="x")]},
            r"streams\[0\].stream has no name; the sync_mode of stream leads",
        ),
    ],
)
def test_anything_else_is_refused_with_a_reason(catalog: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=f"^The catalog file is not a configured catalog: .*{message}"):
        parse_catalog(catalog)
