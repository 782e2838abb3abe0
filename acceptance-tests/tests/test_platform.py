"""Each connector on a replay of the Airbyte platform: several attempts, jobs, refreshes and catalogs, one check a test.

`python -m platform_replay` prints the same checks as a table, and is what `make conformance` runs.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from harness.connector import Connector
from harness.runner import Runner
from platform_replay.checks import CHECKS, Check, shown
from platform_replay.jobs import Replays

# The jobs take a minute a connector.
pytestmark = pytest.mark.thorough


@pytest.fixture(scope="module")
def replays(connector: Connector, runner: Runner) -> Iterator[Replays]:
    with Replays(connector, runner) as stories:
        yield stories


@pytest.mark.parametrize(
    "check",
    [
        pytest.param(check, id=check.name.replace(" ", "_"), marks=[pytest.mark.thorough] if check.thorough else [])
        for check in CHECKS
    ],
)
def test_on_the_platform(check: Check, replays: Replays) -> None:
    if not check.applies_to(replays.connector):
        pytest.skip(f"{replays.connector.name} has no OAuth")
    problems = check.judge(replays)
    assert not problems, f"{check.promise}\n{shown(problems)}"
