"""How many records a page holds: as many as the vendor can put together in time.

Pages of 1000 large records of Outreach end in an HTML 502 of its gateway; half the page size works (seen in
production by other connectors). A gateway also fails for other reasons: where pages of a size have worked, the first
failure of a request is not laid to its size. After some good pages a larger size is tried again, less often each time
it fails.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from source_kit.client import HttpClient
from source_kit.errors import TransientError
from source_kit.rules import TooHeavy
from source_kit.windows import WalkExpired

FIRST_PATIENCE = 4
LONGEST_PATIENCE = 64
Found = TypeVar("Found")


class PageSize:
    """The page size of one stream; thread-safe."""

    def __init__(self, largest: int) -> None:
        self.largest = largest
        self._size = largest
        # The largest size that has worked.
        self._proven = 0
        self._good = 0
        self._patience = FIRST_PATIENCE
        self._is_trying = False
        self._lock = threading.Lock()

    @property
    def current(self) -> int:
        """The size for the next page."""
        return self._size

    def too_heavy(self, size: int, *, is_first: bool = False) -> int:
        """A page of this size failed (`is_first`: at its first attempt): half of it from now on; the new size."""
        with self._lock:
            if size <= self._size and not (is_first and size <= self._proven):
                if self._is_trying:
                    self._patience = min(LONGEST_PATIENCE, self._patience * 2)
                self._size, self._good, self._is_trying = max(1, size // 2), 0, False
                self._proven = min(self._proven, self._size)
            return self._size

    def went_well(self, size: int) -> None:
        """A page of this size came; enough of them in a row and twice the size is tried."""
        with self._lock:
            self._proven = max(self._proven, size)
            if size < self._size:
                return
            if self._is_trying:
                self._is_trying, self._patience = False, FIRST_PATIENCE
            if self._size == self.largest:
                return
            self._good += 1
            if self._good >= self._patience:
                self._size, self._good, self._is_trying = min(self.largest, self._size * 2), 0, True


def fitting(
    client: HttpClient, sizes: PageSize, what: str, ask: Callable[[int], Found], *, size: int | None = None
) -> Found:
    """What `ask` gets for a number of rows, fewer where a gateway gave up on the page; `what` is its name in errors.

    With `size` the place of the page depends on it: where that is too heavy, `WalkExpired` says so once it is halved.
    Raises `TransientError` where the page stays too heavy.
    """
    for attempt in range(1, client.patience.attempts + 1):
        rows = size or sizes.current
        try:
            found = ask(rows)
        except TooHeavy as heavy:
            if attempt == client.patience.attempts:
                raise TransientError(
                    f"Reading {what} failed {attempt} times: {heavy.text} {client.patience.afterwards}",
                    internal_message=heavy.internal_message,
                ) from heavy
            sizes.too_heavy(rows, is_first=attempt == 1)
            client.usage.retries += 1
            client.pause(attempt, heavy.internal_message)
            if size is not None and sizes.current < size:
                raise WalkExpired from heavy
        else:
            sizes.went_well(rows)
            return found
    raise AssertionError("unreachable: the last attempt returns or raises")
