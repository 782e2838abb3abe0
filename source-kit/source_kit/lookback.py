"""Two marks in a state: a near one, from which every read goes on, and a deep one, behind which all is surely known.

An index may show a change hours late. Reading all those hours again in every sync would emit each changed row in every
sync of those hours (seen: fifty rows that changed once came four times). So most reads begin at the near mark; once in
a while one looks back to the deep mark, and leaves out what has left already, which the state remembers by
fingerprints. A row that changed once leaves once, or twice: where it changed while a read began or ran, since it could
change again and show the same time, and where more changes than can be remembered (three times where both). No
read begins before what is remembered: a near mark that would lie there moves up, and look-backs find what shows late.

The state: the cursor's own key is the deep mark, so that whoever knows nothing of the others loses nothing.
`__near`: reads go on here. `__looked_back_at`: when a read last began at the deep mark. `__emitted`: fingerprints of
rows that have left and may be met again; all of those whose time is `__emitted_since` or later.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

from source_kit import timestamps
from source_kit.rows import identity
from source_kit.state_input import broken, cursor_instant
from source_kit.stream import TimeCursor
from source_kit.work import Record, Start

NEAR_KEY, LOOKED_BACK_KEY = "__near", "__looked_back_at"
EMITTED_KEY, SINCE_KEY = "__emitted", "__emitted_since"
TIME_KEYS = (NEAR_KEY, LOOKED_BACK_KEY, SINCE_KEY)
# Of 16 characters each: 100 kB in a state at the most.
MOST_REMEMBERED = 5_000


@dataclass(frozen=True)
class Marks:
    """What a state says; None where it says nothing."""

    deep: datetime | None = None
    near: datetime | None = None
    looked_back_at: datetime | None = None
    emitted: frozenset[str] = frozenset()
    since: datetime | None = None

    @classmethod
    def of(cls, stream: str, field: str, position: Mapping[str, Any]) -> Marks:
        """Of a state's position. Raises `ConfigError` that names the stream and what is wrong."""
        deep, near, at, since = (
            cursor_instant(stream, position, key) for key in (field, NEAR_KEY, LOOKED_BACK_KEY, SINCE_KEY)
        )
        emitted = position.get(EMITTED_KEY, [])
        if not isinstance(emitted, list) or not all(isinstance(each, str) for each in emitted):
            raise broken(stream, f"holds no list of strings in {EMITTED_KEY}")
        return cls(deep, near, at, frozenset(emitted), since)

    def is_look_back_due(self, now: datetime, every: timedelta) -> bool:
        """Whether a read that begins now looks back; a time in the future, of a wrong clock, counts for nothing."""
        if None in (self.deep, self.near, self.looked_back_at, self.since) or self.looked_back_at > now:  # type: ignore[operator]  # not None here
            return True
        return self.looked_back_at <= timestamps.before(now, every)  # type: ignore[operator]  # as above


class Lookback:
    """One incremental read of a stream by two marks: where it begins, which rows leave, its states. Thread-safe.

    `cursor` is the deep one: its lag is how late the index may show a change, its `end_date` bounds both marks. `every`
    is how often a read looks back, `near_lag` how far the near mark stays behind the time of the request, and `now` is
    when the read begins, on whichever clock is behind.
    """

    def __init__(
        self,
        stream: str,
        cursor: TimeCursor,
        start: Start,
        *,
        every: timedelta,
        now: datetime,
        near_lag: timedelta = timedelta(0),
    ) -> None:
        """Raises `ConfigError` for a broken state."""
        self._cursor = cursor
        self._near, self._nearest = (
            TimeCursor(cursor.field, cursor.start_date, lag, cursor.end_date, resolution=cursor.resolution)
            for lag in (near_lag, timedelta(0))
        )
        self._marks = marks = Marks.of(stream, cursor.field, start.position)
        self._now = now
        # Rows that are younger may still be followed by late ones: the next look-back meets them again. As the mark.
        self._settled = timestamps.floor(timestamps.before(now, cursor.lag), cursor.resolution)
        # A row of a later time may change again and show the same time: it is not known by it yet.
        self._certain = timestamps.before(now, cursor.resolution)
        self.looks_back = marks.is_look_back_due(now, every)
        begin = marks.deep if self.looks_back else marks.near
        self.lower = cursor.start_date if begin is None else begin
        self._lock = threading.Lock()
        self._high: str | None = None
        # The latest time of all rows, and those at it: the next read begins there, this instant included.
        self._top: datetime | None = None
        self._tied: set[str] = set()
        # What is to be remembered, by its time: at least the latest of it, all that is of this time or later.
        self._met: dict[str, datetime] = {}
        self._met_since: datetime | None = None
        self._has_postponed = False

    def fresh(self, records: list[Record], asked_at: datetime | None = None) -> list[Record]:
        """The rows of a page that leave (0.2 µs a row; 2 µs one of the last hours). `asked_at` is when the first
        request was sent, on whichever clock is behind, where that is known."""
        values = [record.get(self._cursor.field) for record in records]
        times = timestamps.instants(values)
        known = [at for at in times if at is not None]
        if not known:
            return records
        top = max(known)
        with self._lock:
            if asked_at is not None:
                # By a clock that is ahead, a row of this very second would be of the past.
                self._certain = min(self._certain, timestamps.before(asked_at, self._cursor.resolution))
            if self._top is None or top > self._top:
                self._top, self._high, self._tied = top, str(values[times.index(top)]), set()
            is_old = self.looks_back and top < self._settled and not self._marks.emitted
            if is_old:
                self._tied.update(
                    fingerprint(record, value)
                    for record, value, at in zip(records, values, times, strict=True)
                    if at == self._top and at <= self._certain
                )
                return records
            rows = zip(records, values, times, strict=True)
            return [record for record, value, at in rows if at is None or self._leaves(record, value, at)]

    def has_left(self, record: Record) -> bool:
        """Whether a row left in an earlier read, and so does not leave again."""
        value = record.get(self._cursor.field)
        return timestamps.instant(value) is not None and fingerprint(record, value) in self._marks.emitted

    def _leaves(self, record: Record, value: Any, at: datetime) -> bool:
        """Whether a row leaves; it is remembered, unless it waits for the next look-back."""
        marks, mark = self._marks, fingerprint(record, value)
        has_left = mark in marks.emitted
        if not has_left and self.looks_back and self._may_have_left(at) and at >= self._settled:
            self._has_postponed = True
            return False
        if at > self._certain:
            return not has_left
        if at == self._top:
            self._tied.add(mark)
        if at >= self._settled or not self.looks_back:
            self._met[mark] = at
            if len(self._met) > 2 * MOST_REMEMBERED:
                self._forget()
        return not has_left

    def _forget(self) -> None:
        """Forgets the earliest of what was met, until the rest can be remembered; instants stay or go as a whole."""
        if len(self._met) <= MOST_REMEMBERED:
            return
        last = sorted(self._met.values())[-MOST_REMEMBERED - 1]
        self._met = {mark: at for mark, at in self._met.items() if at > last}
        self._met_since = min(self._met.values(), default=last + self._cursor.resolution)

    def _may_have_left(self, at: datetime) -> bool:
        """Whether reads before may have emitted a row of this time without remembering it."""
        marks = self._marks
        return marks.near is not None and marks.since is not None and at < marks.since

    def checkpoint(self, value: str, asked_at: datetime) -> Mapping[str, Any] | None:
        """The state within a look-back, after the row with this value. Other reads have one at their end only."""
        return self._cursor.checkpoint(value, min(asked_at, self._now)) if self.looks_back else None

    def final(self, asked_at: datetime) -> Mapping[str, Any]:
        """The state when everything is out; `asked_at` is when the first request was sent."""
        state: dict[str, Any] = {LOOKED_BACK_KEY: timestamps.seconds_z(self._now)} if self.looks_back else {}
        if self._high is None:
            return state
        high = self._high
        if self._behind_crowd is not None:
            high = timestamps.microseconds_offset(self._behind_crowd)
        if self.looks_back:
            # What was postponed lies behind `_settled`: the deep mark must not pass it, whatever the request time.
            state |= self._cursor.checkpoint(high, min(asked_at, self._now))
        emitted, since = self._memory()
        since_text = timestamps.microseconds_offset(since)
        near = self._near.checkpoint(high, asked_at)[self._cursor.field]
        if timestamps.parse(near) < since:
            # Begun there, the next read would emit again what has left and is not remembered.
            near = self._nearest.checkpoint(since_text, asked_at)[self._cursor.field]
        return {**state, NEAR_KEY: near, EMITTED_KEY: sorted(emitted), SINCE_KEY: since_text}

    @property
    def _behind_crowd(self) -> datetime | None:
        """Where the next read begins after an instant with more rows than can be remembered, as a change of a whole
        table leaves it: begun there, each read would emit all of them. What shows late of it, a look-back finds."""
        if self._top is None or len(self._tied) <= MOST_REMEMBERED:
            return None
        return self._top + self._cursor.resolution

    def _memory(self) -> tuple[set[str], datetime]:
        """What is remembered from now on, and from which time on that is everything."""
        marks = self._marks
        if self._behind_crowd is not None:
            return set(), self._behind_crowd
        if self.looks_back or marks.since is None or self.lower is None:
            since = min(self._settled, self._top or self._now)
            if self._has_postponed and marks.since is not None:
                since = max(since, marks.since)
        else:
            kept = marks.emitted | self._met.keys()
            if self._met_since is None and len(kept) <= MOST_REMEMBERED:
                return set(kept), marks.since
            # All that is of this time or later was met again.
            since = self.lower
        self._forget()
        return self._tied | self._met.keys(), max(since, self._met_since or since)


def fingerprint(record: Record, value: Any) -> str:
    """What tells this version of a row from others: 64 bits of its id and its time, as 16 characters."""
    return blake2b(f"{identity(record)}\0{value}".encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
