"""A DAG for each account of accounts.json: it plans jobs and loads each of them in a mapped task.

    plan  ->  load [leads]  load [activities]  load [rest] ...

All tasks of an account share the account's pool, whose slots say how many reads may use the vendor's rate budget at the
same time. An account's config is the Airflow Variable `source_config_<account>`: encrypted, and written anew when the
connector reports rotated tokens. The warehouse is the Airflow Connection `warehouse`.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from accounts.connector import Connector, ConnectorError
from accounts.loader import Loader, finished
from accounts.plan import Job, jobs, summary
from airflow.sdk import DAG, Connection, Variable, get_current_context, task
from airflow.sdk.exceptions import AirflowFailException

FILE = Path(os.environ.get("ACCOUNTS_FILE") or Path(__file__).with_name("accounts.json"))
ACCOUNTS: dict[str, dict[str, Any]] = json.loads(FILE.read_text())
PATIENCE = {
    "retries": 4,
    "retry_delay": timedelta(seconds=int(os.environ.get("RETRY_SECONDS", "60"))),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(hours=1),
}


def connector_of(account: str) -> Connector:
    """The account's connector, with its config as it is now."""
    name = f"source_config_{account}"
    config = Variable.get(name, deserialize_json=True)
    return Connector(
        ACCOUNTS[account]["connector"], config, keep=lambda new: Variable.set(name, new, serialize_json=True)
    )


def warehouse() -> psycopg.Connection[Any]:
    """A connection of the task's own."""
    return psycopg.connect(Connection.get("warehouse").get_uri(), autocommit=True)


@task
def plan(account: str) -> list[Job]:
    """The jobs of this run."""
    connector = connector_of(account)
    split_at = ACCOUNTS[account].get("split_at", [])
    if split_at and "end_date" not in connector.options():
        raise AirflowFailException(
            f"{account}: {connector.script} has no end_date: remove split_at from accounts.json."
        )
    with warehouse() as connection:
        done = finished(connection, account)
    streams = map(summary, connector.streams())
    return jobs(connector.script, streams, connector.config.get("start_date", ""), split_at, done)


@task(map_index_template="{{ label }}")
def load(account: str, job: Job) -> int:
    """Reads a job from its last committed states on; returns the number of records."""
    context: Any = get_current_context()
    context["label"] = f"{job['group']} {job['part']}"  # for the template above
    run = f"{context['run_id']}, try {context['ti'].try_number}"
    connector = connector_of(account)
    connector.overlay = dict(job["overlay"])
    with warehouse() as connection:
        loader = Loader(connection, account, job, run)
        states = loader.states()
        try:
            return loader.load(connector.read(job["streams"], states), resumed=len(states))
        except ConnectorError as error:
            if error.final:
                raise AirflowFailException(str(error)) from error
            raise


def dag_of(account: str, connector: str, schedule: str | None = None, **_: Any) -> DAG:
    """The account's DAG, as accounts.json has it."""
    with DAG(
        f"load_{account}",
        schedule=schedule,
        start_date=datetime(2026, 1, 1, tzinfo=UTC),
        catchup=False,
        # Two runs of an account would mix their states.
        max_active_runs=1,
        default_args=PATIENCE | {"pool": account},
        tags=[connector],
    ) as dag:
        load.partial(account=account).expand(job=plan(account))
    return dag


DAGS = {account: dag_of(account, **settings) for account, settings in ACCOUNTS.items()}
