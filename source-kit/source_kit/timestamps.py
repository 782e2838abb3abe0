"""Instants as text: reading every published form, comparing, and writing them back.

Vendors mix forms inside one page: fractions are absent when zero, zones are `Z`, an offset or missing (read as UTC).
Comparison is by instant. Text is compared only where all values have one form, which is the usual case and five times
cheaper than parsing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

MILLISECOND = timedelta(milliseconds=1)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse(text: str) -> datetime:
    """An aware UTC instant from ISO 8601 text (a date is its UTC midnight); `ValueError` for anything else."""
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is UTC:
        return instant
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


def floor(instant: datetime, step: timedelta) -> datetime:
    """The last multiple of `step` (since 1970) at or before `instant`."""
    return instant - (instant - EPOCH) % step


def seconds_z(instant: datetime) -> str:
    """`2024-01-31T10:00:00Z`, for APIs that compare by seconds, or do not say by what."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def milliseconds_z(instant: datetime) -> str:
    """`2024-01-31T10:00:00.123Z`, the form that every one of the four APIs accepts in filters."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{instant.microsecond // 1000:03d}Z"


def microseconds_offset(instant: datetime) -> str:
    """`2024-01-31T10:00:00.123000+00:00`, the form of Close's records."""
    return instant.astimezone(UTC).isoformat(timespec="microseconds")


def with_zone(text: str) -> str:
    """The same text, with `Z` appended to a date-time that has no zone; dates and zoned values unchanged."""
    if len(text) < 19 or text[4] != "-" or text[13] != ":" or text[-1] == "Z" or text[-6] in "+-":
        return text
    return text if text[-5] in "+-" else text + "Z"


def has_one_form(values: Sequence[str]) -> bool:
    """Whether all values have the same length and zone, so that comparing text compares instants."""
    first = values[0]
    size, zone = len(first), first[19:][-6:] if first[-1] != "Z" else "Z"
    return all(len(value) == size and value.endswith(zone) for value in values)


def latest(values: Sequence[str]) -> str:
    """The value that is the latest instant, as it was given; `values` is not empty."""
    return max(values) if has_one_form(values) else max(values, key=parse)


def direction(instants: Sequence[datetime]) -> int:
    """1 if the instants ascend, -1 if they descend, 0 if neither; a run of equal ones ascends."""
    ordered = sorted(instants)
    if ordered == list(instants):
        return 1
    return -1 if ordered == list(reversed(instants)) else 0


def fix_zones(records: list[dict[str, Any]], fields: Sequence[str]) -> None:
    """Give the zone-less date-times of these top-level fields a `Z`, in place (0.1 µs a value that has a zone)."""
    for record in records:
        for field in fields:
            value = record.get(field)
            if isinstance(value, str) and value[-1:] != "Z" and value[-6:-5] not in ("+", "-"):
                record[field] = with_zone(value)
