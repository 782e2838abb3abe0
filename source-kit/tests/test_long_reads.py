"""A whole source reads more than may lie ahead of its output, and very many parts that bring nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import requests

from source_kit import reading
from source_kit.budget import RateBudget
from source_kit.catalog_input import parse_catalog
from source_kit.config import CommonOptions
from source_kit.config_store import ConfigStore
from source_kit.connection import Connection
from source_kit.endpoint import NoEndpoint
from source_kit.oauth import Auth, basic
from source_kit.output import Output
from source_kit.redaction import Redactor
from source_kit.scheduler import QUEUE_BYTES
from source_kit.stream import KitStream
from source_kit.surroundings import Surroundings
from source_kit.testing import FakeClock
from source_kit.work import Fork, Page, Plan, Start
from tests.test_source import OPTIONS as USUAL_OPTIONS

MEGABYTE = 1024 * 1024
OPTIONS = replace(USUAL_OPTIONS, num_workers=4)


class Planned(KitStream):
    """A stream whose plan is the test's, and needs no request."""

    package = "none"
    name = "rows"
    endpoint = NoEndpoint("none")
    plan: Callable[[Start], Plan]

    def schema(self) -> dict[str, Any]:
        return {"type": "object", "properties": {"id": {"type": "integer"}}}

    def work(self, start: Start) -> Plan:
        return self.plan(start)


@dataclass(frozen=True)
class Settings:
    common: CommonOptions
    plan: Callable[[Start], Plan]


class Opened(Connection[Settings]):
    def authentication(self, session: requests.Session) -> Auth:
        return basic("k")

    def budget(self) -> RateBudget:
        return RateBudget(self.clock)

    def streams(self) -> Sequence[KitStream]:
        stream = Planned(self.client)
        stream.plan = self.settings.plan
        return [stream]

    def probe(self) -> None:
        """Nothing to ask for."""


def read(plan: Callable[[Start], Plan]) -> tuple[int, int]:
    """One sync: its exit code, and how many bytes it wrote."""
    written, clock = [0], FakeClock()

    def count(lines: Any) -> None:
        written[0] += len(lines)

    surroundings = Surroundings(Output(count, clock), Redactor(), ConfigStore(None, {}), clock)
    streams = [{"stream": {"name": "rows", "json_schema": {}}, "sync_mode": "full_refresh"}]
    connection = Opened(Settings(OPTIONS, plan), surroundings)
    return reading.read(connection, parse_catalog({"streams": streams}), {}, "source-test"), written[0]


def test_reading_stays_parallel_however_much_has_passed_through() -> None:
    """What was written makes room: the last parts of a read of three times that room are on their way side by side."""
    parts = 3 * QUEUE_BYTES // MEGABYTE
    text, guard, running, most = "x" * MEGABYTE, threading.Lock(), [0], [0]

    def part(number: int) -> Plan:
        with guard:
            running[0] += 1
            if number > parts * 2 // 3:
                most[0] = max(most[0], running[0])
        time.sleep(0.01)
        with guard:
            running[0] -= 1
        yield Page([{"id": number, "text": text}])

    def plan(start: Start) -> Plan:
        yield Page()
        yield Fork([part(number) for number in range(parts)])

    code, written = read(plan)
    assert (code, written > parts * MEGABYTE) == (0, True)
    assert most[0] > 1


def test_parts_that_bring_nothing_are_passed_without_a_wait() -> None:
    def nothing() -> Plan:
        yield from ()

    def plan(start: Start) -> Plan:
        yield Page()
        yield Fork([nothing() for _ in range(200)])

    began = time.monotonic()
    assert read(plan)[0] == 0
    assert time.monotonic() - began < 10
