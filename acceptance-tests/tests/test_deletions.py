"""What is deleted or merged away is told once, by a stream that is there for it, whatever state a read goes on from."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from harness.connector import Connector, Deletions, Options
from harness.messages import records_by_stream, states_at
from harness.trial import NewTrial, Trial, in_parallel, sample
from harness.truth import covers, differences

pytestmark = pytest.mark.only("closeio", "kustomer")

MERGED_PAIRS = 3
QUICK_RESUMES, RESUMES = 3, 8


@pytest.fixture
def told(connector: Connector) -> Deletions:
    assert connector.deletions is not None
    return connector.deletions


@pytest.fixture
def resumes(request: pytest.FixtureRequest, full_size: bool) -> int:
    """From how many of the states a read is gone on with."""
    return RESUMES if full_size or request.config.getoption("--thorough") else QUICK_RESUMES


def delete(trial: Trial, told: Deletions) -> set[str]:
    """Delete and merge; the ids of what is gone."""
    gone: set[str] = set()
    for collection, number in told.touches.items():
        deleted = trial.emulator.touch(collection, delete=number)["deleted"]
        assert len(deleted) == number
        gone.update(deleted)
    merged = trial.emulator.touch(told.merges, create=MERGED_PAIRS)["deleted"]
    assert len(merged) == MERGED_PAIRS
    return gone | set(merged)


# As documented, and as the vendor may have it as well.
@pytest.mark.parametrize(
    "ways",
    [
        pytest.param(slice(1), id="as_documented"),
        pytest.param(slice(1, None), id="otherwise", marks=pytest.mark.thorough),
    ],
)
def test_what_is_gone_is_told_once_and_then_no_more(
    connector: Connector, new_trial: NewTrial, told: Deletions, ways: slice
) -> None:
    stream = connector.stream(told.stream)

    def problems_when(way: tuple[str, Options]) -> list[str]:
        how, options = way
        trial = new_trial(**options)
        first = trial.read([told.stream])
        gone = delete(trial, told)
        second = trial.read([told.stream], state=first.result.final_states())
        third = trial.read([told.stream], state=second.result.final_states())
        before, rows, again = (read.result.records.get(told.stream, []) for read in (first, second, third))
        # A vendor may log a merge as a deletion too.
        times = Counter((row["object_id"], row["action"]) for row in rows)
        problems = covers(stream, trial.emulator.truth(stream.truth_name), [*before, *rows])
        lost = gone - {key for key, _ in times}
        problems += [f"{len(lost)} are gone and not told of: {sorted(lost)[:3]}"] if lost else []
        problems += [f"{key} is told {n} times" for key, n in times.items() if key[0] in gone and n > 1]
        new = {row["id"] for row in again} - {row["id"] for row in [*before, *rows]}
        problems += [f"{len(new)} more are told of, though nothing happened"] if new else []
        return [f"{how}: {problem}" for problem in problems]

    problems = [problem for found in in_parallel(problems_when, list(told.ways.items())[ways]) for problem in found]
    assert not problems, "\n".join(problems)


@pytest.mark.thorough
def test_a_merge_names_the_one_that_is_gone_and_the_one_that_stayed(
    connector: Connector, new_trial: NewTrial, told: Deletions
) -> None:
    for options in told.ways.values():
        trial = new_trial(**options)
        touched = trial.emulator.touch(told.merges, create=MERGED_PAIRS)
        rows = trial.read([told.stream]).result.records[told.stream]
        named = {row["object_id"] for row in rows}
        assert set(touched["deleted"]) <= named
        assert not set(touched["updated"]) & named, "who survived a merge is told to be gone"


@pytest.mark.engine
def test_deletions_are_complete_from_every_state(
    connector: Connector, new_trial: NewTrial, told: Deletions, resumes: int
) -> None:
    trial = new_trial(**told.many_states)
    delete(trial, told)
    stream = connector.stream(told.stream)
    truth: list[dict[str, Any]] = trial.emulator.truth(stream.truth_name)
    whole = trial.read([told.stream])
    assert not (problems := differences(stream, truth, whole.result.records[told.stream])), "\n".join(problems)
    messages = whole.result.messages
    positions = [index + 1 for index, message in enumerate(messages) if message["type"] == "STATE"]
    assert len(positions) > 1, "a single state proves little"

    def resume(cut: int) -> list[str]:
        before = records_by_stream(messages[:cut]).get(told.stream, [])
        read = trial.read([told.stream], state=states_at(messages, cut))
        return [f"after {cut}: {p}" for p in covers(stream, truth, before + read.result.records.get(told.stream, []))]

    problems = [problem for found in in_parallel(resume, sample(positions, resumes)) for problem in found]
    assert not problems, "\n".join(problems)
