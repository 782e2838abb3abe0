"""What was deleted in Outreach: the anti-join in SQL, and what listing ids costs in requests and bytes."""

from __future__ import annotations

import sqlite3

import pytest

from harness.messages import Record
from harness.trial import NewTrial, Trial

pytestmark = [pytest.mark.only("outreach"), pytest.mark.thorough]

NAMES = ["prospects", "mailings", "tasks"]
SIZE = {"prospects": 4_000, "mailings": 2_500, "sizes": {"tasks": 400}, "largest_page": 1_000}
# What each collection may cost beside its full pages: the last page, and a look at how it answers.
REQUESTS_EACH = 3
# A row of the answer has its type, its id and its link.
BYTES_A_ROW = 250
ANTI_JOIN = """
    SELECT warehouse.stream, warehouse.id
    FROM warehouse
    WHERE NOT EXISTS (
        SELECT 1 FROM record_ids WHERE record_ids.stream = warehouse.stream AND record_ids.id = warehouse.id
    )
"""


def with_ids(trial: Trial, *names: str) -> Trial:
    """The account with the config that asks for ids, and its catalog."""
    trial.config = {**trial.config, "record_ids_of": list(names)}
    trial.known_catalog = None
    trial.__dict__.pop("catalog", None)
    return trial


def anti_join(held: dict[str, list[Record]], listed: list[Record]) -> set[tuple[str, str]]:
    """What a warehouse holds and the account no longer lists."""
    database = sqlite3.connect(":memory:")
    for table in ("warehouse", "record_ids"):
        database.execute(f"CREATE TABLE {table} (stream TEXT, id TEXT, PRIMARY KEY (stream, id))")
    rows = [(name, str(record["id"])) for name, records in held.items() for record in records]
    database.executemany("INSERT INTO warehouse VALUES (?, ?)", rows)
    ids = [(row["stream"], str(row["id"])) for row in listed]
    database.executemany("INSERT INTO record_ids VALUES (?, ?)", ids)
    found = set(database.execute(ANTI_JOIN).fetchall())
    database.close()
    return found


def test_the_anti_join_of_a_warehouse_names_exactly_what_was_deleted(new_trial: NewTrial) -> None:
    trial = with_ids(new_trial(**SIZE), *NAMES)
    held = trial.read(NAMES).result.records
    deleted = {
        (name, str(key))
        for name in NAMES
        for key in trial.emulator.touch(name, delete=len(held[name]) // 100)["deleted"]
    }
    listed = trial.read(["record_ids"]).result.records["record_ids"]
    assert anti_join(held, listed) == deleted
    assert len(deleted) == 40 + 25 + 4


def test_ids_take_a_request_a_thousand_and_few_bytes(new_trial: NewTrial) -> None:
    trial = with_ids(new_trial(**SIZE), *NAMES)
    rows = sum(trial.emulator.truth_counts()[name] for name in NAMES)
    trial.emulator.reset_stats()
    assert len(trial.read(["record_ids"]).result.records["record_ids"]) == rows
    statistics = trial.emulator.stats()
    requests = sum(count for group, count in statistics["by_group"].items() if "oauth" not in group)
    assert rows // 1000 <= requests <= rows // 1000 + REQUESTS_EACH * len(NAMES)
    assert statistics["bytes_sent"] <= BYTES_A_ROW * rows


def test_records_that_are_deleted_while_ids_are_listed_cost_no_other_id(new_trial: NewTrial) -> None:
    trial = with_ids(new_trial(prospects=9_000, largest_page=1_000), "prospects")
    before = {str(record["id"]) for record in trial.emulator.truth("prospects")}
    trial.emulator.options(drift=[{"stream": "prospects", "every": 1, "delete": 20}])
    listed = {str(row["id"]) for row in trial.read(["record_ids"]).result.records["record_ids"]}
    trial.emulator.options(drift=[])
    after = {str(record["id"]) for record in trial.emulator.truth("prospects")}
    assert len(after) < len(before), "nothing was deleted: the test proves nothing"
    assert after <= listed <= before


@pytest.mark.parametrize("name", ["nothing", "record_ids", "org_settings"])
def test_a_stream_that_has_no_ids_is_refused_by_name(new_trial: NewTrial, name: str) -> None:
    trial = new_trial(prospects=5)
    result = trial.runner.run("check", {**trial.config, "record_ids_of": [name]})
    (status,) = result.of_type("CONNECTION_STATUS")
    assert (status["connectionStatus"]["status"], name in status["connectionStatus"].get("message", "")) == (
        "FAILED",
        True,
    )
