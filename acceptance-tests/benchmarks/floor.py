"""The floor: requests, orjson.loads, one dict a record, orjson.dumps, buffered write. Nothing else.

It is told what to ask for and so plans nothing, keeps no state, knows no errors and no rate limit: no connector can be
cheaper in the same language. `--in-flight N` keeps N jobs of the plan at work through a thread pool.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO

import orjson
import requests
from requests.adapters import HTTPAdapter

BUFFER_BYTES = 262_144


def output(stream: str, records: list[dict[str, Any]]) -> bytes:
    """A page as finished output lines."""
    now = int(time.time() * 1000)
    return b"".join(
        orjson.dumps(
            {"type": "RECORD", "record": {"stream": stream, "data": record, "emitted_at": now}},
            option=orjson.OPT_APPEND_NEWLINE,
        )
        for record in records
    )


def contents(session: requests.Session, plan: dict[str, Any], job: Any) -> Iterator[bytes]:
    """The pages of a job as output."""
    pages = importlib.import_module(f"benchmarks.floors.{plan['connector']}").pages
    for records in pages(session, plan, job):
        yield output(plan["stream"], records)


def walk(session: requests.Session, plan: dict[str, Any], sink: BinaryIO) -> None:
    """One page after the other."""
    for job in plan["jobs"]:
        for page in contents(session, plan, job):
            sink.write(page)


def walk_side_by_side(session: requests.Session, plan: dict[str, Any], sink: BinaryIO, in_flight: int) -> None:
    """`in_flight` jobs at a time, written in order."""
    with ThreadPoolExecutor(in_flight) as pool:
        for content in pool.map(lambda job: b"".join(contents(session, plan, job)), plan["jobs"]):
            sink.write(content)


def main() -> None:
    """`--plan` is a JSON file with `connector`, `stream`, `headers`, `jobs` and what the connector's module needs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plan", type=Path, required=True)
    parser.add_argument("--in-flight", type=int, default=1)
    arguments = parser.parse_args()
    plan = orjson.loads(arguments.plan.read_bytes())
    session = requests.Session()
    session.trust_env = False
    session.headers.update(plan["headers"])
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(pool_maxsize=max(10, arguments.in_flight)))
    with open(sys.stdout.fileno(), "wb", buffering=BUFFER_BYTES, closefd=False) as sink:
        if arguments.in_flight == 1:
            walk(session, plan, sink)
        else:
            walk_side_by_side(session, plan, sink, arguments.in_flight)


if __name__ == "__main__":
    main()
