"""How much of a read waits for the vendor: one account of each system, with a live vendor's latency and rate limits.

    python waiting.py [closeio ...]

Needs the environment of `make install`. Each account is read twice: on one processor, and on all of this machine.
Requests and waits for the rate budget are the connector's own figures, from the lines of its log; a request waits
`latency_ms` for its answer; processor seconds are the operating system's count for the whole process.
"""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[2] / "acceptance-tests"))

from demo.table import table
from emulators import start

SUMMARY = re.compile(r"Stream \S+: (\d+) records, (\d+) requests \(\d+ again\), ([\d.]+) s of waits in workers")


@dataclass(frozen=True)
class Vendor:
    """An emulator with its options. `latency_ms` is between ours and the vendor's machines, its own work included."""

    emulator: str
    latency_ms: int
    options: Mapping[str, Any]
    config: Mapping[str, Any]


# Limits as the vendors have them (each connector's README says more); sizes that take about a minute.
VENDORS = {
    "closeio": Vendor(
        "close",
        latency_ms=150,
        options={"leads": 30_000, "activities": 30_000, "tasks": 2_000, "rate_limit": 240, "rate_window": 8.0},
        config={},
    ),
    "persistiq": Vendor(
        "persistiq",
        latency_ms=200,
        options={"leads": 8_000, "events": 8_000, "rate_limit": 100, "rate_window": 60.0, "rate_headers": "epoch"},
        config={},
    ),
    "kustomer": Vendor(
        "kustomer",
        latency_ms=200,
        options={"messages": 20_000, "conversations": 800, "rate_limits": {"search": [100, 60]}},
        config={"search_requests_per_minute": 95},
    ),
    "outreach": Vendor(
        "outreach",
        latency_ms=300,
        options={"prospects": 20_000, "mailings": 20_000, "rate_limit": 10_000, "rate_window": 3_600.0},
        config={},
    ),
}


@dataclass(frozen=True)
class Read:
    """What a read came to."""

    seconds: float
    processor_seconds: float
    records: int
    requests: int
    budget_seconds: float


def read(script: str, config: Mapping[str, Any], processors: set[int]) -> Read:
    """Reads every stream of the account, on these processors only."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "config.json").write_text(json.dumps(config))
        found = subprocess.run(
            [script, "discover", "--config", "config.json"], cwd=folder, capture_output=True, check=True
        )
        streams = [
            stream
            for line in found.stdout.splitlines()
            for stream in json.loads(line).get("catalog", {}).get("streams", [])
        ]
        modes = {"sync_mode": "full_refresh", "destination_sync_mode": "overwrite"}
        catalog = {"streams": [{"stream": stream, **modes} for stream in streams]}
        (folder / "catalog.json").write_text(json.dumps(catalog))
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        with (folder / "output").open("wb") as output:
            subprocess.run(
                [script, "read", "--config", "config.json", "--catalog", "catalog.json"],
                cwd=folder,
                stdout=output,
                check=True,
                preexec_fn=lambda: os.sched_setaffinity(0, processors),
            )
        seconds, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
        with (folder / "output").open("rb") as written:
            lines = [match for line in written if b'"LOG"' in line and (match := SUMMARY.search(line.decode()))]
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    records, requests = (sum(int(line[number]) for line in lines) for number in (1, 2))
    return Read(seconds, used, records, requests, sum(float(line[3]) for line in lines))


def main(names: list[str]) -> int:
    """A line for each account."""
    every = os.sched_getaffinity(0)
    lines = []
    for name in names or VENDORS:
        vendor = VENDORS[name]
        script = str(Path(sys.executable).with_name(f"source-{name}"))
        reads = []
        for processors in ({min(every)}, every):
            with start(vendor.emulator, latency_ms=vendor.latency_ms, **vendor.options) as emulator:
                reads.append(read(script, {**emulator.config, **vendor.config}, processors))
        one, all_of_them = reads
        figures = (one.records, one.requests, one.requests * vendor.latency_ms / 1000, one.budget_seconds)
        line = [name, *(f"{figure:,.0f}" for figure in figures)]
        line += [f"{seconds:.1f}" for seconds in (one.processor_seconds, one.seconds, all_of_them.seconds)]
        lines.append([*line, f"{1 - one.processor_seconds / one.seconds:.0%}"])
    head = ["connector", "records", "requests", "s for answers", "s for the budget", "processor s"]
    head += ["s on 1 processor", f"s on {len(every)}", "waiting"]
    print(table(head, lines, right=range(1, len(head))))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
