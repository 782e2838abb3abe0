"""The ids that exist now, in few requests: an anti-join with what a warehouse holds names exactly what was deleted."""

from __future__ import annotations

from collections import Counter
from math import ceil
from typing import Any

import pytest

from harness.catalog import FULL_REFRESH
from harness.connector import BeyondAList, Connector, IdLists, Options
from harness.lateness import CREATED, LATE_SECONDS, SHARE
from harness.trial import NewTrial, Trial, in_parallel

NAME = "record_ids"
DELETED_SHARE = 0.01


@pytest.fixture
def lists(connector: Connector) -> IdLists:
    assert connector.ids is not None
    return connector.ids


def asking(trial: Trial, *names: str) -> Trial:
    """The account with the config that asks for the ids of these streams, and the catalog of that config."""
    asked = Trial(trial.connector, trial.runner, trial.emulator, trial.spec)
    asked.config = trial.emulator.config | ({"record_ids_of": list(names)} if names else {})
    return asked


def existing(trial: Trial, lists: IdLists) -> dict[str, set[str | int]]:
    """The ids that the account has, by stream."""
    return {
        name: {record["id"] for record in records if lists.exists(record)}
        for name, records in trial.truth(lists.streams).items()
    }


def delete(trial: Trial, lists: IdLists, held: dict[str, set[str | int]]) -> None:
    """Of each collection one record in a hundred is deleted; what hangs on it may go with it."""
    for name, (collection, _) in lists.streams.items():
        number = max(1, int(len(held[name]) * DELETED_SHARE))
        assert len(trial.emulator.touch(collection, delete=number)["deleted"]) == number


def test_the_stream_is_in_the_catalog_only_where_it_is_asked_for(
    shared: Trial, connector: Connector, lists: IdLists
) -> None:
    assert NAME not in {stream["name"] for stream in shared.catalog["streams"]}
    first = next(iter(lists.streams))
    (stream,) = [stream for stream in asking(shared, first).catalog["streams"] if stream["name"] == NAME]
    assert stream["source_defined_primary_key"] == [["stream"], ["id"]]
    assert stream["supported_sync_modes"] == [FULL_REFRESH]
    assert {"stream", "id", "seen_at"} <= stream["json_schema"]["properties"].keys()


@pytest.mark.thorough
def test_an_anti_join_names_what_was_deleted(
    connector: Connector, new_trial: NewTrial, lists: IdLists, full_size: bool
) -> None:
    names, sizes = tuple(lists.streams), {**lists.sizes, **(lists.full if full_size else {})}

    def problems_when(way: tuple[str, Options]) -> list[str]:
        how, options = way
        trial = new_trial(**(sizes | dict(options)))
        emitted = trial.read(names).result.records
        held = {name: {record["id"] for record in emitted[name] if lists.exists(record)} for name in names}
        delete(trial, lists, held)
        there = existing(trial, lists)
        asked = asking(trial, *names)
        assert asked.catalog["streams"]
        trial.emulator.reset_stats()
        read = asked.read([NAME])
        requests = trial.emulator.stats()["requests"]
        rows: list[dict[str, Any]] = read.result.records[NAME]
        problems = [f"columns {sorted(row)}" for row in rows[:1] if sorted(row) != ["id", "seen_at", "stream"]]
        listed = Counter((row["stream"], row["id"]) for row in rows)
        problems += [f"{key} is listed {times} times" for key, times in list(listed.items())[:3] if times > 1]
        allowed = 1
        for name, (_, page) in lists.streams.items():
            left = {identifier for stream, identifier in listed if stream == name}
            assert held[name] > there[name], f"nothing of {name} was deleted"
            if held[name] - left != held[name] - there[name]:
                missed, wrong = len(left & (held[name] - there[name])), len(there[name] - left)
                problems.append(f"{name}: {wrong} are not listed though they are there, {missed} are though gone")
            problems += [f"{name}: {len(left - there[name])} ids that nothing has"] if left - there[name] else []
            allowed += ceil(len(there[name]) / page) + lists.requests_beside
        print(f"{connector.name}, {how}: {len(rows)} ids in {requests} requests, {allowed} allowed")
        problems += [f"{requests} requests, more than {allowed}"] if requests > allowed and not options else []
        return [f"{how}: {problem}" for problem in problems]

    ways: dict[str, Options] = {"as documented": {}, **lists.ways}
    problems = [problem for found in in_parallel(problems_when, ways.items()) for problem in found]
    assert not problems, "\n".join(problems)


@pytest.mark.only("kustomer")
def test_what_a_list_does_not_give_costs_what_is_documented(
    connector: Connector, new_trial: NewTrial, lists: IdLists
) -> None:
    def problems_of(one: tuple[str, BeyondAList]) -> list[str]:
        name, beyond = one
        trial = new_trial(**beyond.options)
        asked = asking(trial, name)
        assert asked.catalog["streams"]
        trial.emulator.reset_stats()
        found = [row["id"] for row in asked.read([NAME]).result.records[NAME]]
        statistics = trial.emulator.stats()
        truth = trial.truth([name, beyond.parents])
        expected = {record["id"] for record in truth[name] if lists.exists(record)}
        problems = [f"{len(expected ^ set(found))} ids are missing or too much"] if expected != set(found) else []
        problems += [f"{len(found) - len(set(found))} ids twice"] if len(found) > len(set(found)) else []
        # Not fewer either: then the document tells too much.
        parents, asks = statistics["by_group"].get(beyond.group, 0), sum(map(beyond.asks, truth[beyond.parents]))
        problems += [f"{parents} requests {beyond.group}, not {asks}"] if parents != asks or not asks else []
        requests, allowed = statistics["requests"], asks + beyond.requests_beside
        print(f"{connector.name}, {name}: {requests} requests, {allowed} allowed, {parents} {beyond.group}")
        problems += [f"{requests} requests, more than {allowed}"] if requests > allowed else []
        return [f"{name}: {problem}" for problem in problems]

    problems = [problem for found in in_parallel(problems_of, lists.beyond_a_list.items()) for problem in found]
    assert not problems, "\n".join(problems)


@pytest.mark.only("closeio")
@pytest.mark.thorough
def test_what_is_new_and_listed_late_does_not_look_deleted(
    connector: Connector, new_trial: NewTrial, lists: IdLists
) -> None:
    trial = new_trial(**lists.sizes, late_share=SHARE, late_seconds=LATE_SECONDS)
    names = lists.whole_while_late
    for name in names:
        trial.emulator.touch(lists.streams[name][0], create=CREATED)
    hidden = trial.emulator.stats()["late"]
    assert all(hidden[lists.streams[name][0]] >= CREATED // 5 for name in names), f"nothing is late: {hidden}"
    there = existing(trial, lists)
    rows = asking(trial, *names).read([NAME]).result.records[NAME]
    assert Counter((row["stream"], row["id"]) for row in rows) == Counter(
        (name, identifier) for name in names for identifier in there[name]
    )
