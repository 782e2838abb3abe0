"""The budget that one family of headers describes: until a reset that is told, or that answers have to show."""

from __future__ import annotations

from dataclasses import dataclass, field

from source_kit import phase
from source_kit.headers import Reading
from source_kit.phase import MINUTE_SECONDS, Meaning, Span, Told

# Windows as short as this are filled evenly towards their end: whole-second reset headers are off by up to a second.
EVEN_PACE_BELOW_SECONDS = 15.0
# Where an answer is all that is waited for: how soon to look again.
ANSWER_SECONDS = 0.05
# Beside answers that are later than this, a request may show whether places came back.
LATE_SECONDS = 5.0
# Of answers that overtake each other, none is older than this by more.
OVERTAKEN_SECONDS = 10.0
# From this limit on, one place is kept for the request that shows whether places came back.
SCOUTED_FROM = 20
# After so many wrong predictions in a row, or one that was refused, nothing is predicted for a while.
MOST_MISSED = 2
DISTRUST_SECONDS = 600.0


@dataclass(slots=True)
class Sent:
    """A request that left: its number in the bucket, when, and how many were under way then."""

    number: int
    at: float
    beside: int


@dataclass(frozen=True, slots=True)
class Traffic:
    """The bucket's requests at this moment: when the last one left, its number, and how many are under way."""

    now: float
    last_sent: float
    count: int
    in_flight: int


def reserve(limit: int, share: float) -> int:
    """How many places of a window are left to others."""
    return int(limit * (1 - share) + 1e-9)


@dataclass
class TimedQuota:
    """A window whose end is told. `left` already has the requests in flight taken off."""

    limit: int
    left: int
    reset_at: float | None
    length: float
    whole_seconds: bool
    spent: bool = False

    @classmethod
    def first(cls, reading: Reading) -> TimedQuota:
        """Before anything was told."""
        limit = reading.limit or max(reading.remaining, 1)
        return cls(limit, limit, None, 0.0, reading.whole_seconds)

    def margin(self) -> float:
        """How long after the announced reset the next request leaves: rounding of whole-second headers."""
        return min(1.0, 0.12 * self.length) if self.whole_seconds else 0.02

    def read(self, reading: Reading, traffic: Traffic, *, is_overtaken: bool) -> None:
        """Take over what an answer said. One that a later request's answer has overtaken may lower the budget only."""
        has_more = reading.remaining > self.left + traffic.in_flight + 1
        is_newer = self.reset_at is None or (has_more and not is_overtaken)
        self.limit, self.whole_seconds = reading.limit or self.limit, reading.whole_seconds
        if is_newer or reading.remaining < self.left:
            self.left = reading.remaining - traffic.in_flight
        if reading.reset_seconds is None:
            return
        # A whole-second 0 means "within this second".
        seconds = 1.0 if reading.whole_seconds and reading.reset_seconds == 0 else reading.reset_seconds
        self.length = seconds if is_newer else max(self.length, seconds)
        reset_at = traffic.now + seconds
        self.reset_at = reset_at if is_newer or self.reset_at is None else min(self.reset_at, reset_at)

    def send(self, sent: Sent) -> bool:
        """A request leaves; True if it has to go alone, as the first one after a spent window."""
        self.left -= 1
        is_first = self.spent and self.reset_at is None
        self.spent = self.spent and not is_first
        return is_first

    def wait(self, traffic: Traffic, share: float) -> float:
        """Seconds until a request may leave."""
        if self.reset_at is not None and traffic.now >= self.reset_at + self.margin():
            self.left, self.reset_at = self.limit, None
        usable = self.left - reserve(self.limit, share)
        if usable > 0:
            if self.reset_at is None or self.length > EVEN_PACE_BELOW_SECONDS or usable * 2 > self.limit:
                return 0.0
            return traffic.last_sent + (self.reset_at - traffic.now) / usable - traffic.now
        self.spent = True
        if self.reset_at is None:
            # Spent without a known reset: wait for an answer, or for the next full minute since the last request.
            return ANSWER_SECONDS if traffic.in_flight else traffic.last_sent + MINUTE_SECONDS - traffic.now
        return self.reset_at + self.margin() - traffic.now


@dataclass
class Trust:
    """Whether predicted ends of windows come true."""

    # The request under way that was sent at a predicted end.
    scout: int | None = None
    missed: int = 0
    # After a prediction that did not come true nothing is predicted until a rise, after too many for a while.
    is_patient: bool = False
    lost_until: float = float("-inf")

    def predicts(self, now: float) -> bool:
        """Whether a predicted end may be believed."""
        return not self.is_patient and now >= self.lost_until

    def judge(self, number: int, now: float, *, is_rise: bool, is_wrong: bool, is_refused: bool) -> None:
        """An answer came. What neither shows a rise nor is surely wrong says nothing about predictions."""
        if is_rise:
            self.is_patient = False
        if number != self.scout:
            return
        self.scout = None
        self.is_patient = not is_rise
        self.missed = 0 if is_rise else self.missed + is_wrong
        if is_refused or self.missed >= MOST_MISSED:
            self.lost_until, self.missed = now + DISTRUST_SECONDS, 0

    def settled(self, number: int) -> None:
        """A request is no more under way, whether it told something or not."""
        if number == self.scout:
            self.scout = None


@dataclass
class UntimedQuota:
    """A window whose end is not told: `phase` says how it is learnt.

    When the places are spent, the request at the predicted end goes alone. If it shows no rise, the prediction was
    wrong: then the next one leaves a minute after the last, when no kind of window can still count anything.
    """

    limit: int
    trust: Trust
    # The last rise, and what was told since.
    risen: Told
    told: Told
    # Answered requests that may count, in the order of their answers; how many of them since the rise; and when those
    # were answered of which nothing was told.
    counted: list[Span] = field(default_factory=list)
    own: int = 0
    untold: list[float] = field(default_factory=list)
    spent: bool = False
    # Whether an answer came that only a request after it can explain.
    unclear: bool = False

    @classmethod
    def first(cls, reading: Reading, sent: Sent, traffic: Traffic, trust: Trust) -> UntimedQuota:
        """From the first answer that told what remains. Its window began before it came."""
        span = Span(sent.at, traffic.now)
        told = Told(reading.remaining, span)
        return cls(reading.limit or max(reading.remaining, 1), trust, told, told, [span])

    def read(self, reading: Reading, sent: Sent, traffic: Traffic, *, is_refused: bool) -> None:
        """Take over what the answer to a request said."""
        self.limit = reading.limit or self.limit
        span = Span(sent.at, traffic.now)
        beside = sent.beside + traffic.count - sent.number
        rose = self.risen.span.came
        says = phase.meaning(self.told, rose, reading.remaining, span, beside=beside, limit=self.limit)
        self.own += 1
        self.unclear = says is Meaning.UNCLEAR or (self.unclear and span.left < self.told.span.came)
        if says is Meaning.RISE:
            if phase.is_new_window(self.counted, self.told, reading.remaining, span):
                self.counted.clear()
            self.risen = self.told = Told(reading.remaining, span)
            self.own = 0
        elif says is Meaning.LESS:
            self.told = Told(reading.remaining, span)
        del self.counted[: phase.over(self.counted, self.told.span.left - OVERTAKEN_SECONDS)]
        self.counted.append(span)
        self.untold = [came for came in self.untold if came > self.told.span.left]
        self.trust.judge(
            sent.number,
            traffic.now,
            is_rise=says is Meaning.RISE and not is_refused,
            is_wrong=says is Meaning.LESS and beside == 0,
            is_refused=is_refused,
        )

    def hear_nothing(self, sent: Sent, traffic: Traffic) -> None:
        """An answer that told nothing, or none: the request may have counted."""
        self.untold.append(traffic.now)
        self.counted.append(Span(sent.at, traffic.now))
        self.own += 1

    def is_outdated(self, now: float) -> bool:
        """Whether nothing was told for a whole window."""
        return now - self.told.span.came > MINUTE_SECONDS

    def send(self, sent: Sent) -> bool:
        """A request leaves; True if it has to go alone, to show whether places came back."""
        if self.spent and not self.unclear and self.trust.predicts(sent.at):
            self.trust.scout = sent.number
        self.unclear = False
        return self.spent

    def wait(self, traffic: Traffic, share: float) -> float:
        """Seconds until a request may leave."""
        left = self.told.remaining - traffic.in_flight - len(self.untold)
        self.spent = left <= self._kept(traffic, share)
        if not self.spent:
            return 0.0
        if self.trust.scout is not None:
            return ANSWER_SECONDS
        if self.unclear and left > 0:
            return 0.0
        if self.trust.predicts(traffic.now):
            free_at = phase.free_again(self.counted, self.told, left, traffic.now)
        else:
            free_at = traffic.last_sent + MINUTE_SECONDS
        if traffic.in_flight and traffic.now < free_at + LATE_SECONDS:
            return ANSWER_SECONDS
        return free_at - traffic.now

    def _kept(self, traffic: Traffic, share: float) -> int:
        """How many places stay untouched: those of others, and one to find out with whether more came back."""
        others = phase.taken_by_others(self.risen, self.told, self.own + traffic.in_flight)
        return max(reserve(self.limit, share), others + (self.limit >= SCOUTED_FROM))
