"""Measures a connector in one run against a floor script; every ratio is net of start-up.

Start-up is the same command's read of an empty account. Thresholds are those that the project promises; a missed one
makes the exit code 1.
"""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import sys
import tempfile
from pathlib import Path

import connectors
from benchmarks.figures import say
from benchmarks.parts import Benchmark, Run, start_up
from demo.table import table

DEFAULT_CONNECTOR = "closeio"


def benchmark_of(name: str) -> Benchmark:
    """What is measured of a connector: `benchmarks.<name>`."""
    benchmark: Benchmark = importlib.import_module(f"benchmarks.{name}").BENCHMARK
    return benchmark


def main() -> int:
    names = sorted(module.name for module in pkgutil.iter_modules(connectors.__path__))
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--connector", choices=names, default=DEFAULT_CONNECTOR)
    parser.add_argument("--records", "--leads", type=int, default=100_000, help="records of the stream that is read")
    parser.add_argument("--only", action="append", metavar="PART", help="only this part, besides the start-up")
    parser.add_argument("--no-gate", action="store_true", help="exit with 0 whatever the figures are")
    arguments = parser.parse_args()
    benchmark = benchmark_of(arguments.connector)
    if unknown := set(arguments.only or ()) - benchmark.parts.keys():
        parser.error(f"{arguments.connector} has no part {', '.join(sorted(unknown))}: {', '.join(benchmark.parts)}")
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as folder:
        directory = Path(folder)
        costs, lines = start_up(benchmark.subject, directory)
        run = Run(benchmark.subject, arguments.records, directory, costs)
        chosen = [name for name in benchmark.parts if arguments.only is None or name in arguments.only]
        for number, name in enumerate(chosen, 1):
            say(f"\npart {number} of {len(chosen)}: {name}")
            lines += benchmark.parts[name](run)
    say("\n" + table(["net of start-up", "figure", "limit", ""], [line.cells() for line in lines], right=(1,)))
    missed = [line for line in lines if not line.is_kept]
    if missed:
        print(f"{len(missed)} of {len(lines)} limits missed", file=sys.stderr)
    return 1 if missed and not arguments.no_gate else 0


if __name__ == "__main__":
    sys.exit(main())
