"""The two commands that are compared, set up for one emulated account."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson

from emulators import Emulator, start
from harness.catalog import configured
from harness.connector import Connector
from harness.measure import Measurement, measure, median
from harness.progress import waiting
from harness.runner import PROJECT_ROOT, find_script


@dataclass(frozen=True)
class Subject:
    """What is measured of a connector: one large stream.

    `size` is the emulator's option for the number of its records, `others` what else the account holds. `page` is the
    number of records of a full page, `groups` the endpoint groups whose requests count. `plan` gives what
    `benchmarks.floors.<name>` needs: `headers`, `jobs`, and what it asks for itself.
    """

    connector: Connector
    stream: str
    size: str
    others: Mapping[str, Any]
    page: int
    groups: tuple[str, ...]
    plan: Callable[[Account], dict[str, Any]]

    @property
    def name(self) -> str:
        return self.connector.name


@dataclass
class Account:
    """An emulated account of `size` records, and how to read it with the connector and with the floor."""

    subject: Subject
    emulator: Emulator
    size: int
    directory: Path

    @property
    def pages(self) -> int:
        """The least number of requests that can read all records."""
        return -(-self.size // self.subject.page)

    @property
    def described(self) -> str:
        return f"{self.size:,} {self.subject.stream}"

    def connector(self, repeat: int = 1, streams: Sequence[str] = (), **config: Any) -> Measurement:
        """The console script reading the stream, or `streams`; the median of `repeat` runs. A value of None removes a
        key of the config."""
        catalog = self._write("catalog.json", configured(self.catalog, streams or [self.subject.stream]))
        merged = self.emulator.config | config
        settings = self._write("config.json", {key: value for key, value in merged.items() if value is not None})
        script = find_script(self.subject.connector.script)
        command: list[str | Path] = [script, "read", "--config", settings, "--catalog", catalog]
        with waiting(f"  {script.name} reading {self.described}"):
            return median(measure(command, self.directory / "connector.jsonl") for _ in range(repeat))

    def floor(self, repeat: int = 1, in_flight: int = 1) -> Measurement:
        """The floor script over the same records; the median of `repeat` runs."""
        named = {"connector": self.subject.name, "stream": self.subject.stream}
        plan = self._write("plan.json", {**named, **self.subject.plan(self)})
        script = [sys.executable, "-m", "benchmarks.floor", "--plan", str(plan), "--in-flight", str(in_flight)]
        environment = {"PYTHONPATH": str(PROJECT_ROOT / "acceptance-tests")}
        with waiting(f"  the floor script reading {self.described}"):
            return median(measure(script, self.directory / "floor.jsonl", environment) for _ in range(repeat))

    def requests(self) -> int:
        """Requests of the subject's groups since the last reset."""
        counts = self.emulator.stats()["by_group"]
        return sum(int(counts.get(group, 0)) for group in self.subject.groups)

    def records(self, name: str) -> int:
        """Records in the last output of `connector` or `floor`."""
        with (self.directory / f"{name}.jsonl").open("rb") as lines:
            return sum(1 for line in lines if line.startswith(b'{"type":"RECORD"'))

    def assert_all_read(self, *names: str) -> None:
        """A figure of an incomplete read is worth nothing."""
        for name in names:
            if (found := self.records(name)) != self.size:
                raise SystemExit(f"{name} read {found} of {self.size} {self.subject.stream}")

    def sorted_times(self, field: str) -> list[datetime]:
        """The times of all records in ascending order, from the truth."""
        records = map(orjson.loads, self.emulator.truth_lines(self.subject.stream))
        return sorted(datetime.fromisoformat(record[field]).astimezone(UTC) for record in records)

    @cached_property
    def catalog(self) -> dict[str, Any]:
        """As discovered."""
        output = self.directory / "catalog.jsonl"
        config = self._write("config.json", self.emulator.config)
        measure([find_script(self.subject.connector.script), "discover", "--config", config], output)
        messages = map(json.loads, output.read_text().splitlines())
        catalog: dict[str, Any] = next(message["catalog"] for message in messages if message["type"] == "CATALOG")
        return catalog

    def _write(self, name: str, value: Any) -> Path:
        path = self.directory / name
        path.write_bytes(orjson.dumps(value))
        return path


def utc(instant: datetime) -> str:
    """An instant in milliseconds, in the form that the APIs take."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


@contextmanager
def account(subject: Subject, size: int, directory: Path, **options: Any) -> Iterator[Account]:
    """An account with little more than the records of the subject's stream."""
    folder = directory / f"{subject.stream}-{size}-{len(list(directory.iterdir()))}"
    folder.mkdir()
    with start(subject.connector.emulator, **{**subject.others, subject.size: size, **options}) as emulator:
        yield Account(subject, emulator, size, folder)
