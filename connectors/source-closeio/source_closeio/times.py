"""What the streams know of time: when a walk began, and the latest of values that may be no times at all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from source_kit import timestamps
from source_kit.windows import Fetch, Fetched, Window
from source_kit.work import Record


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


def latest(values: Sequence[Any]) -> str | None:
    """The latest of these values, as it was given; None where none of them is a time (0.1 µs a value of one form)."""
    try:
        top = timestamps.latest(values)
        if timestamps.instant(top) is not None:
            return top
    except (TypeError, ValueError, AttributeError, IndexError, KeyError):
        pass  # some are no text, or no times
    usable = [value for value in values if timestamps.instant(value) is not None]
    return timestamps.latest(usable) if usable else None


def within(window: Window, records: list[Record]) -> list[Record]:
    """The records whose last change lies in the window, and those without a usable time.

    For what Close filters more coarsely, or not at all, and what is edited while a list is read.
    """
    lower, upper = window.lower, window.upper
    if lower is None and upper is None:
        return records
    times = timestamps.instants([record.get("date_updated") for record in records])
    return [
        record
        for record, at in zip(records, times, strict=True)
        if at is None or ((lower is None or at >= lower) and (upper is None or at < upper))
    ]
