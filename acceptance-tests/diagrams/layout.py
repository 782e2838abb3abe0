"""Where boxes and lines go: Graphviz's `dot` places them, from sizes that are counted in characters.

The sizes come from the texts alone, in a font of which every character is equally wide: no font of this machine has a
part in it, and what `dot` answers is rounded to whole pixels.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pygraphviz

from diagrams.model import Area, Box, Line, Row

CHARACTER, SMALL_CHARACTER = 7.25, 6.1
"""Pixels: how wide a character of the fonts of 12 and 10 pixels is."""

ROW, HEAD, SMALL_ROW, PADDING, GAP = 17, 26, 14, 8, 16
NARROWEST, WIDEST, LONGEST_TARGETS = 20, 42, 30
"""Characters. Where a row would be wider, what it refers to is written below its columns."""

PAGE = 1160
"""Pixels that a reader sees side by side."""

Point = tuple[int, int]


@dataclass(frozen=True)
class Place:
    """A rectangle, in pixels from the upper left."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class Sized:
    """A box with its texts broken into lines, and how large that makes it."""

    box: Box
    members: list[str]
    targets: list[list[str]]
    width: int

    @property
    def head(self) -> int:
        """The height of its head: the name, and the names of further streams."""
        return HEAD + (len(self.members) * SMALL_ROW + 4 if self.members else 0)

    @property
    def heights(self) -> list[int]:
        """Of its rows."""
        return [
            ROW * (len(row.columns) + len(names) if self.is_tall(number) else max(len(row.columns), len(names)))
            for number, (row, names) in enumerate(zip(self.box.rows, self.targets, strict=True))
        ]

    def is_tall(self, number: int) -> bool:
        """Whether what a row refers to is written below its columns."""
        return _characters(self.box.rows[number], self.targets[number]) > WIDEST

    @property
    def height(self) -> int:
        return self.head + len(self.box.keys) * ROW + sum(self.heights) + 4


@dataclass(frozen=True)
class Layout:
    """Everything in pixels; a path is the points of Bezier curves, from the referring row to the other box."""

    width: int
    height: int
    boxes: list[tuple[Sized, Place]]
    paths: list[list[Point]]


def layout(area: Area) -> Layout:
    """Boxes with lines as `dot` has them, the others in columns beside or below, whichever takes less height."""
    boxes = {box.name: _sized(box) for box in area.boxes}
    joined = {name for line in area.lines for name in (line.tail, line.head)}
    placed, paths = _dot([boxes[name] for name in boxes if name in joined], area.lines) if joined else ([], [])
    rest = [boxes[name] for name in boxes if name not in joined]
    right, bottom = _extent(placed)
    below = placed + _columns(rest, 0, bottom + (2 * GAP if placed else 0), PAGE)
    beside = placed + _columns(rest, right + 2 * GAP, 0, PAGE - right - 2 * GAP)
    fits = max(right, PAGE) >= _extent(beside)[0]
    chosen = beside if placed and fits and _extent(beside)[1] < _extent(below)[1] else below
    return Layout(*_extent(chosen), chosen, paths)


def _extent(placed: Sequence[tuple[Sized, Place]]) -> Point:
    """The width and height of all places."""
    right = max((place.x + place.width for _, place in placed), default=0)
    return right, max((place.y + place.height for _, place in placed), default=0)


def _characters(row: Row, targets: Sequence[str]) -> int:
    return max(map(len, row.columns)) + 5 + max(map(len, targets))


def _sized(box: Box) -> Sized:
    targets = [textwrap.wrap(", ".join(row.targets), LONGEST_TARGETS) for row in box.rows]
    beside = [_characters(row, names) for row, names in zip(box.rows, targets, strict=True)]
    columns = [len(column) for row in box.rows for column in row.columns]
    below = [len(names) + 3 for lines in targets for names in lines]
    widest = max([NARROWEST, len(box.name) + 2, *columns, *below, *(each for each in beside if each <= WIDEST)])
    small = max([0, *map(len, box.streams[1:])]) + 2
    inner = round(max(widest * CHARACTER, small * SMALL_CHARACTER))
    others = textwrap.wrap(", ".join(box.streams[1:]), int(inner / SMALL_CHARACTER))
    return Sized(box, others, targets, inner + 2 * PADDING)


def _dot(boxes: Sequence[Sized], lines: Iterable[Line]) -> tuple[list[tuple[Sized, Place]], list[list[Point]]]:
    graph = pygraphviz.AGraph(strict=False, directed=True, rankdir="LR", nodesep="0.25", ranksep="0.6")
    graph.node_attr.update(shape="plain")
    for each in boxes:
        graph.add_node(each.box.name, label=_label(each))
    for number, line in enumerate(lines):
        ends = {"tailport": "head:e", "headport": f"row{line.row}:w"}
        graph.add_edge(line.head, line.tail, key=str(number), arrowhead="none", **ends)
    graph.layout("dot")
    bottom = float(graph.graph_attr["bb"].split(",")[3])
    placed = []
    for each in boxes:
        x, y = (float(part) for part in graph.get_node(each.box.name).attr["pos"].split(","))
        left, top = round(x - each.width / 2), round(bottom - y - each.height / 2)
        placed.append((each, Place(left, top, each.width, each.height)))
    paths = []
    for tail, head, key in graph.edges(keys=True):
        numbers = [
            float(part) for part in re.findall(r"-?[\d.]+(?:e-?\d+)?", graph.get_edge(tail, head, key).attr["pos"])
        ]
        points = [(round(x), round(bottom - y)) for x, y in zip(numbers[::2], numbers[1::2], strict=True)]
        paths.append(points[::-1])
    return placed, paths


def _label(each: Sized) -> str:
    """A table without text, of which every cell has the height of a row."""
    rows = [(f"row{number}", height) for number, height in enumerate(each.heights)]
    cells = "".join(
        f'<TR><TD PORT="{name}" FIXEDSIZE="TRUE" WIDTH="{each.width}" HEIGHT="{height}"></TD></TR>'
        for name, height in [("head", each.head), ("keys", len(each.box.keys) * ROW), *rows, ("end", 4)]
        if height
    )
    return f'<<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0">{cells}</TABLE>>'


def _columns(boxes: Sequence[Sized], left: int, top: int, width: int) -> list[tuple[Sized, Place]]:
    """Boxes side by side in columns of one width, the next where there is most room."""
    widest = max((each.width for each in boxes), default=0)
    ends = [top] * max(1, min(len(boxes), (width + GAP) // (widest + GAP)))
    placed = []
    for each in boxes:
        column = ends.index(min(ends))
        placed.append((each, Place(left + column * (widest + GAP), ends[column], each.width, each.height)))
        ends[column] += each.height + GAP
    return placed
