"""Holds the suite's results against the written refusals, and shows them as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

REFUSALS = Path(__file__).with_name("refusals.yaml")
REFUSED, NOT_ASKED = "failed", "not asked"
WORDS = {"passed": "passed", "skipped": "does not apply", REFUSED: "refused", NOT_ASKED: "not asked"}

Result = Mapping[str, str]


@dataclass(frozen=True)
class Excuse:
    """A check that may refuse, or that is not asked, and why. An empty `view` means every view."""

    check: str
    status: str
    because: str
    view: str = ""
    says: str = ""

    def covers(self, result: Result) -> bool:
        return (
            self.check == result["check"]
            and self.status == result["status"]
            and self.view in ("", result["view"])
            and self.says in result["message"]
        )


def excuses(path: Path = REFUSALS) -> list[Excuse]:
    """What `refusals.yaml` lists. Raises `ValueError` for an entry without a reason."""
    listed: Mapping[str, Sequence[Mapping[str, Any]]] = yaml.safe_load(path.read_text())
    found = [Excuse(status=REFUSED, **entry) for entry in listed["refused"]]
    found += [Excuse(status=NOT_ASKED, **entry) for entry in listed["not asked"]]
    without_words = [
        excuse.check for excuse in found if not excuse.because.strip() or (excuse.view and not excuse.says)
    ]
    if without_words:
        raise ValueError(f"entries of {path.name} without a reason or the words of the check: {without_words}")
    return found


def problems(results: Sequence[Result], excused: Sequence[Excuse]) -> list[str]:
    """One sentence for each result that nothing excuses, and for each excuse that nothing needs."""
    found = [
        f"{result['connector']}, {result['view']}: {result['check']} is {WORDS[result['status']]}: {result['message']}"
        for result in results
        if result["status"] in (REFUSED, NOT_ASKED) and not any(excuse.covers(result) for excuse in excused)
    ]
    return found + [
        f"{excuse.check} ({excuse.view or 'every view'}) is listed and did not happen: take it off {REFUSALS.name}"
        for excuse in excused
        if not any(excuse.covers(result) for result in results)
    ]


def table(results: Sequence[Result], views: Sequence[str]) -> list[str]:
    """A line for each check: what it says in each view; where connectors differ, how many of them got which answer."""
    checks = list(dict.fromkeys(result["check"] for result in results))
    rows = [("check", *views)]
    for check in checks:
        cells = []
        for view in views:
            answers = [WORDS[each["status"]] for each in results if (each["check"], each["view"]) == (check, view)]
            counted = [f"{answers.count(word)} {word}" for word in dict.fromkeys(answers)]
            cells.append(answers[0] if len(counted) == 1 else ", ".join(counted) or "-")
        rows.append((check, *cells))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
