"""The two commands that are compared, set up for one emulated account."""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from benchmarks.floor import PAGE
from connectors.closeio import CONNECTOR
from emulators import Emulator, start
from harness.catalog import configured
from harness.measure import Measurement, measure, median
from harness.runner import PROJECT_ROOT, find_script

WINDOW_LEADS = 9 * PAGE
SEARCH = "POST /data/search/"
OTHERS = {"activities": 0, "tasks": 0, "events": 0, "users": 1}


@dataclass
class Account:
    """An emulated account of `leads` leads, and how to read it with the connector and with the floor."""

    emulator: Emulator
    leads: int
    directory: Path

    @property
    def pages(self) -> int:
        """The least number of search requests that can read all leads."""
        return -(-self.leads // PAGE)

    def connector(self, repeat: int = 1, **config: Any) -> Measurement:
        """The console script reading `leads` only; the median of `repeat` runs."""
        catalog = self._write("catalog.json", configured(self._catalog(), ["leads"]))
        settings = self._write("config.json", self.emulator.config | config)
        command: list[str | Path] = [find_script(CONNECTOR.script), "read", "--config", settings, "--catalog", catalog]
        return median(measure(command, self.directory / "connector.jsonl") for _ in range(repeat))

    def floor(self, repeat: int = 1, in_flight: int = 1) -> Measurement:
        """The floor script over the same leads; the median of `repeat` runs."""
        plan = self._write("plan.json", self._plan())
        command: list[str | Path] = [
            sys.executable,
            "-m",
            "benchmarks.floor",
            "--plan",
            plan,
            "--in-flight",
            str(in_flight),
        ]
        environment = {"PYTHONPATH": str(PROJECT_ROOT / "acceptance-tests")}
        return median(measure(command, self.directory / "floor.jsonl", environment) for _ in range(repeat))

    def searches(self) -> int:
        """Search requests since the last reset."""
        return int(self.emulator.stats()["by_group"].get(SEARCH, 0))

    def records(self, name: str) -> int:
        """Records in the last output of `connector` or `floor`."""
        with (self.directory / f"{name}.jsonl").open("rb") as lines:
            return sum(1 for line in lines if line.startswith(b'{"type":"RECORD"'))

    def _write(self, name: str, value: Any) -> Path:
        path = self.directory / name
        path.write_bytes(orjson.dumps(value))
        return path

    def _catalog(self) -> dict[str, Any]:
        output = self.directory / "catalog.jsonl"
        if not output.exists():
            config = self._write("config.json", self.emulator.config)
            measure([find_script(CONNECTOR.script), "discover", "--config", config], output)
        messages = map(json.loads, output.read_text().splitlines())
        catalog: dict[str, Any] = next(message["catalog"] for message in messages if message["type"] == "CATALOG")
        return catalog

    def _plan(self) -> dict[str, Any]:
        """Bounds of windows of nine pages, taken from the truth, and the fields that the connector asks for."""
        changed = sorted(orjson.loads(line)["date_updated"] for line in self.emulator.truth_lines("leads"))
        bounds = sorted({utc(value) for value in changed[::WINDOW_LEADS]})
        end = utc((datetime.now(UTC) + timedelta(days=1)).isoformat())
        stream = next(stream for stream in self._catalog()["streams"] if stream["name"] == "leads")
        key = base64.b64encode(f"{self.emulator.config['api_key']}:".encode()).decode()
        return {
            "url": f"{self.emulator.api_url}data/search/",
            "headers": {"Authorization": f"Basic {key}", "Content-Type": "application/json"},
            "fields": sorted(stream["json_schema"]["properties"]),
            "bounds": [*bounds, end],
        }


def utc(value: str) -> str:
    """An instant in the form that the search takes."""
    return datetime.fromisoformat(value).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


@contextmanager
def account(leads: int, directory: Path, **options: Any) -> Iterator[Account]:
    """An account with nothing but leads."""
    folder = directory / f"leads-{leads}-{len(list(directory.iterdir()))}"
    folder.mkdir()
    with start(CONNECTOR.emulator, **{**OTHERS, "leads": leads, **options}) as emulator:
        yield Account(emulator, leads, folder)
