"""Customers are read by lists where lists can filter: the organisation's budget is larger than that of searches.

Both budgets are as documented, in fixed windows of a minute: 1,000 requests of the organisation with 100 rows, 100
searches with 500. What counts is how much of its windows a read needs. Lists do not show what is deleted: the gain is
for whoever leaves that out, and for all should lists show it after all.
"""

from __future__ import annotations

from typing import Any

import pytest

from connectors.kustomer import is_there
from harness.trial import NewTrial, Trial, in_parallel
from harness.truth import differences

pytestmark = [pytest.mark.only("kustomer"), pytest.mark.slow]

STREAM = "customers"
SIZE: dict[str, Any] = {
    "customers": 140_000, "conversations": 1, "messages": 1, "notes": 1, "companies": 1, "kobjects": 1,
    "conversation_times": 1, "days": 700,
}  # fmt: skip
LIMITS = {"rate_limit": 1_000, "rate_window": 60.0, "rate_style": "fixed", "rate_limits": {"search": [100, 60.0]}}
CONFIG: dict[str, Any] = {"search_requests_per_minute": 95}
FASTER = 1.8
# What a connector may use of the organisation's budget by default, and of that of searches by its own setting.
ALLOWED = {"organisation": 950, "search": 95}
WAYS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "without what is deleted": ({}, {"include_deleted": False}),
    "where lists show what is deleted": ({"lists_show_deleted": True}, {}),
}
"""Options of the emulator, and what is laid over the config."""


def windows(statistics: dict[str, Any]) -> float:
    """How many windows the read took: those before the last whole, of the last what was used of it."""
    needed = 0.0
    for group, allowed in ALLOWED.items():
        used = statistics["window_use"].get(group, [])
        if used:
            needed = max(needed, len(used) - 1 + used[-1] / allowed)
    return needed


@pytest.mark.parametrize("way", WAYS)
def test_lists_are_nearly_twice_as_fast_as_searches(new_trial: NewTrial, way: str) -> None:
    options, config = WAYS[way]
    filtered: dict[str, list[str]] = {"by lists": [STREAM], "by searches": []}
    accounts: dict[str, Trial] = {
        how: new_trial(**SIZE, **LIMITS, **options, filtered_lists=lists) for how, lists in filtered.items()
    }

    def read(how: str) -> tuple[str, float, list[str]]:
        trial = accounts[how]
        records = trial.read([STREAM], **CONFIG, **config).result.records[STREAM]
        statistics = trial.emulator.stats()
        truth = [row for row in trial.truth([STREAM])[STREAM] if config.get("include_deleted", True) or is_there(row)]
        problems = differences(trial.connector.stream(STREAM), truth, records)
        problems += [f"refused: {statistics['refusals']}"] if any(statistics["refusals"].values()) else []
        print(f"{how}: {len(records)} records, {statistics['by_group']}, {statistics['window_use']}")
        return how, len(records) / windows(statistics), problems

    results = in_parallel(read, filtered)
    problems = [f"{how}: {problem}" for how, _, found in results for problem in found]
    assert not problems, "\n".join(problems)
    a_minute = {how: rows for how, rows, _ in results}
    print({how: round(rows) for how, rows in a_minute.items()})
    assert a_minute["by lists"] >= FASTER * a_minute["by searches"]
