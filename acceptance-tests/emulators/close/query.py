"""The legacy search language of `GET /lead/?query=`: date conditions of minute or day precision, `sort:`, `slice:`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from emulators.moments import DAY_MS, parse_ms
from emulators.records import FOREVER, Order, Ranges

MINUTE_MS = 60_000
FIELDS: dict[str, Order] = {
    "date_updated": "date_updated",
    "updated": "date_updated",
    "date_created": "date_created",
    "created": "date_created",
}
_CONDITION = re.compile(r'\b(date_updated|updated|date_created|created)\s*(>=|<=|>|<)\s*(?:"([^"]+)"|(\S+))')
_SORT = re.compile(r"\bsort:(-?)(\w+)")
_SLICE = re.compile(r"\bslice:(\d+)/(\d+)")


@dataclass(slots=True)
class LeadQuery:
    """What a query asks for."""

    ranges: Ranges = field(default_factory=dict)
    order: Order = "date_updated"
    descending: bool = True
    slice: tuple[int, int] | None = None
    words: list[str] = field(default_factory=list)
    """Anything else: full text, which finds leads by name."""


def parse_query(text: str) -> LeadQuery:
    """Read a query; what cannot be read is full text, never an error."""
    query = LeadQuery()

    def condition(match: re.Match[str]) -> str:
        name, operator, quoted, bare = match.groups()
        try:
            low, high = _literal(quoted or bare)
        except ValueError:
            return match.group(0)
        ranged = {">=": (low, FOREVER), ">": (high, FOREVER), "<": (0, low), "<=": (0, high)}[operator]
        before = query.ranges.get(FIELDS[name], (0, FOREVER))
        query.ranges[FIELDS[name]] = (max(before[0], ranged[0]), min(before[1], ranged[1]))
        return " "

    def sort(match: re.Match[str]) -> str:
        if match.group(2) in FIELDS:
            query.order, query.descending = FIELDS[match.group(2)], bool(match.group(1))
        return " "

    def part(match: re.Match[str]) -> str:
        query.slice = (int(match.group(1)), int(match.group(2)))
        return " "

    rest = _SLICE.sub(part, _SORT.sub(sort, _CONDITION.sub(condition, text)))
    query.words = [word for word in rest.split() if word not in ("and", "*")]
    return query


def _literal(text: str) -> tuple[int, int]:
    """The minute or the day that a date literal stands for, as a half-open range."""
    start = parse_ms(text)
    length = MINUTE_MS if ":" in text else DAY_MS
    start -= start % length
    return start, start + length
