"""A whole account under latency and the vendor's rate limits: how much of each endpoint group's rate is used."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from benchmarks.figures import Line, describe, say
from benchmarks.parts import LATENCY_MS, Run


def whole(
    run: Run,
    *,
    sizes: Mapping[str, Any],
    limit: int,
    window_seconds: float,
    workers: int,
    least_requests: int,
    used: float,
    streams: Sequence[str] = (),
    beside: Collection[str] = (),
) -> list[Line]:
    """Every stream of an account, or those that are named. Judged are the endpoint groups with enough requests to have
    a rate.

    The rate that a group could have is the vendor's, or that of all workers if that is lower; its time is that between
    its first request and its last. `workers` is the connector's default. `beside`: groups that streams ask beside their
    own walks, from the first second to the last, so that this time is not theirs: they are not judged.
    """
    what = ", ".join(streams) or "whole account"
    say(f"{what}, {LATENCY_MS} ms latency, {limit} requests in {window_seconds:g} s and group")
    options: dict[str, Any] = {"latency_ms": LATENCY_MS, "rate_limit": limit, "rate_window": window_seconds}
    with run.account(**sizes, **options) as subject:
        streams = streams or [stream["name"] for stream in subject.catalog["streams"]]
        subject.emulator.reset_stats()
        connector = subject.connector(streams=streams)
        statistics = subject.emulator.stats()
    describe(f"connector, {len(streams)} streams", connector)
    rate = min(limit / window_seconds, workers * 1000 / LATENCY_MS)
    lines = [Line(f"{what}: requests after the budget was spent", len(statistics["violations"]), 0)]
    for group, requests in sorted(statistics["by_group"].items(), key=lambda each: -int(each[1])):
        first, last = statistics["first_last"][group]
        say(f"  {group:<44} {requests:5} requests in {last - first:5.1f} s")
        if requests >= least_requests and group not in beside:
            share = 100 * requests / max(last - first, 0.1) / rate
            lines.append(Line(f"{what}: {group}, of its rate", share, 100 * used, " %", at_least=True))
    return lines
