"""Dates of configs, states and windows, by pendulum: what people write is read, and time spans are taken off.

pendulum reads all of ISO 8601, forms that `datetime.fromisoformat` refuses among them (`2024-01`, `2024-031`). It takes
35 ms to import, so functions import it: `spec` has no use for it. What is done for each record or request is in
`timestamps`. Instants are plain `datetime` in UTC, in both directions.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from source_kit import timestamps

# Not a year alone, which is more likely a number, nor a duration, a time of day, or `now`, which pendulum reads too.
_DATED = re.compile(r"\d{4}[-/0-9W].{2}", re.DOTALL)


def read(text: str) -> datetime:
    """An instant from any form of ISO 8601 (a date is its UTC midnight); `ValueError` for anything else."""
    import pendulum

    text = text.strip()
    if not _DATED.match(text) or not text.isascii():
        raise ValueError("no date")
    try:
        found = pendulum.parse(text, exact=True)
    except (ValueError, OverflowError):
        return timestamps.parse(text)  # zones behind a space, or in words
    if isinstance(found, pendulum.DateTime):
        return _plain(found)
    if isinstance(found, pendulum.Date):
        return datetime(found.year, found.month, found.day, tzinfo=UTC)
    raise ValueError("no instant")


def minus(instant: datetime, span: timedelta) -> datetime:
    """So much earlier; `OverflowError` before year 1."""
    import pendulum

    return _plain(pendulum.instance(instant) - span)


def steps(begin: datetime, end: datetime, *, days: int) -> list[datetime]:
    """Every so many days from `begin` on, before `end`."""
    import pendulum

    if begin >= end:
        return []
    span = pendulum.interval(pendulum.instance(begin), pendulum.instance(end))
    return [step for step in map(_plain, span.range("days", days)) if step < end]


def _plain(found: Any) -> datetime:
    """A pendulum instant as everything else here has it; `ValueError` outside of the years 1 to 9999 in UTC."""
    try:
        at = found.in_timezone("UTC")
    except OverflowError as error:
        raise ValueError("outside of the years 1 to 9999 in UTC") from error
    return datetime(at.year, at.month, at.day, at.hour, at.minute, at.second, at.microsecond, tzinfo=UTC)
