"""Instants as integer milliseconds since the epoch, and their spellings; fast enough to be done for each record."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta

DAY_MS = 86_400_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ISO = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d:?\d\d)?)?")


class _Days(dict[int, bytes]):
    """Days since the epoch to `2026-06-19T`."""

    def __missing__(self, day: int) -> bytes:
        text = self[day] = (EPOCH + timedelta(days=day)).strftime("%Y-%m-%dT").encode()
        return text


_days = _Days()
_clock = [b"%02d:%02d:%02d" % (second // 3600, second // 60 % 60, second % 60) for second in range(86_400)]
_fractions = [b"", *(b".%03d000" % ms for ms in range(1, 1000))]
_fractions_utc = [fraction + b"+00:00" for fraction in _fractions]


def now_ms() -> int:
    """The present."""
    return time.time_ns() // 1_000_000


def naive(ms: int) -> bytes:
    """`2026-06-19T09:22:10.931000`; the fraction is absent when it is zero."""
    day, rest = divmod(ms, DAY_MS)
    second, fraction = divmod(rest, 1000)
    return _days[day] + _clock[second] + _fractions[fraction]


def with_offset(ms: int) -> bytes:
    """`2021-01-01T00:00:00+00:00`, with six digits of fraction unless it is zero."""
    day, rest = divmod(ms, DAY_MS)
    second, fraction = divmod(rest, 1000)
    return _days[day] + _clock[second] + _fractions_utc[fraction]


def date(ms: int) -> bytes:
    """`2021-01-01`."""
    return naive(ms)[:10]


def parse_us(text: str) -> int:
    """An ISO date or date-time as microseconds since the epoch, without a zone UTC; `ValueError` for anything else."""
    match = ISO.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a date or time")
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    moment = datetime(
        int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0),
        int((fraction or "0")[:6].ljust(6, "0")), UTC,
    )  # fmt: skip
    if zone and zone != "Z":
        sign = -1 if zone[0] == "-" else 1
        moment -= sign * timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
    return (moment - EPOCH) // timedelta(microseconds=1)


def parse_ms(text: str) -> int:
    """The same in milliseconds, rounded down."""
    return parse_us(text) // 1000


def bound(operator: str, text: str) -> tuple[int | None, int | None]:
    """`gt`, `gte`, `lt` or `lte` of an instant as a half-open range of milliseconds; `ValueError` for a bad one."""
    us = parse_us(text)
    floor, ceiling = us // 1000, -(-us // 1000)
    if operator == "gte":
        return ceiling, None
    if operator == "gt":
        return floor + 1, None
    if operator == "lt":
        return None, ceiling
    return None, floor + 1
