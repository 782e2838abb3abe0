"""Windows that are read at once, in turns of chance, while rows move between them."""

from __future__ import annotations

import random
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest

from source_kit import timestamps
from source_kit.testing import SideBySide
from unit_tests.timeline_api import START, Api, row, spread, timeline

LATEST = 899_000


def read(api: Api, seed: int, lower: datetime | None = None) -> tuple[list[tuple[int, str]], list[tuple[int, str]]]:
    """The rows as (id, time), and each state with the number of rows before it."""
    plan = SideBySide(timeline(api).walk(lower), random.Random(seed).choice).run()
    assert plan.error is None
    rows: list[tuple[int, str]] = []
    states: list[tuple[int, str]] = []
    for page in plan.pages:
        rows += [(record["id"], record["updatedAt"]) for record in page.records]
        if page.checkpoint is not None:
            states.append((len(rows), page.checkpoint["updatedAt"]))
    return rows, states


@pytest.mark.parametrize("is_counting", [True, False])
@pytest.mark.parametrize("seed", range(6))
def test_rows_that_move_between_windows_are_seen_and_those_that_stay_come_once(seed: int, is_counting: bool) -> None:
    api, chance = Api(spread(900)), random.Random(seed)
    api.is_counting = is_counting
    moved: set[int] = set()

    def move(number: int) -> None:
        if chance.random() < 0.3:
            chosen = chance.randrange(900)
            seconds = LATEST + number
            api.rows[chosen] = (START + timedelta(seconds=seconds), row(chosen, seconds))
            moved.add(chosen)

    api.before_request = move
    rows, states = read(api, seed)
    now = {(each["id"], each["updatedAt"]) for _, each in api.rows}
    counts = Counter(identity for identity, _ in rows)
    assert {
        identity: counts[identity] for identity in range(900) if identity not in moved and counts[identity] != 1
    } == {}
    assert set(counts) == set(range(900))
    assert len(moved) > 10
    for position, value in states:
        lost = [each for each in now if each[1] < value and each not in set(rows[:position])]
        assert lost == [], f"the state {value} is past rows that were not emitted"


@pytest.mark.parametrize("seed", range(4))
def test_a_read_that_goes_on_from_any_state_brings_the_last_version_of_every_row(seed: int) -> None:
    api, chance = Api(spread(600)), random.Random(seed)

    def move(number: int) -> None:
        if chance.random() < 0.2:
            chosen = chance.randrange(600)
            api.rows[chosen] = (START + timedelta(seconds=LATEST + number), row(chosen, LATEST + number))

    api.before_request = move
    rows, states = read(api, seed)
    api.before_request = lambda number: None
    now = {(each["id"], each["updatedAt"]) for _, each in api.rows}
    stops: list[tuple[int, Any]] = [(0, None), *chance.sample(states, 4), states[-1]]
    for position, value in stops:
        again, _ = read(api, seed, None if value is None else timestamps.parse(value))
        assert now <= {*rows[:position], *again}
