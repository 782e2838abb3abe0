"""A diagram as SVG: one element a line, all coordinates whole pixels."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from textwrap import wrap

from diagrams.layout import (
    CHARACTER,
    GAP,
    HEAD,
    PADDING,
    PAGE,
    ROW,
    SMALL_ROW,
    Layout,
    Place,
    Point,
    Sized,
    layout,
)  # fmt: skip
from diagrams.model import Diagram, Row

MARGIN = 20
COLOURS = ("#cfe3ff", "#ffe2b3", "#d3efd0", "#f6d5e5", "#e2d9f7", "#f9d8c9", "#cdeeee", "#e8e6b8")
"""Of the areas; what is in none is grey."""

GREY = "#e8ebef"
STYLE = """
text { font: 12px ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace; fill: #1f2328 }
.name { font-weight: bold }
.title { font-size: 15px; font-weight: bold }
.small { font-size: 10px; fill: #57606a }
.soft { fill: #57606a }
.faint { fill: #7d8590 }
.line { fill: none; stroke: #6e7781; stroke-width: 1.2 }
.brace { stroke: #c8d0d8 }
.box { fill: #ffffff; stroke: #afb8c1 }
.band { fill: #f6f8fa }
"""

HOW_TO_READ = (
    "Shown are keys, and columns that hold ids of other streams; [] is a list. Lines have three toes where many may "
    "refer to one; of two streams that refer to each other one has a line."
)
IN_AREAS = "Lines join streams of one area; references to another area have its colour."


def svg(diagram: Diagram, title: str) -> str:
    """The drawing."""
    layouts = [layout(area) for area in diagram.areas]
    colours = {
        box.name: COLOURS[number % len(COLOURS)] if area.title else GREY
        for number, area in enumerate(diagram.areas)
        for box in area.boxes
    }
    width = max([PAGE, *(found.width for found in layouts)]) + 2 * MARGIN
    y, parts = _notes(diagram, title)
    for number, (area, found) in enumerate(zip(diagram.areas, layouts, strict=True)):
        if area.title:
            parts.append(f'<rect x="0" y="{y}" width="{width}" height="24" fill="{COLOURS[number % len(COLOURS)]}"/>')
            parts.append(_text(MARGIN, y + 17, area.title, "title"))
            y += 24
        y += GAP
        parts += _area(found, y, colours)
        y += found.height + GAP
    y, last = _plain(diagram.plain, y)
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{y}" viewBox="0 0 {width} {y}">',
        f"<title>{escape(title)}</title>",
        f"<style>{STYLE}</style>",
        f'<rect width="{width}" height="{y}" fill="#ffffff"/>',
        *parts,
        *last,
        "</svg>",
        "",
    ])  # fmt: skip


def _text(x: float, y: float, text: str, kind: str = "", *, to_the_left: bool = False) -> str:
    more = (f' class="{kind}"' if kind else "") + (' text-anchor="end"' if to_the_left else "")
    return f'<text x="{round(x)}" y="{round(y)}"{more}>{escape(text)}</text>'


def _notes(diagram: Diagram, title: str) -> tuple[int, list[str]]:
    """The title, what is common to most streams, and how to read the rest; where they end."""
    texts = [
        f"In every stream that has them: {', '.join(row.columns)} \u2192 {', '.join(row.targets)}."
        for row in diagram.common
    ]
    texts.append(HOW_TO_READ)
    if any(area.title for area in diagram.areas):
        texts.append(IN_AREAS)
    rows = [row for area in diagram.areas for box in area.boxes for row in box.rows]
    if any(row.gone for row in rows):
        texts.append("A question mark: some of the ids may be of records that are gone.")
    if not all(row.certain for row in rows):
        texts.append("Grey: as the vendor documents it; tests hold the others against records.")
    lines = [line for text in texts for line in wrap(text, int(PAGE / CHARACTER))]
    y = MARGIN + 16
    parts = [_text(MARGIN, y, title, "title")]
    parts += [_text(MARGIN, y + 6 + ROW * (number + 1), line, "soft") for number, line in enumerate(lines)]
    return y + 6 + ROW * len(lines) + GAP, parts


def _plain(names: tuple[str, ...], y: int) -> tuple[int, list[str]]:
    """The streams that are in no box, by name; where they end."""
    if not names:
        return y + MARGIN, []
    text = f"Without references, or by the common columns only: {', '.join(names)}."
    lines = wrap(text, int(PAGE / CHARACTER))
    parts = [f'<rect x="0" y="{y}" width="100%" height="24" fill="{GREY}"/>', _text(MARGIN, y + 17, "Others", "title")]
    parts += [_text(MARGIN, y + 24 + GAP + ROW * number + 4, line) for number, line in enumerate(lines)]
    return y + 24 + GAP + ROW * len(lines) + MARGIN, parts


def _area(found: Layout, top: int, colours: Mapping[str, str]) -> list[str]:
    parts = [_path(points, top) for points in found.paths]
    for sized, place in found.boxes:
        parts += _box(sized, Place(place.x + MARGIN, place.y + top, place.width, place.height), colours)
    return parts


def _path(points: list[Point], top: int) -> str:
    """A line, with a crow's foot at the referring row and a bar at the other box."""
    (x, y), *rest = [(px + MARGIN, py + top) for px, py in points]
    end_x, end_y = rest[-1]
    curve = " ".join(f"{px},{py}" for px, py in rest)
    foot, bar = f"M{x},{y - 4} L{x - 8},{y} L{x},{y + 4}", f"M{end_x + 5},{end_y - 4} V{end_y + 4}"
    return f'<path class="line" d="M{x},{y} C{curve} {foot} {bar}"/>'


def _box(each: Sized, place: Place, colours: Mapping[str, str]) -> list[str]:
    x, y, width, head = place.x, place.y, place.width, each.head
    colour = colours[each.box.name]
    parts = [
        f'<rect class="box" x="{x}" y="{y}" width="{width}" height="{place.height}" rx="4"/>',
        f'<path class="box" style="fill: {colour}" d="M{x},{y + head} v{4 - head} a4,4 0 0 1 4,-4 h{width - 8}'
        f' a4,4 0 0 1 4,4 v{head - 4} Z"/>',
        _text(x + PADDING, y + 17, each.box.name, "name"),
    ]
    for number, line in enumerate(each.members):
        parts.append(_text(x + PADDING, y + HEAD + 6 + SMALL_ROW * number, line, "small"))
    y += head
    for key in each.box.keys:
        parts.append(_text(x + PADDING, y + 13, key, "soft"))
        parts.append(_text(x + width - PADDING, y + 13, "key", "soft", to_the_left=True))
        y += ROW
    for number, (row, targets, height) in enumerate(zip(each.box.rows, each.targets, each.heights, strict=True)):
        if number % 2 == 0:
            parts.append(f'<rect class="band" x="{x + 1}" y="{y}" width="{width - 2}" height="{height}"/>')
        towards = {colours.get(name, GREY) for name in row.streams}
        shown = towards.pop() if len(towards) == 1 else GREY
        place = Place(x + PADDING, y, width - 2 * PADDING, height)
        parts += _row(row, targets, place, shown if shown != colour else "", below=each.is_tall(number))
        y += height
    return parts


def _row(row: Row, targets: list[str], place: Place, colour: str, *, below: bool) -> list[str]:
    """The columns at the left, what they refer to at the right or below, with a brace where there are several."""
    right, kind = place.x + place.width, "" if row.certain else "faint"
    widest = round(max(map(len, targets)) * CHARACTER)
    y = place.y + (ROW * len(row.columns) if below else 0)
    parts = [_text(place.x, place.y + 13 + ROW * line, column, kind) for line, column in enumerate(row.columns)]
    if colour:
        size = f'width="{widest + 6}" height="{13 + ROW * (len(targets) - 1)}"'
        parts.append(f'<rect x="{right - widest - 3}" y="{y + 2}" {size} rx="3" fill="{colour}"/>')
    if len(row.columns) > 1 and not below:
        brace = right - widest - round(4 * CHARACTER)
        parts.append(f'<path class="brace" d="M{brace},{place.y + 3} V{place.y + place.height - 3}"/>')
    parts.append(_text(right - widest - 6, y + 13, "?\u2192" if row.gone else "\u2192", kind, to_the_left=True))
    parts += [_text(right, y + 13 + ROW * line, names, kind, to_the_left=True) for line, names in enumerate(targets)]
    return parts
