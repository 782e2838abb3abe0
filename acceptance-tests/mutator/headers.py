"""Headers that nobody can read, or that say absurd things. The body is right: the read must be complete."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from emulators.messages import Response
from mutator.answers import Change, Mutation

DATES = (
    "Sun Nov  6 08:49:37 1994", "Sunday, 06-Nov-94 08:49:37 GMT", "Wed, 25 Nov 2026 10:00:00 -0000",
    "Wed, 25 Nov 2026 10:00:00", "Fri, 31 Dec 2099 23:59:59 GMT", "Fri, 31 Dec 9999 23:59:59 GMT",
    "Mon, 01 Jan 0001 00:00:00 GMT", "Thu, 01 Jan 1970 00:00:00 GMT", "Wed, 25 Nov 2026 25:61:61 GMT", "today", "",
    "1764064800", "2026-11-25T10:00:00Z", "Wed, 99 Foo 2026 10:00:00 GMT", "Wed, 25 Nov 2026 10:00:60 GMT", "\xe9",
    "Wed, 25 Nov 99999999999999999999 10:00:00 GMT", "Wed, 25 Nov 2026 10:00:00 +9999", ",", "9" * 400,
)  # fmt: skip
ODD = (
    "",
    "..",
    "x",
    "-1",
    "-100",
    "1e400",
    "inf",
    "nan",
    "9" * 400,
    "1.5",
    "0x10",
    "100, 100;w=60",
    "1;",
    "\xb2",
    " , ",
)
RESETS = (
    "99999999999",
    "5138-11-16T09:46:39.000Z",
    "9" * 400,
    "-1",
    "0000-00-00",
    "1e308",
    "inf",
    "x",
    "",
    "1, 1",
    "0.5",
)
WHOLE = (
    "limit=100, remaining=50, reset=..", "limit=100; remaining=50; reset=" + "9" * 400, "limit=; remaining=; reset=",
    "limit=-5; remaining=-1; reset=-1", "limit=nan; remaining=nan; reset=nan", "remaining=50", ";;;", "=", "limit",
    "limit=100; remaining=0; reset=99999999999", '"default";r=50;t=30', "limit=0; remaining=0; reset=0", "\xff\xfe",
    "limit=100; remaining=" + "9" * 400 + "; reset=1", "limit=1e400; remaining=1; reset=1", "limit=100;;remaining==5",
)  # fmt: skip
PREFIXES = ("RateLimit", "X-RateLimit", "X-Rate-Limit")
OTHERS = (
    ("Set-Cookie", "a=" + "b" * 4_000), ("Set-Cookie", "\xff=;;=;"), ("Link", "<>; rel=next, <\xff>"), ("ETag", ""),
    ("X-Odd", "\xe9\xe8"), ("Via", "1.1 \t proxy"), ("Warning", '299 - "x" "\xff"'), ("Age", "-1"), ("Vary", "*"),
    ("x-request-id", "\xff" * 300), ("Content-Encoding", "identity"), ("Retry-After", "soon"),
    ("Retry-After", "9" * 400), ("Strict-Transport-Security", "max-age=" + "9" * 400), ("Content-Language",
    ""), ("Alt-Svc", "h3=\"[::\""),
)  # fmt: skip


def without(right: Response, *beginnings: str) -> list[tuple[str, str]]:
    """The headers that begin otherwise."""
    lowered = tuple(beginning.lower() for beginning in beginnings)
    return [(name, value) for name, value in right.headers if not name.lower().startswith(lowered)]


def odd_date(right: Response, random: Random) -> Change:
    return Change(replace(right, headers=[*without(right, "date"), ("Date", random.choice(DATES))]))


def two_dates(right: Response, random: Random) -> Change:
    dates = [("Date", random.choice(DATES)), ("Date", random.choice(DATES))]
    return Change(replace(right, headers=[*right.headers, *dates]))


def no_date(right: Response, random: Random) -> Change:
    return Change(replace(right, headers=without(right, "date")))


def odd_budget(right: Response, random: Random) -> Change:
    """The three rate limit headers of one family, one or more of them odd."""
    prefix = random.choice(PREFIXES)
    values = {"Limit": "100", "Remaining": "50", "Reset": "1"}
    for name in random.sample(sorted(values), random.randint(1, 3)):
        values[name] = random.choice(RESETS if name == "Reset" else ODD)
    added = [(f"{prefix}-{name}", value) for name, value in values.items()]
    return Change(replace(right, headers=without(right, "ratelimit", "x-rate") + added))


def odd_budget_in_one(right: Response, random: Random) -> Change:
    """The one header `RateLimit`, odd."""
    return Change(replace(right, headers=[*without(right, "ratelimit", "x-rate"), ("RateLimit", random.choice(WHOLE))]))


def spent_for_ages(right: Response, random: Random) -> Change:
    """Nothing remains until a time that is centuries away, or long past."""
    prefix, reset = random.choice(PREFIXES), random.choice(RESETS)
    added = [(f"{prefix}-Limit", "100"), (f"{prefix}-Remaining", "0"), (f"{prefix}-Reset", reset)]
    return Change(replace(right, headers=without(right, "ratelimit", "x-rate") + added))


def doubled(right: Response, random: Random) -> Change:
    """Every header comes twice, as behind some proxies."""
    return Change(replace(right, headers=[*right.headers, *right.headers]))


def other_odd(right: Response, random: Random) -> Change:
    return Change(replace(right, headers=[*right.headers, *random.sample(OTHERS, random.randint(1, 4))]))


def very_many(right: Response, random: Random) -> Change:
    """More headers than the standard library reads."""
    return Change(replace(right, headers=[*right.headers, *((f"X-{number}", "y") for number in range(120))]))


MUTATIONS = (
    Mutation("header", "odd Date", odd_date, harmless=True, weight=3),
    Mutation("header", "Date twice", two_dates, harmless=True, weight=2),
    Mutation("header", "no Date", no_date, harmless=True, weight=0.5),
    Mutation("header", "odd rate limit headers", odd_budget, harmless=True, weight=4),
    Mutation("header", "odd RateLimit header", odd_budget_in_one, harmless=True, weight=2),
    Mutation("header", "budget spent for ages", spent_for_ages, harmless=True),
    Mutation("header", "every header twice", doubled, harmless=True),
    Mutation("header", "other odd headers", other_odd, harmless=True),
    Mutation("header", "more than a hundred headers", very_many, weight=0.5),
)
