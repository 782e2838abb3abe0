"""What is measured of source-persistiq: leads, which come by page number."""

from __future__ import annotations

from functools import partial
from typing import Any

from benchmarks.floors.persistiq import PAGE
from benchmarks.parts import Benchmark, Limits, network, processor
from benchmarks.subject import Account, Subject
from connectors.persistiq import CONNECTOR


def plan(account: Account) -> dict[str, Any]:
    """Every page, whose number the floor is told."""
    return {
        "url": f"{account.emulator.api_url}leads",
        "headers": {"x-api-key": account.emulator.config["api_key"]},
        "jobs": list(range(1, account.pages + 1)),
    }


BENCHMARK = Benchmark(
    Subject(
        connector=CONNECTOR,
        stream="leads",
        size="leads",
        others={"events": 0, "campaigns": 0, "users": 1},
        page=PAGE,
        groups=("GET /leads",),
        plan=plan,
    ),
    # Memory is not flat here: rows of a list in no order are told apart by 30 bytes of each (BEHAVIOR.md, 3).
    parts={
        "cpu": partial(processor, cpu=1.2, requests=1.1, megabytes=70),
        "latency": partial(network, limits=Limits(speed_up=5, wall=1.2, requests=1.1), workers=8),
    },
)
