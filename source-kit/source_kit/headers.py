"""What the headers of an answer say about budgets, waits and the time; what cannot be read is not there.

The vendors' forms are in the facts files; proxies add their own: `Date` twice, in the forms of asctime or RFC 850 (RFC
9110 wants all read), constant for years, or with numbers that no clock has.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_tz
from functools import lru_cache

from requests.structures import CaseInsensitiveDict

from source_kit.timestamps import instant

# Quotas of a day or a month exist; whoever asks for more is not obeyed.
LONGEST_PLAUSIBLE_SECONDS = 32 * 86_400.0
_COMBINED = re.compile(r"limit=([^,;\s]+)[,;]\s*remaining=([^,;\s]+)[,;]\s*reset=([^,;\s]+)", re.IGNORECASE)
_PARTS = ("limit", "remaining", "reset")
_FAMILIES = {
    family: tuple(f"{family}-{part}" for part in _PARTS) for family in ("ratelimit", "x-ratelimit", "x-rate-limit")
}
# Longer numbers than these are no numbers of requests or seconds.
_NUMBER = re.compile(r"\s*(-?\d{1,15}(?:\.\d{1,15})?)(?![\d.])")
_ISO_DATE = re.compile(r"\d{4}-\d\d-\d\d")
# Between two dates of a header that is sent twice: the comma that no weekday stands before.
_TWICE = re.compile(r"(?<=\d\d:\d\d:\d\d)(\s*[A-Za-z]{1,5}|\s*[+-]\d{4}|\s+\d{4})?\s*,")


@dataclass(frozen=True)
class Reading:
    """One window as an answer's headers describe it; `reset_seconds` is None where the vendor does not say."""

    family: str
    limit: int | None
    remaining: int
    reset_seconds: float | None
    whole_seconds: bool = False


def read_headers(headers: Mapping[str, str], now: datetime) -> list[Reading]:
    """Every rate-limit window that the headers (any case, any published form) describe."""
    lower = _lowered(headers)
    now = server_time(lower) or now
    combined = _COMBINED.search(lower.get("ratelimit", ""))
    readings = [_reading("combined", combined[1], combined[2], combined[3], now)] if combined else []
    for family, (limit, remaining, reset) in _FAMILIES.items():
        if remaining in lower:
            readings.append(_reading(family, lower.get(limit, ""), lower[remaining], lower.get(reset, ""), now))
    return [reading for reading in readings if reading is not None]


def _reading(family: str, limit: str, remaining: str, reset: str, now: datetime) -> Reading | None:
    """None for a window of which something is said that nobody can mean: its other numbers are no better. A negative
    limit is one (-1 is how some say that there is none); what is left may be less than nothing."""
    left, most, seconds = _first_number(remaining), _first_number(limit), seconds_until(reset, now)
    if left is None or (most is not None and most < 0) or (reset.strip() and seconds is None):
        return None
    return Reading(family, None if most is None else int(most), int(left), seconds, bool(reset) and "." not in reset)


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds that a 429 or 503 asks to wait: Retry-After (delta, epoch, ISO or HTTP date), else None."""
    lower = _lowered(headers)
    return seconds_until(lower.get("retry-after"), server_time(lower) or now)


def _lowered(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers by their names in lower case, as those of an answer keep them anyway."""
    if isinstance(headers, CaseInsensitiveDict):
        return dict(headers.lower_items())
    return {key.lower(): value for key, value in headers.items()}


def server_time(headers: Mapping[str, str]) -> datetime | None:
    """The `Date` header as an instant: epochs are compared with it, not with a local clock that may be wrong."""
    text = headers.get("date")
    return None if text is None else http_date(text)


@lru_cache(maxsize=16)
def http_date(text: str) -> datetime | None:
    """An instant from any form of an HTTP date; UTC where it names no zone. All answers of one second carry the same
    text."""
    parsed = parsedate_tz(_first_date(text))
    if parsed is None:
        return instant(text.strip())
    try:
        told = datetime(*parsed[:6], tzinfo=UTC).timestamp() - (parsed[9] or 0)
        return datetime.fromtimestamp(told, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _first_date(text: str) -> str:
    """The first of two dates in one header."""
    comma = _TWICE.search(text)
    return text if comma is None else text[: comma.end() - 1]


def seconds_until(text: str | None, now: datetime) -> float | None:
    """Seconds from a header value that is a delta, an epoch (seconds or milliseconds), an ISO or an HTTP date.

    None for what cannot be read, and for waits that nobody can mean.
    """
    if text is None or not text.strip():
        return None
    text = text.strip()
    if _ISO_DATE.match(text):
        # A header that is sent twice arrives as one value with a comma.
        then = instant(text.partition(",")[0].strip())
        return None if then is None else plausible_wait((then - now).total_seconds())
    number = _first_number(text)
    if number is None:
        then = http_date(text)
        return None if then is None else plausible_wait((then - now).total_seconds())
    if number > 1e12:
        number /= 1000
    return plausible_wait(number - now.timestamp() if number > 1e9 else number)


def plausible_wait(seconds: float) -> float | None:
    """A wait that a vendor may mean; None for one of months or centuries, which is a broken clock or header."""
    return max(0.0, seconds) if seconds < LONGEST_PLAUSIBLE_SECONDS else None


def _first_number(text: str | None) -> float | None:
    match = _NUMBER.match(text or "")
    return float(match[1]) if match else None
