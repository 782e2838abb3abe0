"""The DAGs, as Airflow reads them. Nothing of Airflow runs."""

from __future__ import annotations

import importlib
import json
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import psycopg
import pytest
from accounts.connector import Connector

ACCOUNTS = json.loads(Path(__file__).parents[1].joinpath("dags", "accounts.json").read_text())
SPLIT = next(name for name, account in ACCOUNTS.items() if account.get("split_at"))


@pytest.fixture(scope="module")
def load_accounts(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """The file of DAGs."""
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        patch.setenv("AIRFLOW_HOME", str(tmp_path_factory.mktemp("airflow")))
        return importlib.import_module("load_accounts")


def test_each_account_has_a_dag_whose_tasks_share_its_pool(load_accounts: ModuleType) -> None:
    assert load_accounts.DAGS.keys() == ACCOUNTS.keys()
    for account, dag in load_accounts.DAGS.items():
        plan, load = dag.get_task("plan"), dag.get_task("load")
        assert (dag.max_active_runs, plan.pool, load.partial_kwargs["pool"]) == (1, account, account)
        assert load.upstream_task_ids == {"plan"}


@pytest.mark.parametrize(
    ("script", "parts"),
    [
        ("source-fake", ["ongoing"]),
        ("with-end-date", ["whole", "ongoing", "2026-01-01..2026-03-01", "2026-03-01..2026-07-01"]),
    ],
)
def test_time_is_split_where_the_connector_knows_end_date(
    load_accounts: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    connector: Callable[..., Connector],
    connection: psycopg.Connection[Any],
    script: str,
    parts: list[str],
) -> None:
    source = connector({"records": [], "start_date": "2026-01-01"}, script=script)
    monkeypatch.setattr(load_accounts, "connector_of", lambda account: source)
    monkeypatch.setattr(load_accounts, "warehouse", lambda: connection)
    monkeypatch.setitem(load_accounts.ACCOUNTS[SPLIT], "split_at", ["2026-03-01", "2026-07-01"])
    assert [job["part"] for job in load_accounts.plan.function(SPLIT)] == parts
