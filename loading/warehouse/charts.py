"""The charts of the report, as Vega-Lite specifications made with Altair.

Colours are CSS variables of the page: charts are drawn as SVG, so they follow the reader's light or dark setting.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import altair as alt

from warehouse.results import Result

Rows = Sequence[Mapping[str, Any]]
Spec = dict[str, Any]

COLOURS = {name: f"var(--{name})" for name in ("closeio", "persistiq", "kustomer", "outreach")}
INK, MUTED, GRID, SOFT = "var(--ink)", "var(--muted)", "var(--grid)", "var(--soft)"
BUSIEST_STREAMS = 8
PANEL_WIDTH = 172
ANSWER_WIDTH = 330
WIDE = 860
BAR_STEP = 22

# Vega measures text itself, so it must be told the page's font.
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


# --- the load ---------------------------------------------------------------------------------------------------

PANELS = {
    "records": ("Rows", ",d"),
    "requests": ("Requests", ",d"),
    "waited": ("Waits (s, all workers)", ",.1f"),
    "seconds": ("Duration (s)", ",.1f"),
}


def load_chart(result: Result) -> Spec:
    """Rows, requests, waits and duration of the streams with the most rows; the others are one line."""
    streams = sorted(result.first.streams, key=lambda stream: (-stream.records, stream.name))
    busy, others = streams[:BUSIEST_STREAMS], streams[BUSIEST_STREAMS:]
    rows = [{"stream": stream.name, **{name: getattr(stream, name) for name in PANELS}} for stream in busy]
    if others:
        total = {name: sum(getattr(stream, name) for stream in others) for name in PANELS}
        # Streams are read side by side: the longest says more than a sum.
        total["seconds"] = max(stream.seconds for stream in others)
        rows.append({"stream": f"{len(others)} other streams", **total})
    panels = [_panel(rows, name, COLOURS[result.connector], first=name == "records") for name in PANELS]
    return spec_of(alt.hconcat(*panels, spacing=18))


def _panel(rows: Rows, name: str, colour: str, *, first: bool) -> alt.LayerChart:
    title, form = PANELS[name]
    most = max(float(row[name]) for row in rows)
    order = [str(row["stream"]) for row in rows]
    streams = alt.Y("stream:N", sort=order, title=None, axis=alt.Axis(labels=first, labelLimit=260))
    values = alt.X(
        f"{name}:Q",
        title=None,
        axis=alt.Axis(labels=False, grid=False),
        # Room for the figure at the end of the longest bar; waits may all be zero.
        scale=alt.Scale(domain=[0, most * 1.35 or 1]),
    )
    tooltip = [alt.Tooltip("stream:N", title="Stream"), alt.Tooltip(f"{name}:Q", title=title, format=form)]
    chart = base(rows).encode(streams, values, tooltip=tooltip)
    bars = chart.mark_bar(color=colour, height=13)
    figures = chart.mark_text(align="left", dx=5, fontSize=11).encode(text=alt.Text(f"{name}:Q", format=form))
    heading = alt.TitleParams(title, fontSize=12, fontWeight="normal", color=MUTED, frame="group")
    return (bars + figures).properties(width=PANEL_WIDTH, height=alt.Step(BAR_STEP), title=heading)


# --- the answers ------------------------------------------------------------------------------------------------


def pipeline(rows: Rows) -> Spec:
    """Value by stage, and what of it may be expected."""
    folded = [
        {"stage": row["stage"], "measure": measure, "value": row[name], "opportunities": row["opportunities"]}
        for row in rows
        for measure, name in (("Value per year", "annual_value"), ("expected of it", "weighted_value"))
    ]
    chart = base(folded).encode(
        alt.Y("stage:N", sort=[str(row["stage"]) for row in rows], title=None),
        alt.X("value:Q", title="EUR per year", axis=alt.Axis(format="~s", tickCount=5)),
        alt.YOffset("measure:N", sort=None),
        alt.Color(
            "measure:N",
            sort=None,
            scale=alt.Scale(range=[COLOURS["closeio"], "var(--closeio-soft)"]),
        ),
        tooltip=[
            alt.Tooltip("stage:N", title="Stage"),
            alt.Tooltip("measure:N", title="Measure"),
            alt.Tooltip("value:Q", title="EUR per year", format=",.0f"),
            alt.Tooltip("opportunities:Q", title="Opportunities", format=",d"),
        ],
    )
    return spec_of(chart.mark_bar().properties(width=ANSWER_WIDTH, height=alt.Step(28)))


def calls(rows: Rows) -> Spec:
    """A square for each user and week; the more calls, the fuller its colour."""
    chart = base(rows).encode(
        alt.X("week:O", title="Week from", axis=alt.Axis(labelExpr="timeFormat(toDate(datum.value), '%d %b')",
                                                          labelAngle=-45, grid=False)),
        alt.Y("user:N", title=None, axis=alt.Axis(grid=False)),
        tooltip=[alt.Tooltip("user:N", title="User"), alt.Tooltip("week:T", title="Week from", format="%d %b %Y"),
                 alt.Tooltip("calls:Q", title="Calls")],
    )  # fmt: skip
    squares = chart.mark_rect(color=COLOURS["closeio"], cornerRadius=2, stroke="var(--card)", strokeWidth=2).encode(
        opacity=alt.Opacity("calls:Q", scale=alt.Scale(zero=False, range=[0.1, 0.8]), legend=None)
    )
    figures = chart.mark_text(fontSize=11).encode(text="calls:Q")
    return spec_of((squares + figures).properties(width=ANSWER_WIDTH - 10, height=alt.Step(BAR_STEP)))


def replies(rows: Rows) -> Spec:
    """Leads of each campaign by what came back."""
    parts: Mapping[str, Callable[[Mapping[str, Any]], int]] = {
        "positive reply": lambda row: row["positive"],
        "other reply": lambda row: row["replies"] - row["positive"],
        "no reply": lambda row: max(row["leads"] - row["replies"], 0),
    }
    folded = [
        {"campaign": row["campaign"], "rate": row["reply_percent"], "outcome": outcome, "leads": count(row)}
        for row in rows
        for outcome, count in parts.items()
    ]
    chart = base(folded).encode(
        alt.Y("campaign:N", title=None, sort=[str(row["campaign"]) for row in rows]),
        alt.X("leads:Q", title="Leads in the campaign", axis=alt.Axis(tickCount=5)),
        alt.Color(
            "outcome:N",
            sort=list(parts),
            scale=alt.Scale(domain=list(parts), range=[COLOURS["persistiq"], "var(--persistiq-soft)", SOFT]),
        ),
        alt.Order("order:Q"),
        tooltip=[
            alt.Tooltip("campaign:N", title="Campaign"),
            alt.Tooltip("outcome:N", title="Outcome"),
            alt.Tooltip("leads:Q", title="Leads", format=",d"),
            alt.Tooltip("rate:Q", title="Reply rate (%)"),
        ],
    ).transform_calculate(order=f"indexof({list(parts)}, datum.outcome)")  # fmt: skip
    ends = base(rows).mark_text(align="left", dx=5, fontSize=11).encode(
        alt.Y("campaign:N", sort=[str(row["campaign"]) for row in rows]),
        alt.X("leads:Q"),
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
        tooltip=[alt.Tooltip("waited:O", title="First response"),
                 alt.Tooltip("conversations:Q", title="Conversations", format=",d")],
    )  # fmt: skip
    bars = chart.mark_bar(color=COLOURS["kustomer"], cornerRadiusEnd=3, width={"band": 0.8})
    figures = chart.mark_text(dy=-8).encode(text=alt.Text("conversations:Q", format=",d"))
    return spec_of((bars + figures).properties(width=ANSWER_WIDTH, height=210))


def sequences(rows: Rows) -> Spec:
    """Mailings of the busiest sequences, and how many of them were answered."""
    folded = [
        {"sequence": row["sequence"], "measure": measure, "mailings": row[name]}
        for row in rows
        for measure, name in (("Mailings", "mailings"), ("replied", "replied"))
    ]
    order = [str(row["sequence"]) for row in rows]
    chart = base(folded).encode(
        alt.X("sequence:N", title="Sequence", sort=order, axis=alt.Axis(labelAngle=0, grid=False)),
        alt.Y("mailings:Q", title="Mailings", axis=alt.Axis(tickCount=5)),
        alt.XOffset("measure:N", sort=None),
        alt.Color("measure:N", sort=None,
                  scale=alt.Scale(range=["var(--outreach-soft)", COLOURS["outreach"]])),
        tooltip=[alt.Tooltip("sequence:N", title="Sequence"), alt.Tooltip("measure:N", title="Measure"),
                 alt.Tooltip("mailings:Q", title="Mailings", format=",d")],
    )  # fmt: skip
    return spec_of(chart.mark_bar().properties(width=WIDE, height=160))


ANSWERS: Mapping[str, Callable[[Rows], Spec]] = {
    "pipeline": pipeline,
    "calls": calls,
    "replies": replies,
    "first_response": first_response,
    "sequences": sequences,
}
