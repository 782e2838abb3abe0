"""Records that move while they are loaded: read again rather than lost, and stored once, in their last form."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import airbyte
import duckdb

from emulators import start
from harness.connector import Connector, all_connectors
from warehouse.cache import LosslessDuckDBCache
from warehouse.comparison import columns_in, key_problems, records_in, row_problems
from warehouse.pyairbyte import Loader

MOVING = {
    "closeio": ("leads", "contacts", "opportunities"),
    "persistiq": ("leads", "campaign_replies"),
    "kustomer": ("messages", "notes", "customers"),
    "outreach": ("prospects", "mailings", "calls"),
}
NewLoader = Callable[..., Loader]


def rows_in(database: Path, streams: tuple[str, ...]) -> int:
    with duckdb.connect(str(database), read_only=True) as connection:
        counts = [connection.execute(f'SELECT count(*) FROM "{name}"').fetchone() for name in streams]
    return sum(count[0] for count in counts if count)


def load_while_records_move(
    connector: Connector, new_loader: NewLoader, cache: Any, database: Path
) -> tuple[int, list[str]]:
    """Loads while records move, and again when they rest: the copies in the first load, and what is wrong at last."""
    streams = MOVING[connector.name]
    known = {stream.name: stream for stream in connector.streams}
    with start(connector.emulator, **connector.small) as emulator:
        loader = new_loader(connector, emulator, cache, streams)
        # A warehouse keeps rows of deleted records, so none is deleted here.
        emulator.options(drift=[r | {"delete": 0} for r in connector.drift["drift"] if r["stream"] in streams])
        emitted = loader.load().records
        emulator.options(drift=[])
        copies = emitted - rows_in(database, streams)
        loader.load()
        truth = {name: emulator.truth(known[name].truth_name) for name in streams}
    problems = []
    with duckdb.connect(str(database), read_only=True) as connection:
        for name in streams:
            rows = records_in(connection, name, loader.catalog[name]["json_schema"]["properties"])
            problems += key_problems(connection, name, ["id"])
            problems += row_problems(known[name], ["id"], truth[name], rows, columns_in(connection, name))
    return copies, problems


def test_moving_records_are_stored_once_in_their_last_form(
    connector: Connector, folder: Path, new_loader: NewLoader
) -> None:
    database = folder / f"moving_{connector.name}.duckdb"
    copies, problems = load_while_records_move(connector, new_loader, LosslessDuckDBCache(db_path=database), database)
    assert not problems, "\n".join(problems)
    assert copies > 0, "no record was met twice: the test proves nothing"


def test_the_plain_cache_still_needs_replacing(folder: Path, new_loader: NewLoader) -> None:
    """When this fails, PyAirbyte has mended its cache: `warehouse/cache.py` can go."""
    (connector,) = (each for each in all_connectors() if each.name == "persistiq")
    database = folder / "plain.duckdb"
    _, problems = load_while_records_move(connector, new_loader, airbyte.DuckDBCache(db_path=database), database)
    text = "\n".join(problems)
    assert "leads: " in text
    assert "keys occur more than once" in text
    assert "campaign_replies.sent_at: " in text
