"""What the vendor's side of an emulator has seen."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Statistics:
    """Counters since the start or the last reset. The control API is never counted."""

    requests: int = 0
    writes: int = 0
    bytes_sent: int = 0
    by_group: Counter[str] = field(default_factory=Counter)
    by_path: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    first_last: dict[str, list[float]] = field(default_factory=dict)
    connections: int = 0
    in_flight: int = 0
    most_in_flight: int = 0
    log: list[dict[str, Any]] = field(default_factory=list)

    def arrived(self, group: str, method: str, path: str) -> None:
        """Count a request."""
        now = time.time()
        self.requests += 1
        self.by_group[group] += 1
        self.by_path[f"{method} {path}"] += 1
        span = self.first_last.setdefault(group, [now, now])
        span[1] = now
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)

    def left(self, status: int, size: int) -> None:
        """Count an answer; status 0 is a connection that was reset."""
        self.in_flight -= 1
        self.statuses[str(status)] += 1
        self.bytes_sent += size

    def report(self) -> dict[str, Any]:
        """For the control API."""
        return {
            "requests": self.requests,
            "writes": self.writes,
            "bytes_sent": self.bytes_sent,
            "by_group": dict(self.by_group),
            "by_path": dict(self.by_path),
            "statuses": dict(self.statuses),
            "first_last": self.first_last,
            "most_in_flight": self.most_in_flight,
        }
