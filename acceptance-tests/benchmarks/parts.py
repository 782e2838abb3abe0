"""The measurements that connectors share. Each gives lines for the table; their limits come from the connector."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.figures import Line, describe, say
from benchmarks.subject import Account, Subject, account
from harness.measure import Measurement, measure, median
from harness.runner import find_script

LATENCY_MS = 100
# With three, one neighbour of the machine in two of the runs decides: 1.17 and 1.31 within minutes.
REPEATS = 5


@dataclass(frozen=True)
class StartUp:
    """What an empty account costs, for both commands."""

    connector: Measurement
    floor: Measurement


@dataclass(frozen=True)
class Run:
    """One run of the benchmarks: the subject, the size asked for, a folder for outputs, and the start-up."""

    subject: Subject
    size: int
    directory: Path
    start_up: StartUp

    def account(self, size: int | None = None, **options: Any) -> AbstractContextManager[Account]:
        """An account of the size asked for, or of another."""
        return account(self.subject, self.size if size is None else size, self.directory, **options)

    def named(self, size: int | None = None) -> str:
        """The records in words: "100,000 leads"."""
        return f"{self.size if size is None else size:,} {self.subject.stream}"


Part = Callable[[Run], list[Line]]


@dataclass(frozen=True)
class Benchmark:
    """A connector's measurements by name."""

    subject: Subject
    parts: Mapping[str, Part]


def start_up(subject: Subject, directory: Path) -> tuple[StartUp, list[Line]]:
    """`spec`, and reads of an empty account."""
    say("start-up (medians of five)")
    output = directory / "spec.jsonl"
    spec = median(measure([find_script(subject.connector.script), "spec"], output) for _ in range(5))
    with account(subject, 0, directory) as empty:
        empty.connector()  # fills the file cache
        costs = StartUp(empty.connector(repeat=5), empty.floor(repeat=5))
    describe("spec", spec)
    describe("connector, empty account", costs.connector)
    describe("floor, empty account", costs.floor)
    return costs, [
        Line("spec: wall", spec.wall, 0.15, " s"),
        Line("spec: peak memory", spec.peak_megabytes, 30, " MB"),
        Line("start-up: wall", costs.connector.wall, 1.1, " s"),
        Line("start-up: CPU", costs.connector.cpu, 1.0, " s"),
        Line("start-up: peak memory", costs.connector.peak_megabytes, 80, " MB"),
    ]


def processor(run: Run, *, cpu: float, requests: float | None = None, megabytes: float | None = None) -> list[Line]:
    """No latency, where the processor rules: its time, the system's included, against the floor's."""
    say(f"{run.named()}, no latency (medians of {REPEATS})")
    with run.account() as subject:
        subject.emulator.reset_stats()
        connectors, floors = [subject.connector()], []
        asked = subject.requests() / max(1, subject.pages)
        # In turn, so that whatever else the machine does meets both.
        for _ in range(REPEATS - 1):
            floors.append(subject.floor())
            connectors.append(subject.connector())
        floors.append(subject.floor())
        connector, floor = median(connectors), median(floors)
        subject.assert_all_read("connector", "floor")
    describe("connector", connector)
    describe("floor", floor)
    ratio = connector.net_of(run.start_up.connector).cpu / floor.net_of(run.start_up.floor).cpu
    lines = [Line(f"{run.named()}: CPU / floor", ratio, cpu)]
    if requests is not None:
        lines.append(Line(f"{run.named()}: requests / pages", asked, requests))
    if megabytes is not None:
        lines.append(Line(f"{run.named()}: peak memory", connector.peak_megabytes, megabytes, " MB"))
    return lines


@dataclass(frozen=True)
class Limits:
    """What latency may cost; None is not measured (`speed_up`) or not judged."""

    speed_up: float | None = None
    wall: float | None = None
    cpu: float | None = None
    requests: float | None = None
    megabytes: float | None = None


def network(
    run: Run,
    limits: Limits,
    *,
    size: int | None = None,
    workers: int,
    is_default: bool = False,
    contrast: float = 1.0,
) -> list[Line]:
    """With latency, where the network rules: against the floor with as many pages in flight, and one worker.

    `is_default`: `workers` is the connector's default, which is then not configured. `contrast`: so many times as much
    happened in the busiest month as in the quietest.
    """
    what = run.named(size) + (f", months up to {contrast:g} : 1" if contrast > 1 else "")
    say(f"{what}, {LATENCY_MS} ms latency")
    with run.account(size, latency_ms=LATENCY_MS, contrast=contrast) as subject:
        floor = subject.floor(in_flight=workers)
        describe(f"floor, {workers} in flight", floor)
        alone = subject.connector(num_workers=1) if limits.speed_up is not None else None
        if alone is not None:
            describe("connector, 1 worker", alone)
        subject.emulator.reset_stats()
        together = subject.connector(num_workers=None if is_default else workers)
        describe(f"connector, {workers} workers", together)
        asked = subject.requests() / max(1, subject.pages)
        subject.assert_all_read("connector", "floor")
    return _judged(run, limits, f"{what}, {workers} workers", alone, together, floor, asked)


def _judged(
    run: Run,
    limits: Limits,
    what: str,
    alone: Measurement | None,
    together: Measurement,
    floor: Measurement,
    asked: float,
) -> list[Line]:
    net, bare = together.net_of(run.start_up.connector), floor.net_of(run.start_up.floor)
    lines = []
    if limits.speed_up is not None and alone is not None:
        speed_up = alone.net_of(run.start_up.connector).wall / net.wall
        lines.append(Line(f"{what}: speed-up over 1", speed_up, limits.speed_up, at_least=True))
    if limits.wall is not None:
        lines.append(Line(f"{what}: wall / floor", net.wall / bare.wall, limits.wall))
    if limits.cpu is not None:
        lines.append(Line(f"{what}: CPU / floor", net.cpu / bare.cpu, limits.cpu))
    if limits.requests is not None:
        lines.append(Line(f"{what}: requests / pages", asked, limits.requests))
    if limits.megabytes is not None:
        lines.append(Line(f"{what}: peak memory", together.peak_megabytes, limits.megabytes, " MB"))
    return lines


def memory(run: Run, *, megabytes: float, growth: float) -> list[Line]:
    """Four times the records, the same memory."""
    peaks = []
    for size in (run.size, 4 * run.size):
        say(f"{run.named(size)}, memory")
        with run.account(size) as subject:
            connector = subject.connector(repeat=2)
            subject.assert_all_read("connector")
            (subject.directory / "connector.jsonl").unlink()
        describe("connector", connector)
        peaks.append(connector.peak_megabytes)
    most = run.named(4 * run.size)
    return [
        Line(f"{most}: peak memory", peaks[1], megabytes * growth, " MB"),
        Line(f"{most}: memory / {run.size:,}", peaks[1] / peaks[0], growth),
    ]
