"""When places of a budget come back, learnt from answers that tell what remains but not until when.

Kustomer and PersistIQ tell a limit and what remains of it; when the window ends they say with a 429 only. A window is a
minute, but nobody says of which kind: of the clock, from its first request on, or sliding, where each place comes back
a minute after it was taken. One statement holds for all three: **a place is free again a minute after the answer to the
request that took it, at the latest**, because the request had counted by then. So it is enough to know which of our
requests may still count, and that is what jumps tell: where more remains than before, and more came back than a sliding
minute explains, a new window has begun, in which nothing earlier counts. In which order requests arrived is known only
as far as they were not under way side by side.

Pure functions of what was seen; times are monotonic seconds.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import islice
from math import ceil

MINUTE_SECONDS = 60.0
# Vendors whose clocks count whole seconds give a place back so much later.
MARGIN_SECONDS = 1.0
# How many requests others may send while two of ours are under way side by side, as a share of the limit.
OTHERS_AT_ONCE = 0.1
# An answer is rarely older than this when the next one comes: what others take meanwhile is left to them.
OTHERS_AHEAD_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Span:
    """A request: when it left and when its answer came. In between it arrived and was counted."""

    left: float
    came: float


@dataclass(frozen=True, slots=True)
class Told:
    """The least that was told since places came back last, and by the answer to which request."""

    remaining: int
    span: Span


class Meaning(Enum):
    """What an answer says of the window at hand."""

    LESS = "less remains"
    RISE = "as much remains as before, or more, although the request took a place: places came back"
    EARLIER = "its request arrived before the one that told less"
    UNCLEAR = "as EARLIER, or places came back"
    OUTDATED = "its request arrived before the last rise"


def meaning(told: Told, rose: float, remaining: int, span: Span, *, beside: int, limit: int) -> Meaning:
    """What an answer means after `told`, where the last rise was seen at `rose` and `beside` of our requests were under
    way at some time between `span.left` and `span.came`.

    Where the order of arrival is not sure, a difference that those and what others may have sent explain is one of
    order.
    """
    explained = beside + max(1, int(limit * OTHERS_AT_ONCE))
    is_explained = abs(remaining - told.remaining) <= explained
    if remaining >= told.remaining:
        if span.left >= told.span.came:
            return Meaning.RISE
        return Meaning.EARLIER if is_explained else Meaning.UNCLEAR
    return Meaning.LESS if is_explained or span.left >= rose else Meaning.OUTDATED


def over(counted: Sequence[Span], left: float) -> int:
    """How many of our requests, in the order of their answers, surely count no more for a request that left then."""
    return bisect_right(counted, left - MINUTE_SECONDS, key=lambda span: span.came)


def is_new_window(counted: Sequence[Span], told: Told, remaining: int, span: Span) -> bool:
    """Whether more places came back, after what was told, than a sliding minute explains."""
    candidates = islice(counted, over(counted, told.span.left), None)
    may_be_over = (each for each in candidates if each.left + MINUTE_SECONDS <= span.came)
    rise = remaining - told.remaining
    return sum(1 for _ in islice(may_be_over, rise)) < rise


def free_again(counted: Sequence[Span], told: Told, left: int, now: float) -> float:
    """When a place is free at the latest, if `left` places are left of what was told: below 0, others come back first.

    Places that may have been back already when that was told are no new ones. `now`, where nothing else counts.
    """
    candidates = islice(counted, over(counted, told.span.left), None)
    new = (each for each in candidates if each.left + MINUTE_SECONDS > told.span.came)
    came = now - MINUTE_SECONDS - MARGIN_SECONDS
    for each in islice(new, 1 + max(0, -left)):
        came = each.came
    return came + MINUTE_SECONDS + MARGIN_SECONDS


def taken_by_others(risen: Told, told: Told, own: int) -> int:
    """How many places others take while an answer comes, if `own` of ours may have arrived from `risen` to `told`."""
    taken = max(0, risen.remaining - told.remaining - own)
    return ceil(taken * OTHERS_AHEAD_SECONDS / max(OTHERS_AHEAD_SECONDS, told.span.came - risen.span.came))
