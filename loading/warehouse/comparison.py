"""Compares loaded tables with what the emulated account holds: rows, columns, types, keys, values.

Every check returns a list of problems that name stream, column and ids, and is empty when all is well.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import orjson

from harness.connector import Stream
from warehouse.databases import Tables

Record = dict[str, Any]
SAMPLE = 3
INSTANT = "TIMESTAMP WITH TIME ZONE"
OWN_COLUMNS = {"_airbyte_raw_id": "VARCHAR", "_airbyte_extracted_at": "TIMESTAMP", "_airbyte_meta": "JSON"}
INSTANT_TEXT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?")

# The types of the caches of `cache.py` by JSON type and format, as DuckDB names them.
COLUMN_TYPES = {
    ("string", "date-time"): INSTANT,
    ("string", "date"): "DATE",
    ("string", None): "VARCHAR",
    ("integer", None): "BIGINT",
    ("number", None): "DECIMAL(38,9)",
    ("boolean", None): "BOOLEAN",
    ("object", None): "JSON",
    ("array", None): "JSON",
}
MIXED = "VARCHAR"


def column_of(name: str) -> str:
    """PyAirbyte's column for a field: lower case, everything but letters and digits as `_`, no digit in front."""
    column = re.sub(r"[^a-z0-9]", "_", name.lower())
    return f"_{column}" if column[:1].isdigit() else column


def type_of(schema: Mapping[str, Any]) -> str:
    """The column type for a field's schema; a field of several types is text, unless `airbyte_type` says otherwise."""
    if schema.get("airbyte_type") in ("object", "array"):
        return "JSON"
    kinds, form = kinds_of(schema), schema.get("format")
    if len(kinds) != 1:
        return MIXED
    return COLUMN_TYPES.get((kinds[0], form)) or COLUMN_TYPES[kinds[0], None]


def kinds_of(schema: Mapping[str, Any]) -> list[str]:
    """The JSON types that the schema names, beside null."""
    given = schema.get("type", [])
    return [kind for kind in ([given] if isinstance(given, str) else given) if kind != "null"]


def columns_in(tables: Tables, stream: str) -> dict[str, str]:
    """Column -> type of a stream's table."""
    return tables.columns(column_of(stream))


def column_problems(
    stream: str, properties: Mapping[str, Any], truth: Iterable[Record], columns: Mapping[str, str]
) -> list[str]:
    """Every field of the schema and of any true record has a column of its own, and there is no other column."""
    names = set(properties) | {name for record in truth for name in record}
    shared = [column for column, count in Counter(map(column_of, names)).items() if count > 1]
    expected = set(map(column_of, names))
    problems = [f"{stream}: several fields share the column {column}" for column in sorted(shared)]
    problems += [f"{stream}: no column {column}" for column in sorted(expected - set(columns))]
    surplus = set(columns) - expected - set(OWN_COLUMNS)
    return problems + [f"{stream}: a column {column} of nothing" for column in sorted(surplus)]


def type_problems(
    stream: str, properties: Mapping[str, Any], truth: Iterable[Record], columns: Mapping[str, str]
) -> list[str]:
    """Columns have the types of the schema, and no true value speaks for a better one than text."""
    expected = {column_of(name): type_of(schema) for name, schema in properties.items()} | OWN_COLUMNS
    problems = [
        f"{stream}.{column}: {kind}, not {expected[column]}"
        for column, kind in columns.items()
        if kind != expected.get(column, kind)
    ]
    records = list(truth)
    for name in properties:
        values = [value for record in records if (value := record.get(name)) not in (None, "")]
        if values and columns.get(column_of(name)) == "VARCHAR" and len(kinds_of(properties[name])) == 1:
            problems += [f"{stream}.{name}: text, though all values are {kind}" for kind in _evidence(values)]
    return problems


def _evidence(values: list[Any]) -> list[str]:
    kinds: dict[str, Callable[[Any], bool]] = {
        "instants": lambda value: isinstance(value, str) and INSTANT_TEXT.fullmatch(value) is not None,
        "booleans": lambda value: isinstance(value, bool),
        "numbers": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    }
    return [kind for kind, is_one in kinds.items() if all(map(is_one, values))]


def records_in(tables: Tables, stream: str, properties: Mapping[str, Any]) -> list[Record]:
    """The rows of a stream's table under the names of the schema; instants as text in UTC, JSON as values."""
    columns = columns_in(tables, stream)
    names = {column_of(name): name for name in properties}
    rows = tables.query(f'SELECT * FROM "{column_of(stream)}"')
    return [
        {
            names[column]: _as_sent(kind, value)
            for (column, kind), value in zip(columns.items(), row, strict=True)
            if column in names and value is not None
        }
        for row in rows
    ]


def _as_sent(kind: str, value: Any) -> Any:
    match kind:
        case "TIMESTAMP WITH TIME ZONE" | "TIMESTAMP" | "DATE":
            return value.isoformat()
        case "JSON":
            return orjson.loads(value)
        case _:
            return value


def key_problems(tables: Tables, stream: str, key: list[str]) -> list[str]:
    """No key occurs twice in the table."""
    columns = ", ".join(f'"{column_of(name)}"' for name in key)
    twice = f'SELECT {columns} FROM "{column_of(stream)}" GROUP BY {columns} HAVING count(*) > 1'
    found = tables.query(twice)
    return [f"{stream}: {len(found)} keys occur more than once: {found[:SAMPLE]}"] if found else []


def row_problems(
    stream: Stream, key: list[str], truth: list[Record], rows: list[Record], columns: Mapping[str, str]
) -> list[str]:
    """The rows are the true records, each once, with equal values."""
    expected = {_identity(record, key, number): record for number, record in enumerate(truth)}
    loaded = {_identity(record, key, number): stream.comparable(record) for number, record in enumerate(rows)}
    problems = [f"{stream.name}: {len(rows)} rows, not {len(truth)}"] if len(rows) != len(truth) else []
    if missing := sorted(expected.keys() - loaded.keys()):
        problems.append(f"{stream.name}: {len(missing)} of {len(expected)} rows missing: {missing[:SAMPLE]}")
    if surplus := sorted(loaded.keys() - expected.keys()):
        problems.append(f"{stream.name}: {len(surplus)} rows of nothing: {surplus[:SAMPLE]}")
    wrong: dict[str, list[str]] = {}
    for identity in expected.keys() & loaded.keys():
        true, found = expected[identity], loaded[identity]
        for name in true.keys() | found.keys():
            if not _same(columns.get(column_of(name), ""), true.get(name), found.get(name)):
                wrong.setdefault(name, []).append(str(identity))
    return problems + [
        f"{stream.name}.{name}: {len(ids)} values differ from the account's: {sorted(ids)[:SAMPLE]}"
        for name, ids in sorted(wrong.items())
    ]


def _identity(record: Record, key: list[str], number: int) -> tuple[str, ...]:
    """The values of the key; the number of the row where a stream has no key."""
    return tuple(str(record.get(name)) for name in key) or (str(number),)


def _same(kind: str, true: Any, found: Any) -> bool:
    """Whether the column holds the value, as far as its type can."""
    if true is None or found is None:
        return true is None and found is None
    match kind:
        case "TIMESTAMP WITH TIME ZONE":
            return _instant(true) == _instant(found)
        case "DATE":
            return date.fromisoformat(true[:10]) == date.fromisoformat(found[:10])
        case "DECIMAL(38,9)":
            return bool(round(Decimal(str(true)), 9) == found)
        case "VARCHAR" if isinstance(found, str) and not isinstance(true, str):
            return bool(orjson.loads(found) == true)
        case _:
            return bool(true == found)


def _instant(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
