"""What is measured of source-kustomer: conversations, without and under the budget of searches; customers by lists."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import Any

from benchmarks.figures import Line, describe, say
from benchmarks.floors.kustomer import PAGE
from benchmarks.parts import Benchmark, Limits, Run, network, processor
from benchmarks.subject import Account, Subject, utc
from connectors.kustomer import CONNECTOR

SEARCHES = ("customers/search", "customers/archive/search")
MINUTE_SECONDS = 60.0
# What a connector uses by default of the two documented budgets of a minute.
ORGANISATION_A_MINUTE, SEARCHES_A_MINUTE = 950, 95
# What a connector uses of a limit by default.
SHARE = 0.95
# What the emulator takes for two years.
ARCHIVED = timedelta(days=730)


def plan(account: Account) -> dict[str, Any]:
    """Windows of one page, taken from the truth. The one on the border of the archive is asked for in both searches."""
    border = utc(datetime.now(UTC) - ARCHIVED)
    bounds = sorted({utc(instant) for instant in account.sorted_times("updated_at")[::PAGE]})
    bounds.append(utc(datetime.now(UTC) + timedelta(days=1)))
    search, archive = SEARCHES
    jobs = [(archive, since, before) for since, before in pairwise(bounds) if since < border]
    jobs += [(search, since, before) for since, before in pairwise(bounds) if before > border]
    return {
        "url": account.emulator.api_url,
        "headers": {
            "Authorization": f"Bearer {account.emulator.config['api_key']}",
            "Content-Type": "application/json",
        },
        "jobs": jobs,
    }


def budget(run: Run, *, searches: int, pages: int, used: float, requests: float) -> list[Line]:
    """So many searches a minute in fixed windows of unknown phase, at the connector's own pace."""
    size = pages * run.subject.page
    say(f"{run.named(size)}, {searches} searches in {MINUTE_SECONDS:.0f} s")
    with run.account(size, rate_limits={"search": [searches, MINUTE_SECONDS]}) as subject:
        connector = subject.connector(search_requests_per_minute=None)
        statistics, asked = subject.emulator.stats(), subject.requests()
        subject.assert_all_read("connector")
    describe("connector", connector)
    windows = statistics["window_use"]["search"]
    say(f"  searches of each window: {windows}")
    # The last window ends with the read. Of the first, only the end is left when the read begins.
    least = min(windows[:-1], default=0)
    what = f"{searches} searches a minute"
    return [
        Line(f"{what}: searches needed", asked, 250, at_least=True),
        Line(f"{what}: least used of a window", 100 * least / searches, 100 * used, " %", at_least=True),
        Line(f"{what}: refused", statistics["refusals"]["search"], 0),
        Line(f"{what}: searches / pages", asked / pages, requests),
    ]


def organisation(run: Run, *, limit: int, conversations: int, latency_ms: int, used: float) -> list[Line]:
    """A request for each conversation, with what remains of a minute told and its end not. Filling it takes a while."""
    stream = "conversation_events"
    say(f"{stream} of {conversations:,} conversations, {limit} requests in {MINUTE_SECONDS:.0f} s, {latency_ms} ms")
    options: dict[str, Any] = {"rate_limit": limit, "rate_window": MINUTE_SECONDS, "latency_ms": latency_ms}
    with run.account(conversations, **options) as subject:
        connector = subject.connector(streams=[stream])
        statistics, found = subject.emulator.stats(), subject.records("connector")
        if found != (expected := subject.emulator.truth_counts()[stream]):
            raise SystemExit(f"connector read {found} of {expected} {stream}")
    describe("connector", connector)
    windows = statistics["window_use"]["organisation"]
    say(f"  requests of each window: {windows}")
    allowed = limit - int(limit * (1 - SHARE))
    what = f"{limit} requests a minute"
    # The last window ends with the read.
    return [
        Line(
            f"{what}: least used of a window",
            100 * min(windows[:-1], default=0) / allowed,
            100 * used,
            " %",
            at_least=True,
        ),
        Line(
            f"{what}: used on average",
            100 * sum(windows[:-1]) / (allowed * len(windows[:-1])),
            100 * used,
            " %",
            at_least=True,
        ),
        Line(f"{what}: refused", statistics["refusals"]["organisation"], 0),
    ]


def listed(run: Run, *, customers: int, faster: float) -> list[Line]:
    """Customers by a list that filters, against searches alone: by the requests, in minutes of the two budgets."""
    minutes: dict[str, float] = {}
    for how, lists in (("lists", ["customers"]), ("searches", [])):
        say(f"{customers:,} customers by {how}")
        options: dict[str, Any] = {"customers": customers, "days": 700, "lists_show_deleted": True}
        with run.account(1, **options, filtered_lists=lists) as subject:
            connector = subject.connector(streams=["customers"], search_requests_per_minute=100_000)
            if (found := subject.records("connector")) != customers:
                raise SystemExit(f"connector read {found} of {customers} customers")
            asked = subject.emulator.stats()["by_group"]
        describe("connector", connector)
        searches = sum(asked.get(f"POST /{path}", 0) for path in SEARCHES)
        minutes[how] = max(sum(asked.values()) / ORGANISATION_A_MINUTE, searches / SEARCHES_A_MINUTE)
        say(f"  {asked}, {minutes[how]:.2f} minutes")
    what = f"{customers:,} customers by lists: speed in budgets / that of searches"
    return [Line(what, minutes["searches"] / minutes["lists"], faster, at_least=True)]


BENCHMARK = Benchmark(
    Subject(
        connector=CONNECTOR,
        stream="conversations",
        size="conversations",
        others={"customers": 1, "messages": 0, "notes": 0, "companies": 0, "kobjects": 0, "conversation_times": 0},
        page=PAGE,
        groups=tuple(f"POST /{path}" for path in SEARCHES),
        plan=plan,
    ),
    parts={
        "cpu": partial(processor, cpu=1.2, requests=1.1, megabytes=130),
        "latency": partial(network, limits=Limits(speed_up=3, wall=1.2, requests=1.1), workers=8, is_default=True),
        "uneven": partial(network, limits=Limits(wall=1.2, requests=1.1), workers=8, is_default=True, contrast=100),
        "budget": partial(budget, searches=100, pages=270, used=0.95, requests=1.1),
        "listed": partial(listed, customers=140_000, faster=1.8),
        "organisation": partial(organisation, limit=300, conversations=1_150, latency_ms=300, used=0.95),
    },
)
