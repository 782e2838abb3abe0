"""Loads emulated accounts through PyAirbyte into one DuckDB file, twice, and answers a sales team's questions from it.

Writes `warehouse.duckdb` and `report.html`. Everything runs on this machine; no account is needed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from demo.table import table
from emulators import Emulator, start
from harness.connector import Connector, all_connectors
from harness.progress import waiting
from warehouse.accounts import ACCOUNTS, LATENCY_MS
from warehouse.pyairbyte import IMAGE, SCRIPT, Loader, LoadingError, problem_with_image, settle
from warehouse.questions import QUESTIONS, Answer, Question, ask

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from warehouse.results import Result


def say(text: str) -> None:
    print(text, flush=True)


def held_by(emulator: Emulator, connector: Connector, streams: Sequence[str]) -> dict[str, int]:
    """How many records of each stream the account holds."""
    known = {stream.name: stream.truth_name for stream in connector.streams}
    counts = emulator.truth_counts()
    return {name: counts[known.get(name, name)] for name in streams}


def requests_of(emulator: Emulator) -> str:
    """What the connector has asked for so far."""
    return f"{emulator.stats()['requests']:,} requests"


def load_account(connector: Connector, via: str, database: Path, logs: Path) -> Result:
    """The full load, the changes in the account, the incremental load, and what the tables then hold."""
    import duckdb

    from warehouse.cache import LosslessDuckDBCache
    from warehouse.databases import DUCKDB, Tables
    from warehouse.results import Result, sizes_of

    account = ACCOUNTS[connector.name]
    cache = LosslessDuckDBCache(db_path=database, schema_name=connector.name)
    with start(connector.emulator, latency_ms=LATENCY_MS, **account.options) as emulator:
        loader = Loader(connector, dict(emulator.config), cache, logs, via)
        with waiting(f"{account.label:<10} first load", lambda: requests_of(emulator)):
            first = loader.load()
        say(f"{account.label:<10} first load:  {first.records:>7,} rows in {first.seconds:5.1f} s")
        for stream, changes in account.changes.items():
            emulator.touch(stream, **changes)
        emulator.reset_stats()
        with waiting(f"{account.label:<10} second load", lambda: requests_of(emulator)):
            second = loader.load()
        say(f"{'':<10} second load: {second.records:>7,} rows in {second.seconds:5.1f} s")
        held = held_by(emulator, connector, list(loader.catalog))
    with duckdb.connect(str(database), read_only=True) as connection:
        connection.execute(f"SET schema = '{connector.name}'")
        rows, columns = sizes_of(Tables(connection, DUCKDB), loader.catalog)
    result = Result(connector.name, account.label, via, first, second, rows, columns, held)
    if result.differing:
        raise LoadingError(f"{account.label}: rows and records differ (rows, records): {result.differing}")
    say(f"{'':<10} {sum(rows.values()):,} rows in {len(rows)} tables: exactly the records of the account")
    return result


def show(connection: DuckDBPyConnection, question: Question) -> Answer:
    """Prints the question with its answer as a table."""
    rows = ask(connection, question.shown or question.sql)
    head = list(rows[0])
    numeric = [place for place, name in enumerate(head) if not isinstance(rows[0][name], str)]
    say(f"\n{question.title}\n")
    say(table(head, [[text_of(row[name]) for name in head] for row in rows], right=numeric))
    return Answer(question, ask(connection, question.sql))


def text_of(value: Any) -> str:
    """A figure as people write it."""
    if isinstance(value, int):
        return f"{value:,}"
    return str(value) if isinstance(value, str) else f"{float(value):,.1f}"


def run(connectors: Sequence[Connector], via: str, output: Path) -> None:
    """The whole demonstration."""
    import duckdb

    from warehouse.page import render

    problems = [problem_with_image(connector.image) for connector in connectors] if via == IMAGE else []
    if any(problems):
        raise LoadingError(next(filter(None, problems)))
    database, report = output / "warehouse.duckdb", output / "report.html"
    for path in (database, report):
        path.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix="pyairbyte-") as folder:
        settle(Path(folder))
        results = [load_account(connector, via, database, Path(folder) / "logs") for connector in connectors]
    names = {connector.name for connector in connectors}
    with duckdb.connect(str(database), read_only=True) as connection:
        answers = [show(connection, question) for question in QUESTIONS if question.connector in names]
    report.write_text(render(results, answers))
    say(f"\ntables: {database.resolve()}\nreport: {report.resolve()}")


def main() -> int:
    connectors = {connector.name: connector for connector in all_connectors()}
    parser = argparse.ArgumentParser(prog="warehouse", description=__doc__)
    parser.add_argument("--connector", action="append", choices=sorted(ACCOUNTS), help="only this one; may be repeated")
    parser.add_argument("--via", choices=(SCRIPT, IMAGE), default=SCRIPT, help="run console scripts or images")
    parser.add_argument("--output", type=Path, default=Path("build"), help="folder of the results (default: build)")
    arguments = parser.parse_args()
    chosen = [connectors[name] for name in arguments.connector or ACCOUNTS]
    arguments.output.mkdir(parents=True, exist_ok=True)
    try:
        run(chosen, arguments.via, arguments.output)
    except LoadingError as error:
        print(f"demo failed: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
