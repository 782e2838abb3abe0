"""Values that a cache may bend on their way into a column."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest
from airbyte.progress import ProgressTracker
from airbyte.shared.catalog_providers import CatalogProvider
from airbyte.strategies import WriteStrategy
from airbyte_protocol.models import AirbyteMessage, ConfiguredAirbyteCatalog
from sqlalchemy.exc import ProgrammingError

from emulators import start
from harness.connector import Stream
from tests.loaded import Loaded
from warehouse.comparison import column_of, columns_in, records_in, row_problems
from warehouse.databases import Database
from warehouse.pyairbyte import Loader

TEXT = {"type": ["null", "string"]}
INSTANT = TEXT | {"format": "date-time", "airbyte_type": "timestamp_with_timezone"}
PROPERTIES: dict[str, Any] = {
    "id": {"type": "string"},
    "phone": TEXT,
    "code": TEXT,
    "due_at": TEXT,
    "quoted": TEXT,
    "count": {"type": ["null", "integer"]},
    "amount": {"type": ["null", "number"]},
    "seen_at": INSTANT,
    "tags": {"type": ["null", "array"]},
    "anything": {"type": ["null", "object", "string", "number"], "airbyte_type": "object"},
}
RECORDS: list[dict[str, Any]] = [
    {
        "id": "1",
        "phone": "+4930123456",
        "code": "007",
        "due_at": "2026-01-17",
        "quoted": 'a "b" \\ \\u0000 \n\t\x01\x02 Å 🦆',
        "count": 9_007_199_254_740_993,
        "amount": 123456.789012345,
        "seen_at": "0001-01-01T00:00:00Z",
        "tags": ["x", None, 1.5],
        "anything": {"label": "positive", "score": 0.25},
    },
    {"id": "2", "count": 2, "seen_at": "2026-01-01T09:00:00-07:00", "tags": [], "anything": "positive"},
    {"id": "3", "count": None, "seen_at": "2026-07-01T09:00:00.123456+02:00", "anything": 1},
]
OF_TEXT: dict[str, Any] = {"id": TEXT, "either": {}}
OBJECT_AND_TEXT: list[dict[str, Any]] = [{"id": "1", "either": {"a": 1}}, {"id": "2", "either": "b"}]
# What PyAirbyte's own caches bend; the other fields they keep.
BENT = {
    "duckdb": {"seen_at"},
    "postgres": {"phone", "code", "due_at", "count", "seen_at"},
}


def load(cache: Any, properties: dict[str, Any], records: list[dict[str, Any]]) -> None:
    """Writes records into the table `things`, as `Source.read` does it."""
    stream = {
        "name": "things",
        "json_schema": {"type": "object", "properties": properties},
        "supported_sync_modes": ["full_refresh"],
        "source_defined_primary_key": [["id"]],
    }
    configured = {"stream": stream, "sync_mode": "full_refresh", "destination_sync_mode": "append_dedup"}
    catalog = ConfiguredAirbyteCatalog.model_validate({"streams": [configured | {"primary_key": [["id"]]}]})
    messages = [
        AirbyteMessage.model_validate(
            {"type": "RECORD", "record": {"stream": "things", "data": record, "emitted_at": 1_790_000_000_000}}
        )
        for record in records
    ]
    cache.get_record_processor("source", CatalogProvider(catalog)).process_airbyte_messages(
        messages,
        write_strategy=WriteStrategy.MERGE,
        progress_tracker=ProgressTracker(source=None, cache=cache, destination=None, expected_streams=["things"]),
    )
    cache.dispose_engine()


def bent(database: Database, schema: str, truth: list[dict[str, Any]]) -> set[str]:
    """The fields that differ, `things` where there are other rows."""
    with database.tables(schema) as tables:
        rows = records_in(tables, "things", PROPERTIES)
        found = row_problems(Stream("things"), ["id"], truth, rows, columns_in(tables, "things"))
    return {problem.split(":")[0].removeprefix("things.") for problem in found}


def test_no_value_is_bent(database: Database) -> None:
    cache = database.cache("kept_values")
    load(cache, PROPERTIES, RECORDS)
    assert bent(database, "kept_values", RECORDS) == set()
    load(cache, PROPERTIES, RECORDS[1:] + RECORDS[:1])
    assert bent(database, "kept_values", RECORDS) == set()


def test_pyairbytes_own_cache_bends_some(database: Database) -> None:
    """When this fails, PyAirbyte has mended its cache: look what of `warehouse/cache.py` can go."""
    load(database.plain_cache("bent_values"), PROPERTIES, RECORDS)
    assert bent(database, "bent_values", RECORDS) == BENT[database.name]


def test_an_object_in_a_column_of_text_is_json_text(database: Database) -> None:
    load(database.cache("text"), OF_TEXT, OBJECT_AND_TEXT)
    with database.tables("text") as tables:
        rows = tables.query("SELECT id, either FROM things ORDER BY id")
        assert tables.columns("things")["either"] == "VARCHAR"
    assert rows == [("1", '{"a":1}'), ("2", "b")]


def test_pyairbytes_own_postgres_cache_takes_no_object_in_a_column_of_text(database: Database) -> None:
    refused = pytest.raises(ProgrammingError, match="can't adapt") if database.name == "postgres" else nullcontext()
    with refused:
        load(database.plain_cache("no_text"), OF_TEXT, OBJECT_AND_TEXT)


def test_text_is_loaded_without_its_nul(database: Database) -> None:
    load(database.cache("nul"), PROPERTIES, [{"id": "1", "quoted": "a\x00b\\\\u0000\x00\x00", "anything": "\x00"}])
    without = "" if database.name == "postgres" else "\x00"
    truth = [{"id": "1", "quoted": f"a{without}b\\\\u0000{without}{without}", "anything": without}]
    assert bent(database, "nul", truth) == set()


def test_pyairbytes_own_cache_takes_every_record_and_keeps_what_is_json(
    loaded: Loaded, database: Database, new_loader: Callable[..., Loader]
) -> None:
    """The one for Postgres takes no object in a column of text: `README.md` says how such fields are declared."""
    connector, schema = loaded.connector, f"plain_{loaded.connector.name}"
    known = {stream.name: stream for stream in connector.streams}
    problems = []
    with start(connector.emulator, **connector.small) as emulator:
        loader = new_loader(connector, emulator, database.plain_cache(schema))
        loader.load()
        truth = {name: emulator.truth(known[name].truth_name if name in known else name) for name in loader.catalog}
    with database.tables(schema) as tables:
        for name, records in truth.items():
            columns = columns_in(tables, name)
            rows = records_in(tables, name, loaded.properties(name))
            for problem in row_problems(known.get(name, Stream(name)), loaded.key(name), records, rows, columns):
                field = problem.split(": ")[0].removeprefix(f"{name}.")
                if field == name or columns[column_of(field)] == "JSON":
                    problems.append(problem)
    assert not problems, "\n".join(problems)
