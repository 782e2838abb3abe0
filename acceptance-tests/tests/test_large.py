"""Large accounts, once per connector: complete, and in bounded memory."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from harness.connector import Connector
from harness.measure import measure
from harness.runner import find_script
from harness.soak import soak
from harness.trial import NewTrial
from harness.truth import all_differences

pytestmark = pytest.mark.slow

MILLION = 1_000_000
MOST_GROWTH_MEGABYTES = 30


def test_a_large_account_is_read_completely(connector: Connector, new_trial: NewTrial) -> None:
    trial = new_trial(**connector.large)
    read = trial.read(connector.large_streams)
    problems = all_differences(connector, trial.truth(connector.large_streams), read.result.records)
    assert not problems, "\n".join(problems)


@pytest.mark.script
def test_a_large_account_is_read_in_bounded_memory(connector: Connector, new_trial: NewTrial, tmp_path: Path) -> None:
    trial = new_trial(**connector.large)
    for name, value in (("config", trial.config), ("catalog", trial.configured(connector.large_streams))):
        (tmp_path / f"{name}.json").write_bytes(orjson.dumps(value))
    command: list[str | Path] = [find_script(connector.script), "read", "--config", tmp_path / "config.json"]
    run = measure([*command, "--catalog", tmp_path / "catalog.json"], tmp_path / "output.jsonl")
    assert run.peak_megabytes <= connector.most_megabytes


@pytest.mark.script
def test_a_million_records_are_read_in_memory_that_stays_flat(
    connector: Connector, new_trial: NewTrial, tmp_path: Path
) -> None:
    trial = new_trial(**connector.soak)
    for name, value in (("config", trial.config), ("catalog", trial.configured([connector.soak_stream]))):
        (tmp_path / f"{name}.json").write_bytes(orjson.dumps(value))
    command: list[str | Path] = [find_script(connector.script), "read", "--config", tmp_path / "config.json"]
    run = soak([*command, "--catalog", tmp_path / "catalog.json"])
    assert (run.exit_code, run.records, run.different) == (0, MILLION, MILLION)
    assert max(run.megabytes) <= connector.most_megabytes
    assert run.growth <= MOST_GROWTH_MEGABYTES
