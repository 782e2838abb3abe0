"""The lines in which a connector sums up each stream in its log."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

LINE = re.compile(
    r"Stream (?P<name>[\w.-]+): (?P<records>\d+) records, (?P<requests>\d+) requests \((?P<again>\d+) again\), "
    r"(?P<waited>[\d.]+) s of waits in workers, (?P<seconds>[\d.]+) s"
)


@dataclass(frozen=True)
class StreamSummary:
    """`waited` is the sum over all workers of the time they waited for the rate limit; `seconds` is wall time.

    Streams are read side by side, so neither adds up to the time of the load.
    """

    name: str
    records: int
    requests: int
    again: int
    waited: float
    seconds: float


def summaries_of(log: str) -> Iterator[StreamSummary]:
    """The summaries in a log, in its order."""
    for found in LINE.finditer(log):
        yield StreamSummary(
            name=found["name"],
            records=int(found["records"]),
            requests=int(found["requests"]),
            again=int(found["again"]),
            waited=float(found["waited"]),
            seconds=float(found["seconds"]),
        )
