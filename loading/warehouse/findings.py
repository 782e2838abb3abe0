"""The sentence above each chart: the answer in words, from the same rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Rows = Sequence[Mapping[str, Any]]


def _total(rows: Rows, name: str) -> float:
    return sum(float(row[name] or 0) for row in rows)


def pipeline(rows: Rows) -> str:
    still_open = [row for row in rows if row["outcome"] == "active"]
    value, weighted = _total(still_open, "annual_value"), _total(still_open, "weighted_value")
    won = _total([row for row in rows if row["outcome"] == "won"], "annual_value")
    return (
        f"{_total(still_open, 'opportunities'):,.0f} open opportunities worth EUR {value / 1000:,.0f} thousand a year, "
        f"EUR {weighted / 1000:,.0f} thousand weighted by confidence; EUR {won / 1000:,.0f} thousand won."
    )


def calls(rows: Rows) -> str:
    users, weeks = {row["user"] for row in rows}, {row["week"] for row in rows}
    mean = _total(rows, "calls") / len(users) / len(weeks)
    return f"{_total(rows, 'calls'):,.0f} calls by {len(users)} users in {len(weeks)} weeks: {mean:.1f} each a week."


def replies(rows: Rows) -> str:
    leads, answered, glad = (_total(rows, name) for name in ("leads", "replies", "positive"))
    return (
        f"{answered:,.0f} of {leads:,.0f} leads replied, {100 * answered / leads:.0f} %; "
        f"{glad:,.0f} of the replies are positive."
    )


def first_response(rows: Rows) -> str:
    first = rows[0]
    return (
        f"Half of {_total(rows, 'conversations'):,.0f} conversations are answered within {first['median_hours']} h, "
        f"nine of ten within {first['ninetieth_percentile_hours']} h."
    )


def sequences(rows: Rows) -> str:
    mailings, replied = _total(rows, "mailings"), _total(rows, "replied")
    return (
        f"The {len(rows)} busiest sequences sent {mailings:,.0f} mailings; "
        f"{replied:,.0f} were answered, {100 * replied / mailings:.0f} %."
    )


FINDINGS: Mapping[str, Callable[[Rows], str]] = {
    "pipeline": pipeline,
    "calls": calls,
    "replies": replies,
    "first_response": first_response,
    "sequences": sequences,
}
