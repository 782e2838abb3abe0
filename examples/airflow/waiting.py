"""How much of a read waits for the vendor: one account of each system, with a live vendor's latency and rate limits.

    python waiting.py [closeio ...]

Needs the environment of `make install`. Each account is read twice, on one processor and on all. The figures are the
connector's own: the lines of its log say how many requests each stream sent and how long workers waited for the rate
budget; a request waits `latency` for its answer; what the process used of processors is the operating system's count.
Three numbers add up to the time that workers were busy or waited.
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


# Limits as the vendors have them (facts in each connector's README); sizes that take about a minute.
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
        options={"messages": 40_000, "conversations": 3_000, "rate_limits": {"search": [100, 60]}},
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
        done = subprocess.run(
            [script, "read", "--config", "config.json", "--catalog", "catalog.json"],
            cwd=folder,
            stdout=subprocess.PIPE,
            check=True,
            preexec_fn=lambda: os.sched_setaffinity(0, processors),
        )
        seconds, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    lines = [
        match for line in done.stdout.splitlines() if b'"LOG"' in line and (match := SUMMARY.search(line.decode()))
    ]
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    records, requests = (sum(int(match[number]) for match in lines) for number in (1, 2))
    return Read(seconds, used, records, requests, sum(float(match[3]) for match in lines))


def main(names: list[str]) -> int:
    """A line for each read."""
    available = os.sched_getaffinity(0)
    head = ["connector", "processors", "records", "requests", "seconds", "processor s", "for answers", "for the budget"]
    head += ["working"]
    lines = []
    for name in names or VENDORS:
        vendor = VENDORS[name]
        script = str(Path(sys.executable).with_name(f"source-{name}"))
        for processors in ({min(available)}, available):
            with start(vendor.emulator, latency_ms=vendor.latency_ms, **vendor.options) as emulator:
                found = read(script, {**emulator.config, **vendor.config}, processors)
            answers = found.requests * vendor.latency_ms / 1000
            whole = answers + found.budget_seconds + found.processor_seconds
            shares = [answers / whole, found.budget_seconds / whole, found.processor_seconds / whole]
            counts = [f"{number:,}" for number in (len(processors), found.records, found.requests)]
            times = [f"{number:.1f}" for number in (found.seconds, found.processor_seconds)]
            lines.append([name, *counts, *times, *(f"{share:.1%}" for share in shares)])
    print(table(head, lines, right=range(1, len(head))))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
