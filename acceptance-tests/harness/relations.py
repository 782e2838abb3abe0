"""Which columns hold ids of which stream: a connector's `relations.yaml`, and whether the records bear it out.

The file has up to six sections. `streams` maps streams to columns to targets; names are separated by blanks, `*`
stands for any part of a stream's name, `!` leaves out what was named before, and of several rules for one column of a
stream the last one holds. `common` are columns that mean the same in every stream without a rule of its own for them;
`documented` is like `streams`, for what vendors document and no emulated record shows; `elsewhere` names columns (or
`stream.column`) that look like references and lead to no stream, and says where they lead; `families` maps a stream
to others with records of the same kind, which are drawn as one; `areas` are the parts of a diagram. A rule is about
the streams of a catalog that have the column.

Columns are paths: `members[].user_id` is in each object of a list, `contact_ids[]` a list of ids. A target is a stream,
meaning its `id`, or `stream.column`; or a mapping: `to`, and `gone`, which says why some ids lead nowhere. Where a type
decides, `by` names its column, and `to` maps types, with `*` again, to targets; other types lead to no stream.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import yaml

Record = dict[str, Any]
Stream = Mapping[str, Any]
COMMON, STREAMS, DOCUMENTED = "common", "streams", "documented"
LOOKS_LIKE_A_REFERENCE = re.compile(r".+(_ids?|_by|_to|Ids?)")
SAMPLE = 3


@dataclass(frozen=True)
class Target:
    """A column that ids are of; `kind`: for records whose `by` column has such a value."""

    stream: str
    column: str = "id"
    kind: str = "*"

    def __str__(self) -> str:
        return self.stream if self.column == "id" else f"{self.stream}.{self.column}"


@dataclass(frozen=True)
class Rule:
    """One column of one line of the file."""

    section: str
    streams: tuple[str, ...]
    column: str
    targets: tuple[Target, ...]
    by: str = ""
    gone: str = ""

    @property
    def first(self) -> str:
        """The column of the stream in which the path begins."""
        return re.split(r"[.\[]", self.column)[0]

    def fits(self, stream: Stream) -> bool:
        """Whether it is about a stream of a catalog."""
        return _is_one_of(stream["name"], self.streams) and self.first in stream["json_schema"]["properties"]

    def targets_of(self, record: Record) -> tuple[Target, ...]:
        """What the ids of a record are of: one target, or none where its type leads to no stream."""
        kind = str(record.get(self.by)) if self.by else ""
        return next(((each,) for each in self.targets if fnmatchcase(kind, each.kind)), ())


@dataclass(frozen=True)
class Relation:
    """A rule for one stream."""

    stream: str
    rule: Rule

    @property
    def place(self) -> str:
        return f"{self.stream}.{self.rule.column}"


class Relations:
    """What a connector's `relations.yaml` says of the streams of a catalog."""

    def __init__(self, root: Path, streams: Iterable[Stream]) -> None:
        sections = yaml.safe_load((root / "relations.yaml").read_text())
        self._columns = {stream["name"]: stream["json_schema"]["properties"] for stream in streams}
        self._elsewhere = [name for names in sections.get("elsewhere", {}) for name in names.split()]
        self.families = {
            name: tuple(other for other in self._columns if other != name and _is_one_of(other, patterns.split()))
            for name, patterns in sections.get("families", {}).items()
        }
        self.areas = {
            title: tuple(name for each in names.split() for name in self._columns if fnmatchcase(name, each))
            for title, names in sections.get("areas", {}).items()
        }
        # The last one holds: what a stream's own rules say comes last.
        self._rules = [
            *_rules(COMMON, {"*": sections.get(COMMON, {})}),
            *_rules(DOCUMENTED, sections.get(DOCUMENTED, {})),
            *_rules(STREAMS, sections.get(STREAMS, {})),
        ]
        holding = {
            (stream["name"], rule.column): rule for rule in self._rules for stream in streams if rule.fits(stream)
        }
        self.all = [
            Relation(name, rule)
            for (name, column), rule in holding.items()
            if f"{name}.{column}" not in self._elsewhere
        ]

    def problems(self) -> list[str]:
        """Rules about nothing, targets that do not exist, and columns that look like references without a rule."""
        columns = self._columns
        used = {id(relation.rule) for relation in self.all}
        patterns = sorted({pattern.lstrip("!") for rule in self._rules for pattern in rule.streams})
        ruled = {(relation.stream, relation.rule.first) for relation in self.all}
        return [
            *(f"{_line(rule)}: holds for no stream" for rule in self._rules if id(rule) not in used),
            *(
                f"no stream is called {each}"
                for each in patterns
                if not any(fnmatchcase(name, each) for name in columns)
            ),
            *(
                f"{relation.place}: there is no {target}"
                for relation in self.all
                for target in relation.rule.targets
                if target.column not in columns.get(target.stream, {})
            ),
            *(
                f"{name}.{column}: what does it refer to?"
                for name in columns
                for column in columns[name]
                if LOOKS_LIKE_A_REFERENCE.fullmatch(column)
                and (name, column) not in ruled
                and not any(_matches(name, column, pattern) for pattern in self._elsewhere)
            ),
            *(
                f"elsewhere: no stream has a column without a rule called {pattern}"
                for pattern in self._elsewhere
                if not any(
                    _matches(name, column, pattern) and (name, column) not in ruled
                    for name in columns
                    for column in columns[name]
                )
            ),
        ]

    def unresolved(self, records: Mapping[str, list[Record]]) -> list[str]:
        """Ids that lead nowhere among these records of all streams, and rules that no record bears out."""
        ends = {(each.stream, each.column) for relation in self.all for each in relation.rule.targets}
        known = {end: {value for record in records.get(end[0], []) for value in values(record, end[1])} for end in ends}
        problems: list[str] = []
        shown: set[int] = set()
        for relation in self.all:
            rule, found, lost = relation.rule, 0, []
            for record in records.get(relation.stream, []):
                for target in rule.targets_of(record):
                    ids = list(values(record, rule.column))
                    found += len(ids)
                    lost += [each for each in ids if each not in known[target.stream, target.column]]
            if found:
                shown.add(id(rule))
            if lost and not rule.gone:
                problems.append(f"{relation.place}: {len(lost)} of {found} ids lead nowhere: {lost[:SAMPLE]}")
            if found and rule.gone and len(lost) in (0, found):
                problems.append(f"{relation.place}: of {found} ids {len(lost)} are gone: the rule says that some are")
            if found and rule.section == DOCUMENTED:
                problems.append(f"{relation.place}: has values: the rule belongs under `streams`")
        unproved = {id(relation.rule): relation.rule for relation in self.all if relation.rule.section != DOCUMENTED}
        return problems + [
            f"{_line(rule)}: no record has a value: the rule belongs under `documented`"
            for number, rule in unproved.items()
            if number not in shown
        ]


def values(record: Record, path: str) -> Iterator[Any]:
    """What stands at a path of a record, nulls left out."""
    found: list[Any] = [record]
    for part in path.split("."):
        name = part.removesuffix("[]")
        found = [value[name] for value in found if isinstance(value, dict) and name in value]
        if part.endswith("[]"):
            found = [each for value in found if isinstance(value, list) for each in value]
    return (value for value in found if value is not None)


def _rules(section: str, streams: Mapping[str, Mapping[str, Any]]) -> Iterator[Rule]:
    for names, columns in streams.items():
        for column_names, given in columns.items():
            entry = given if isinstance(given, dict) else {"to": given}
            targets = tuple(_targets(entry["to"]))
            for column in column_names.split():
                yield Rule(section, tuple(names.split()), column, targets, entry.get("by", ""), entry.get("gone", ""))


def _targets(to: str | Mapping[str, str]) -> Iterator[Target]:
    for kind, name in (to if isinstance(to, Mapping) else {"*": to}).items():
        stream, _, column = name.partition(".")
        yield Target(stream, column or "id", kind)


def _line(rule: Rule) -> str:
    return f"{rule.section}: {' '.join(rule.streams)}: {rule.column}"


def _is_one_of(stream: str, patterns: Iterable[str]) -> bool:
    meant = False
    for pattern in patterns:
        if fnmatchcase(stream, pattern.removeprefix("!")):
            meant = not pattern.startswith("!")
    return meant


def _matches(stream: str, column: str, pattern: str) -> bool:
    return fnmatchcase(f"{stream}.{column}" if "." in pattern else column, pattern)
