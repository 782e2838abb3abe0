"""When a walk began."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from source_kit.windows import Fetch, Fetched, Window


class Beginning:
    """When a walk sent its first request, on whichever clock is behind: no state passes it."""

    def __init__(self) -> None:
        self._at: datetime | None = None

    @property
    def at(self) -> datetime:
        """Known after the first answer."""
        assert self._at is not None, "nothing was asked yet"
        return self._at

    @property
    def is_known(self) -> bool:
        """Whether there was an answer."""
        return self._at is not None

    def saw(self, fetched: Fetched) -> Fetched:
        """Note an answer."""
        self._at = fetched.asked_at if self._at is None else min(self._at, fetched.asked_at)
        return fetched

    def noting(self, fetch: Fetch) -> Fetch:
        """The same fetch, which notes its answers."""

        def fetch_and_note(
            window: Window, token: Any = None, *, count: bool = False, limit: int | None = None
        ) -> Fetched:
            return self.saw(fetch(window, token, count=count, limit=limit))

        return fetch_and_note
