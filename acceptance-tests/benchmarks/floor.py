"""The floor for Close leads: requests, orjson.loads, one dict a record, orjson.dumps, buffered write. Nothing else.

It is told the windows and so plans nothing, keeps no state, knows no errors and no rate limit: no connector can be
cheaper in the same language. `--in-flight N` keeps N windows walking through a thread pool.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO

import orjson
import requests
from requests.adapters import HTTPAdapter

PAGE = 200
BUFFER_BYTES = 262_144
TIMEOUT_SECONDS = (10, 60)
SORT = [
    {"direction": "asc", "field": {"type": "regular_field", "object_type": "lead", "field_name": name}}
    for name in ("date_updated", "date_created")
]


def search_body(fields: list[str], since: str, before: str, cursor: str | None) -> bytes:
    """A page of the leads changed in `[since, before)`."""
    moments = {
        "type": "moment_range",
        "on_or_after": {"type": "fixed_utc", "value": since},
        "before": {"type": "fixed_utc", "value": before},
    }
    field = {"type": "regular_field", "object_type": "lead", "field_name": "date_updated"}
    conditions = [
        {"type": "object_type", "object_type": "lead"},
        {"type": "field_condition", "field": field, "condition": moments},
    ]
    body = {"query": {"type": "and", "queries": conditions}, "sort": SORT, "_fields": {"lead": fields}, "_limit": PAGE}
    return orjson.dumps({**body, "cursor": cursor})


def pages(session: requests.Session, url: str, fields: list[str], window: tuple[str, str]) -> Iterator[bytes]:
    """The pages of a window, each as finished output lines."""
    cursor = None
    while True:
        answer = session.post(url, data=search_body(fields, *window, cursor), timeout=TIMEOUT_SECONDS)
        page: dict[str, Any] = orjson.loads(answer.content)
        now = int(time.time() * 1000)
        yield b"".join(
            orjson.dumps(
                {"type": "RECORD", "record": {"stream": "leads", "data": record, "emitted_at": now}},
                option=orjson.OPT_APPEND_NEWLINE,
            )
            for record in page["data"]
        )
        cursor = page.get("cursor")
        if cursor is None:
            return


def walk(
    session: requests.Session, url: str, fields: list[str], windows: list[tuple[str, str]], sink: BinaryIO
) -> None:
    """One page after the other."""
    for window in windows:
        for page in pages(session, url, fields, window):
            sink.write(page)


def walk_side_by_side(
    session: requests.Session,
    url: str,
    fields: list[str],
    windows: list[tuple[str, str]],
    sink: BinaryIO,
    in_flight: int,
) -> None:
    """`in_flight` windows at a time, written in order."""
    with ThreadPoolExecutor(in_flight) as pool:
        jobs = pool.map(lambda window: b"".join(pages(session, url, fields, window)), windows)
        for content in jobs:
            sink.write(content)


def main() -> None:
    """`--plan` is a JSON file with `url`, `headers`, `fields` and `bounds`."""
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
    windows = list(pairwise(plan["bounds"]))
    with open(sys.stdout.fileno(), "wb", buffering=BUFFER_BYTES, closefd=False) as sink:
        if arguments.in_flight == 1:
            walk(session, plan["url"], plan["fields"], windows, sink)
        else:
            walk_side_by_side(session, plan["url"], plan["fields"], windows, sink, arguments.in_flight)


if __name__ == "__main__":
    main()
