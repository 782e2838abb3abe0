"""The SQL of docs/deletions.md names exactly the records that were deleted."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest

from warehouse.postgres import running

PAGE = Path(__file__).parents[2] / "docs" / "deletions.md"
TABLES = """
CREATE TABLE prospects (id BIGINT, _airbyte_extracted_at TIMESTAMPTZ);
CREATE TABLE record_ids (stream TEXT, id BIGINT, seen_at TIMESTAMPTZ);
INSERT INTO prospects SELECT n, TIMESTAMPTZ '2026-01-01 06:00:00+00' FROM generate_series(1, 1000) AS s(n);
INSERT INTO prospects VALUES (2001, TIMESTAMPTZ '2026-01-01 12:00:05+00');
INSERT INTO record_ids
    SELECT 'prospects', n, TIMESTAMPTZ '2026-01-01 12:00:00+00'
    FROM generate_series(1, 1000) AS s(n) WHERE n % 100 <> 7;
INSERT INTO record_ids VALUES ('accounts', 7, TIMESTAMPTZ '2026-01-01 12:00:00+00');
"""
# One in a hundred; 2001 came after the list was begun, and another stream has a 7.
DELETED = [7, 107, 207, 307, 407, 507, 607, 707, 807, 907]


def statement(warehouse: str) -> str:
    """The first SQL under a heading of the page."""
    found = re.search(rf"^## {warehouse}$.*?```sql\n(.*?)```", PAGE.read_text(), flags=re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1].strip().removesuffix(";")


def test_duckdb_names_the_deleted() -> None:
    connection = duckdb.connect()
    for command in filter(str.strip, TABLES.split(";")):
        connection.execute(command)
    for warehouse in ("DuckDB", "PostgreSQL"):
        rows = connection.execute(statement(warehouse)).fetchall()
        assert sorted(row[0] for row in rows) == DELETED
    connection.execute(statement("Snowflake"))
    rows = connection.execute("SELECT id FROM prospects_with_deletions WHERE is_deleted").fetchall()
    assert sorted(row[0] for row in rows) == DELETED


def test_a_stream_that_was_not_listed_has_no_deletions() -> None:
    connection = duckdb.connect()
    for command in filter(str.strip, TABLES.split(";")):
        connection.execute(command)
    connection.execute("DELETE FROM record_ids WHERE stream = 'prospects'")
    assert connection.execute(statement("DuckDB")).fetchall() == []
    assert connection.execute(statement("PostgreSQL")).fetchall() == []


@pytest.mark.postgres
def test_postgresql_names_the_deleted() -> None:
    with running() as server, server.connect() as connection:
        for command in filter(str.strip, TABLES.split(";")):
            connection.execute(command)
        rows = connection.execute(statement("PostgreSQL")).fetchall()
        assert sorted(row[0] for row in rows) == DELETED
