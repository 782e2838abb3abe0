"""A read gives exactly the records that the account holds, however hard the vendor makes it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from emulators import start
from harness import oddities, read_checks
from harness.catalog import FULL_REFRESH
from harness.connector import Connector, Scenario, Stream
from harness.messages import Record, records_by_stream
from harness.read_checks import Read
from harness.trial import NewTrial, Trial, in_parallel
from harness.truth import all_differences, canonical, covers


def test_a_clean_read_passes_every_check(clean: Read) -> None:
    problems = read_checks.problems_of(clean)
    assert not problems, "\n".join(problems)


def test_a_clean_read_gives_every_record_once_and_unchanged(clean: Read, shared: Trial) -> None:
    truth = shared.truth()
    assert all(truth.values()), "an account without records proves nothing"
    problems = all_differences(shared.connector, truth, clean.result.records)
    assert not problems, "\n".join(problems)


def test_two_reads_in_sequence_give_the_same(clean: Read, shared: Trial) -> None:
    again = shared.read(mode=FULL_REFRESH)
    for name, records in clean.result.records.items():
        assert sorted(map(canonical, again.result.records[name])) == sorted(map(canonical, records)), name


@pytest.mark.thorough  # a process for each of 170 streams
def test_each_stream_alone_gives_the_same_as_all_together(clean: Read, shared: Trial) -> None:
    reads = in_parallel(lambda name: (name, shared.read([name])), shared.connector.stream_names)
    truth = shared.truth()
    problems = [
        problem
        for name, read in reads
        for problem in all_differences(shared.connector, {name: truth[name]}, read.result.records)
    ]
    assert not problems, "\n".join(problems)


def test_reading_writes_nothing_to_the_vendor(clean: Read, shared: Trial) -> None:
    assert shared.emulator.stats()["writes"] == 0


def test_the_records_are_complete_when(
    connector: Connector, scenario_case: Scenario, new_trial: NewTrial, full_size: bool
) -> None:
    trial = new_trial(**(dict(scenario_case.options) | dict(scenario_case.full if full_size else {})))
    read = trial.read(scenario_case.streams, tolerated=scenario_case.tolerated, **scenario_case.config)
    statistics = trial.emulator.stats()
    truth = trial.truth(scenario_case.streams)
    truth |= {name: trial.emulator.truth(other) for name, other in scenario_case.truths.items()}
    if scenario_case.odd:
        problems = oddities.differences(connector, truth, read.result)
        problems += oddities.nameless(connector, read.result, statistics)
    elif scenario_case.repeats_allowed:
        emitted = records_by_stream(read.result.messages)
        problems = [
            p for name, records in truth.items() for p in covers(connector.stream(name), records, emitted.get(name, []))
        ]
    else:
        problems = all_differences(connector, truth, read.result.records)
    problems += scenario_case.statistics(statistics) if scenario_case.statistics else []
    if scenario_case.says and not any(scenario_case.says in line for line in read.result.logs):
        problems.append(f"the log does not say {scenario_case.says!r}")
    assert not problems, "\n".join(problems)


@dataclass(frozen=True)
class Moved:
    """An account whose records moved while it was read: of what it held before, a digest by record.

    What it holds afterwards is asked for stream by stream: all of it at once, in the full size, takes gigabytes.
    """

    trial: Trial
    before: dict[str, dict[Any, int]]
    read: Read

    def after(self, stream: Stream) -> list[Record]:
        return self.trial.truth([stream.name])[stream.name]


def digests(stream: Stream, records: Iterable[Record]) -> dict[Any, int]:
    """What tells the versions of records apart, by identity."""
    return {stream.identity(record): hash(canonical(record)) for record in records}


@pytest.fixture(scope="module")
def moved_account(connector: Connector, shared: Trial, full_size: bool) -> Iterator[Moved]:
    emulator = start(connector.emulator, **(connector.full if full_size else connector.small))
    trial = Trial(connector, shared.runner, emulator, shared.spec, shared.catalog)
    before = {stream.name: digests(stream, trial.truth([stream.name])[stream.name]) for stream in connector.streams}
    emulator.options(**connector.drift)
    read = trial.read()
    emulator.options(drift=[])
    yield Moved(trial, before, read)
    trial.stop()


def test_nothing_is_lost_while_records_move_under_the_reader(connector: Connector, moved_account: Moved) -> None:
    """Every record that existed at the start and still does is emitted; only changed ones may come twice."""
    read = moved_account.read
    problems = []
    moved = 0
    for stream in connector.streams:
        old, new = moved_account.before[stream.name], digests(stream, moved_account.after(stream))
        emitted = Counter(stream.identity(record) for record in read.result.records.get(stream.name, []))
        lost = sorted(old.keys() & new.keys() - emitted.keys())
        unmoved = {key for key, form in old.items() if new.get(key) == form}
        repeated = sorted(key for key, times in emitted.items() if times > 1 and key in unmoved)
        moved += len(old) - len(unmoved)
        problems += [f"{stream.name}: {len(lost)} lost: {lost[:5]}"] if lost else []
        problems += [f"{stream.name}: {len(repeated)} unchanged records repeated: {repeated[:5]}"] if repeated else []
    assert not problems, "\n".join(problems)
    assert moved > 0, "nothing moved: the test proves nothing"


def test_what_moved_under_the_reader_is_had_in_its_last_form_after_the_next_read(
    connector: Connector, moved_account: Moved
) -> None:
    """Also what changed twice within the resolution of its time, before and after it was read."""
    trial, first = moved_account.trial, moved_account.read
    second = trial.read(state=first.result.final_states())
    problems = []
    for stream in connector.streams:
        if stream.sees_updates or not stream.cursor:
            emitted = first.result.records.get(stream.name, []) + second.result.records.get(stream.name, [])
            problems += covers(stream, moved_account.after(stream), emitted)
    assert not problems, "\n".join(problems)
