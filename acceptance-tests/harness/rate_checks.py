"""What the emulator's windows say of a connector's pace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

USED = 0.95
"""The share of what a connector may use of each window that it has to use."""


def windows_used(group: str, allowed: int) -> Callable[[dict[str, Any]], list[str]]:
    """Nothing of a group was refused, and of the `allowed` requests of each window, the last apart, most were sent."""

    def judge(statistics: dict[str, Any]) -> list[str]:
        windows, refused = statistics["window_use"][group], statistics["refusals"][group]
        problems = [f"{refused} requests were refused"] if refused else []
        if statistics["violations"]:
            problems.append(f"requests in spite of a spent budget: {statistics['violations'][:3]}")
        if len(windows) < 2:
            problems.append("the read did not exceed one window")
        if any(used < USED * allowed for used in windows[:-1]):
            problems.append(f"windows were not used to their end: {windows} of {allowed} requests")
        return problems

    return judge
