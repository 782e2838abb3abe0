"""A collection in memory that is asked as Outreach is, and walks over it by time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from source_kit import timestamps
from source_kit.rules import Rejected
from source_kit.windows import Fetched, Window
from source_kit.work import Record, in_order
from source_outreach.ranges import Timeless
from source_outreach.timeline import Timeline

START = datetime(2025, 1, 1, tzinfo=UTC)


NOW = datetime(2026, 1, 1, tzinfo=UTC)


NEVER = datetime(2100, 1, 1, tzinfo=UTC)


SIZE = 10


def row(number: int, seconds: float) -> Record:
    moment = START + timedelta(seconds=seconds)
    return {"id": number, "updatedAt": timestamps.milliseconds_z(moment)}


class Api:
    """Rows in the order of their index, which may differ from what they show; pages are chained by position.

    Rows without a time come last, and first in descending order; no range has them.
    """

    def __init__(
        self, rows: Sequence[Record], *, shift: Callable[[Record], timedelta] = lambda row: timedelta(0)
    ) -> None:
        self.rows = [(timestamps.parse(each["updatedAt"]) + shift(each), each) for each in rows]
        self.timeless: list[Record] = []
        # Which status a filter for rows without a time gets, 200 for their list.
        self.null_status = 200
        # By id: how much later than its place in the order a row is served, in every query that has it.
        self.late: dict[int, timedelta] = {}
        self.requests: list[tuple[Window, Any, bool, int | None]] = []
        self.is_counting = True
        self.is_filtering = True
        self.beyond = 0
        self.before_request: Callable[[int], None] = lambda number: None
        # Requests, by number, whose answers lack their link, or their rows.
        self.unlinked: Callable[[int], bool] = lambda number: False
        self.blank: Callable[[int], bool] = lambda number: False
        # Rows that are counted and gone, in the window that has this instant.
        self.ghosts = 0
        self.ghosts_at = START

    def __call__(self, window: Window, token: Any = None, *, count: bool = False, limit: int | None = None) -> Fetched:
        number = len(self.requests)
        self.before_request(number)
        self.requests.append((window, token, count, limit))
        if isinstance(window, Timeless) and self.null_status != 200:
            raise Rejected("refused", status=self.null_status, body={}, internal_message="refused")
        inside = [pair for pair in self.rows if self._holds(window, pair[0])]
        total = len(inside)
        if window.upper is not None:
            beyond = [pair for pair in self.rows if pair[0] > window.upper]
            inside += sorted(beyond, key=lambda pair: (pair[0], pair[1]["id"]))[: self.beyond]
        if window.lower is None and window.upper is None:
            nulls = [(NEVER, each) for each in self.timeless]
            inside = nulls if isinstance(window, Timeless) and self.is_filtering else inside + nulls
            total = len(inside)
        served = sorted(((self._place(pair), pair[1]) for pair in inside), key=lambda pair: pair[0])
        if window.descending:
            served.reverse()
        left = [pair for pair in served if token is None or pair[0] > token]
        page = left[: limit or SIZE]
        following = page[-1][0] if len(left) > len(page) and not self.unlinked(number) else None
        total += self.ghosts * self._holds(window, self.ghosts_at)
        rows = [] if self.blank(number) else [each for _, each in page]
        return Fetched(rows, NOW, following, total if count and self.is_counting else None)

    def _place(self, pair: tuple[datetime, Record]) -> tuple[datetime, int]:
        index, each = pair
        return index + self.late.get(each["id"], timedelta(0)), each["id"]

    def _holds(self, window: Window, index: datetime) -> bool:
        if not self.is_filtering:
            return True
        return (window.lower is None or index >= window.lower) and (window.upper is None or index <= window.upper)


def checkpoint(value: str, asked_at: datetime, is_last: bool) -> dict[str, Any]:
    return {"updatedAt": value, "last": is_last}


def timeline(api: Api, warnings: list[str] | None = None) -> Timeline:
    noted = [] if warnings is None else warnings
    return Timeline(api, "updatedAt", SIZE, 8, checkpoint, warn=noted.append)


def read(api: Api, lower: datetime | None = None, warnings: list[str] | None = None) -> tuple[list[Record], list[Any]]:
    pages = list(in_order(timeline(api, warnings).walk(lower)))
    return [each for page in pages for each in page.records], [page.checkpoint for page in pages if page.checkpoint]


def assert_complete(api: Api, records: Sequence[Record], *, at_most: int = 1) -> None:
    counts = Counter(record["id"] for record in records)
    assert sorted(counts) == sorted(each["id"] for _, each in api.rows)
    assert max(counts.values()) <= at_most


def spread(number: int, seconds: float = 1000.0) -> list[Record]:
    return [row(each, each * seconds) for each in range(number)]
