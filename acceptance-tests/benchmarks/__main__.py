"""Measures source-closeio in one run against a floor script; every ratio is net of start-up.

Start-up is the same command's read of an empty account. Thresholds are those that the project promises; a missed one
makes the exit code 1.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.subject import Account, account
from connectors.closeio import CONNECTOR
from demo.table import table
from harness.measure import Measurement, measure, median
from harness.runner import find_script

LATENCY_MS = 100
WORKERS = 8
REPEATS = 3


@dataclass(frozen=True)
class Line:
    """One figure with its limit."""

    what: str
    value: float
    limit: float
    unit: str = ""
    at_least: bool = False

    @property
    def is_kept(self) -> bool:
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    def cells(self) -> list[str]:
        sign = ">=" if self.at_least else "<="
        return [
            self.what,
            f"{self.value:.2f}{self.unit}",
            f"{sign} {self.limit:g}{self.unit}",
            "" if self.is_kept else "MISSED",
        ]


@dataclass
class StartUp:
    """What an empty account costs, for both commands."""

    connector: Measurement
    floor: Measurement


def say(text: str) -> None:
    print(text, flush=True)


def describe(name: str, run: Measurement) -> None:
    say(
        f"  {name:<34} user {run.user:6.2f} s  system {run.system:5.2f} s  wall {run.wall:6.2f} s  "
        f"peak {run.peak_megabytes:5.1f} MB"
    )


def start_up(directory: Path) -> tuple[StartUp, list[Line]]:
    """`spec`, and reads of an empty account."""
    say("start-up (medians of five)")
    output = directory / "spec.jsonl"
    spec = median(measure([find_script(CONNECTOR.script), "spec"], output) for _ in range(5))
    with account(0, directory) as empty:
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


def assert_all_read(subject: Account, *names: str) -> None:
    """A figure of an incomplete read is worth nothing."""
    for name in names:
        if (found := subject.records(name)) != subject.leads:
            raise SystemExit(f"{name} read {found} of {subject.leads} leads")


def zero_latency(leads: int, directory: Path, costs: StartUp) -> list[Line]:
    """Where the processor rules."""
    say(f"{leads:,} leads, no latency (medians of {REPEATS})")
    with account(leads, directory) as subject:
        floor = subject.floor(repeat=REPEATS)
        subject.emulator.reset_stats()
        connector = subject.connector()
        searches = subject.searches()
        connector = median([connector, *(subject.connector() for _ in range(REPEATS - 1))])
        assert_all_read(subject, "connector", "floor")
        pages = subject.pages
    describe("connector", connector)
    describe("floor", floor)
    ratio = connector.net_of(costs.connector).user / floor.net_of(costs.floor).user
    return [
        Line(f"{leads:,} leads: user CPU / floor", ratio, 1.5),
        Line(f"{leads:,} leads: requests / pages", searches / pages, 1.15),
        Line(f"{leads:,} leads: peak memory", connector.peak_megabytes, 130, " MB"),
    ]


def with_latency(leads: int, directory: Path, costs: StartUp) -> list[Line]:
    """Where the network rules."""
    say(f"{leads:,} leads, {LATENCY_MS} ms latency")
    with account(leads, directory, latency_ms=LATENCY_MS) as subject:
        floor = subject.floor(in_flight=WORKERS)
        alone = subject.connector(num_workers=1)
        subject.emulator.reset_stats()
        together = subject.connector(num_workers=WORKERS)
        searches = subject.searches()
        assert_all_read(subject, "connector", "floor")
        pages = subject.pages
    describe("connector, 1 worker", alone)
    describe(f"connector, {WORKERS} workers", together)
    describe(f"floor, {WORKERS} in flight", floor)
    net = together.net_of(costs.connector).wall
    return [
        Line(f"{WORKERS} workers: speed-up over 1", alone.net_of(costs.connector).wall / net, 5, at_least=True),
        Line(f"{WORKERS} workers: wall / floor", net / floor.net_of(costs.floor).wall, 1.3),
        Line(f"{WORKERS} workers: requests / pages", searches / pages, 1.15),
    ]


def memory(leads: int, directory: Path, costs: StartUp) -> list[Line]:
    """Four times the records, the same memory."""
    peaks = []
    for size in (leads, 4 * leads):
        say(f"{size:,} leads, memory")
        with account(size, directory) as subject:
            run = subject.connector(repeat=2)
            assert_all_read(subject, "connector")
            (subject.directory / "connector.jsonl").unlink()
        describe("connector", run)
        peaks.append(run.peak_megabytes)
    return [
        Line(f"{4 * leads:,} leads: peak memory", peaks[1], 130 * 1.1, " MB"),
        Line(f"{4 * leads:,} leads: memory / {leads:,}", peaks[1] / peaks[0], 1.1),
    ]


PARTS: dict[str, Callable[[int, Path, StartUp], list[Line]]] = {
    "cpu": zero_latency,
    "latency": with_latency,
    "memory": memory,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--leads", type=int, default=100_000)
    parser.add_argument("--only", choices=sorted(PARTS), action="append", help="only this part, besides the start-up")
    parser.add_argument("--no-gate", action="store_true", help="exit with 0 whatever the figures are")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as folder:
        directory = Path(folder)
        costs, lines = start_up(directory)
        for name, part in PARTS.items():
            if arguments.only is None or name in arguments.only:
                lines += part(arguments.leads, directory, costs)
    say("\n" + table(["net of start-up", "figure", "limit", ""], [line.cells() for line in lines], right=(1,)))
    missed = [line for line in lines if not line.is_kept]
    if missed:
        print(f"{len(missed)} of {len(lines)} limits missed", file=sys.stderr)
    return 1 if missed and not arguments.no_gate else 0


if __name__ == "__main__":
    sys.exit(main())
