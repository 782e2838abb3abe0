"""Rate limits: what the vendor's headers say, and when the next request may leave.

Pacing happens before the limit: a request is sent only while the known budget, less what is in flight, allows it. A
bucket is one endpoint group; each family of headers is one window of it (Close sends two windows at once). The first
request of a bucket goes alone, because its answer carries the budget.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from source_kit.clock import Clock
from source_kit.headers import Reading, read_headers, retry_after
from source_kit.phase import MINUTE_SECONDS
from source_kit.quotas import ANSWER_SECONDS, Sent, TimedQuota, Traffic, Trust, UntimedQuota
from source_kit.transport import MAX_WAIT_SECONDS

# A 429 without any hint: 1 s, doubled up to a minute.
BLIND_WAIT_SECONDS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0)


@dataclass
class Bucket:
    """One endpoint group; `quotas` by family of headers."""

    quotas: dict[str, TimedQuota | UntimedQuota] = field(default_factory=dict)
    trusts: dict[str, Trust] = field(default_factory=dict)
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

    def traffic(self, now: float) -> Traffic:
        return Traffic(now, self.last_sent, self.count, self.in_flight)


class Permit:
    """Leave for one request, which counts as in flight until `release`: from any thread, and only the first time."""

    def __init__(self, settle: Callable[[int | None, Mapping[str, str]], None]) -> None:
        self._settle: Callable[[int | None, Mapping[str, str]], None] | None = settle
        self._lock = threading.Lock()

    def release(self, status: int | None, headers: Mapping[str, str]) -> None:
        """Account for the answer (status None: no answer came). Never fails, whatever the headers hold."""
        with self._lock:
            settle, self._settle = self._settle, None
        if settle is not None:
            settle(status, headers)


class Budget(Protocol):
    """What the client and the engine ask of a budget. Thread-safe; sleeps only in `acquire`."""

    longest_wait: float

    def delay(self, name: str) -> float:
        """Seconds until a request of this bucket may leave; 0 when it may leave now."""

    def acquire(self, name: str) -> Permit:
        """Wait until a request may leave.

        Raises `BudgetSpent` as soon as any answer says that the wait is longer than `longest_wait` seconds.
        """

    def refuse(self, name: str, seconds: float) -> None:
        """Block a bucket for longer, where an answer's body says so."""


class BudgetSpent(Exception):
    """The budget comes back later than anybody should wait for."""


class RateBudget:
    """A `Budget` that follows the vendor's headers, and what is configured."""

    def __init__(
        self,
        clock: Clock,
        *,
        share: float = 0.95,
        max_per_minute: int | None = None,
        per_second: Mapping[str, float] | None = None,
        fallback_per_second: Mapping[str, float] | None = None,
        assumed_per_minute: int | None = None,
    ) -> None:
        """`share` of each announced limit is used. `per_second` caps buckets that no header describes.
        `assumed_per_minute` is the limit of every bucket for as long as no header has described it.
        `fallback_per_second` is the pace of a bucket after a 429 that came without headers."""
        self.longest_wait: float = MAX_WAIT_SECONDS
        self._clock = clock
        self._share = share
        self._max_per_minute = max_per_minute
        self._paces = {name: 1 / (rate * share) for name, rate in (per_second or {}).items()}
        self._fallback = dict(fallback_per_second or {})
        self._assumed = None if assumed_per_minute is None else max(1, int(assumed_per_minute * share))
        self._buckets: dict[str, Bucket] = {}
        self._all_sent: deque[float] = deque()
        self._lock = threading.Lock()

    def delay(self, name: str) -> float:
        """Seconds until a request of this bucket may leave; 0 when it may leave now."""
        with self._lock:
            return self._delay(self._bucket(name), name)

    def acquire(self, name: str) -> Permit:
        """As `Budget.acquire`."""
        while True:
            with self._lock:
                bucket = self._bucket(name)
                wait = self._delay(bucket, name)
                if wait <= 0:
                    return Permit(partial(self._settle, name, self._send(bucket)))
            self.sleep(wait)

    def sleep(self, wait: float) -> None:
        """Sleep a part of a wait, if it is one to sit through."""
        if wait > self.longest_wait:
            raise BudgetSpent(f"the budget is spent for {wait:.0f} s")
        self._clock.sleep(min(wait, 1.0))

    def refuse(self, name: str, seconds: float) -> None:
        """Block a bucket for longer, where an answer's body says so."""
        with self._lock:
            bucket = self._bucket(name)
            bucket.blocked_until = max(bucket.blocked_until, self._clock.monotonic() + seconds)

    def _bucket(self, name: str) -> Bucket:
        if name not in self._buckets:
            self._buckets[name] = Bucket(pace_seconds=self._paces.get(name, 0.0))
        return self._buckets[name]

    def _send(self, bucket: Bucket) -> Sent:
        now = self._clock.monotonic()
        sent = Sent(bucket.count + 1, now, bucket.in_flight)
        for quota in bucket.quotas.values():
            if quota.send(sent):
                bucket.alone = True
        bucket.in_flight += 1
        bucket.count += 1
        bucket.last_sent = now
        bucket.sent.append(now)
        self._all_sent.append(now)
        return sent

    def _settle(self, name: str, sent: Sent, status: int | None, headers: Mapping[str, str]) -> None:
        """A request has its answer, or will have none."""
        readings = read_headers(headers, self._clock.now())
        now = self._clock.monotonic()
        with self._lock:
            bucket = self._bucket(name)
            bucket.in_flight -= 1
            is_overtaken, bucket.answered = sent.number < bucket.answered, max(sent.number, bucket.answered)
            if status is not None:
                bucket.alone = False
            traffic = bucket.traffic(now)
            for reading in readings:
                _observe(bucket, reading, sent, traffic, is_overtaken=is_overtaken, is_refused=status == 429)
            _hear_silent(bucket, {reading.family for reading in readings}, sent, traffic, is_answer=status is not None)
            for trust in bucket.trusts.values():
                trust.settled(sent.number)
            if status == 429:
                self._refused(bucket, name, readings, headers, now)
            elif status is not None:
                bucket.refusals = 0

    def _delay(self, bucket: Bucket, name: str) -> float:
        now = self._clock.monotonic()
        waits = [bucket.blocked_until - now, bucket.last_sent + bucket.pace_seconds - now]
        if bucket.alone and bucket.in_flight:
            waits.append(ANSWER_SECONDS)
        waits.append(ceiling_wait(self._all_sent, self._max_per_minute, now))
        waits.append(ceiling_wait(bucket.sent, None if bucket.quotas else self._assumed, now))
        traffic = bucket.traffic(now)
        waits += [quota.wait(traffic, self._share) for quota in bucket.quotas.values()]
        return max(waits)

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
        for quota in bucket.quotas.values():
            quota.spent = True


def _observe(
    bucket: Bucket, reading: Reading, sent: Sent, traffic: Traffic, *, is_overtaken: bool, is_refused: bool
) -> None:
    """Take over a reading. What comes without a reset is untimed, once no reset that was told before lies ahead."""
    quota = bucket.quotas.get(reading.family)
    trust = bucket.trusts.setdefault(reading.family, Trust())
    if isinstance(quota, UntimedQuota):
        quota.read(reading, sent, traffic, is_refused=is_refused)
        if reading.reset_seconds is None:
            return
        quota = None
    elif reading.reset_seconds is None and (quota is None or quota.reset_at is None):
        bucket.quotas[reading.family] = UntimedQuota.first(reading, sent, traffic, trust)
        return
    if quota is None:
        quota = bucket.quotas[reading.family] = TimedQuota.first(reading)
    quota.read(reading, traffic, is_overtaken=is_overtaken)


def _hear_silent(bucket: Bucket, speaking: set[str], sent: Sent, traffic: Traffic, *, is_answer: bool) -> None:
    """Drop windows that are over and not announced any more: some vendors send headers only with a 429."""
    for family, quota in list(bucket.quotas.items()):
        if family in speaking:
            continue
        if isinstance(quota, UntimedQuota):
            quota.hear_nothing(sent, traffic)
            is_over = quota.is_outdated(traffic.now)
        else:
            is_over = quota.reset_at is None
        if is_answer and is_over:
            del bucket.quotas[family]


def ceiling_wait(sent: deque[float], most: int | None, now: float, seconds: float = MINUTE_SECONDS) -> float:
    """Seconds until one more request keeps any span of so many `seconds` at or below `most`; forgets what is older."""
    while sent and sent[0] <= now - seconds:
        sent.popleft()
    if most is None or len(sent) < most:
        return 0.0
    return sent[len(sent) - most] + seconds - now
