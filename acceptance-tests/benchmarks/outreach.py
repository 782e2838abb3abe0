"""What is measured of source-outreach: prospects of about 7 kB, with the connector's default number of workers."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from itertools import pairwise
from typing import Any

import requests

from benchmarks.figures import Line
from benchmarks.floors.outreach import PAGE
from benchmarks.parts import Benchmark, Limits, Run, network
from benchmarks.subject import Account, Subject, utc
from connectors.outreach import CONNECTOR

DEFAULT_WORKERS = 8
MILLISECOND = timedelta(milliseconds=1)
TIMEOUT_SECONDS = 10
LIMITS = Limits(wall=1.2, cpu=1.2, requests=1.1, megabytes=150)


def plan(account: Account) -> dict[str, Any]:
    """Ranges of one page, taken from the truth, and an access token."""
    config = account.emulator.config
    form = {name: config[name] for name in ("client_id", "client_secret", "redirect_uri", "refresh_token")}
    session = requests.Session()
    session.trust_env = False
    answer = session.post(
        f"{account.emulator.url}/oauth/token", {"grant_type": "refresh_token", **form}, timeout=TIMEOUT_SECONDS
    )
    times = account.sorted_times("updatedAt")
    bounds = sorted({*times[::PAGE], *(instant + MILLISECOND for instant in times[-1:])})
    return {
        "url": f"{account.emulator.api_url}prospects",
        "headers": {
            "Authorization": f"Bearer {answer.json()['access_token']}",
            "Content-Type": "application/vnd.api+json",
        },
        "jobs": [(utc(since), utc(before - MILLISECOND)) for since, before in pairwise(bounds)],
    }


def fifth(run: Run, limits: Limits) -> list[Line]:
    """A fifth of the records, where the beginning and the end of a read weigh more."""
    return network(run, limits, size=run.size // 5, workers=DEFAULT_WORKERS, is_default=True)


BENCHMARK = Benchmark(
    Subject(
        connector=CONNECTOR,
        stream="prospects",
        size="prospects",
        others={"mailings": 0, "others": 1},
        page=PAGE,
        groups=("GET /prospects",),
        plan=plan,
    ),
    parts={
        "fifth": partial(fifth, limits=Limits(wall=1.6, cpu=1.5)),
        "latency": partial(network, limits=LIMITS, workers=DEFAULT_WORKERS, is_default=True),
        "uneven": partial(network, limits=LIMITS, workers=DEFAULT_WORKERS, is_default=True, contrast=100),
    },
)
