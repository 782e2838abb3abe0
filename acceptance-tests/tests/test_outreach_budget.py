"""The plan's requests a day: what a sync says of them, and what it does when they are spent."""

from __future__ import annotations

import pytest

from harness.connector import Connector
from harness.messages import Result
from harness.trial import NewTrial, Trial
from harness.truth import covers

pytestmark = [pytest.mark.only("outreach"), pytest.mark.thorough]

NAMES = ["prospects", "mailings"]
SIZE = {"prospects": 1_500, "mailings": 1_000, "largest_page": 50}
FEW = 12


def asked(trial: Trial) -> int:
    """Requests to the API so far; those for tokens are not of the plan's."""
    return sum(count for group, count in trial.emulator.stats()["by_group"].items() if "oauth" not in group)


def problems_of_two(connector: Connector, trial: Trial, first: Result, second: Result) -> list[str]:
    """Problems unless a read that ended early and the next one together are complete."""
    return [
        problem
        for name, truth in trial.truth(NAMES).items()
        for problem in covers(connector.stream(name), truth, first.records.get(name, []) + second.records.get(name, []))
    ]


def test_each_sync_says_what_it_used_and_what_is_left(new_trial: NewTrial) -> None:
    trial = new_trial(**SIZE, rate_limit=10_000, rate_window=3_600.0)
    read = trial.read(NAMES)
    used = asked(trial)
    left = 10_000 - used
    lines = [line for line in read.result.logs if str(used) in line and "request" in line.lower()]
    assert any(f"{left}" in line.replace(",", "") for line in lines), (used, left, read.result.logs[-5:])
    assert read.result.traces("ANALYTICS"), "no ANALYTICS trace"


def test_a_plan_that_is_spent_ends_the_sync_and_the_next_day_goes_on(connector: Connector, new_trial: NewTrial) -> None:
    trial = new_trial(**SIZE, requests_per_day=FEW)
    first = trial.start(NAMES).finish()
    assert first.exit_code == 1
    assert {error["failure_type"] for error in first.errors} == {"transient_error"}, first.describe()
    assert "Traceback" not in first.stderr
    refused = trial.emulator.stats()["statuses"].get("429", 0)
    assert asked(trial) - refused == FEW, "the plan was not spent: the test proves nothing"
    assert refused <= 8, f"{refused} requests after the plan was spent"
    trial.emulator.options(requests_per_day=0)
    second = trial.read(NAMES, state=first.final_states())
    problems = problems_of_two(connector, trial, first, second.result)
    assert not problems, "\n".join(problems)


def test_no_more_requests_are_sent_than_the_config_allows(connector: Connector, new_trial: NewTrial) -> None:
    trial = new_trial(**SIZE)
    first = trial.start(NAMES, max_requests_per_day=FEW).finish()
    assert 1 < asked(trial) <= FEW
    assert first.exit_code == 1, "a sync that could not finish is no success"
    assert any("max_requests_per_day" in error["message"] for error in first.errors), first.describe()
    second = trial.read(NAMES, state=first.final_states())
    problems = problems_of_two(connector, trial, first, second.result)
    assert not problems, "\n".join(problems)


def test_a_ceiling_that_is_high_enough_changes_nothing(new_trial: NewTrial) -> None:
    trial = new_trial(**SIZE)
    read = trial.read(NAMES, max_requests_per_day=1_000)
    assert {name: len(records) for name, records in read.result.records.items()} == {
        "prospects": 1_500,
        "mailings": 1_000,
    }
