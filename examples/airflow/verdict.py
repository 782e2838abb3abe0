"""Compares the tables with what the emulated accounts hold, and says what the load came to."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import psycopg
from emulated import Account
from psycopg import sql

from demo.table import table
from harness.connector import Stream
from harness.truth import differences

Task = Mapping[str, Any]


def tables_of(warehouse: psycopg.Connection[Any], account: Account) -> set[str]:
    """The tables of an account."""
    found = warehouse.execute(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = %s", (account.name,)
    )
    return {name for (name,) in found}


def rows_of(warehouse: psycopg.Connection[Any], account: Account, stream: str) -> list[dict[str, Any]]:
    """The records in a stream's table."""
    query = sql.SQL("SELECT data::text FROM {}").format(sql.Identifier(account.name, stream))
    return [json.loads(text) for (text,) in warehouse.execute(query)]


def problems(warehouse: psycopg.Connection[Any], accounts: Iterable[Account]) -> tuple[list[str], dict[str, int]]:
    """What differs between all tables and the accounts, and the number of equal rows by connector."""
    wrong: list[str] = []
    equal: dict[str, int] = {}
    for account in accounts:
        tables, truth = tables_of(warehouse, account), account.emulator.truth_counts()
        wrong += [f"{account.name}: no table {name}" for name in sorted(truth.keys() - tables)]
        wrong += [f"{account.name}: a table {name} of nothing" for name in sorted(tables - truth.keys())]
        known = {stream.name: stream for stream in account.connector.streams}
        for name in sorted(tables & truth.keys()):
            stream = known.get(name, Stream(name))
            records, rows = account.emulator.truth(stream.truth_name), rows_of(warehouse, account, name)
            found = differences(stream, records, rows)
            wrong += [f"{account.name}: {problem}" for problem in found]
            if not found:
                equal[account.connector.script] = equal.get(account.connector.script, 0) + len(rows)
    return wrong, equal


def lost_tokens(accounts: Iterable[Account], configs: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """OAuth accounts whose kept config has not the newest refresh token, or whose token never changed."""
    wrong = []
    for account in accounts:
        if "refresh_token" in account.emulator.config:
            kept, minted = configs[account.name]["refresh_token"], account.emulator.stats()["tokens_minted"]
            if not minted or kept != f"refresh-{minted}":
                wrong.append(f"{account.name}: {kept} is kept of {minted} tokens")
    return wrong


def report(
    accounts: Sequence[Account], tasks: Sequence[Task], tries: Mapping[str, int], rows: Mapping[str, int]
) -> str:
    """A line for each connector; `tries` are records read by account."""
    lines = []
    for script in dict.fromkeys(account.connector.script for account in accounts):
        own = [account for account in accounts if account.connector.script == script]
        names = {f"load_{account.name}" for account in own}
        mine = [task for task in tasks if task["dag_id"] in names]
        truth = sum(sum(account.emulator.truth_counts().values()) for account in own)
        figures = [
            len(own),
            len(mine),
            sum(max(0, task["try_number"] - 1) for task in mine),
            sum(tries.get(account.name, 0) for account in own),
            sum(account.emulator.stats()["requests"] for account in own),
            rows.get(script, 0),
            truth,
        ]
        lines.append([script, *(f"{figure:,}" for figure in figures)])
    head = ["connector", "accounts", "tasks", "retries", "records read", "requests", "equal rows", "in the accounts"]
    return table(head, lines, right=range(1, len(head)))
