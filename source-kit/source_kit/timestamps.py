"""Instants as text: reading every published form, comparing, and writing them back.

Vendors mix forms inside one page: fractions are absent when zero, zones are `Z`, an offset or missing (read as UTC).
Comparison is by instant. Text is compared only where all values have one form, which is the usual case and five times
cheaper than parsing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Any

MILLISECOND = timedelta(milliseconds=1)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


_ZONE = attrgetter("tzinfo")
_ONLY_UTC = frozenset([UTC])
_SIGNS = frozenset("+-")
_UTC_IN_WORDS = re.compile(r"\s*(?:z|utc|gmt)\s*$", re.IGNORECASE)
_USUAL = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:?\d\d)?)?")
_ZONELESS = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?")


def parse(text: str) -> datetime:
    """An aware UTC instant from ISO 8601 text (a date is its UTC midnight); `ValueError` for anything else."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = datetime.fromisoformat(_UTC_IN_WORDS.sub("Z", text.strip()))
    if instant.tzinfo is UTC:
        return instant
    if instant.tzinfo is None:
        return instant.replace(tzinfo=UTC)
    try:
        return instant.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("outside of the years 1 to 9999 in UTC") from error


def instant(value: Any) -> datetime | None:
    """The instant of a record's value; None for whatever is no time: null, "", "soon", a number, a leap second."""
    if not isinstance(value, str):
        return None
    try:
        return parse(value)
    except ValueError:
        return None


def instants(values: Sequence[Any]) -> list[datetime | None]:
    """The instant of each value; None for what is no time (0.1 µs a value in UTC)."""
    return list(map(instant, values)) if (found := _in_utc(values)) is None else [*found]


def timeless(records: Sequence[Mapping[str, Any]], field: str) -> int:
    """How many records have no usable time in a field (0.1 µs a record)."""
    values = [record.get(field) for record in records]
    if values and values.count(values[0]) == len(values):  # the time at which they were read, for instance
        return 0 if instant(values[0]) is not None else len(values)
    return list(map(instant, values)).count(None) if _in_utc(values) is None else 0


def _in_utc(values: Sequence[Any]) -> list[datetime] | None:
    """The instants of values that all are date-times in UTC; None for others."""
    try:
        found = list(map(datetime.fromisoformat, values))
    except (TypeError, ValueError):
        return None
    return found if set(map(_ZONE, found)) <= _ONLY_UTC else None


def usual(text: str) -> str:
    """A time as it is, if every reader of ISO 8601 knows the form; else in the usual one."""
    return text if _USUAL.fullmatch(text) else milliseconds_z(parse(text))


def before(instant: datetime, span: timedelta) -> datetime:
    """So much earlier; the first instant there is, where that would lie before year 1."""
    try:
        return instant - span
    except OverflowError:
        return datetime.min.replace(tzinfo=UTC)


def floor(instant: datetime, step: timedelta) -> datetime:
    """The last multiple of `step` (since 1970) at or before `instant`."""
    return instant - (instant - EPOCH) % step


def seconds_z(instant: datetime) -> str:
    """`2024-01-31T10:00:00Z`, for APIs that compare by seconds, or do not say by what."""
    return _iso(instant, "seconds") + "Z"


def milliseconds_z(instant: datetime) -> str:
    """`2024-01-31T10:00:00.123Z`, the form that every one of the four APIs accepts in filters."""
    return _iso(instant, "milliseconds") + "Z"


def _iso(instant: datetime, precision: str) -> str:
    """Not `strftime`, which writes the year 1 with one digit."""
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat(timespec=precision)


def microseconds_offset(instant: datetime) -> str:
    """`2024-01-31T10:00:00.123000+00:00`, the form of Close's records."""
    return instant.astimezone(UTC).isoformat(timespec="microseconds")


def with_zone(text: str) -> str:
    """The same text, with `Z` appended to a date-time that has no zone; everything else unchanged."""
    return text + "Z" if _ZONELESS.fullmatch(text) else text


def has_one_form(values: Sequence[str]) -> bool:
    """Whether all values have the same length and zone, so that comparing text compares instants."""
    first = values[0]
    size, zone = len(first), first[19:][-6:] if first[-1] != "Z" else "Z"
    return all(len(value) == size and value.endswith(zone) for value in values)


def latest(values: Sequence[str]) -> str:
    """The value that is the latest instant, as it was given; `values` is not empty."""
    return max(values) if has_one_form(values) else max(values, key=parse)


def latest_of(values: Sequence[Any]) -> str | None:
    """The latest of the values that are times, as it was given; None where none is (0.1 µs a value of one form)."""
    try:
        top = latest(values)
        if instant(top) is not None:
            return top
    except (TypeError, ValueError, AttributeError, IndexError, KeyError):
        pass  # some are no text, or no times
    usable = [value for value in values if instant(value) is not None]
    return latest(usable) if usable else None


def is_within(value: Any, lower: datetime | None, upper: datetime | None) -> bool:
    """Whether a time lies in `[lower, upper)`; what is no time may lie anywhere."""
    at = instant(value)
    return at is None or ((lower is None or at >= lower) and (upper is None or at < upper))


def within(
    records: list[dict[str, Any]], field: str, lower: datetime | None, upper: datetime | None
) -> list[dict[str, Any]]:
    """The records whose time lies in `[lower, upper)`, or is none; for what an API filters more coarsely, or not."""
    if lower is None and upper is None:
        return records
    times = instants([record.get(field) for record in records])
    return [
        record
        for record, at in zip(records, times, strict=True)
        if at is None or ((lower is None or at >= lower) and (upper is None or at < upper))
    ]


def direction(instants: Sequence[datetime]) -> int:
    """1 if the instants ascend, -1 if they descend, 0 if neither; a run of equal ones ascends."""
    ordered = sorted(instants)
    if ordered == list(instants):
        return 1
    return -1 if ordered == list(reversed(instants)) else 0


def fix_zones(records: list[dict[str, Any]], fields: Sequence[str]) -> None:
    """Give the zone-less date-times of these top-level fields a `Z`, in place (0.1 µs a value that has a zone)."""
    for field in fields:
        if _have_zones(records, field):
            continue
        for record in records:
            value = record.get(field)
            if isinstance(value, str) and value[-1:] != "Z" and value[-6:-5] not in _SIGNS:
                record[field] = with_zone(value)


def _have_zones(records: list[dict[str, Any]], field: str) -> bool:
    """Whether all values are texts with a zone, or null; a look at their ends, without a list of them."""
    try:
        return {
            value[-6:-5] for record in records if (value := record.get(field)) is not None and value[-1:] != "Z"
        } <= _SIGNS
    except (TypeError, KeyError):  # a number, a list, an object (from Python 3.12 on, slices may be keys)
        return False
