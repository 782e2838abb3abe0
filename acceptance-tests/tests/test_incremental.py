"""Incremental reads: what changed since the STATE, all of it, and little else."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from harness.connector import Connector
from harness.messages import Message
from harness.read_checks import Read, instant
from harness.trial import NewTrial, Trial, states_of
from harness.truth import covers

FAR_FUTURE = "2999-12-31T23:59:59.000000+00:00"
UPDATES, CREATIONS = 7, 5


def touched_streams(connector: Connector) -> dict[str, str]:
    """The emulator's collections to touch, by stream."""
    return {stream.name: stream.touch for stream in connector.streams if stream.cursor and stream.touch}


@pytest.fixture(scope="module")
def history(connector: Connector, shared: Trial, full_size: bool) -> Any:
    """An account read once, touched, and read again from the first read's states."""
    from emulators import start

    options = dict(connector.full if full_size else connector.small)
    trial = Trial(connector, shared.runner, start(connector.emulator, **options), shared.spec, shared.catalog)
    first = trial.read()
    touched = {
        name: trial.emulator.touch(name, update=UPDATES, create=CREATIONS)
        for name in dict.fromkeys(touched_streams(connector).values())
    }
    second = trial.read(state=first.result.final_states())
    yield trial, first, touched, second
    trial.stop()


def test_updates_and_creations_are_found(history: Any, connector: Connector) -> None:
    trial, _, touched, second = history
    problems = []
    for name, collection in touched_streams(connector).items():
        stream = connector.stream(name)
        ids = set(touched[collection]["created"]) | (
            set(touched[collection]["updated"]) if stream.sees_updates else set()
        )
        changed = [record for record in trial.emulator.truth(stream.truth_name) if record["id"] in ids]
        assert changed, f"{name}: the truth lacks the touched records"
        problems += covers(stream, changed, second.result.records.get(name, []))
    assert not problems, "\n".join(problems)


def test_first_and_second_read_together_are_the_truth(history: Any, connector: Connector) -> None:
    trial, first, _, second = history
    problems = []
    for name in trial.incremental_names:
        stream = connector.stream(name)
        emitted = first.result.records.get(name, []) + second.result.records.get(name, [])
        if stream.sees_updates:
            problems += covers(stream, trial.emulator.truth(stream.truth_name), emitted)
    assert not problems, "\n".join(problems)


def test_a_third_read_finds_nothing_new(history: Any, connector: Connector) -> None:
    """Only the declared overlap may come again."""
    trial, _, _, second = history
    third = trial.read(trial.incremental_names, state=second.result.final_states())
    for name in trial.incremental_names:
        stream = connector.stream(name)
        assert stream.cursor is not None
        latest = instant(second.result.states[name][-1][stream.cursor])
        again = third.result.records.get(name, [])
        old = [record for record in again if instant(record[stream.cursor]) < latest - stream.overlap]
        if stream.edited is not None:
            old = [record for record in old if instant(record[stream.edited]) < second.started - stream.edited_overlap]
        assert not old, f"{name}: {len(old)} of {len(again)} records are older than the overlap"


def middle_states(trial: Trial, first: Read) -> dict[str, Message]:
    """Of each stream that gave several a state from the middle of the first read."""
    found = {}
    for name in trial.incremental_names:
        cursor = trial.connector.stream(name).cursor
        states = [state for state in states_of(first, name) if state["stream"]["stream_state"].get(cursor)]
        if len(states) > 1:
            found[name] = states[len(states) // 2]
    assert found
    return found


def lost_behind(trial: Trial, state: Message, read: Read) -> list[str]:
    """Problems unless every record behind that state is in the read."""
    stream = trial.connector.stream(state["stream"]["stream_descriptor"]["name"])
    assert stream.cursor is not None
    bound = instant(state["stream"]["stream_state"][stream.cursor])
    truth = trial.emulator.truth(stream.truth_name)
    expected = [record for record in truth if instant(stream.comparable(record)[stream.cursor]) > bound]
    return covers(stream, expected, read.result.records.get(stream.name, []))


# A small account of PersistIQ is read with one state a stream.
@pytest.mark.only("closeio", "kustomer", "outreach")
def test_early_states_give_what_came_after_them(history: Any) -> None:
    trial, first, _, _ = history
    states = middle_states(trial, first)
    read = trial.read(list(states), state=list(states.values()))
    problems = [problem for state in states.values() for problem in lost_behind(trial, state, read)]
    assert not problems, "\n".join(problems)


@pytest.mark.only("closeio", "kustomer", "outreach")
@pytest.mark.thorough  # a process for each of these streams
def test_an_early_state_of_a_stream_that_is_read_alone_gives_what_came_after_it(history: Any) -> None:
    trial, first, _, _ = history
    problems = []
    for name, state in middle_states(trial, first).items():
        problems += lost_behind(trial, state, trial.read([name], state=[state]))
    assert not problems, "\n".join(problems)


def future_states(trial: Trial) -> list[Message]:
    return [
        {
            "type": "STREAM",
            "stream": {
                "stream_descriptor": {"name": name},
                "stream_state": {trial.connector.stream(name).cursor: FAR_FUTURE, "__v": 1},
            },
        }
        for name in trial.incremental_names
    ]


def test_a_state_in_the_future_gives_no_records(shared: Trial) -> None:
    read = shared.read(shared.incremental_names, state=future_states(shared))
    counts = {name: len(records) for name, records in read.result.records.items()}
    assert not counts


def test_start_date_is_inclusive_and_leaves_out_what_is_older(shared: Trial, connector: Connector) -> None:
    problems = []
    configured_from = datetime.now(UTC) - timedelta(days=10)
    read = shared.read(shared.incremental_names, start_date=configured_from.strftime("%Y-%m-%dT%H:%M:%SZ"))
    bound = configured_from.replace(microsecond=0)
    for name in shared.incremental_names:
        stream = connector.stream(name)
        assert stream.cursor is not None
        truth = shared.emulator.truth(stream.truth_name)
        expected = [r for r in truth if instant(stream.comparable(r)[stream.cursor]) >= bound]
        records = read.result.records.get(name, [])
        problems += covers(stream, expected, records)
        old = [r for r in records if instant(r[stream.cursor]) < bound - stream.overlap]
        problems += [f"{name}: {len(old)} records are older than start_date"] if old else []
    assert not problems, "\n".join(problems)


def test_deleted_records_do_not_end_a_read(connector: Connector, new_trial: NewTrial) -> None:
    trial = new_trial()
    for collection in dict.fromkeys(touched_streams(connector).values()):
        trial.emulator.touch(collection, delete=3)
    read = trial.read()
    truth = trial.truth()
    problems = [
        p
        for name, records in truth.items()
        for p in covers(connector.stream(name), records, read.result.records.get(name, []))
    ]
    assert not problems, "\n".join(problems)


@pytest.mark.engine
def test_writes_that_the_index_shows_late_are_found_by_the_next_read(connector: Connector, new_trial: NewTrial) -> None:
    """A read in the middle of the delay must not move its STATE past what the index did not show yet."""
    if connector.late_index is None:
        pytest.skip(f"{connector.name} reads from no index that lags behind")
    trial = new_trial(**connector.late_index)
    streams = touched_streams(connector)
    first = trial.read(list(streams))
    touched = {
        name: trial.emulator.touch(name, update=UPDATES, create=CREATIONS) for name in dict.fromkeys(streams.values())
    }
    during = trial.read(list(streams), state=first.result.final_states())
    time.sleep(connector.late_index_seconds + 0.5)
    after = trial.read(list(streams), state=during.result.final_states())
    problems = []
    for name, collection in streams.items():
        stream = connector.stream(name)
        ids = set(touched[collection]["created"]) | (
            set(touched[collection]["updated"]) if stream.sees_updates else set()
        )
        changed = [record for record in trial.emulator.truth(stream.truth_name) if record["id"] in ids]
        found = during.result.records.get(name, []) + after.result.records.get(name, [])
        problems += covers(stream, changed, found)
    assert not problems, "\n".join(problems)
