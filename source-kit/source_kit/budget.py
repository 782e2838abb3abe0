"""Rate limits: what the vendor's headers say, and when the next request may leave.

Pacing happens before the limit: a request is sent only while the known budget, less what is in flight, allows it. A
bucket is one endpoint group; each family of headers is one window of it (Close sends two windows at once). The first
request of a bucket goes alone, because its answer carries the budget.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from source_kit.clock import Clock
from source_kit.headers import Reading, read_headers, retry_after
from source_kit.transport import MAX_WAIT_SECONDS

MINUTE_SECONDS = 60.0
# A 429 without any hint: 1 s, doubled up to a minute.
BLIND_WAIT_SECONDS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0)
# Windows as short as this are filled evenly towards their end: whole-second reset headers are off by up to a second.
EVEN_PACE_BELOW_SECONDS = 15.0


@dataclass
class Window:
    """The budget of one header family. `left` already has the requests in flight taken off."""

    limit: int
    left: int
    reset_at: float | None
    length: float
    whole_seconds: bool
    spent: bool = False

    def margin(self) -> float:
        """How long after the announced reset the next request leaves: rounding of whole-second headers."""
        return min(1.0, 0.12 * self.length) if self.whole_seconds else 0.02

    def read(self, reading: Reading, now: float, in_flight: int, *, is_overtaken: bool) -> None:
        """Take over what an answer said. One that a later request's answer has overtaken may lower the budget only."""
        has_more = reading.remaining > self.left + in_flight + 1
        is_newer = self.reset_at is None or (has_more and not is_overtaken)
        self.limit, self.whole_seconds = reading.limit or self.limit, reading.whole_seconds
        if is_newer or reading.remaining < self.left:
            self.left = reading.remaining - in_flight
        if reading.reset_seconds is None:
            return
        # A whole-second 0 means "within this second".
        seconds = 1.0 if reading.whole_seconds and reading.reset_seconds == 0 else reading.reset_seconds
        self.length = seconds if is_newer else max(self.length, seconds)
        self.reset_at = now + seconds if is_newer or self.reset_at is None else min(self.reset_at, now + seconds)

    def roll(self, now: float) -> None:
        """Start the next window when this one's reset has passed."""
        if self.reset_at is not None and now >= self.reset_at + self.margin():
            self.left, self.reset_at = self.limit, None


@dataclass
class Bucket:
    """One endpoint group."""

    windows: dict[str, Window] = field(default_factory=dict)
    in_flight: int = 0
    blocked_until: float = 0.0
    alone: bool = True
    refusals: int = 0
    pace_seconds: float = 0.0
    last_sent: float = float("-inf")
    # Requests are numbered as they leave: the number of the newest, and the highest that was answered.
    count: int = 0
    answered: int = 0
    sent: deque[float] = field(default_factory=deque)


class BudgetSpent(Exception):
    """The budget comes back later than anybody should wait for."""


class RateBudget:
    """Decides when a request of a bucket may leave. Thread-safe; sleeps only in `acquire`."""

    def __init__(
        self,
        clock: Clock,
        *,
        share: float = 0.95,
        max_per_minute: int | None = None,
        per_minute: Mapping[str, int] | None = None,
        per_second: Mapping[str, float] | None = None,
        fallback_per_second: Mapping[str, float] | None = None,
        assumed_per_minute: int | None = None,
        longest_wait: float = MAX_WAIT_SECONDS,
    ) -> None:
        """`share` of each announced limit is used. `per_minute` and `per_second` cap buckets that no header describes.
        `assumed_per_minute` is the limit of every bucket for as long as no header has described it.
        `fallback_per_second` is the pace of a bucket after a 429 that came without headers."""
        self.longest_wait = longest_wait
        self._clock = clock
        self._share = share
        self._max_per_minute = max_per_minute
        self._per_minute = dict(per_minute or {})
        self._paces = {name: 1 / (rate * share) for name, rate in (per_second or {}).items()}
        self._fallback = dict(fallback_per_second or {})
        self._assumed = None if assumed_per_minute is None else max(1, int(assumed_per_minute * share))
        self._buckets: dict[str, Bucket] = {}
        self._all_sent: deque[float] = deque()
        self._lock = threading.Lock()
        # The number of the request that this thread has in flight.
        self._own = threading.local()

    def delay(self, name: str) -> float:
        """Seconds until a request of this bucket may leave; 0 when it may leave now."""
        with self._lock:
            return self._delay(self._bucket(name), name)

    def acquire(self, name: str) -> None:
        """Wait until a request may leave, and count it as in flight. The caller must call `release`.

        Raises `BudgetSpent` as soon as any answer says that the wait is longer than `longest_wait` seconds.
        """
        while True:
            with self._lock:
                bucket = self._bucket(name)
                wait = self._delay(bucket, name)
                if wait <= 0:
                    self._send(bucket)
                    return
            self.sleep(wait)

    def sleep(self, wait: float) -> None:
        """Sleep a part of a wait, if it is one to sit through."""
        if wait > self.longest_wait:
            raise BudgetSpent(f"the budget is spent for {wait:.0f} s")
        self._clock.sleep(min(wait, 1.0))

    def release(self, name: str, status: int | None, headers: Mapping[str, str]) -> None:
        """Account for an answer (status None: no answer came). Never fails, whatever the headers hold."""
        readings = read_headers(headers, self._clock.now())
        now = self._clock.monotonic()
        with self._lock:
            bucket = self._bucket(name)
            bucket.in_flight -= 1
            number = getattr(self._own, "number", bucket.count)
            is_overtaken, bucket.answered = number < bucket.answered, max(number, bucket.answered)
            if status is not None:
                bucket.alone = False
            for reading in readings:
                _observe(bucket, reading, now, is_overtaken=is_overtaken)
            if status is not None:
                _forget_silent(bucket, {reading.family for reading in readings})
            if status == 429:
                self._refused(bucket, name, readings, headers, now)
            elif status is not None:
                bucket.refusals = 0

    def refuse(self, name: str, seconds: float) -> None:
        """Block a bucket for longer, where an answer's body says so."""
        with self._lock:
            bucket = self._bucket(name)
            bucket.blocked_until = max(bucket.blocked_until, self._clock.monotonic() + seconds)

    def _bucket(self, name: str) -> Bucket:
        if name not in self._buckets:
            self._buckets[name] = Bucket(pace_seconds=self._paces.get(name, 0.0))
        return self._buckets[name]

    def _send(self, bucket: Bucket) -> None:
        now = self._clock.monotonic()
        bucket.in_flight += 1
        bucket.count += 1
        self._own.number = bucket.count
        bucket.last_sent = now
        bucket.sent.append(now)
        self._all_sent.append(now)
        for window in bucket.windows.values():
            window.left -= 1
            if window.spent and window.reset_at is None:
                window.spent, bucket.alone = False, True

    def _delay(self, bucket: Bucket, name: str) -> float:
        now = self._clock.monotonic()
        waits = [bucket.blocked_until - now, bucket.last_sent + bucket.pace_seconds - now]
        if bucket.alone and bucket.in_flight:
            waits.append(0.05)
        waits.append(_ceiling_wait(self._all_sent, self._max_per_minute, now))
        waits.append(_ceiling_wait(bucket.sent, self._per_minute.get(name), now))
        if not bucket.windows:
            waits.append(_ceiling_wait(bucket.sent, self._assumed, now))
        for window in bucket.windows.values():
            window.roll(now)
            waits.append(self._window_wait(bucket, window, now))
        return max(waits)

    def _window_wait(self, bucket: Bucket, window: Window, now: float) -> float:
        usable = window.left - int(window.limit * (1 - self._share) + 1e-9)
        if usable > 0:
            if window.reset_at is None or window.length > EVEN_PACE_BELOW_SECONDS or usable * 2 > window.limit:
                return 0.0
            return bucket.last_sent + (window.reset_at - now) / usable - now
        window.spent = True
        if window.reset_at is None:
            # Spent without a known reset: wait for an answer, or for the next full minute since the last request.
            return 0.05 if bucket.in_flight else bucket.last_sent + MINUTE_SECONDS - now
        return window.reset_at + window.margin() - now

    def _refused(
        self, bucket: Bucket, name: str, readings: list[Reading], headers: Mapping[str, str], now: float
    ) -> None:
        wait = retry_after(headers, self._clock.now())
        if wait is None:
            resets = [reading.reset_seconds for reading in readings if reading.reset_seconds is not None]
            wait = max(resets) if resets else None
        if wait is None:
            wait = BLIND_WAIT_SECONDS[min(bucket.refusals, len(BLIND_WAIT_SECONDS) - 1)]
        if not any(reading.limit for reading in readings) and name in self._fallback:
            bucket.pace_seconds = 1 / self._fallback[name]
        bucket.refusals += 1
        bucket.alone = True
        bucket.blocked_until = max(bucket.blocked_until, now + max(wait, 1.0))
        for window in bucket.windows.values():
            window.spent = True


def _observe(bucket: Bucket, reading: Reading, now: float, *, is_overtaken: bool) -> None:
    window = bucket.windows.get(reading.family)
    if window is None:
        limit = reading.limit or max(reading.remaining, 1)
        window = Window(limit, limit, None, 0.0, reading.whole_seconds)
        bucket.windows[reading.family] = window
    window.read(reading, now, bucket.in_flight, is_overtaken=is_overtaken)


def _forget_silent(bucket: Bucket, speaking: set[str]) -> None:
    """Drop windows that have rolled over and are not announced any more: some vendors send headers only with a 429."""
    for family in [name for name, window in bucket.windows.items() if window.reset_at is None]:
        if family not in speaking:
            del bucket.windows[family]


def _ceiling_wait(sent: deque[float], per_minute: int | None, now: float) -> float:
    """Seconds until one more request keeps any 60 s at or below `per_minute`; forgets what is older."""
    while sent and sent[0] <= now - MINUTE_SECONDS:
        sent.popleft()
    if per_minute is None or len(sent) < per_minute:
        return 0.0
    return sent[len(sent) - per_minute] + MINUTE_SECONDS - now
