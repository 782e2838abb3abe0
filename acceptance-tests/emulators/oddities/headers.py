"""Headers that nobody can read, or that nobody should believe."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import formatdate

Header = tuple[str, str]
DIGITS = "9" * 400
YEAR_5138 = "99999999999"
CONSTANT = "Tue, 01 Oct 2019 08:00:00 GMT"


def _rates(limit: str, remaining: str, reset: str) -> list[Header]:
    """In all spellings that the four APIs have."""
    return [
        ("RateLimit", f"limit={limit}, remaining={remaining}, reset={reset}"),
        *(
            (f"{prefix}-{part}", value)
            for prefix in ("X-RateLimit", "X-Rate-Limit")
            for part, value in (("Limit", limit), ("Remaining", remaining), ("Reset", reset))
        ),
    ]


def _moment() -> datetime:
    return datetime.now(UTC)


def _soon() -> str:
    return datetime.fromtimestamp(time.time() + 1, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _date(text: str) -> list[Header]:
    return [("Date", text)]


def _http(seconds: float = 0) -> str:
    return formatdate(time.time() + seconds, usegmt=True)


HEADERS: dict[str, Callable[[], list[Header]]] = {
    "rate_garbled": lambda: _rates("100", "50", ".."),
    "rate_400_digits": lambda: _rates("100", DIGITS, "5"),
    "rate_negative": lambda: _rates("-5", "-5", "5"),
    "reset_400_digits": lambda: _rates("100", "0", DIGITS),
    "reset_year_5138": lambda: _rates("100", "0", YEAR_5138),
    "reset_iso_date_twice": lambda: [*_rates("100", "50", _soon()), *_date(_http()), *_date(_http())],
    "date_twice": lambda: [*_date(_http()), *_date(_http(-1))],
    "date_2099": lambda: _date("Thu, 01 Jan 2099 00:00:00 GMT"),
    "date_tomorrow": lambda: _date(_http(86_400)),
    "date_an_hour_behind": lambda: _date(_http(-3_600)),
    "date_constant": lambda: _date(CONSTANT),
    "date_asctime": lambda: _date(_moment().strftime("%a %b %e %H:%M:%S %Y")),
    "date_rfc850": lambda: _date(_moment().strftime("%A, %d-%b-%y %H:%M:%S GMT")),
    "date_zoneless": lambda: _date(_moment().strftime("%a, %d %b %Y %H:%M:%S")),
    "date_minus_0000": lambda: _date(_moment().strftime("%a, %d %b %Y %H:%M:%S -0000")),
    "date_garbage": lambda: _date("yesterday, perhaps"),
}
_FAMILIES = ("ratelimit", "x-ratelimit", "x-rate-limit")


def replace_headers(headers: list[Header], kind: str) -> list[Header]:
    """`headers` with those of a kind in the place of their like."""
    odd = HEADERS[kind]()
    replaced = {name.lower() for name, _ in odd}
    if "ratelimit" in replaced:
        return [*(each for each in headers if not each[0].lower().startswith(_FAMILIES) and each[0] != "Date"), *odd]
    return [*(each for each in headers if each[0].lower() not in replaced), *odd]
