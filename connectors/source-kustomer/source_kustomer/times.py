"""Times of records: the latest of them, and the end of a range. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from source_kit import timestamps
from source_kit.work import Record


def until(bound: datetime, upper: datetime | None) -> datetime:
    """The bound, or an earlier end."""
    return bound if upper is None else min(bound, upper)


def latest(records: Iterable[Record], field: str, known: str | None = None) -> str | None:
    """The latest value of a field that is a time, or a known one where that is later; None where there is none."""
    return timestamps.latest_of([*(record.get(field) for record in records), known])
