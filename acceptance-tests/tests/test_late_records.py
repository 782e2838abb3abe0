"""An index that is hours late for some of the records: the next read has them, and it costs little where nothing is."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from harness.connector import Connector, Lateness
from harness.lateness import (
    CREATED,
    LATE_SECONDS,
    NEWER_SECONDS,
    SHARE,
    SHOWN_AFTER_SECONDS,
    UPDATED,
    newer,
    old_account,
    rows,
    states_of_then,
)
from harness.read_checks import instant
from harness.trial import NewTrial
from harness.truth import covers

pytestmark = [pytest.mark.only("closeio", "kustomer"), pytest.mark.thorough]


@pytest.fixture
def late(connector: Connector) -> Lateness:
    assert connector.lateness is not None
    return connector.lateness


def test_what_the_index_shows_hours_late_is_found_by_the_next_read(
    connector: Connector, new_trial: NewTrial, late: Lateness
) -> None:
    trial = old_account(new_trial, late_share=SHARE, late_seconds=LATE_SECONDS)
    names = tuple(late.streams)
    started = time.monotonic()
    touched = {
        collection: trial.emulator.touch(
            collection, update=UPDATED, create=CREATED, ago_seconds=LATE_SECONDS - SHOWN_AFTER_SECONDS
        )
        for collection in dict.fromkeys(late.streams.values())
    }
    hidden = trial.emulator.stats()["late"]
    newer(trial, late)
    assert all(hidden[collection] >= UPDATED // 5 for collection in touched), f"nothing is late: {hidden}"
    during = trial.read(names, state=states_of_then(connector, names), **late.config)
    assert time.monotonic() - started < SHOWN_AFTER_SECONDS, "the first read took too long to prove anything"
    time.sleep(SHOWN_AFTER_SECONDS + 0.5 - (time.monotonic() - started))
    assert not any(trial.emulator.stats()["late"].values())
    after = trial.read(names, state=during.result.final_states(), **late.config)
    problems = []
    for name, collection in late.streams.items():
        stream = connector.stream(name)
        ids = {*touched[collection]["created"], *touched[collection]["updated"]}
        changed = [record for record in trial.emulator.truth(stream.truth_name) if record["id"] in ids]
        assert changed, name
        problems += covers(stream, changed, [*rows(during, name), *rows(after, name)])
        if name in late.told_at_once:
            problems += [f"already {problem}" for problem in covers(stream, changed, rows(during, name))]
    assert not problems, "\n".join(problems)


def test_a_third_read_brings_nothing_of_it_again(connector: Connector, new_trial: NewTrial, late: Lateness) -> None:
    """Only what lies in the usual overlap comes again, although the next read looks further back."""
    trial = old_account(new_trial)
    names = tuple(late.streams)
    for collection in dict.fromkeys(late.streams.values()):
        trial.emulator.touch(collection, update=UPDATED, create=CREATED, ago_seconds=LATE_SECONDS)
    newer(trial, late)
    second = trial.read(names, state=states_of_then(connector, names), **late.config)
    third = trial.read(names, state=second.result.final_states(), **late.config)
    assert all(rows(second, name) for name in names)
    repeated = {}
    for name in names:
        stream = connector.stream(name)
        assert stream.cursor is not None
        shown_from = datetime.now(UTC) - timedelta(seconds=NEWER_SECONDS + 60) - stream.overlap
        repeated[name] = sum(instant(row[stream.cursor]) < shown_from for row in rows(third, name))
    assert not any(repeated.values()), f"rows of two hours ago come again in every sync: {repeated}"


def test_where_nothing_is_late_it_costs_few_requests(connector: Connector, new_trial: NewTrial, late: Lateness) -> None:
    """In an account in which something has happened in the hours that are looked at again."""
    trial = old_account(new_trial)
    names = tuple(late.streams)
    for collection in dict.fromkeys(late.streams.values()):
        trial.emulator.touch(collection, update=UPDATED, create=CREATED, ago_seconds=LATE_SECONDS)
    newer(trial, late)
    first = trial.read(names, state=states_of_then(connector, names), **late.config)
    counts, emitted = {}, {}
    for how, config in (("with", late.config), ("without", late.off)):
        trial.emulator.reset_stats()
        read = trial.read(names, state=first.result.final_states(), **config)
        counts[how] = trial.emulator.stats()
        emitted[how] = {name: len(rows(read, name)) for name in names}
    asked = {how: statistics["by_group"].get(late.witness, 0) for how, statistics in counts.items()}
    print(f"{connector.name}: {late.witness} {asked['with']} times, {asked['without']} where it is switched off")
    assert asked["with"] - (asked["without"] if late.off else 0) <= late.most_requests
    assert all(emitted["with"][name] <= emitted["without"][name] for name in names), f"more rows leave: {emitted}"
    for group in late.by_id:
        assert not counts["with"]["by_group"].get(group), f"{group} is asked though nothing is late"
