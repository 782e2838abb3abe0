"""A day of syncs every five minutes: fresh, complete, and within what a plan's year allows.

Two rows in a hundred change, and a tenth of the changes is listed up to six hours late. The clock is moved.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest

from harness.connector import Connector
from harness.messages import Message, Record, states_at
from harness.simulated import Simulation
from harness.truth import covers

pytestmark = [pytest.mark.script, pytest.mark.thorough, pytest.mark.only("outreach")]

STREAMS = ("prospects", "mailings", "tasks")
SIZES = {"prospects": 5_000, "mailings": 3_000, "sizes": {"tasks": 2_000}, "largest_page": 1_000}
LATE = {"late_share": 0.1, "late_seconds": 21_600.0}
CHANGED_SHARE = 0.02
SYNC_SECONDS, DAY_SYNCS = 300, 288
# After the day: until the last late change is listed, and the look-back has been walked once more.
SYNCS_AFTER = 156
MOST_EMITTED = 1.5
# The largest plan: a million requests a year.
DAY_OF_THE_LARGEST_PLAN = 1_000_000 // 365


@dataclass
class Day:
    """What changed, and what the syncs said of it."""

    changed: dict[str, set[Any]] = field(default_factory=dict)
    changes: int = 0
    emitted: dict[str, list[Record]] = field(default_factory=dict)
    requests: list[int] = field(default_factory=list)

    @property
    def rows(self) -> int:
        return sum(map(len, self.emitted.values()))


def live_through(simulation: Simulation, catalog: dict[str, Any], state: list[Message]) -> Day:
    """A day, and the hours after it in which nothing changes."""
    day, chance = Day(), Random(15)
    sizes = simulation.emulator.truth_counts()
    moments = {name: Counter(chance.choices(range(DAY_SYNCS), k=int(sizes[name] * CHANGED_SHARE))) for name in STREAMS}
    for step in range(DAY_SYNCS + SYNCS_AFTER):
        # At any moment between two syncs: what changes in the second before a read comes once more.
        left = chance.uniform(0.0, SYNC_SECONDS)
        simulation.pass_time(SYNC_SECONDS - left)
        for name in STREAMS:
            if count := moments[name][step]:
                touched = simulation.emulator.touch(name, update=count - count // 5, create=count // 5)
                day.changed.setdefault(name, set()).update(touched["updated"], touched["created"])
                day.changes += count
        simulation.pass_time(left)
        simulation.emulator.reset_stats()
        result = simulation.sync(catalog, state)
        assert result.exit_code == 0, result.describe()
        state = states_at(result.messages)
        for name, records in result.records.items():
            day.emitted.setdefault(name, []).extend(records)
        day.requests.append(simulation.emulator.stats()["requests"])
    return day


@pytest.fixture(scope="module")
def day(connector: Connector, request: pytest.FixtureRequest) -> Any:
    from emulators import start

    shared = request.getfixturevalue("shared")
    with start("outreach", **SIZES) as emulator:
        config = {name: value for name, value in emulator.config.items() if name != "page_size"}
        simulation = Simulation(connector, emulator, config)
        catalog = shared.configured(STREAMS)
        first = simulation.sync(catalog, [])
        assert first.exit_code == 0, first.describe()
        emulator.options(**LATE)
        lived = live_through(simulation, catalog, states_at(first.messages))
        requests = sum(lived.requests[:DAY_SYNCS])
        print(f"{lived.changes} changes, {lived.rows} rows emitted, {requests} requests in {DAY_SYNCS} syncs")
        yield emulator, lived


def test_nothing_that_changed_is_lost(day: Any, connector: Connector) -> None:
    emulator, lived = day
    problems = []
    for name in STREAMS:
        truth = [record for record in emulator.truth(name) if record["id"] in lived.changed[name]]
        problems += covers(connector.stream(name), truth, lived.emitted.get(name, []))
    assert not problems, "\n".join(problems)


def test_few_rows_come_again(day: Any) -> None:
    _, lived = day
    assert lived.changes <= lived.rows <= MOST_EMITTED * lived.changes, f"{lived.rows} rows for {lived.changes} changes"


def test_the_requests_of_a_day_are_within_the_largest_plan(day: Any) -> None:
    _, lived = day
    requests = sum(lived.requests[:DAY_SYNCS])
    assert DAY_SYNCS * len(STREAMS) <= requests <= DAY_OF_THE_LARGEST_PLAN, f"{requests} requests"
