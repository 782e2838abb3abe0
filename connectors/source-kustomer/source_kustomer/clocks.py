"""The local clock and the server's. Either may be wrong: where they differ, the one that loses nothing is taken."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from source_kit import timestamps
from source_kit.headers import server_time


class Clocks:
    """How far apart the two clocks were seen in the `Date` headers of answers. Thread-safe."""

    def __init__(self) -> None:
        self.has_seen = False
        self._behind = self._ahead = timedelta(0)
        self._lock = threading.Lock()

    def saw(self, local: datetime, headers: Mapping[str, str]) -> None:
        """Take note of an answer that came at this local time."""
        told = server_time(headers)
        with self._lock:
            self.has_seen = True
            if told is not None:
                self._behind = max(self._behind, local - told)
                self._ahead = max(self._ahead, told - local)

    def earliest(self, local: datetime) -> datetime:
        """A local time, on the server's clock if that was behind."""
        return timestamps.before(local, self._behind)

    def latest(self, local: datetime) -> datetime:
        """A local time, on the server's clock if that was ahead."""
        try:
            return local + self._ahead
        except OverflowError:
            return datetime.max.replace(tzinfo=UTC)
