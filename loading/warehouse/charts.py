"""The charts of the report, as Vega-Lite specifications made with Altair.

Colours are CSS variables of the page: charts are SVG in it, so they follow the reader's light or dark setting.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import altair as alt

Rows = Sequence[Mapping[str, Any]]
Spec = dict[str, Any]

COLOURS = {name: f"var(--{name})" for name in ("closeio", "persistiq", "kustomer", "outreach")}
INK, MUTED, GRID, SOFT = "var(--ink)", "var(--muted)", "var(--grid)", "var(--soft)"
ANSWER_WIDTH = 330
WIDE = 860
BAR_STEP = 22

# The page's font: the width of texts is computed before any browser sees them.
FONT = 'system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif'
THEME = {
    "background": "transparent",
    "font": FONT,
    "padding": 4,
    "view": {"stroke": None},
    "axis": {
        "labelColor": INK, "titleColor": MUTED, "titleFontWeight": "normal", "gridColor": GRID, "domain": False,
        "ticks": False, "labelFontSize": 12, "titleFontSize": 12, "labelLimit": 240, "labelPadding": 6,
    },
    "legend": {
        "labelColor": INK, "titleColor": MUTED, "titleFontWeight": "normal", "orient": "top", "labelFontSize": 12,
        "title": None, "symbolType": "square",
    },
    "title": {"color": INK, "fontSize": 13, "fontWeight": 600, "anchor": "start", "offset": 8},
    "bar": {"cornerRadiusEnd": 2},
    "text": {"fill": INK, "fontSize": 12},
}  # fmt: skip


def spec_of(chart: alt.TopLevelMixin) -> Spec:
    """The chart as Vega-Lite, in the theme of the report."""
    made: Spec = chart.to_dict()
    return made | {"config": THEME}


def base(rows: Rows) -> alt.Chart:
    return alt.Chart(alt.InlineData(values=[{name: _plain(value) for name, value in row.items()} for row in rows]))


def _plain(value: Any) -> Any:
    """As JSON has it: dates as text, decimals as numbers."""
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else float(value)


def main_currency(rows: Rows) -> str:
    """The currency of most of the value."""
    values: dict[str, float] = {}
    for row in rows:
        values[row["currency"] or ""] = values.get(row["currency"] or "", 0) + float(row["value"])
    return max(values, key=lambda currency: values[currency])


def pipeline(rows: Rows) -> Spec:
    """Value by stage, and what of it may be expected."""
    labels = [f"{row['stage']} ({row['system']})" for row in rows]
    folded = [
        {"stage": label, "measure": measure, "value": row[name], "opportunities": row["opportunities"]}
        for label, row in zip(labels, rows, strict=True)
        for measure, name in (("Value", "value"), ("expected of it", "expected_value"))
    ]
    chart = base(folded).encode(
        alt.Y("stage:N", sort=labels, title=None),
        alt.X("value:Q", title=main_currency(rows), axis=alt.Axis(format="~s", tickCount=5)),
        alt.YOffset("measure:N", sort=None),
        alt.Color(
            "measure:N",
            sort=None,
            scale=alt.Scale(range=[COLOURS["closeio"], "var(--closeio-soft)"]),
        ),
    )
    return spec_of(chart.mark_bar().properties(width=ANSWER_WIDTH, height=alt.Step(28)))


def calls(rows: Rows) -> Spec:
    """A square for each user and week; the more calls, the fuller its colour."""
    chart = base(rows).encode(
        alt.X("week:O", title="Week from", axis=alt.Axis(labelExpr="timeFormat(toDate(datum.value), '%d %b')",
                                                          labelAngle=-45, grid=False)),
        alt.Y("user:N", title=None, axis=alt.Axis(grid=False)),
    )  # fmt: skip
    squares = chart.mark_rect(color=COLOURS["closeio"], cornerRadius=2, stroke="var(--card)", strokeWidth=2).encode(
        opacity=alt.Opacity("calls:Q", scale=alt.Scale(zero=False, range=[0.1, 0.8]), legend=None)
    )
    figures = chart.mark_text(fontSize=11).encode(text="calls:Q")
    return spec_of((squares + figures).properties(width=ANSWER_WIDTH - 10, height=alt.Step(BAR_STEP)))


def replies(rows: Rows) -> Spec:
    """People of each campaign by what came back."""
    parts: Mapping[str, Callable[[Mapping[str, Any]], int]] = {
        "positive reply": lambda row: row["positive"],
        "other reply": lambda row: row["replied"] - row["positive"],
        "no reply": lambda row: row["people"] - row["replied"],
    }
    folded = [
        {"campaign": row["campaign"], "outcome": outcome, "people": count(row)}
        for row in rows
        for outcome, count in parts.items()
    ]
    chart = base(folded).encode(
        alt.Y("campaign:N", title=None, sort=[str(row["campaign"]) for row in rows]),
        alt.X("people:Q", title="People in the campaign", axis=alt.Axis(tickCount=5)),
        alt.Color(
            "outcome:N",
            sort=list(parts),
            scale=alt.Scale(domain=list(parts), range=[COLOURS["persistiq"], "var(--persistiq-soft)", SOFT]),
        ),
        alt.Order("order:Q"),
    ).transform_calculate(order=f"indexof({list(parts)}, datum.outcome)")  # fmt: skip
    ends = base(rows).mark_text(align="left", dx=5, fontSize=11).encode(
        alt.Y("campaign:N", sort=[str(row["campaign"]) for row in rows]),
        alt.X("people:Q"),
        alt.Text("label:N"),
    ).transform_calculate(label="format(datum.reply_percent, '.0f') + ' %'")  # fmt: skip
    layered = (chart.mark_bar(height=14) + ends).properties(width=ANSWER_WIDTH, height=alt.Step(BAR_STEP))
    return spec_of(layered)


def first_response(rows: Rows) -> Spec:
    """Conversations by the time until the first answer."""
    chart = base(rows).encode(
        alt.X("waited:O", sort=[str(row["waited"]) for row in rows], title="Time until the first response",
              axis=alt.Axis(labelAngle=0, grid=False)),
        alt.Y("conversations:Q", title="Conversations", axis=alt.Axis(tickCount=5)),
    )  # fmt: skip
    bars = chart.mark_bar(color=COLOURS["kustomer"], cornerRadiusEnd=3, width={"band": 0.8})
    figures = chart.mark_text(dy=-8).encode(text=alt.Text("conversations:Q", format=",d"))
    return spec_of((bars + figures).properties(width=ANSWER_WIDTH, height=210))


def sequences(rows: Rows) -> Spec:
    """Messages of the busiest sequences, and how many of them were answered."""
    labels = [row["name"] or row["sequence"] for row in rows]
    folded = [
        {"sequence": label, "measure": measure, "messages": row[name]}
        for label, row in zip(labels, rows, strict=True)
        for measure, name in (("Messages", "messages"), ("replies", "replies"))
    ]
    chart = base(folded).encode(
        alt.X("sequence:N", title=None, sort=labels, axis=alt.Axis(labelAngle=-20, grid=False)),
        alt.Y("messages:Q", title="Messages", axis=alt.Axis(tickCount=5)),
        alt.XOffset("measure:N", sort=None),
        alt.Color("measure:N", sort=None,
                  scale=alt.Scale(range=["var(--outreach-soft)", COLOURS["outreach"]])),
    )  # fmt: skip
    return spec_of(chart.mark_bar().properties(width=WIDE, height=160))


CHARTS: Mapping[str, Callable[[Rows], Spec]] = {
    "pipeline": pipeline,
    "calls": calls,
    "replies": replies,
    "first_response": first_response,
    "sequences": sequences,
}
