"""What an incremental read of one collection begins with, leaves out, and says in its state.

Two marks (`source_kit.lookback`): most reads go on where the last one ended, and once in a while one looks back over
the hours in which the index may have shown a change late. A collection that hardly changes may be left alone for hours.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from source_kit import timestamps
from source_kit.lookback import Lookback
from source_kit.state_input import cursor_instant
from source_kit.stream import TimeCursor
from source_kit.work import Page, Plan, Record, Start, mapped
from source_outreach.fetcher import HasLeft, nothing
from source_outreach.timeline import Checkpoint, Timeline

TimelineOf = Callable[[str, Checkpoint, HasLeft], Timeline]
# When a collection that is read at most once in so many hours was read to its end.
READ_KEY = "__read_at"
# What shows so late comes with the next read; only what is later waits for a look-back. What has left is known by its
# fingerprint, so rows of this minute do not leave twice for it: where they are more than a state remembers, the next
# read begins with the first one that is.
NEAR_LAG = timestamps.MINUTE


@dataclass(frozen=True)
class Rhythm:
    """When a read begins, how often one looks back, and how long a collection is left alone (zero: not at all)."""

    stream: str
    now: datetime
    look_back_every: timedelta
    read_every: timedelta = timedelta(0)

    def is_due(self, start: Start) -> bool:
        """Whether to read at all. Raises `ConfigError` for a broken state."""
        if not self.read_every or not start.incremental:
            return True
        read_at = cursor_instant(self.stream, start.position, READ_KEY)
        # One in the future is of a wrong clock, and counts for nothing.
        return read_at is None or read_at > self.now or read_at <= timestamps.before(self.now, self.read_every)

    def note(self) -> Mapping[str, Any]:
        """What the state says of this read."""
        return {READ_KEY: timestamps.seconds_z(self.now)} if self.read_every else {}


def read(timeline_of: TimelineOf, cursor: TimeCursor, start: Start, rhythm: Rhythm) -> Plan:
    """The plan of one read. Its first step raises `ConfigError` for a broken state."""
    if not start.incremental:
        yield from timeline_of(cursor.field, _behind(cursor), nothing).walk(cursor.lower(start))
    elif rhythm.is_due(start):
        yield from _by_marks(timeline_of, cursor, start, rhythm)


def _by_marks(timeline_of: TimelineOf, cursor: TimeCursor, start: Start, rhythm: Rhythm) -> Plan:
    near_lag = min(cursor.lag, NEAR_LAG)
    look = Lookback(rhythm.stream, cursor, start, every=rhythm.look_back_every, now=rhythm.now, near_lag=near_lag)

    def checkpoint(value: str, asked_at: datetime, is_last: bool) -> Mapping[str, Any] | None:
        # The last one is the state of the whole read.
        return None if is_last else look.checkpoint(_earlier(value, cursor.lag), asked_at)

    timeline = timeline_of(cursor.field, checkpoint, look.has_left)
    yield from _fresh(timeline.walk(look.lower), lambda records: look.fresh(records, timeline.asked_at))
    yield Page((), {**look.final(timeline.asked_at or rhythm.now), **rhythm.note()})


def _fresh(plan: Plan, fresh: Callable[[list[Record]], list[Record]]) -> Plan:
    """The plan without the rows that have left in an earlier read."""
    return mapped(plan, lambda page: replace(page, records=fresh(list(page.records))))


def _behind(cursor: TimeCursor) -> Checkpoint:
    """States that stay the lag behind the end of a window, since rows may come out of order, until all is read."""

    def checkpoint(value: str, asked_at: datetime, is_last: bool) -> Mapping[str, Any]:
        return cursor.checkpoint(value if is_last else _earlier(value, cursor.lag), asked_at)

    return checkpoint


def _earlier(value: str, lag: timedelta) -> str:
    return timestamps.milliseconds_z(timestamps.before(timestamps.parse(value), lag))
