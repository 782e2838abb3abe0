"""What is measured of source-closeio: leads."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import Any

from benchmarks.floors.closeio import PAGE
from benchmarks.parts import Benchmark, Limits, memory, network, processor
from benchmarks.subject import Account, Subject, utc
from benchmarks.whole import whole
from connectors.closeio import CONNECTOR
from source_closeio.config import DEFAULTS

WINDOW_LEADS = 9 * PAGE


def plan(account: Account) -> dict[str, Any]:
    """Windows of nine pages, taken from the truth, and the fields that the connector asks for."""
    bounds = sorted({utc(instant) for instant in account.sorted_times("date_updated")[::WINDOW_LEADS]})
    bounds.append(utc(datetime.now(UTC) + timedelta(days=1)))
    stream = next(stream for stream in account.catalog["streams"] if stream["name"] == "leads")
    key = base64.b64encode(f"{account.emulator.config['api_key']}:".encode()).decode()
    return {
        "url": f"{account.emulator.api_url}data/search/",
        "headers": {"Authorization": f"Basic {key}", "Content-Type": "application/json"},
        "fields": sorted(stream["json_schema"]["properties"]),
        "jobs": list(pairwise(bounds)),
    }


BENCHMARK = Benchmark(
    Subject(
        connector=CONNECTOR,
        stream="leads",
        size="leads",
        others={"activities": 0, "tasks": 0, "events": 0, "users": 1},
        page=PAGE,
        groups=("POST /data/search/",),
        plan=plan,
    ),
    parts={
        "cpu": partial(processor, cpu=1.2, requests=1.1, megabytes=130),
        "latency": partial(network, limits=Limits(speed_up=5, wall=1.2, requests=1.1), workers=8),
        "uneven": partial(network, limits=Limits(wall=1.2, requests=1.1), workers=8, contrast=100),
        "memory": partial(memory, megabytes=130, growth=1.1),
        "whole": partial(
            whole,
            sizes={"size": 20_000, "contacts": 24_000, "activities": 30_000, "tasks": 2_000, "events": 3_000},
            limit=240,
            window_seconds=8.0,
            workers=DEFAULTS.num_workers,
            least_requests=200,
            used=0.8,
            # The second witness of all other streams.
            beside=("GET /event/",),
        ),
        "log": partial(
            whole,
            sizes={"size": 200, "events": 12_000},
            limit=240,
            window_seconds=8.0,
            workers=DEFAULTS.num_workers,
            least_requests=200,
            used=0.8,
            streams=("event_log", "events", "deleted_records"),
        ),
    },
)
