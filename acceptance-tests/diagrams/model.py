"""What a diagram shows: boxes of streams with their keys and references, in areas; and which references are lines.

Only lines within an area are drawn: others could not be followed by an eye. They are written in the colour of the area
that they lead to. What is common to most streams is said once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from harness.relations import COMMON, DOCUMENTED, Relation, Relations, Stream

MOST_TARGETS = 2
"""A column that may refer to more streams than these says so in words only."""


@dataclass(frozen=True)
class Row:
    """Columns of a stream that refer to the same. `certain`: tests find it in records; `gone`: some lead nowhere."""

    columns: tuple[str, ...]
    targets: tuple[str, ...]
    certain: bool
    gone: bool

    @property
    def streams(self) -> tuple[str, ...]:
        return tuple(target.partition(".")[0] for target in self.targets)

    @property
    def of_lists(self) -> bool:
        return all("[]" in column for column in self.columns)

    @property
    def depth(self) -> tuple[bool, int, int]:
        """The lower, the more it looks like a plain reference."""
        lists = sum("[]" in column for column in self.columns)
        return (len(self.targets) > MOST_TARGETS, lists, sum("." in column for column in self.columns))


@dataclass
class Box:
    """Streams that are drawn as one; the first is the one that others refer to."""

    streams: tuple[str, ...]
    keys: tuple[str, ...]
    rows: list[Row] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.streams[0]


@dataclass(frozen=True)
class Line:
    """A reference that is drawn: row number `row` of the box `tail` refers to the box `head`."""

    tail: str
    row: int
    head: str


@dataclass(frozen=True)
class Area:
    """A part of a diagram; its title is empty where the diagram has no parts."""

    title: str
    boxes: list[Box]
    lines: list[Line]


@dataclass(frozen=True)
class Diagram:
    """`common` rows are of every stream that has the columns; `plain` streams refer to nothing, or by those only."""

    common: list[Row]
    areas: list[Area]
    plain: tuple[str, ...]


def diagram(streams: Iterable[Stream], relations: Relations) -> Diagram:
    """The diagram of a connector."""
    of_stream: dict[str, list[Relation]] = {}
    for relation in relations.all:
        of_stream.setdefault(relation.stream, []).append(relation)
    drawn_as = {other: family for family, others in relations.families.items() for other in others}
    boxes: dict[str, Box] = {}
    for stream in streams:
        own = stream["name"]
        if own not in drawn_as:
            family = (own, *relations.families.get(own, ()))
            rows = _rows((each for member in family for each in of_stream.get(member, ())), drawn_as, common=False)
            keys = tuple(".".join(path) for path in stream.get("source_defined_primary_key") or [])
            boxes[own] = Box(family, keys, rows)
    common = _rows(relations.all, drawn_as, common=True)
    referred = {
        name for rows in (common, *(box.rows for box in boxes.values())) for row in rows for name in row.streams
    }
    placed = {name: title for title, names in relations.areas.items() for name in names}
    grouped: dict[str, list[Box]] = {title: [] for title in relations.areas}
    elsewhere = "More" if placed else ""
    plain = []
    for box in sorted(boxes.values(), key=lambda box: [*placed, box.name].index(box.name)):
        if box.name in placed or box.rows or box.name in referred:
            grouped.setdefault(placed.get(box.name, elsewhere), []).append(box)
        else:
            plain.append(box.name)
    areas = [Area(title, members, _lines(members, common)) for title, members in grouped.items() if members]
    return Diagram(common, areas, tuple(plain))


def _lines(boxes: list[Box], common: list[Row]) -> list[Line]:
    """References between these boxes that emulated records bear out.

    Of two streams that refer to each other, those of one have lines: rather ids than lists, rather columns than what
    is deep inside them, rather the one that the area names later. A list has no line either where the other stream says
    the same by a column that is common to most.
    """
    order = {box.name: number for number, box in enumerate(boxes)}
    found: dict[tuple[str, str], list[tuple[Line, Row]]] = {}
    for box in boxes:
        for number, row in enumerate(box.rows):
            for name in row.streams:
                if row.certain and name in order and name != box.name:
                    found.setdefault((box.name, name), []).append((Line(box.name, number, name), row))
    by_common = {name for row in common for name in row.streams}

    def rank(tail: str, head: str) -> tuple[tuple[bool, int, int], int]:
        return min(row.depth for _, row in found[tail, head]), -order[tail]

    lines: list[Line] = []
    for (tail, head), pairs in found.items():
        said_better = (head, tail) in found and rank(head, tail) < rank(tail, head)
        said_by_common = tail in by_common and all(row.of_lists for _, row in pairs)
        if not said_better and not said_by_common:
            lines += [line for line, row in pairs if len(row.targets) <= MOST_TARGETS]
    return lines


def _rows(relations: Iterable[Relation], drawn_as: Mapping[str, str], *, common: bool) -> list[Row]:
    """One row for each set of targets, in the order of the file; what is only documented comes last.

    Of a family, a column refers to all that it refers to in any of the streams.
    """
    targets: dict[str, dict[str, None]] = {}
    certain: set[str] = set()
    gone: set[str] = set()
    for relation in relations:
        rule = relation.rule
        if (rule.section == COMMON) == common:
            names = targets.setdefault(rule.column, {})
            for each in rule.targets:
                names[str(each) if each.column != "id" else drawn_as.get(each.stream, each.stream)] = None
            certain |= {rule.column} if rule.section != DOCUMENTED else set()
            gone |= {rule.column} if rule.gone else set()
    columns: dict[tuple[bool, bool, tuple[str, ...]], list[str]] = {}
    for column, names in targets.items():
        columns.setdefault((column not in certain, column in gone, tuple(names)), []).append(column)
    ordered = sorted(columns.items(), key=lambda item: item[0][0])
    return [Row(tuple(own), names, not documented, lost) for (documented, lost, names), own in ordered]
