"""OAuth with refresh tokens that work once: no rotation may be lost, whenever the connector dies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson
import pytest

from emulators import start
from harness.connector import Connector
from harness.read_checks import Read
from harness.secrets import leaks, secret_values
from harness.trial import NewTrial, Trial
from harness.truth import all_differences

pytestmark = pytest.mark.only("closeio", "outreach")

# A kill may come between the vendor's answer and the CONTROL with its token, a gap that nobody can close: then again.
GAPS = 5


@dataclass(frozen=True)
class Expired:
    """A read during which access tokens expired, of an account that it left with one token that works."""

    trial: Trial
    read: Read
    minted: int


@pytest.fixture(scope="module")
def expired(connector: Connector, shared: Trial, full_size: bool) -> Iterator[Expired]:
    assert connector.oauth is not None
    options = dict(connector.full if full_size else connector.small) | dict(connector.oauth.short_lived)
    emulator = start(connector.emulator, **options)
    trial = with_tokens(Trial(connector, shared.runner, emulator, shared.spec, shared.catalog))
    read = trial.read()
    yield Expired(trial, read, emulator.stats()["tokens_minted"])
    trial.stop()


def with_tokens(trial: Trial) -> Trial:
    assert trial.connector.oauth is not None
    trial.config = trial.connector.oauth.config(trial.emulator)
    return trial


def assert_complete(trial: Trial, records: dict[str, list[dict[str, Any]]]) -> None:
    problems = all_differences(trial.connector, trial.truth(), records)
    assert not problems, "\n".join(problems)


def test_a_read_survives_tokens_that_expire_and_rotate(expired: Expired) -> None:
    assert expired.minted >= 2, "no token expired: the test proves nothing"
    assert len(expired.read.result.controls) == expired.minted
    assert_complete(expired.trial, expired.read.result.records)


def test_no_minted_token_is_said_outside_of_control(expired: Expired) -> None:
    configs = expired.read.result.controls
    minted = set().union(*(secret_values(expired.trial.spec, config) for config in configs))
    assert minted
    assert not leaks(expired.read.result, minted)


def test_the_config_file_is_rewritten_and_works_again(expired: Expired) -> None:
    trial, first = expired.trial, expired.read.result
    rewritten = orjson.loads((first.directory / "config.json").read_bytes())
    assert rewritten == first.controls[-1]
    second = trial.runner.run("read", rewritten, trial.configured())
    assert second.exit_code == 0, second.describe()
    assert_complete(trial, second.records)


@pytest.mark.engine
def test_a_killed_run_leaves_a_config_that_works(connector: Connector, new_trial: NewTrial) -> None:
    """CONTROL is out before the token is used, so whoever saw the last CONTROL can go on."""
    assert connector.oauth is not None
    for _ in range(GAPS):
        trial = with_tokens(new_trial(**connector.oauth.short_lived))
        process = trial.start()
        assert process.read_until(lambda output: output.count(b'"RECORD"') > 0)
        process.kill()
        killed = process.finish()
        if len(killed.controls) == trial.emulator.stats()["tokens_minted"]:
            break
    assert killed.controls, "records came before the CONTROL of the token that fetched them"
    again = trial.runner.run("read", killed.controls[-1], trial.configured())
    assert again.exit_code == 0, again.describe()
    assert_complete(trial, again.records)


def test_check_discover_and_read_in_a_row_mint_once(connector: Connector, new_trial: NewTrial) -> None:
    assert connector.oauth is not None
    trial = with_tokens(new_trial(**connector.oauth.long_lived))
    config = trial.config
    for command, catalog in (("check", None), ("discover", None), ("read", trial.configured())):
        result = trial.runner.run(command, config, catalog)
        assert result.exit_code == 0, result.describe()
        config = orjson.loads((result.directory / "config.json").read_bytes())
    assert trial.emulator.stats()["tokens_minted"] == 1
