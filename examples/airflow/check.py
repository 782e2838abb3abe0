"""Loads twelve emulated accounts with Airflow, kills a worker in mid-task, changes the accounts, loads them again.

    python check.py

After each load every table is compared with the account, row by row and value by value. PostgreSQL, Redis, Airflow and
the emulators run on the loopback address and are stopped at the end. Exit code 0 if nothing is missing. The connectors
are on PATH; logs stay in `build/` beside this file.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# The emulators and what is known about their truth; a PostgreSQL of one's own; the DAGs' modules.
sys.path.append(str(Path(__file__).resolve().parents[2] / "acceptance-tests"))
sys.path.append(str(Path(__file__).resolve().parents[2] / "loading"))
sys.path.append(str(Path(__file__).resolve().parent / "dags"))

import psycopg
from accounts.loader import prepare
from emulated import VICTIM, VICTIMS_GROUP, Account, emulated
from services import ServiceError, Services, family, kill_family, services, wait_until
from verdict import Task, lost_tokens, problems, report

from demo.table import table

HERE = Path(__file__).resolve().parent
ACCOUNTS_FILE = HERE / "dags" / "accounts.json"
WORKERS = ("worker-1", "worker-2")
# Patience for a machine with much else to do.
READY_SECONDS, KILL_SECONDS, LOAD_SECONDS = 300, 900, 1_800
ENDED = ("success", "failed")

# A load of the victim in the middle of its work.
MID_TASK = """
SELECT process, records FROM loading.tries
WHERE account = %s AND "group" = %s AND finished_at IS NULL AND records > 4000
"""
# By account the windows of back-fills that were read, and how many reads that took.
WINDOWS = """
SELECT finished.account, count(DISTINCT (finished."group", finished.part)), count(tries.id)
FROM loading.finished LEFT JOIN loading.tries USING (account, "group", part) GROUP BY finished.account
"""
TRIES = 'SELECT load, resumed, records, finished_at FROM loading.tries WHERE account = %s AND "group" = %s ORDER BY id'


def set_up(up: Services, accounts: Sequence[Account], settings: dict[str, dict[str, Any]]) -> None:
    """A pool and a config for each account, as `airflow pools import` and `airflow variables import` make them."""
    for account in accounts:
        name = account.name
        up.call("POST", "pools", {"name": name, "slots": settings[name]["slots"], "include_deferred": False})
        config = json.dumps(account.emulator.config)
        up.call("POST", "variables", {"key": f"source_config_{name}", "value": config})


def configs(up: Services, accounts: Sequence[Account]) -> dict[str, dict[str, Any]]:
    """The configs as Airflow keeps them now: secrets are masked in answers, so they are asked of the command line."""
    (file := up.folder / "variables.json").touch(0o600)
    up.airflow("variables", "export", str(file))
    kept = json.loads(file.read_text())
    file.unlink()
    return {account.name: kept[f"source_config_{account.name}"] for account in accounts}


def all_ended(up: Services) -> bool:
    """Whether no run is under way."""
    runs = up.call("GET", "dags/~/dagRuns?limit=100")["dag_runs"]
    return bool(runs) and all(run["state"] in ENDED for run in runs)


def tasks_of(up: Services) -> list[Task]:
    """All tasks of all runs."""
    found: list[Task] = []
    while True:
        page = up.call("GET", f"dags/~/dagRuns/~/taskInstances?limit=100&offset={len(found)}")
        found += page["task_instances"]
        if len(found) >= page["total_entries"]:
            return found


def kill_a_worker(up: Services, warehouse: psycopg.Connection[Any]) -> str:
    """Kills the worker that reads the victim as soon as states are committed; says what happened."""

    def committed() -> Any:
        with contextlib.suppress(psycopg.errors.UndefinedTable):
            return warehouse.execute(MID_TASK, (VICTIM, VICTIMS_GROUP)).fetchone()

    process, records = wait_until("a load in mid-task", committed, KILL_SECONDS, pause=0.2)
    for name in WORKERS:
        pid = up.processes[name].pid
        if process in [member.pid for member in family(pid)]:
            killed = kill_family(pid)
            up.processes.pop(name).wait()
            # As systemd or Kubernetes would.
            up.start_worker(name)
            return (
                f"{name} was killed by SIGKILL with all that ran in it, {killed} processes, while it read {VICTIM} "
                f"[{VICTIMS_GROUP}]; {records:,} records were committed:"
            )
    raise ServiceError(f"process {process} belongs to no worker")


def resumed(warehouse: psycopg.Connection[Any]) -> tuple[str, list[str]]:
    """How the killed load went on, and what is wrong with that."""
    tries = warehouse.execute(TRIES, (VICTIM, VICTIMS_GROUP)).fetchall()
    text = "\n".join(
        f"  {load}: {'ended' if ended else 'killed'}, went on from {states} states, {records:,} records"
        for load, states, records, ended in tries
    )
    (killed, *_, last) = tries if len(tries) > 1 else (None, None)
    if killed is None or last is None or killed[3] or not last[3]:
        return text, [f"{VICTIM}: no load was killed and ended later"]
    return text, [] if last[1] else [f"{VICTIM}: the load began from nothing"]


def windows(warehouse: psycopg.Connection[Any], settings: dict[str, dict[str, Any]]) -> list[str]:
    """Says which windows were read; returns the accounts that are to be split and were not."""
    found = {account: (count, tries) for account, count, tries in warehouse.execute(WINDOWS).fetchall()}
    told = (f"{account} {count} in {tries} reads" for account, (count, tries) in sorted(found.items()))
    print(f"windows of back-fills: {', '.join(told)}\n")
    split = (account for account, each in settings.items() if each.get("split_at"))
    return [f"{account}: no window was read" for account in split if account not in found]


def run(up: Services, warehouse: psycopg.Connection[Any], accounts: Sequence[Account], *, kill: bool) -> list[str]:
    """One run of every account, with its figures; returns what is wrong."""
    (before,) = warehouse.execute("SELECT coalesce(max(id), 0) FROM loading.tries").fetchone() or (0,)
    known = {task["id"] for task in tasks_of(up)}
    for account in accounts:
        account.emulator.reset_stats()
    began = time.monotonic()
    for account in accounts:
        up.call("POST", f"dags/load_{account.name}/dagRuns", {"logical_date": None})
    event = kill_a_worker(up, warehouse) if kill else ""
    wait_until("the runs", lambda: all_ended(up), LOAD_SECONDS, pause=2)
    seconds = time.monotonic() - began
    tasks = [task for task in tasks_of(up) if task["id"] not in known]
    wrong = [f"{task['dag_id']} {task['task_id']}: {task['state']}" for task in tasks if task["state"] != "success"]
    different, rows = problems(warehouse, accounts)
    read = "SELECT account, sum(records)::bigint FROM loading.tries WHERE id > %s GROUP BY account"
    records = dict(warehouse.execute(read, (before,)).fetchall())
    print(f"{len(tasks)} tasks in {seconds:.0f} s\n{report(accounts, tasks, records, rows)}\n")
    if kill:
        text, amiss = resumed(warehouse)
        print(f"{event}\n{text}\n")
        wrong += amiss
    return wrong + different + lost_tokens(accounts, configs(up, accounts))


def main() -> int:
    """Two loads; what is wrong goes to stderr."""
    settings = json.loads(ACCOUNTS_FILE.read_text())
    folder = HERE / "build"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr] # a log of CI shows how far it came
    began = time.monotonic()
    with emulated(settings) as accounts, services(folder, ACCOUNTS_FILE) as up:
        for name in WORKERS:
            up.start_worker(name)
        set_up(up, accounts, settings)
        wait_until("the DAGs", lambda: up.call("GET", "dags")["total_entries"] == len(accounts), READY_SECONDS)
        print(f"PostgreSQL, Redis, Airflow and {len(WORKERS)} workers after {time.monotonic() - began:.0f} s\n")
        with psycopg.connect(up.environment["AIRFLOW_CONN_WAREHOUSE"], autocommit=True) as warehouse:
            prepare(warehouse, "loading", ())
            print("first load, with a kill: ", end="")
            wrong = run(up, warehouse, accounts, kill=True)
            for account in accounts:
                account.change()
            print("second load, after changes: ", end="")
            wrong += run(up, warehouse, accounts, kill=False)
            wrong += windows(warehouse, settings)
        lines = [[name, f"{seconds:.0f}", f"{size:.0f}"] for name, seconds, size in up.usage()]
        print(table(["process", "processor s", "MB"], lines, right=(1, 2)), "\n")
    print("\n".join(wrong) or f"every table equals its account; {time.monotonic() - began:.0f} s in all")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
