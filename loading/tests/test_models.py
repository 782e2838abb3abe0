"""The dbt models on one system alone, by what deletions are known, and that their tests find what is wrong."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from emulators import start
from harness.connector import all_connectors
from warehouse.databases import Database, DuckDB, Postgres
from warehouse.models import RECORD_IDS, build, streams_of
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

# All that `closeio_deletions` asks of the ids that exist.
CLOSE_IDS = (
    "call_activities", "contacts", "email_activities", "email_sequences", "leads", "meeting_activities",
    "opportunities", "opportunity_status_change_activities", "sequence_subscriptions", "sms_activities", "users",
    "whatsapp_message_activities",
)  # fmt: skip


@pytest.fixture(scope="module")
def warehouse(database: Database) -> Database:
    """The database, with a file for all schemas where it has files."""
    return replace(database, file="models.duckdb") if isinstance(database, DuckDB) else database


@pytest.fixture(scope="module")
def closeio(warehouse: Database, new_loader: Callable[..., Loader]) -> Figures:
    """An account of Close, loaded, and again after deletions, which both the feed and the ids tell; its figures."""
    return loaded_twice("closeio", {"leads": 7}, warehouse, new_loader, record_ids_of=list(CLOSE_IDS))


def loaded_twice(
    system: str,
    deletions: Mapping[str, int],
    warehouse: Database,
    new_loader: Callable[..., Loader],
    emulated: Mapping[str, Any] | None = None,
    **options: Any,
) -> Figures:
    """Loads an account, `emulated` with these options, before and after deletions; its figures."""
    (connector,) = (each for each in all_connectors() if each.name == system)
    streams = streams_of(system, options)
    with start(connector.emulator, **{**connector.small, **(emulated or {})}) as emulator:
        loader = new_loader(connector, emulator, warehouse.cache(system), streams, **options)
        loader.load()
        for stream, count in deletions.items():
            emulator.touch(stream, delete=count)
        loader.load()
        return figures({system: {stream: emulator.truth(stream) for stream in streams if stream != RECORD_IDS}})


def change(warehouse: Database, sql: str) -> list[Any]:
    """Writes into the tables, or asks them."""
    if isinstance(warehouse, Postgres):
        with warehouse.server.connect() as connection:
            result = connection.execute(sql)
            return result.fetchall() if result.description else []
    with duckdb.connect(warehouse.environment["DUCKDB_FILE"]) as connection:
        rows: list[Any] = connection.execute(sql).fetchall()
        return rows


@contextlib.contextmanager
def without(warehouse: Database, *tables: str) -> Iterator[None]:
    """As if these tables of Close had not been loaded."""
    for table in tables:
        change(warehouse, f"ALTER TABLE closeio.{table} RENAME TO {table}_not_loaded")
    yield
    for table in tables:
        change(warehouse, f"ALTER TABLE closeio.{table}_not_loaded RENAME TO {table}")


def failed_tests(warehouse: Database, truth: Figures, folder: Path) -> str:
    """The names of the tests that fail in a build, a line each."""
    with pytest.raises(LoadingError) as problem:
        build(warehouse, ["closeio"], truth, folder)
    return "\n".join(re.findall(r"^test\.sales\.(\w+)\.\w+: fail:", str(problem.value), flags=re.MULTILINE))


def test_one_system_is_enough(warehouse: Database, closeio: Figures, tmp_path: Path) -> None:
    built = build(warehouse, ["closeio"], closeio, tmp_path)
    assert built.models > 15
    assert built.tests > 50


@pytest.mark.parametrize("unknown", ["deleted_records", "record_ids"])
def test_feed_and_ids_tell_deletions_each_for_itself(
    warehouse: Database, closeio: Figures, tmp_path: Path, unknown: str
) -> None:
    with without(warehouse, unknown):
        assert build(warehouse, ["closeio"], closeio, tmp_path).tests > 50


def test_without_both_deleted_records_stay_and_missing_figures_fail(
    warehouse: Database, closeio: Figures, tmp_path: Path
) -> None:
    fewer = {name: figure for name, figure in closeio.items() if name != "closeio_campaigns"}
    with without(warehouse, "deleted_records", "record_ids"):
        failed = failed_tests(warehouse, fewer, tmp_path)
    assert "equals_truth_closeio_accounts_" in failed
    assert "equals_truth_closeio_campaigns_" in failed
    assert all(name.startswith("equals_truth_") for name in failed.splitlines())


def test_a_listing_says_nothing_of_what_came_after_it_nor_of_streams_that_it_lacks(
    warehouse: Database, closeio: Figures, tmp_path: Path
) -> None:
    """So the deleted leads of rows that came later count as being there, and so do all deleted contacts."""
    listed = "(SELECT max(seen_at) AT TIME ZONE 'UTC' FROM closeio.record_ids)"
    change(warehouse, "CREATE TABLE closeio.kept AS SELECT id, _airbyte_extracted_at AS at FROM closeio.leads")
    change(warehouse, f"UPDATE closeio.leads SET _airbyte_extracted_at = {listed} + interval '1 second'")
    change(warehouse, "UPDATE closeio.record_ids SET stream = 'others' WHERE stream = 'contacts'")
    with without(warehouse, "deleted_records"):
        failed = failed_tests(warehouse, closeio, tmp_path)
        told = change(warehouse, "SELECT DISTINCT stream FROM sales_staging.closeio_deletions")
    change(warehouse, "UPDATE closeio.record_ids SET stream = 'contacts' WHERE stream = 'others'")
    change(
        warehouse, "UPDATE closeio.leads SET _airbyte_extracted_at = kept.at FROM closeio.kept WHERE kept.id = leads.id"
    )
    assert "equals_truth_closeio_accounts_" in failed
    assert "equals_truth_closeio_people_" in failed
    assert "opportunities" in {stream for (stream,) in told}
    assert not {"leads", "contacts"} & {stream for (stream,) in told}


def test_the_audit_log_of_kustomer_tells_deletions_where_marked_records_are_not_loaded(
    warehouse: Database, new_loader: Callable[..., Loader], tmp_path: Path
) -> None:
    deletions = {"customers": 4, "companies": 2, "conversations": 5, "messages": 9}
    # Nobody tells of what was gone before the audit log begins.
    truth = loaded_twice("kustomer", deletions, warehouse, new_loader, {"deleted_share": 0.0}, include_deleted=False)
    for stream in deletions:
        assert change(warehouse, f"SELECT count(*) FROM kustomer.{stream} WHERE deleted") == [(0,)]
    build(warehouse, ["kustomer"], truth, tmp_path)
    (told,) = change(
        warehouse, "SELECT count(*) FROM sales_staging.kustomer_deletions WHERE told_by = 'deleted_records'"
    )
    assert told[0] >= sum(deletions.values())


def test_damage_is_found(warehouse: Database, closeio: Figures, tmp_path: Path) -> None:
    for damage in DAMAGES:
        change(warehouse, damage)
    failed = failed_tests(warehouse, closeio, tmp_path)
    assert [name for name in DAMAGES.values() if f"\n{name}" not in f"\n{failed}"] == []
