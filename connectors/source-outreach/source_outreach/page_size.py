"""How many records a page holds: as many as Outreach can put together in time.

Pages of 1000 large records end in an HTML 502 of its gateway; the same request with half the page size works (seen in
production by other connectors). After some good pages a larger size is tried again, less often each time it fails.
"""

from __future__ import annotations

import threading

FIRST_PATIENCE = 4
LONGEST_PATIENCE = 256


class PageSize:
    """The page size of one stream; thread-safe."""

    def __init__(self, largest: int) -> None:
        self.largest = largest
        self._size = largest
        self._good = 0
        self._patience = FIRST_PATIENCE
        self._is_trying = False
        self._lock = threading.Lock()

    @property
    def current(self) -> int:
        """The size for the next page."""
        return self._size

    def too_heavy(self, size: int) -> int:
        """A page of this size failed: half of it from now on; the new size."""
        with self._lock:
            if size <= self._size:
                if self._is_trying:
                    self._patience = min(LONGEST_PATIENCE, self._patience * 2)
                self._size, self._good, self._is_trying = max(1, size // 2), 0, False
            return self._size

    def went_well(self, size: int) -> None:
        """A page of this size came; enough of them in a row and twice the size is tried."""
        with self._lock:
            if size < self._size or self._size == self.largest:
                return
            self._good += 1
            if self._good >= self._patience:
                self._size, self._good, self._is_trying = min(self.largest, self._size * 2), 0, True
