"""The kinds by name, and what each does to a row. Kinds of answers, walks and headers are in their own modules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from emulators.moments import naive, parse_ms
from emulators.oddities import raw

Row = dict[str, Any]
ATTRIBUTE = "oddity"
"""The attribute that carries an odd value; no API has it."""
ANSWER = "oddity_of"
"""The attribute of an object without an id that tells which answer it stands in."""
ABSENT = object()
LEAP_SECOND = "2025-06-30T23:59:60Z"
SPELLING = "odd spelling"
# Config and data of an emulated account are a day apart: such a row is still newer than start_date.
HOURS_OUTSIDE = 23


@dataclass(frozen=True, slots=True)
class Value:
    """An odd value as it is sent, and as a complete read emits it."""

    sent: Any
    true: Any


VALUES: dict[str, Value] = {
    "surrogate": Value(f"cut {raw.inside('surrogate')}", "cut \ufffd"),
    "bad_utf8": Value(f"caf{raw.inside('bad_utf8')} bar", "caf\ufffd bar"),
    "nan": Value(raw.value("nan"), None),
    "infinity": Value({"list": [1, raw.value("infinity")]}, {"list": [1, None]}),
    "minus_infinity": Value(raw.value("minus_infinity"), None),
    "1e400": Value(raw.value("1e400"), None),
    "big_integer": Value(raw.value("big_integer"), raw.value("big_integer")),
    "deep": Value(raw.value("deep"), raw.value("deep")),
}
UNSPEAKABLE = frozenset(["nan", "infinity", "minus_infinity", "1e400"])
"""Values that JSON cannot hold."""

CURSORS: dict[str, Any] = {
    "cursor_null": None,
    "cursor_missing": ABSENT,
    "cursor_empty": "",
    "cursor_word": "soon",
    "cursor_leap": LEAP_SECOND,
}


def earlier(ms: int) -> str:
    """A time that lies, mostly, outside of the window in which the row is found."""
    return naive(ms - HOURS_OUTSIDE * 3_600_000)[:19].decode() + "Z"


def _local(ms: int, hours: int, zone: str) -> str:
    return naive(ms + hours * 3_600_000)[:19].decode() + zone


# The same instant in other words; the last is no instant of the present.
TIMES: dict[str, Callable[[int], str]] = {
    "time_plus_05": lambda ms: _local(ms, 5, "+05"),
    "time_plus_00": lambda ms: _local(ms, 0, "+00"),
    "time_utc": lambda ms: _local(ms, 0, " UTC"),
    "time_small_z": lambda ms: _local(ms, 0, "z"),
    "time_zoneless": lambda ms: _local(ms, 0, ""),
    "time_year_1": lambda ms: "0001-01-01T00:00:00Z",
}
RELATIONS = ("relation_null", "relation_typeless")
SPELLINGS = "two_spellings"
OUTSIDE = "cursor_outside"
ROWS = (*VALUES, *CURSORS, *TIMES, *RELATIONS, SPELLINGS, OUTSIDE)

EXTRA_ROWS: dict[str, Any] = {
    "row_null": None,
    "row_text": "not an object",
    "row_number": 7,
    "row_without_id": {ATTRIBUTE: "row without id"},
}
EXTRAS = (*EXTRA_ROWS, "twice_in_answer", "twice_over_border", "data_object")
ONCE = ("empty_once", "reversed_once", "timed_out_once", "no_content_once", "drip", "no_head")
WALKS = ("gap", "loop", "timed_out_always")
BODIES = ("bom",)

# Of these a read cannot be complete, or it takes as long as the deadline of a request.
NOT_SURVIVED = frozenset(["loop", "timed_out_always", "drip", "no_head", OUTSIDE])


def respelt(kind: str, text: Any) -> Any:
    """A time of the API in the words of a kind; what is no time stays."""
    try:
        return TIMES[kind](parse_ms(text)) if isinstance(text, str) else text
    except ValueError:
        return text


def with_zone(text: Any) -> Any:
    """As a connector emits a time without a zone."""
    return f"{text}Z" if isinstance(text, str) else text


def set_cursor(row: Row, name: str, value: Any) -> None:
    """Put `value` in the place of a cursor, or nothing."""
    if value is ABSENT:
        row.pop(name, None)
    else:
        row[name] = value


def _names() -> tuple[str, ...]:
    from emulators.oddities.headers import HEADERS

    return (*BODIES, *ROWS, *EXTRAS, *ONCE, *WALKS, *HEADERS)


KINDS = _names()
EVERYTHING = tuple(name for name in KINDS if name not in NOT_SURVIVED)
