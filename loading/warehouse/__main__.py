"""Loads emulated accounts through PyAirbyte into one warehouse, builds the dbt models on it, and answers questions.

The accounts are loaded, changed, and loaded again; tables and models are compared with what the accounts hold. Writes
`report.html` and, with DuckDB, `warehouse.duckdb`. Everything runs on this machine; no account is needed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from demo.table import table
from harness.connector import Connector, all_connectors
from warehouse.accounts import ACCOUNTS, Account
from warehouse.databases import opened
from warehouse.loads import load_account
from warehouse.models import build
from warehouse.page import render
from warehouse.pyairbyte import IMAGE, SCRIPT, LoadingError, problem_with_image, settle
from warehouse.questions import Answer, answers
from warehouse.truth import figures


def say(text: str) -> None:
    print(text, flush=True)


def show(answer: Answer) -> None:
    """Prints the question with its answer as a table."""
    head = list(answer.shown[0])
    numeric = [place for place, name in enumerate(head) if not isinstance(answer.shown[0][name], str)]
    say(f"\n{answer.question.title}\n")
    say(table(head, [[text_of(row[name]) for name in head] for row in answer.shown], right=numeric))


def text_of(value: Any) -> str:
    """A figure as people write it."""
    if isinstance(value, int):
        return f"{value:,}"
    if value is None or isinstance(value, str):
        return value or ""
    return f"{float(value):,.1f}" if float(value) % 1 else f"{int(value):,}"


def run(connectors: Sequence[Connector], accounts: dict[str, Account], via: str, warehouse: str, output: Path) -> None:
    """The whole demonstration."""
    problems = [problem_with_image(connector.image) for connector in connectors] if via == IMAGE else []
    if any(problems):
        raise LoadingError(next(filter(None, problems)))
    with tempfile.TemporaryDirectory(prefix="pyairbyte-") as name:
        folder = Path(name)
        settle(folder)
        with opened(warehouse, output) as database:
            loaded = {
                connector.name: load_account(connector, accounts[connector.name], database, folder / "logs", via, say)
                for connector in connectors
            }
            truth = figures({name: each.truth for name, each in loaded.items()})
            built = build(database, list(loaded), truth, folder)
            say(f"{built.models} models, {built.tests} tests passed in {built.seconds:.0f} s of dbt")
            found = answers(database)
    for answer in found:
        show(answer)
    report = output / "report.html"
    report.write_text(render([each.result for each in loaded.values()], built, found, database.name))
    say(f"\nreport: {report.resolve()}")


def main() -> int:
    connectors = {connector.name: connector for connector in all_connectors()}
    parser = argparse.ArgumentParser(prog="warehouse", description=__doc__)
    parser.add_argument("--connector", action="append", choices=sorted(ACCOUNTS), help="only this one; may be repeated")
    parser.add_argument("--warehouse", choices=("duckdb", "postgres"), default="duckdb", help="where to load to")
    parser.add_argument("--small", action="store_true", help="small accounts, and of them what the models read")
    parser.add_argument("--via", choices=(SCRIPT, IMAGE), default=SCRIPT, help="run console scripts or images")
    parser.add_argument("--output", type=Path, default=Path("build"), help="folder of the results (default: build)")
    arguments = parser.parse_args()
    chosen = [connectors[name] for name in arguments.connector or ACCOUNTS]
    accounts = {each.name: ACCOUNTS[each.name] for each in chosen}
    if arguments.small:
        accounts = {each.name: accounts[each.name].small(each.small) for each in chosen}
    arguments.output.mkdir(parents=True, exist_ok=True)
    try:
        run(chosen, accounts, arguments.via, arguments.warehouse, arguments.output)
    except LoadingError as error:
        print(f"demo failed: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
