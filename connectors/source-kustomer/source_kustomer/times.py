"""Times of records: whether they lie in a range, and the latest of them. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from source_kit import timestamps
from source_kit.work import Record


def is_within(value: Any, lower: datetime | None, upper: datetime | None) -> bool:
    """Whether a time lies in `[lower, upper)`; what is no time may lie anywhere."""
    instant = timestamps.instant(value)
    return instant is None or ((lower is None or instant >= lower) and (upper is None or instant < upper))


def until(bound: datetime, upper: datetime | None) -> datetime:
    """The bound, or an earlier end."""
    return bound if upper is None else min(bound, upper)


def within(records: Iterable[Record], field: str, lower: datetime | None, upper: datetime | None) -> list[Record]:
    """The records whose time lies in `[lower, upper)`, or is none."""
    return [record for record in records if is_within(record.get(field), lower, upper)]


def latest(records: Iterable[Record], field: str, known: str | None = None) -> str | None:
    """The latest value of a field that is a time, or a known one where that is later; None where there is none."""
    times = [record[field] for record in records if timestamps.instant(record.get(field)) is not None]
    times += [] if known is None else [known]
    return timestamps.latest(times) if times else None
