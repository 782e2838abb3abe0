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
from airflow.sdk.exceptions import AirflowFailException

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


@pytest.fixture
def planned(
    load_accounts: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    connector: Callable[..., Connector],
    connection: psycopg.Connection[Any],
) -> Callable[[str], list[str]]:
    """The parts of the task `plan` for an account of this connector that is split at two dates."""

    def plan(script: str) -> list[str]:
        source = connector({"records": [], "start_date": "2026-01-01"}, script=script)
        monkeypatch.setattr(load_accounts, "connector_of", lambda account: source)
        monkeypatch.setattr(load_accounts, "warehouse", lambda: connection)
        monkeypatch.setitem(load_accounts.ACCOUNTS[SPLIT], "split_at", ["2026-03-01", "2026-07-01"])
        return [job["part"] for job in load_accounts.plan.function(SPLIT)]

    return plan


def test_the_tasks_of_an_account_are_its_windows_and_what_comes_after(planned: Callable[[str], list[str]]) -> None:
    assert planned("with-end-date") == ["whole", "ongoing", "2026-01-01..2026-03-01", "2026-03-01..2026-07-01"]


def test_an_account_cannot_be_split_where_the_connector_has_no_end_date(planned: Callable[[str], list[str]]) -> None:
    with pytest.raises(AirflowFailException, match=f"{SPLIT}: .*source-fake has no end_date: remove split_at"):
        planned("source-fake")
