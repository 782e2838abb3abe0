"""A figure with its limit, and what is said on the way."""

from __future__ import annotations

from dataclasses import dataclass

from harness.measure import Measurement


@dataclass(frozen=True)
class Line:
    """One figure with its limit."""

    what: str
    value: float
    limit: float
    unit: str = ""
    at_least: bool = False

    @property
    def is_kept(self) -> bool:
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    def cells(self) -> list[str]:
        sign = ">=" if self.at_least else "<="
        return [
            self.what,
            f"{self.value:.2f}{self.unit}",
            f"{sign} {self.limit:g}{self.unit}",
            "" if self.is_kept else "MISSED",
        ]


def say(text: str) -> None:
    print(text, flush=True)


def describe(name: str, run: Measurement) -> None:
    say(
        f"  {name:<34} user {run.user:6.2f} s  system {run.system:5.2f} s  wall {run.wall:6.2f} s  "
        f"peak {run.peak_megabytes:5.1f} MB"
    )
