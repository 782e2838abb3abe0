"""Starts an emulated account and reads it with a connector: spec, check, discover, a full read, an incremental read.

Runs the image where a Docker engine answers and the image can be built, the console script otherwise.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo.accounts import ACCOUNTS, DemoAccount
from demo.rows import MOST_STREAMS, Shown, largest, rows_of
from demo.runners import choose
from demo.table import table
from emulators import Emulator, start
from harness.catalog import configured
from harness.connector import Connector, all_connectors
from harness.messages import Result
from harness.progress import waiting
from harness.runner import Runner

DEFAULT_CONNECTOR = "closeio"
RECORDS = 3000
SUMMARY = re.compile(r"Stream (\w+): \d+ records, (\d+) requests")


class DemoFailed(RuntimeError):
    """A command did not do what the demo shows."""


def say(text: str) -> None:
    print(text, flush=True)


def requests_by_stream(logs: list[str]) -> dict[str, str]:
    """Requests per stream from the summary lines of the log ("Stream leads: 3000 records, 17 requests ...")."""
    return {match[1]: match[2] for match in map(SUMMARY.search, logs) if match}


def seconds_by_stream(result: Result) -> dict[str, float]:
    """From STARTED to COMPLETE; streams are read side by side, so these do not add up."""
    times: dict[str, list[float]] = {}
    for trace in result.traces("STREAM_STATUS"):
        times.setdefault(trace["stream_status"]["stream_descriptor"]["name"], []).append(trace["emitted_at"] / 1000)
    return {name: values[-1] - values[0] for name, values in times.items()}


def in_words(changes: Mapping[str, int]) -> str:
    """`25 updated, 5 created`."""
    return ", ".join(f"{number} {action}d" for action, number in changes.items())


@dataclass
class Demo:
    """One connector shown on one account."""

    connector: Connector
    account: DemoAccount
    runner: Runner
    emulator: Emulator
    most: int = MOST_STREAMS
    largest: frozenset[str] = frozenset()

    def shown(self, command: str, *values: Any) -> Result:
        """Runs a command, says how long it took, and fails the demo if it failed."""
        started = time.monotonic()
        process = self.runner.start(command, *values)
        output = process.output
        with waiting(f"{self.connector.script} {command}", lambda: f"{output.count(bytes([10])):,} messages"):
            result = process.finish()
        if result.exit_code != 0:
            raise DemoFailed(f"{command}: {result.describe()}")
        say(f"$ {self.connector.script} {command:<9} {time.monotonic() - started:5.1f} s")
        return result

    def report(self, title: str, result: Result, total: int) -> None:
        """One line for each of the streams that had most records in the first read."""
        requests, seconds = requests_by_stream(result.logs), seconds_by_stream(result)
        streams = [
            Shown(
                name,
                len(result.records.get(name, [])),
                requests.get(name, "-"),
                seconds.get(name, 0),
                result.states[name][-1],
            )
            for name in self.connector.stream_names
        ]
        records = sum(stream.records for stream in streams)
        say(f"\n{title}: {records:,} records, {total:,} requests, {result.seconds:.1f} s with start-up")
        head = ["stream", "records", "requests", "seconds", "read up to (UTC)"]
        self.largest = self.largest or largest(streams, self.most)
        say(table(head, rows_of(streams, self.largest), right=(1, 2, 3)) + "\n")

    def read(self, catalog: dict[str, Any], title: str, config: dict[str, Any], state: Any = None) -> Result:
        """A read and its table."""
        self.emulator.reset_stats()
        result = self.shown("read", config, configured(catalog, self.connector.stream_names), state)
        self.report(title, result, self.emulator.stats()["requests"])
        return result

    def check_against_truth(self, result: Result) -> None:
        """The demo shows complete reads, so it proves them."""
        counts = {stream.name: len(self.emulator.truth(stream.truth_name)) for stream in self.connector.streams}
        wrong = {name: count for name, count in counts.items() if len(result.records.get(name, [])) != count}
        if wrong:
            raise DemoFailed(f"the account holds other numbers of records: {wrong}")
        say(f"the account holds exactly these {sum(counts.values()):,} records")

    def run(self) -> None:
        """The whole demonstration. As platforms do, it goes on with the config that a CONTROL message has brought."""
        config = self.emulator.config
        self.shown("spec")
        config = [config, *self.shown("check", config).controls][-1]
        discovered = self.shown("discover", config)
        config = [config, *discovered.controls][-1]
        first = self.read(discovered.catalog, "full read", config)
        config = [config, *first.controls][-1]
        self.check_against_truth(first)
        for stream, changes in self.account.changes.items():
            self.emulator.touch(stream, **changes)
        described = [f"  {stream}: {in_words(changes)}" for stream, changes in self.account.changes.items()]
        say("\n".join(["\nchanged in the account:", *described, ""]))
        self.read(discovered.catalog, "incremental read from the saved state", config, first.final_states())


def run(connector: Connector, wanted: str, records: int, most: int) -> None:
    """Sets up the account and the runner, and shows the connector."""
    account = ACCOUNTS[connector.name]
    with (
        tempfile.TemporaryDirectory(prefix="demo-") as directory,
        start(connector.emulator, **account.options(records)) as emulator,
    ):
        runner = choose(connector, wanted, Path(directory), say)
        say(
            f"emulated account with {records:,} {account.unit} at {emulator.url}; the connector runs as {runner.kind}\n"
        )
        Demo(connector, account, runner, emulator, most).run()


def main() -> int:
    connectors = {connector.name: connector for connector in all_connectors()}
    parser = argparse.ArgumentParser(prog="demo", description=__doc__)
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--docker", dest="wanted", action="store_const", const="docker", help="run the image")
    where.add_argument("--venv", dest="wanted", action="store_const", const="venv", help="run the console script")
    parser.add_argument("--connector", choices=sorted(connectors.keys() & ACCOUNTS), default=DEFAULT_CONNECTOR)
    parser.add_argument("--records", "--leads", type=int, default=RECORDS, help="size of the account")
    parser.add_argument("--all", action="store_true", help="a line for every stream, not only the largest")
    arguments = parser.parse_args()
    chosen = connectors[arguments.connector]
    try:
        run(chosen, arguments.wanted or "", arguments.records, len(chosen.streams) if arguments.all else MOST_STREAMS)
    except DemoFailed as error:
        print(f"demo failed: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
