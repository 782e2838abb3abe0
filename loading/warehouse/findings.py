"""The sentence above each chart: the answer in words, from the same rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from warehouse.charts import main_currency

Rows = Sequence[Mapping[str, Any]]


def _total(rows: Rows, name: str) -> float:
    return sum(float(row[name] or 0) for row in rows)


def pipeline(rows: Rows) -> str:
    currency = main_currency(rows)
    rows = [row for row in rows if row["currency"] == currency]
    still_open = [row for row in rows if row["outcome"] == "open"]
    value, expected = _total(still_open, "value"), _total(still_open, "expected_value")
    won = _total([row for row in rows if row["outcome"] == "won"], "value")
    return (
        f"{_total(still_open, 'opportunities'):,.0f} open opportunities worth {currency} {value / 1000:,.0f} thousand, "
        f"{currency} {expected / 1000:,.0f} thousand of it expected; {currency} {won / 1000:,.0f} thousand won."
    )


def calls(rows: Rows) -> str:
    users, weeks = {row["user"] for row in rows}, {row["week"] for row in rows}
    mean = _total(rows, "calls") / len(users) / len(weeks)
    return f"{_total(rows, 'calls'):,.0f} calls by {len(users)} users in {len(weeks)} weeks: {mean:.1f} each a week."


def replies(rows: Rows) -> str:
    people, replied, glad = (_total(rows, name) for name in ("people", "replied", "positive"))
    return (
        f"{replied:,.0f} of {people:,.0f} people replied, {100 * replied / people:.0f} %; "
        f"{glad:,.0f} of them positively."
    )


def first_response(rows: Rows) -> str:
    median, ninetieth = rows[0]["median_hours"], rows[0]["ninetieth_percentile_hours"]
    return (
        f"Half of {_total(rows, 'conversations'):,.0f} conversations are answered within {median:.1f} h, "
        f"nine of ten within {ninetieth:.1f} h."
    )


def sequences(rows: Rows) -> str:
    messages, replies = _total(rows, "messages"), _total(rows, "replies")
    return (
        f"The {len(rows)} busiest sequences sent {messages:,.0f} messages; "
        f"{replies:,.0f} were answered, {100 * replies / messages:.0f} %."
    )


FINDINGS: Mapping[str, Callable[[Rows], str]] = {
    "pipeline": pipeline,
    "calls": calls,
    "replies": replies,
    "first_response": first_response,
    "sequences": sequences,
}
