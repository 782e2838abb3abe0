"""An engine over streams whose plans a test writes, and what it wrote, in short."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from source_kit.budget import RateBudget
from source_kit.client import HttpClient
from source_kit.engine import Engine
from source_kit.oauth import basic
from source_kit.running import StreamRun
from source_kit.state import StateLedger
from source_kit.testing import FakeClock, KeptOutput
from source_kit.work import Fork, Page, Plan, Start

T1, T2, T3 = "2026-01-01T00:00:01Z", "2026-01-01T00:00:02Z", "2026-01-01T00:00:03Z"


class Stream:
    """A stream whose plan the test writes."""

    def __init__(self, name: str, plan: Callable[[Start], Plan]) -> None:
        self.name = name
        self.bucket = f"GET {name}"
        self.cursor_name: str | None = None
        self.work = plan


def page(*ids: int, at: str | None = None, estimate: int | None = None) -> Page:
    return Page([{"id": number} for number in ids], None if at is None else {"at": at}, estimate)


def plan_of(*pages: Page, then: Sequence[Plan] = ()) -> Callable[[Start], Plan]:
    def plan(start: Start) -> Plan:
        yield from pages
        yield Fork(then)

    return plan


def part(*pages: Page, after: threading.Event | None = None, sets: threading.Event | None = None) -> Plan:
    """A plan that begins when an event has come, and sets one at its end."""
    assert after is None or after.wait(5)
    yield from pages
    if sets is not None:
        sets.set()


class Bench:
    """An engine over streams of a test; `run` reads them all."""

    def __init__(self, *streams: Stream, workers: int = 4, clock: FakeClock | None = None, **options: Any) -> None:
        self.clock = clock or FakeClock()
        self.output = options.pop("output", None) or KeptOutput(self.clock)
        self.client = HttpClient(
            "https://vendor.test/", basic("k"), RateBudget(self.clock, share=1.0), self.clock, headers={}
        )
        runs = [
            StreamRun(stream, StateLedger("at", True, options.get("state", {})), mode="incremental")
            for stream in streams
        ]
        self.engine = Engine(runs, self.client, self.output, self.clock, workers)

    def run(self) -> Bench:
        self.engine.run()
        return self

    def ids(self, name: str) -> list[int]:
        return [
            message["record"]["data"]["id"]
            for message in self.output.messages()
            if message["type"] == "RECORD" and message["record"]["stream"] == name
        ]

    def story(self, name: str) -> list[Any]:
        """Statuses, states, errors and records of a stream, in order, in short."""
        return [part for message in self.output.messages() for owner, part in [short(message)] if owner == name]


def short(message: Mapping[str, Any]) -> tuple[str, Any]:
    if message["type"] == "RECORD":
        return message["record"]["stream"], message["record"]["data"]["id"]
    if message["type"] == "STATE":
        stream = message["state"]["stream"]
        count = int(message["state"]["sourceStats"]["recordCount"])
        return stream["stream_descriptor"]["name"], (stream["stream_state"].get("at"), count)
    if message["type"] != "TRACE":
        return "", None
    trace = message["trace"]
    if trace["type"] == "STREAM_STATUS":
        status = trace["stream_status"]
        return status["stream_descriptor"]["name"], status["status"] + ("*" if "reasons" in status else "")
    if trace["type"] == "ESTIMATE":
        return trace["estimate"]["name"], f"about {trace['estimate']['row_estimate']}"
    return trace["error"]["stream_descriptor"]["name"], trace["error"]["failure_type"]


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)
