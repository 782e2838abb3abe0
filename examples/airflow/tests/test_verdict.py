"""The comparison of tables with an account sees what is wrong with them."""

from __future__ import annotations

from typing import Any

import psycopg
from accounts.connector import Config, Connector
from accounts.loader import Loader
from accounts.plan import jobs, summary
from emulated import Account
from verdict import lost_tokens, problems

from emulators import start
from harness.connector import all_connectors
from harness.runner import find_script


def test_missing_surplus_and_changed_rows_and_lost_tokens_are_seen(connection: psycopg.Connection[Any]) -> None:
    (known,) = [connector for connector in all_connectors() if connector.name == "outreach"]
    kept: list[Config] = []
    with start("outreach", prospects=50, mailings=20, token_strict=True) as emulator:
        source = Connector(str(find_script(known.script)), dict(emulator.config), keep=kept.append)
        for job in jobs(known.script, map(summary, source.streams()), ""):
            Loader(connection, "acme", job, "run 1").load(source.read(job["streams"], []), resumed=0)
        account = Account("acme", known, emulator)
        wrong, equal = problems(connection, [account])
        assert (wrong, equal) == ([], {"source-outreach": sum(emulator.truth_counts().values())})
        assert lost_tokens([account], {"acme": kept[-1]}) == []
        assert lost_tokens([account], {"acme": emulator.config}) == ["acme: refresh-0 is kept of 1 tokens"]

        connection.execute("DELETE FROM acme.prospects WHERE _key = '3'")
        surplus = "SELECT 'new', _cursor, _read_at, _load, '{\"id\": 0}' FROM acme.users LIMIT 1"
        connection.execute(f"INSERT INTO acme.users {surplus}")
        connection.execute("UPDATE acme.mailings SET data = jsonb_set(data, '{subject}', 'null') WHERE _key = '5'")
        connection.execute("DROP TABLE acme.teams")
        wrong, _ = problems(connection, [account])
        assert wrong == [
            "acme: no table teams",
            "acme: mailings: 1 records differ from the account's, in ['subject']: [5]",
            "acme: prospects: 1 of 50 records missing: [3]",
            "acme: users: 1 records that the account does not hold: [0]",
        ]
