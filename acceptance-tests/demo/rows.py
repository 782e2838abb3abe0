"""The lines of the demo's tables: short enough for a terminal of 100 columns, also through a pipe."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MOST_STREAMS = 8
INSTANT = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)")


@dataclass(frozen=True)
class Shown:
    """What is shown of a stream: `requests` as the log has them, `state` the last one."""

    name: str
    records: int
    requests: str
    seconds: float
    state: Mapping[str, Any]


def largest(streams: Sequence[Shown], most: int) -> frozenset[str]:
    """The names of the streams with most records."""
    return frozenset(stream.name for stream in sorted(streams, key=lambda stream: -stream.records)[:most])


def rows_of(streams: Sequence[Shown], chosen: Collection[str]) -> list[list[str]]:
    """The chosen streams in their own order, and one line for all others."""
    rows = [_row(stream) for stream in streams if stream.name in chosen]
    others = [stream for stream in streams if stream.name not in chosen]
    if others:
        requests = sum(int(stream.requests) for stream in others if stream.requests.isdigit())
        label = f"and {len(others)} more stream{'s' if len(others) > 1 else ''}"
        rows.append([label, f"{sum(stream.records for stream in others):,}", f"{requests:,}", "", ""])
    return rows


def _row(stream: Shown) -> list[str]:
    return [
        stream.name, f"{stream.records:,}", stream.requests, f"{stream.seconds:.1f}", read_up_to(stream.state),
    ]  # fmt: skip


def read_up_to(state: Mapping[str, Any]) -> str:
    """The bookmark in a state; where there is one for each of several parents, the earliest and how many."""
    for name, value in state.items():
        if isinstance(value, str) and not name.startswith("__") and (found := INSTANT.match(value)):
            return f"{found[1]} {found[2]}"
        if isinstance(value, dict) and value:
            first = min(str(each) for each in value.values())
            found = INSTANT.match(first)
            return f"{found[1]} {found[2]}, {len(value)} {name}" if found else f"{len(value)} {name}"
    return "(whole list)"
