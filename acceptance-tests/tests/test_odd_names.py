"""Klasses and custom objects whose names differ only in what no column may hold: each has a stream of its own."""

from __future__ import annotations

import re

import pytest

from harness.connector import Connector
from harness.trial import NewTrial, Trial

pytestmark = pytest.mark.thorough

NAMES = ["order-item", "order_item", "50% off", "two words", "two  words"]
READABLE = re.compile(r"[a-z][a-z0-9_]*")
# Connector to the option that names the objects, and the beginning of their streams.
OBJECTS = {"kustomer": ("klasses", "kobject_"), "outreach": ("custom_object_names", "custom_object_")}


def account(connector: Connector, new_trial: NewTrial, names: list[str]) -> Trial:
    if connector.name not in OBJECTS:
        pytest.skip(f"{connector.name} has no objects with names of their own")
    trial = new_trial(**{OBJECTS[connector.name][0]: names})
    trial.known_catalog = None
    return trial


def streams_of(trial: Trial) -> list[str]:
    prefix = OBJECTS[trial.connector.name][1]
    return [stream["name"] for stream in trial.catalog["streams"] if stream["name"].startswith(prefix)]


def types_of(trial: Trial) -> dict[str, str]:
    """The type of the records of each stream, which must be one."""
    records = trial.read(streams_of(trial)).result.records
    found = {name: {str(record["type"]).removeprefix("kobject.") for record in rows} for name, rows in records.items()}
    assert {len(types) for types in found.values()} == {1}, found
    return {types.pop(): name for name, types in found.items()}


def test_every_object_has_a_readable_stream_of_its_own(connector: Connector, new_trial: NewTrial) -> None:
    trial = account(connector, new_trial, NAMES)
    names = streams_of(trial)
    assert len(names) == len(set(names)), names
    assert not [name for name in names if not READABLE.fullmatch(name)]
    assert set(NAMES) <= set(types_of(trial))


@pytest.mark.parametrize("first", NAMES[:2])
def test_a_second_object_leaves_the_name_of_the_first(first: str, connector: Connector, new_trial: NewTrial) -> None:
    alone = types_of(account(connector, new_trial, [first]))
    both = types_of(account(connector, new_trial, NAMES))
    assert alone[first] == both[first]
