"""Many times killed at a random moment: what was said until then, and a read from the last STATE, are the truth."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from itertools import chain

import pytest

from emulators import start
from harness.connector import Connector
from harness.messages import records_by_stream, states_at
from harness.trial import Trial, in_parallel
from harness.truth import covers

SEED = 60
# Of the time of an undisturbed read: a few come before the first request, a few when all is said.
EARLIEST, LATEST = 0.1, 1.05

pytestmark = pytest.mark.thorough


@pytest.fixture(scope="module")
def account(connector: Connector, shared: Trial) -> Iterator[Trial]:
    """Small in every size of the suite: the moments count, not the records."""
    options = {**connector.small, **connector.many_states}
    trial = Trial(connector, shared.runner, start(connector.emulator, **options), shared.spec, shared.catalog)
    yield trial
    trial.stop()


def test_kills_at_random_moments_lose_nothing(account: Trial, request: pytest.FixtureRequest) -> None:
    kills: int = request.config.getoption("--kills")
    truth = account.truth()
    seconds = account.read().result.seconds
    chance = random.Random(SEED)
    moments = [seconds * chance.uniform(EARLIEST, LATEST) for _ in range(kills)]
    interrupted: list[float] = []

    def kill_and_resume(moment: float) -> list[str]:
        process = account.start()
        killer = threading.Timer(moment, process.kill)
        killer.start()
        killed = process.finish()
        killer.cancel()
        if killed.exit_code != 0:
            interrupted.append(moment)
        resumed = account.read(state=states_at(killed.messages) or None)
        before = records_by_stream(killed.messages)
        return [
            f"killed after {moment:.2f} s: {problem}"
            for name, records in truth.items()
            for problem in covers(
                account.connector.stream(name),
                records,
                before.get(name, []) + resumed.result.records.get(name, []),
            )
        ]

    problems = in_parallel(kill_and_resume, moments)
    assert not any(problems), "\n".join(chain.from_iterable(problems))
    assert len(interrupted) > kills / 2, f"only {len(interrupted)} runs were still at work: the test proves little"
