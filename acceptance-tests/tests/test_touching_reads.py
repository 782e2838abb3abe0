"""Reads that touch, each from the `end_date` of the one before: together they give what one read gives."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest

from harness.connector import Connector, Stream
from harness.messages import Record
from harness.read_checks import Read, instant
from harness.trial import Trial, in_parallel
from harness.truth import differences

pytestmark = pytest.mark.thorough  # three reads for each of some streams

LEAST_TIMES = 6


@dataclass(frozen=True)
class Parted:
    """A stream read whole, and in three parts: before `low`, between `low` and `high`, from `high` on.

    Both bounds are times of records: so it matters on which side a bound is.
    """

    stream: Stream
    cursor: str
    whole: list[Record]
    low: str
    high: str
    parts: tuple[Read, Read, Read]

    def records(self, read: Read) -> list[Record]:
        return read.result.records.get(self.stream.name, [])


def parted(trial: Trial, stream: Stream, whole: list[Record]) -> Parted:
    """Reads the three parts."""
    assert stream.cursor is not None, stream.name
    times = sorted({instant(record[stream.cursor]) for record in whole})
    assert len(times) >= LEAST_TIMES, f"{stream.name} has {len(times)} times: too few to part"
    low, high = text(times[len(times) // 3]), text(times[2 * len(times) // 3])
    parts = (
        trial.read([stream.name], end_date=low),
        trial.read([stream.name], start_date=low, end_date=high),
        trial.read([stream.name], start_date=high),
    )
    return Parted(stream, stream.cursor, whole, low, high, parts)


def text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@pytest.fixture(scope="module")
def streams(shared: Trial, connector: Connector) -> Any:
    """One of each kind that `start_date` and `end_date` bound."""
    assert connector.touching, "no stream is named"
    whole = shared.read(connector.touching)
    return in_parallel(
        lambda name: parted(shared, connector.stream(name), whole.result.records[name]), connector.touching
    )


def test_three_touching_reads_equal_one(streams: list[Parted]) -> None:
    problems = []
    for each in streams:
        found = [record for part in each.parts for record in each.records(part)]
        problems += differences(each.stream, map(each.stream.comparable, each.whole), found)
        empty = [number for number, part in enumerate(each.parts, start=1) if not each.records(part)]
        problems += [f"{each.stream.name}: read {number} of three is empty" for number in empty]
    assert not problems, "\n".join(problems)


def test_no_record_and_no_state_passes_the_end_date(streams: list[Parted]) -> None:
    problems = []
    for each in streams:
        name, cursor = each.stream.name, each.cursor
        for part, end in zip(each.parts, (each.low, each.high), strict=False):
            late = [record for record in each.records(part) if instant(record[cursor]) >= instant(end)]
            problems += [f"{name}: {len(late)} records of {end} or later"] if late else []
            values = [state[cursor] for state in part.result.states.get(name, []) if state.get(cursor)]
            passed = [value for value in values if instant(value) > instant(end)]
            problems += [f"{name}: a state passes {end}: {passed[-1]}"] if passed else []
    assert not problems, "\n".join(problems)


def test_the_state_of_a_read_that_ended_early_gives_the_rest(shared: Trial, streams: list[Parted]) -> None:
    """Without the `end_date`, and without a loss."""

    def problems_of(each: Parted) -> list[str]:
        name, first = each.stream.name, each.parts[0]
        rest = shared.read([name], state=first.result.final_states())
        begun = {each.stream.identity(record) for record in each.records(first)}
        lost = {each.stream.identity(record) for record in each.whole} - begun
        assert lost, f"{name}: the first read was not ended by its end_date"
        lost -= {each.stream.identity(record) for record in each.records(rest)}
        return [f"{name}: {len(lost)} records are lost: {sorted(map(str, lost))[:5]}"] if lost else []

    problems = [problem for found in in_parallel(problems_of, streams) for problem in found]
    assert not problems, "\n".join(problems)
