"""Rows that share one instant, where searching does not give all of them: the second reading of that instant.

A cursor walk may end with null too early, and ends at 10,000 objects; within one instant nothing else tells the rows
apart. The kit's walk then asks for the same rows in descending order. Where that ends early as well, as it does where
tied rows keep their order, it goes on by another way than searching.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, ClassVar

from source_closeio.endpoints import ListAsk
from source_closeio.fetcher import ListFetcher
from source_kit import timestamps
from source_kit.pages import MOST_PAGES_WITHOUT_ROWS, endless, with_rows
from source_kit.stream import TimeCursor
from source_kit.timestamps import is_within
from source_kit.windows import Fetch, Fetched, WalkExpired, Window
from source_kit.work import Plan, Record


class OtherWay(ABC):
    """Reading objects without searching, out of a list. `words` says it in the log."""

    words: ClassVar[str]

    def __init__(self, pages: ListFetcher, lag: timedelta) -> None:
        """`lag`: how late the list may be."""
        self.pages = pages
        self.lag = lag

    @abstractmethod
    def walk(self, window: Window) -> Plan:
        """Everything in a window over `date_updated`, with checkpoints."""

    @abstractmethod
    def fetch_window(self, window: Window, token: Any = None) -> Fetched:
        """One page; those of the window are among the rows of all pages."""

    def cursor(self, window: Window) -> TimeCursor:
        """The arithmetic of the checkpoints of a walk."""
        return TimeCursor("date_updated", None, self.lag, window.upper)

    def probe(self) -> None:
        """One row."""
        self.pages.fetch(ListAsk(limit=1))


@dataclass(frozen=True)
class InSearch:
    """A place in the descending search: the cursor, and how many of the rows counted are still to come."""

    cursor: str
    left: int


@dataclass(frozen=True)
class InOtherWay:
    """A place in the other way."""

    token: Any = None


def is_second_reading(window: Window) -> bool:
    """Whether this is the descending search of one instant."""
    return window.within is not None and window.descending


def fetch_again(search: Fetch, way: OtherWay, window: Window, token: Any) -> Fetched:
    """One page of the second reading; counted where it begins."""
    if isinstance(token, InOtherWay):
        return _by_other_way(way, window, token.token)
    try:
        page = search(window, token.cursor if token else None, count=token is None)
    except WalkExpired:
        if token is None:
            raise
        return _by_other_way(way, window, None)
    left = (token.left if token else page.total or 0) - page.size
    if page.token is not None:
        return replace(page, token=InSearch(page.token, left))
    return replace(page, token=InOtherWay() if left > 0 else None)


def _by_other_way(way: OtherWay, window: Window, token: Any) -> Fetched:
    """The rows of the instant out of the next page of the minute around it that has some."""
    assert window.within is not None, "only rows of one instant are read again"
    minute = timestamps.floor(window.within, timestamps.MINUTE)
    idle = 0
    while True:
        page = with_rows(lambda after: way.fetch_window(Window(minute, minute + timestamps.MINUTE), after), token)
        records = [record for record in page.records if _belongs(record, window, window.within)]
        if records or page.token is None:
            left_out = page.size - len(page.records)
            following = None if page.token is None else InOtherWay(page.token)
            return Fetched(records, page.asked_at, following, rows=len(records) + left_out)
        idle = 0 if page.records else idle + 1
        if idle > MOST_PAGES_WITHOUT_ROWS:
            raise endless(way.words)
        token = page.token


def _belongs(record: Record, window: Window, instant: datetime) -> bool:
    """Whether a row is of the instant; one without usable times is taken along."""
    is_updated_then = is_within(record.get("date_updated"), instant, instant + timestamps.MILLISECOND)
    return is_updated_then and is_within(record.get("date_created"), window.lower, window.upper)
