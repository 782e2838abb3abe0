"""Loads an emulated account with pipeline.py, changes it, loads it again, and compares the tables with the account.

    python check.py source-closeio

Exit code 0 if no row and no column is missing. The connector is a console script on PATH, or its path.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "acceptance-tests"))

import dlt
from pipeline import airbyte

from emulators import Emulator, start

STREAMS = ("leads", "contacts", "opportunities", "activities", "tasks", "users", "custom_fields")


def problems(pipeline: dlt.Pipeline, account: Emulator, stream: str) -> list[str]:
    """Prints a line about a table; returns what is wrong with it."""
    naming = pipeline.default_schema.naming
    records = account.truth(stream)
    expected = {naming.normalize_identifier(name) for record in records for name in record}
    versions = sorted((record["id"], datetime.fromisoformat(record["date_updated"])) for record in records)
    with pipeline.sql_client() as client:
        loaded = sorted((row[0], row[1]) for row in client.execute_sql(f"SELECT id, date_updated FROM {stream}") or [])
        about = "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = %s"
        present = dict(client.execute_sql(about, stream) or [])
    columns = {name: kind for name, kind in present.items() if not name.startswith("_dlt_")}
    print(f"{stream:15} {len(loaded):6,} rows {len(records):6,} in the account {len(columns):4} columns")
    wrong = []
    if loaded != versions:
        wrong.append(f"{stream}: {len(set(versions) - set(loaded))} rows missing or old, {len(loaded)} rows in all")
    if missing := sorted(expected - set(columns)):
        wrong.append(f"{stream}: columns missing: {', '.join(missing)}")
    if columns.get("date_created") != "TIMESTAMP WITH TIME ZONE":
        wrong.append(f"{stream}: date_created is {columns.get('date_created')}")
    return wrong


def main(connector: str) -> int:
    """Two loads; what is wrong goes to stderr."""
    wrong = []
    with tempfile.TemporaryDirectory() as name, start("close", leads=3000) as account:
        folder = Path(name)
        (config := folder / "config.json").write_text(json.dumps(account.config))
        destination = dlt.destinations.duckdb(str(folder / "warehouse.duckdb"))
        pipeline = dlt.pipeline("close", destination=destination, dataset_name="close", pipelines_dir=str(folder))
        for load in ("first load", "second load, after changes"):
            account.reset_stats()
            began = time.monotonic()
            pipeline.run(airbyte(connector, config, STREAMS))
            requests = account.stats()["requests"]
            print(f"\n{load}: {time.monotonic() - began:.1f} s, {requests} requests")
            wrong += [problem for stream in STREAMS for problem in problems(pipeline, account, stream)]
            account.touch("leads", update=20, create=5)
            account.touch("tasks", update=10, create=3)
    print("\n".join(wrong), file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
