"""OAuth with refresh tokens that work once: no rotation may be lost, whenever the connector dies."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from harness.connector import Connector
from harness.secrets import leaks, secret_values
from harness.trial import NewTrial, Trial
from harness.truth import all_differences


@pytest.fixture
def trial(connector: Connector, new_trial: NewTrial) -> Trial:
    """An account whose access tokens expire while a read runs."""
    if connector.oauth is None:
        pytest.skip(f"{connector.name} has no OAuth")
    return with_tokens(new_trial(**connector.oauth.short_lived))


def with_tokens(trial: Trial) -> Trial:
    assert trial.connector.oauth is not None
    trial.config = trial.connector.oauth.config(trial.emulator)
    return trial


def assert_complete(trial: Trial, records: dict[str, list[dict[str, Any]]]) -> None:
    problems = all_differences(trial.connector, trial.truth(), records)
    assert not problems, "\n".join(problems)


def test_a_read_survives_tokens_that_expire_and_rotate(trial: Trial) -> None:
    read = trial.read()
    assert trial.emulator.stats()["tokens_minted"] >= 2, "no token expired: the test proves nothing"
    assert len(read.result.controls) == trial.emulator.stats()["tokens_minted"]
    assert_complete(trial, read.result.records)


def test_no_minted_token_is_said_outside_of_control(trial: Trial) -> None:
    read = trial.read()
    minted = set().union(*(secret_values(trial.spec, config) for config in read.result.controls))
    assert minted
    assert not leaks(read.result, minted)


def test_the_config_file_is_rewritten_and_works_again(trial: Trial) -> None:
    first = trial.read()
    rewritten = orjson.loads((first.result.directory / "config.json").read_bytes())
    assert rewritten == first.result.controls[-1]
    second = trial.runner.run("read", rewritten, trial.configured())
    assert second.exit_code == 0, second.describe()
    assert_complete(trial, second.records)


def test_a_killed_run_leaves_a_config_that_works(trial: Trial) -> None:
    """CONTROL is out before the token is used, so whoever saw the last CONTROL can go on."""
    process = trial.start()
    assert process.read_until(lambda output: output.count(b'"RECORD"') > 0)
    process.kill()
    killed = process.finish()
    assert killed.controls, "records came before the CONTROL of the token that fetched them"
    again = trial.runner.run("read", killed.controls[-1], trial.configured())
    assert again.exit_code == 0, again.describe()
    assert_complete(trial, again.records)


def test_check_discover_and_read_in_a_row_mint_once(connector: Connector, new_trial: NewTrial) -> None:
    if connector.oauth is None:
        pytest.skip(f"{connector.name} has no OAuth")
    trial = with_tokens(new_trial(**connector.oauth.long_lived))
    config = trial.config
    for command, catalog in (("check", None), ("discover", None), ("read", trial.configured())):
        result = trial.runner.run(command, config, catalog)
        assert result.exit_code == 0, result.describe()
        config = orjson.loads((result.directory / "config.json").read_bytes())
    assert trial.emulator.stats()["tokens_minted"] == 1
