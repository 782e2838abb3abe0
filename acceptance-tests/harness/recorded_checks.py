"""What a connector makes of the records that live accounts answered: types, columns and declarations.

For reads of an emulated account with `shape` real, whose records have the shapes of the recorded ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from emulators.kustomer.flat import flat as flat_kustomer
from emulators.outreach.resources import resources
from emulators.outreach.shapes import flat as flat_outreach
from emulators.recorded import recorded
from harness.read_checks import Read, records_match_the_schema

Record = dict[str, Any]
Field = tuple[str, str, str]
"""Connector, stream, dotted path."""

ACCEPTED: Mapping[Field, str] = {
    ("outreach", "mailings", "errorreason"): "errorReason in another spelling: warehouses fold the case of columns",
}
"""Recorded fields that stay undeclared, and why."""

OTHER_STREAMS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "closeio": {
        "lead_custom_fields": ("custom_fields",),
        "event_log": ("events",),
        "connected_accounts": tuple(f"{kind}_connected_accounts" for kind in ("google", "custom_email", "zoom")),
    },
    "kustomer": {"kobjects": ("kobject_order",)},
}
"""Where the records of a recorded stream come too."""


def _columns_of_outreach(stream: str, record: Record) -> set[str]:
    (resource,) = (each for each in resources().values() if each.stream == stream)
    return set(flat_outreach(record, resource))


COLUMNS: Mapping[str, Callable[[str, Record], set[str]]] = {
    "closeio": lambda stream, record: set(record),
    "persistiq": lambda stream, record: set(record),
    "kustomer": lambda stream, record: set(flat_kustomer(record)),
    "outreach": _columns_of_outreach,
}
"""The columns that a recorded record must have."""


@dataclass
class Findings:
    """What was found in one read. `undeclared` maps fields to the reason for which they stay so, if there is one."""

    connector: str
    streams: int = 0
    records: int = 0
    contradictions: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    undeclared: dict[str, str] = field(default_factory=dict)
    stale: list[str] = field(default_factory=list)

    @property
    def problems(self) -> list[str]:
        """Everything that must not be."""
        unexplained = [f"undeclared: {name}" for name, reason in self.undeclared.items() if not reason]
        return [*self.contradictions, *self.missing, *unexplained, *self.stale]


def findings(connector: str, read: Read) -> Findings:
    """What the records of all streams that have recorded ones show."""
    found = Findings(connector)
    schemas = {entry["stream"]["name"]: entry["stream"]["json_schema"] for entry in read.catalog["streams"]}
    streams = {stream: records for stream, records in recorded(connector).items() if stream in schemas}
    found.streams = len(streams)
    found.contradictions = records_match_the_schema(read)
    seen: set[Field] = set()
    for stream, records in streams.items():
        emitted = read.result.records.get(stream, [])
        found.records += len(emitted)
        found.missing += missing_columns(connector, stream, records, emitted)
        for name in (stream, *OTHER_STREAMS.get(connector, {}).get(stream, ())):
            paths = {path for record in read.result.records.get(name, []) for path in undeclared(record, schemas[name])}
            seen |= {(connector, name, path) for path in paths}
    found.undeclared = {f"{entry[1]}.{entry[2]}": ACCEPTED.get(entry, "") for entry in sorted(seen)}
    stale = sorted(entry for entry in ACCEPTED if entry[0] == connector and entry not in seen)
    found.stale = [f"accepted as undeclared, but not seen so: {entry[1]}.{entry[2]}" for entry in stale]
    return found


def missing_columns(connector: str, stream: str, records: list[Record], emitted: list[Record]) -> list[str]:
    """Problems unless for each recorded record one came that has all its fields."""
    forms = {frozenset(record) for record in emitted}
    problems: dict[str, None] = {}
    for record in records:
        columns = COLUMNS[connector](stream, record)
        lacking = min((columns - form for form in forms), key=len, default=columns)
        problems |= dict.fromkeys(f"{stream}.{name}: recorded, but missing" for name in sorted(lacking))
    return list(problems)


def undeclared(value: Any, schema: Any, path: str = "") -> Iterator[str]:
    """The paths of fields without declaration, wherever their parent is declared in detail."""
    if isinstance(value, list) and isinstance(schema.get("items"), dict):
        for each in value:
            yield from undeclared(each, schema["items"], f"{path}[]")
    properties = schema.get("properties")
    if isinstance(value, dict) and properties:
        for name, part in value.items():
            below = f"{path}.{name}" if path else name
            if name in properties:
                yield from undeclared(part, properties[name], below)
            else:
                yield below
