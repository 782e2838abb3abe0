"""The comparison finds what can go wrong between an account and a table."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import duckdb
import pytest

from harness.connector import Stream
from warehouse.comparison import (
    INSTANT,
    column_of,
    column_problems,
    columns_in,
    key_problems,
    records_in,
    row_problems,
    type_of,
    type_problems,
)
from warehouse.databases import DUCKDB, Database, Postgres, Tables

PROPERTIES = {
    "id": {"type": "string"},
    "Name": {"type": ["null", "string"]},
    "custom.cf_A": {"type": ["null", "number"]},
    "seenAt": {"type": ["null", "string"], "format": "date-time"},
    "tags": {"type": ["null", "array"]},
}
TRUTH: list[dict[str, Any]] = [
    {"id": "a", "Name": "Åse", "custom.cf_A": 0.1, "seenAt": "2026-01-01T09:00:00-07:00", "tags": ["x", None]},
    {"id": "b", "Name": None, "seenAt": "2026-01-01T16:00:00Z"},
]


@pytest.fixture
def tables(database: Database) -> Iterator[Tables]:
    """The truth, loaded, in a schema that can be damaged."""
    in_memory = contextlib.nullcontext(Tables(duckdb.connect(), DUCKDB))
    with database.tables("damaged") if isinstance(database, Postgres) else in_memory as tables:
        tables.query("DROP SCHEMA IF EXISTS damaged CASCADE")
        tables.query("CREATE SCHEMA damaged")
        tables.query("SET search_path = 'damaged'")
        tables.query(
            "CREATE TABLE things (id VARCHAR, name VARCHAR, custom_cf_a DECIMAL(38,9), seenat TIMESTAMPTZ, tags JSON, "
            "_airbyte_raw_id VARCHAR, _airbyte_extracted_at TIMESTAMP, _airbyte_meta JSON)"
        )
        tables.query(
            """INSERT INTO things VALUES ('a', 'Åse', 0.1, '2026-01-01T16:00:00Z', '["x",null]', '1', now(), '{}'),
                                         ('b', NULL, NULL, '2026-01-01T16:00:00Z', NULL, '2', now(), '{}')"""
        )
        yield tables


def problems(tables: Tables) -> list[str]:
    columns = columns_in(tables, "things")
    rows = records_in(tables, "things", PROPERTIES)
    return [
        *column_problems("things", PROPERTIES, TRUTH, columns),
        *type_problems("things", PROPERTIES, TRUTH, columns),
        *key_problems(tables, "things", ["id"]),
        *row_problems(Stream("things"), ["id"], TRUTH, rows, columns),
    ]


def test_an_equal_table_has_no_problems(tables: Tables) -> None:
    assert problems(tables) == []


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        ("DELETE FROM things WHERE id = 'b'", "1 of 2 rows missing: [('b',)]"),
        ("INSERT INTO things (id) VALUES ('c')", "1 rows of nothing: [('c',)]"),
        ("INSERT INTO things SELECT * FROM things WHERE id = 'a'", "1 keys occur more than once"),
        ("UPDATE things SET seenat = seenat - INTERVAL '7 hours' WHERE id = 'a'", "things.seenAt: 1 values differ"),
        ("UPDATE things SET custom_cf_a = NULL", "things.custom.cf_A: 1 values differ"),
        ("UPDATE things SET tags = '[\"x\"]' WHERE id = 'a'", "things.tags: 1 values differ"),
        ("ALTER TABLE things DROP COLUMN tags", "no column tags"),
        ("ALTER TABLE things ALTER seenat TYPE VARCHAR", f"things.seenat: VARCHAR, not {INSTANT}"),
    ],
)
def test_a_damaged_table_is_found_out(tables: Tables, damage: str, problem: str) -> None:
    tables.query(damage)
    assert problem in "\n".join(problems(tables))


def test_fields_that_share_a_column_are_found() -> None:
    found = column_problems("things", {"ownerId": {}, "ownerid": {}}, [], {"ownerid": "VARCHAR"})
    assert found == ["things: several fields share the column ownerid"]


def test_text_that_only_holds_instants_is_found() -> None:
    properties = {"at": {"type": "string"}}
    found = type_problems("things", properties, [{"at": "2026-01-01T00:00:00Z"}], {"at": "VARCHAR"})
    assert found == ["things.at: text, though all values are instants"]


@pytest.mark.parametrize(
    ("name", "column"),
    [("custom.cf_aB", "custom_cf_ab"), ("createdAt", "createdat"), ("1st", "_1st"), ("Größe", "gr__e")],
)
def test_columns_are_named_as_pyairbyte_names_them(name: str, column: str) -> None:
    assert column_of(name) == column


def test_a_field_of_several_types_is_text_unless_it_is_declared_an_object() -> None:
    assert type_of({"type": ["null", "object", "string"], "airbyte_type": "object"}) == "JSON"
    assert [type_of({"type": ["null", "array", "object"]}), type_of({}), type_of({"type": ["null", "integer"]})] == [
        "VARCHAR",
        "VARCHAR",
        "BIGINT",
    ]
