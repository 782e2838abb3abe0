"""The dbt models on one system alone, and that their tests find what is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from emulators import start
from harness.connector import all_connectors
from warehouse.databases import Database, DuckDB, Postgres
from warehouse.models import build, streams_of
from warehouse.pyairbyte import Loader, LoadingError
from warehouse.truth import Figures, figures

pytestmark = pytest.mark.models

# What is done to the tables, and the tests that must fail: how their names begin. What is built on a model whose tests
# fail, dbt does not build.
DAMAGES = {
    "DELETE FROM closeio.users": "refers_to_closeio_opportunities_owner_id",
    "DELETE FROM closeio.memberships": "equals_truth_closeio_users",
    "INSERT INTO closeio.contacts SELECT * FROM closeio.contacts WHERE id LIKE 'cont_0%'": "keyed_by_closeio_people",
    "UPDATE closeio.opportunities SET value = value + 1": "equals_truth_closeio_opportunities_sum_value",
}


@pytest.fixture(scope="module")
def warehouse(database: Database) -> Database:
    """The database, with a file for all schemas where it has files."""
    return replace(database, file="models.duckdb") if isinstance(database, DuckDB) else database


@pytest.fixture(scope="module")
def closeio(warehouse: Database, new_loader: Callable[..., Loader]) -> Figures:
    """An account of Close, loaded, and again after deletions; its figures."""
    (connector,) = (each for each in all_connectors() if each.name == "closeio")
    streams = streams_of("closeio")
    with start(connector.emulator, **connector.small) as emulator:
        loader = new_loader(connector, emulator, warehouse.cache("closeio"), streams)
        loader.load()
        emulator.touch("leads", delete=7)
        loader.load()
        return figures({"closeio": {stream: emulator.truth(stream) for stream in streams}})


def change(warehouse: Database, sql: str) -> None:
    """Writes into the tables."""
    if isinstance(warehouse, Postgres):
        with warehouse.server.connect() as connection:
            connection.execute(sql)
    else:
        with duckdb.connect(warehouse.environment["DUCKDB_FILE"]) as connection:
            connection.execute(sql)


def failed_tests(warehouse: Database, truth: Figures, folder: Path) -> str:
    """The names of the tests that fail in a build, a line each."""
    with pytest.raises(LoadingError) as problem:
        build(warehouse, ["closeio"], truth, folder)
    return "\n".join(re.findall(r"^test\.sales\.(\w+)\.\w+: fail:", str(problem.value), flags=re.MULTILINE))


def test_one_system_is_enough(warehouse: Database, closeio: Figures, tmp_path: Path) -> None:
    built = build(warehouse, ["closeio"], closeio, tmp_path)
    assert built.models > 15
    assert built.tests > 50


def test_without_the_feed_of_deletions_deleted_records_stay_and_missing_figures_fail(
    warehouse: Database, closeio: Figures, tmp_path: Path
) -> None:
    change(warehouse, "ALTER TABLE closeio.deleted_records RENAME TO not_loaded")
    without = {name: figure for name, figure in closeio.items() if name != "closeio_campaigns"}
    failed = failed_tests(warehouse, without, tmp_path)
    change(warehouse, "ALTER TABLE closeio.not_loaded RENAME TO deleted_records")
    assert "equals_truth_closeio_accounts_" in failed
    assert "equals_truth_closeio_campaigns_" in failed
    assert all(name.startswith("equals_truth_") for name in failed.splitlines())


def test_damage_is_found(warehouse: Database, closeio: Figures, tmp_path: Path) -> None:
    for damage in DAMAGES:
        change(warehouse, damage)
    failed = failed_tests(warehouse, closeio, tmp_path)
    assert [name for name in DAMAGES.values() if f"\n{name}" not in f"\n{failed}"] == []
