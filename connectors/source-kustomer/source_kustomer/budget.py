"""Two budgets: the organisation's, which headers describe, and that of searches by API keys, which none does.

developer.kustomer.com, rate limits: 300 to 2,000 requests a minute for all keys of an organisation, 100 searches a
minute for all API keys. Both are fixed windows of a minute whose phase is not told.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial

from source_kit.budget import BLIND_WAIT_SECONDS, Permit, RateBudget
from source_kit.clock import Clock
from source_kit.headers import Reading, read_headers, retry_after, seconds_until, server_time
from source_kit.phase import MINUTE_SECONDS
from source_kit.quotas import ANSWER_SECONDS

ORGANISATION, SEARCH = "organisation", "search"
# A 429 that asks for so short a wait is not the end of a minute: it is obeyed, but says nothing about the budget.
PASSING_SECONDS = 5.0
# Resets come as whole seconds.
RESET_MARGIN_SECONDS = 1.0
# What is learned from a refusal is tried anew after a while: another integration may have used the budget.
MEMORY_SECONDS = 600.0
# A window that this process saw only the end of tells the budget if it held at least so many searches, and at most this
# share of the configured ones: fewer mean that others (`check`, just before) used the rest, more that nothing differs.
LEAST_HELD = 10
NEARLY_CONFIGURED = 0.8
# With no more left than this share, a refusal that says "0 remaining" is the organisation's.
NEARLY_SPENT = 0.1


class SearchLimit:
    """So many searches in any 60 seconds, whatever the phase of the vendor's windows. Not thread-safe by itself."""

    def __init__(self, clock: Clock, per_minute: int, share: float) -> None:
        self._clock = clock
        self._configured = per_minute
        self._share = share
        self._limit = per_minute
        self._learned_at = float("-inf")
        # When the first search was answered: windows that began earlier were not watched from their beginning.
        self._first: float | None = None
        self._window_began: float | None = None
        self._in_flight = 0
        self._refusals = 0
        # When searches were answered: at the latest by then they counted, so this is when their minute begins.
        self._answered: deque[float] = deque()
        self._accepted: deque[float] = deque()
        self._blocked_until = float("-inf")

    @property
    def limit(self) -> int:
        """Searches in 60 seconds."""
        if self._limit < self._configured and self._clock.monotonic() - self._learned_at > MEMORY_SECONDS:
            self._limit = self._configured
        return self._limit

    def delay(self) -> float:
        """Seconds until a search may leave; 0 when it may leave now."""
        now = self._clock.monotonic()
        for times in (self._answered, self._accepted):
            while times and times[0] <= now - MINUTE_SECONDS:
                times.popleft()
        wait = max(0.0, self._blocked_until - now)
        oldest = len(self._answered) + self._in_flight - self.limit
        if oldest >= len(self._answered):
            return max(wait, ANSWER_SECONDS)
        return wait if oldest < 0 else max(wait, self._answered[oldest] + MINUTE_SECONDS - now)

    def reserve(self) -> None:
        """A search will leave; `given_up`, `lost`, `accepted` or `refused` follows."""
        self._in_flight += 1

    def given_up(self) -> None:
        """The search did not leave."""
        self._in_flight -= 1

    def lost(self) -> None:
        """No answer came: the search may have counted."""
        now = self._clock.monotonic()
        self._in_flight -= 1
        self._answered.append(now)
        self._first = now if self._first is None else self._first

    def accepted(self) -> None:
        """A search was answered. While refused ones are waited for, late answers still tell what the window held."""
        self.lost()
        now = self._clock.monotonic()
        self._accepted.append(now)
        if now < self._blocked_until:
            self._learn()
        else:
            self._refusals, self._window_began = 0, None

    def refused(self, wait: float | None, *, is_passing: bool) -> bool:
        """A search was refused; `wait` as far as the answer says. True if the limit is news."""
        now = self._clock.monotonic()
        self._in_flight -= 1
        is_first = self._refusals == 0
        is_at_hand = wait is not None and wait <= PASSING_SECONDS
        if wait is None:
            wait = BLIND_WAIT_SECONDS[min(self._refusals, len(BLIND_WAIT_SECONDS) - 1)]
            began = now - MINUTE_SECONDS
        else:
            began = now + wait - MINUTE_SECONDS
            wait += RESET_MARGIN_SECONDS
            if not is_passing:
                self._answered.clear()  # the next search is the first of a new window
        self._refusals += 1
        was_blocked = now < self._blocked_until
        self._blocked_until = max(self._blocked_until, now + wait)
        says_nothing = is_passing or (is_at_hand and self._held_since(began) < LEAST_HELD)
        if says_nothing or was_blocked or not is_first:
            return False
        self._window_began = began
        before = self.limit
        self._learn()
        return self._limit < before

    def _learn(self) -> None:
        """Take over what the window of the refusal held, if that tells the budget."""
        began = self._window_began
        if began is None:
            return
        held = self._held_since(began)
        is_whole = self._first is not None and self._first <= began + RESET_MARGIN_SECONDS
        if is_whole or LEAST_HELD <= held < self._configured * NEARLY_CONFIGURED:
            learned = max(1, int(held * self._share))
            self._limit, self._learned_at = min(self._configured, learned), self._clock.monotonic()

    def _held_since(self, began: float) -> int:
        return sum(1 for moment in self._accepted if moment >= began - RESET_MARGIN_SECONDS)


class KustomerBudget:
    """A `Budget` of two: every request counts for the organisation, searches for their own as well."""

    def __init__(
        self,
        clock: Clock,
        *,
        share: float,
        max_per_minute: int | None,
        searches_per_minute: int,
        log: Callable[[str, str], None] = lambda level, text: None,
    ) -> None:
        self.organisation = RateBudget(clock, share=share, max_per_minute=max_per_minute)
        self.searches = SearchLimit(clock, searches_per_minute, share)
        self._clock = clock
        self._lock = threading.Lock()
        self._log = log
        # Limit and remaining requests of the organisation as they were told last.
        self._known: tuple[int, int] | None = None

    @property
    def longest_wait(self) -> float:
        """Seconds; both budgets give up on longer waits."""
        return self.organisation.longest_wait

    @longest_wait.setter
    def longest_wait(self, seconds: float) -> None:
        self.organisation.longest_wait = seconds

    def delay(self, name: str) -> float:
        """Seconds until a request may leave; a search waits for both budgets."""
        organisation = self.organisation.delay(ORGANISATION)
        if name != SEARCH:
            return organisation
        with self._lock:
            return max(organisation, self.searches.delay())

    def acquire(self, name: str) -> Permit:
        """Wait until a request may leave; a search takes its place among the searches first."""
        if name != SEARCH:
            return Permit(partial(self._answered, self.organisation.acquire(ORGANISATION)))
        self._reserve_search()
        try:
            return Permit(partial(self._searched, self.organisation.acquire(ORGANISATION)))
        except BaseException:  # the budget is spent, or the sync ends
            with self._lock:
                self.searches.given_up()
            raise

    def refuse(self, name: str, seconds: float) -> None:
        """Whatever an answer's body says is of the organisation."""
        self.organisation.refuse(ORGANISATION, seconds)

    def _reserve_search(self) -> None:
        while True:
            with self._lock:
                wait = self.searches.delay()
                if wait <= 0:
                    self.searches.reserve()
                    return
            self.organisation.sleep(wait)

    def _answered(self, permit: Permit, status: int | None, headers: Mapping[str, str]) -> None:
        """A request of the organisation's budget has its answer."""
        permit.release(status, headers)
        self._remember(status, self._readings(headers))

    def _searched(self, permit: Permit, status: int | None, headers: Mapping[str, str]) -> None:
        """A search has its answer; one that the organisation's budget did not refuse tells of its own."""
        readings = self._readings(headers)
        is_refused_search = status == 429 and not self._is_organisations(readings)
        if is_refused_search:
            # Its headers may be those of either budget: they say nothing reliable about the organisation's.
            permit.release(200, {})
            self._refuse_search({key.lower(): value for key, value in headers.items()})
        else:
            permit.release(status, headers)
            with self._lock:
                self.searches.lost() if status in (None, 429) else self.searches.accepted()
        self._remember(status, readings)

    def _readings(self, headers: Mapping[str, str]) -> list[Reading]:
        return read_headers(headers, self._clock.now())

    def _remember(self, status: int | None, readings: list[Reading]) -> None:
        for reading in readings:
            if status != 429 and reading.limit:
                self._known = (reading.limit, reading.remaining)

    def _is_organisations(self, readings: list[Reading]) -> bool:
        """Whether a 429 tells of the organisation's budget, which was nearly spent before."""
        if self._known is None:
            return False
        limit, remaining = self._known
        return any(
            reading.remaining <= 0 and reading.limit == limit and remaining <= max(10, limit * NEARLY_SPENT)
            for reading in readings
        )

    def _refuse_search(self, headers: Mapping[str, str]) -> None:
        now = self._clock.now()
        wait = seconds_until(headers.get("x-ratelimit-reset"), server_time(headers) or now)
        asked = retry_after(headers, now)
        is_passing = wait is None and asked is not None and asked <= PASSING_SECONDS
        wait = asked if wait is None else wait
        with self._lock:
            is_news = self.searches.refused(wait, is_passing=is_passing)
            limit = self.searches.limit
        if is_news:
            self._log(
                "WARN",
                f"Kustomer allows fewer searches a minute than configured: going on with {limit}. Set "
                "search_requests_per_minute if other integrations search too.",
            )
