"""An emulated account on its way into the warehouse: loaded, changed and loaded again, and what it then holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from emulators import Emulator, start
from harness.connector import Connector
from harness.progress import waiting
from warehouse.accounts import LATENCY_MS, Account
from warehouse.databases import Database
from warehouse.models import RECORD_IDS, streams_of
from warehouse.pyairbyte import Loader, LoadingError
from warehouse.results import Result, sizes_of
from warehouse.truth import Streams

Say = Callable[[str], None]


@dataclass(frozen=True)
class Loaded:
    """What the loads came to, and the records that the account holds at last, of the streams that the models read."""

    result: Result
    truth: Streams


def load_account(connector: Connector, account: Account, database: Database, logs: Path, via: str, say: Say) -> Loaded:
    """The full load, the changes and the incremental load, compared by rows; then deletions and what tells of them.

    A warehouse keeps the rows of deleted records, so nothing is deleted before the comparison: leaving such rows out
    is the business of the models.
    """
    models_read = streams_of(connector.name, account.config)
    with start(connector.emulator, **{"latency_ms": LATENCY_MS} | dict(account.options)) as emulator:
        streams = () if account.all_streams else models_read
        cache = database.cache(connector.name)
        loader = Loader(connector, {**emulator.config, **account.config}, cache, logs, via, streams)
        with waiting(f"{account.label:<10} first load", lambda: requests_of(emulator)):
            first = loader.load()
        say(f"{account.label:<10} first load:  {first.records:>7,} rows in {first.seconds:5.1f} s")
        for stream, changes in account.changes.items():
            emulator.touch(stream, **changes)
        emulator.reset_stats()
        with waiting(f"{account.label:<10} second load", lambda: requests_of(emulator)):
            second = loader.load()
        say(f"{'':<10} second load: {second.records:>7,} rows in {second.seconds:5.1f} s")
        held = held_by(emulator, connector, list(loader.catalog), account)
        with database.tables(connector.name) as tables:
            rows, columns = sizes_of(tables, loader.catalog)
        result = Result(connector.name, account.label, via, first, second, rows, columns, held)
        if result.differing:
            raise LoadingError(f"{account.label}: rows and records differ (rows, records): {result.differing}")
        say(f"{'':<10} {sum(rows.values()):,} rows in {len(rows)} tables: exactly the records of the account")
        if account.deletions:
            for stream, count in account.deletions.items():
                emulator.touch(stream, delete=count)
            loader = Loader(connector, loader.config, database.cache(connector.name), logs, via, models_read)
            third = loader.load()
            deleted = sum(account.deletions.values())
            say(f"{'':<10} third load:  {third.records:>7,} rows in {third.seconds:5.1f} s, {deleted} records deleted")
        return Loaded(result, {stream: emulator.truth(stream) for stream in models_read if stream != RECORD_IDS})


def requests_of(emulator: Emulator) -> str:
    """What the connector has asked for so far."""
    return f"{emulator.stats()['requests']:,} requests"


def held_by(emulator: Emulator, connector: Connector, streams: Sequence[str], account: Account) -> dict[str, int]:
    """How many records of each stream the account holds, nothing of it deleted yet."""
    known = {stream.name: stream.truth_name for stream in connector.streams}
    counts = emulator.truth_counts()
    counts[RECORD_IDS] = sum(counts[name] for name in account.config.get("record_ids_of", ()))
    return {name: counts[known.get(name, name)] for name in streams}
