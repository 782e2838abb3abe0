"""The resources of the API as data (`collections.yaml`), and what follows from them: column names and JSON schemas.

Reference: developers.outreach.io/api/reference. Custom objects come in the same form, made from the account's schema.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib import resources
from typing import Any

import yaml

from source_kit.schemas import BOOLEAN, DATE_TIME, NUMBER, TEXT, Schema, list_of

OBJECT: Schema = {"type": ["null", "object"], "additionalProperties": True}
INTEGER: Schema = {"type": ["null", "integer"]}
KINDS: Mapping[str, Schema] = {
    "text": TEXT,
    "integer": INTEGER,
    "number": NUMBER,
    "boolean": BOOLEAN,
    "date-time": DATE_TIME,
    # Documented as dates; live ones are date-times (a birthday: 1990-12-30T21:00:00.000Z).
    "date": {**TEXT, "description": "A date or a date-time."},
    "texts": list_of(TEXT),
    "objects": list_of(OBJECT),
    "object": OBJECT,
    "pairs": list_of(list_of(INTEGER)),
    # What nobody has described: several types make a JSON column of it in warehouses.
    "any": {"type": ["null", "array", "boolean", "number", "object", "string"]},
}
# Links to records of a CRM, which stand in `meta`. What an entry looks like is published nowhere.
CONNECTIONS = "dataConnections"
CONNECTIONS_COLUMN: Schema = {
    "type": ["null", "array"],
    "description": "Links to records of the CRM; an empty list where there is none, null where it was not asked for.",
}
# Rate-limit groups: one budget for all requests of a user; recordings have a lower one of their own beside it.
BUCKET = "api"
KAIA_BUCKET = "kaia"
# No attribute of a record may hide these; an attribute of the same name (custom objects) gets `Attribute` behind it.
RESERVED = ("id", "type")


@dataclass(frozen=True)
class Columns:
    """Where the ids of one relationship go: `<name>Id` for one, `<name>Ids` for many, `<name>Type` for the type."""

    one: str
    many: str
    kind: str


@dataclass(frozen=True)
class Collection:
    """One resource. `attributes` maps names to kinds (see KINDS), `one` and `many` relationships to resource types;
    `beside` names to-one relationships of which a record may have an attribute with the name of the column. `hidden`
    attributes come only where a request names them; `is_connected`: records may carry links to a CRM; `has_app_scope`:
    an app that signs in without a user may read it; `is_reference`: it is small and hardly changes; `is_listed`: there
    is a list of all that exists; `bucket`: its rate-limit group."""

    plural: str
    type: str
    cursor: str | None = None
    key: str = "integer"
    attributes: Mapping[str, str] = field(default_factory=dict)
    one: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    many: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    beside: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    is_connected: bool = False
    has_app_scope: bool = False
    is_reference: bool = False
    is_listed: bool = True
    bucket: str = BUCKET
    path: str = ""
    stream: str = ""

    @cached_property
    def polymorphic(self) -> frozenset[str]:
        """To-one relationships whose type varies, or is in no schema."""
        return frozenset(name for name, types in self.one.items() if len(types) > 1 or name in self.many)

    def columns(self, relationship: str) -> Columns:
        """The columns of a relationship; `Ref` in between where an attribute has the name already."""
        columns = Columns(f"{relationship}Id", f"{relationship}Ids", f"{relationship}Type")
        declared = {columns.one: self.one, columns.many: self.many, columns.kind: self.polymorphic}
        used = {column for column, names in declared.items() if relationship in names} or declared.keys()
        return self.columns_beside_attributes(relationship) if used & self.attributes.keys() else columns

    @staticmethod
    def columns_beside_attributes(relationship: str) -> Columns:
        """Where an attribute has the name already."""
        return Columns(f"{relationship}RefId", f"{relationship}RefIds", f"{relationship}RefType")

    def schema(self, labels: Mapping[str, str] | None = None) -> Schema:
        """The JSON schema of the stream's records; `labels` describe custom fields."""
        properties: dict[str, Schema] = {
            "id": {"type": "integer" if self.key == "integer" else "string"},
            "type": TEXT,
        }
        for name, kind in self.attributes.items():
            label = (labels or {}).get(name)
            properties[attribute_column(name)] = {**KINDS[kind], **({"description": label} if label else {})}
        if self.is_connected:
            properties[CONNECTIONS] = CONNECTIONS_COLUMN
        for name, types in (self.one | self.many).items():  # type: ignore[operator]  # both are dictionaries
            columns = self.columns(name)
            about = f"of the {' or '.join(types)}"
            if name in self.one:
                properties[columns.one] = {**INTEGER, "description": f"Id {about}."}
            if name in self.beside:
                ref = self.columns_beside_attributes(name).one
                properties[ref] = {**INTEGER, "description": f"Id {about}, where an attribute is called {columns.one}."}
            if name in self.many:
                properties[columns.many] = {**list_of(INTEGER), "description": f"Ids {about}."}
            if name in self.polymorphic:
                properties[columns.kind] = {**TEXT, "description": f"Type {about}."}
        return {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "type": "object",
            "additionalProperties": True,
            "properties": properties,
        }


# What the names of the streams of custom objects begin with.
CUSTOM_OBJECT = "custom_object_"


def is_stream(name: str) -> bool:
    """Whether there is a stream of that name, or may be one for a custom object."""
    return name in table() or name.startswith(CUSTOM_OBJECT)


def is_name(text: str) -> bool:
    """Whether an attribute may be called so."""
    return re.fullmatch("[A-Za-z][A-Za-z0-9_-]{0,99}", text) is not None


def attribute_column(name: str) -> str:
    """The column of an attribute: its name, unless the record itself uses that name."""
    return f"{name}Attribute" if name in RESERVED else name


def snake(name: str) -> str:
    """`callDispositions` as `call_dispositions`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


@cache
def table() -> Mapping[str, Collection]:
    """Every resource by stream name, in the order in which the streams start."""
    text = resources.files(__package__).joinpath("collections.yaml").read_bytes()
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    entries: Mapping[str, Mapping[str, Any]] = yaml.load(text, Loader=loader)
    return {snake(plural): _collection(plural, entry) for plural, entry in entries.items()}


def _collection(plural: str, entry: Mapping[str, Any]) -> Collection:
    attributes = {name: kind for kind in KINDS for name in entry.get(kind, "").split()}
    attributes |= {f"custom{number}": "text" for number in range(1, entry.get("custom", 0) + 1)}
    return Collection(
        plural=plural,
        type=entry["type"],
        cursor=entry.get("cursor"),
        key=entry.get("key", "integer"),
        attributes=attributes,
        one=dict(_relationships(entry.get("one", ""))),
        many=dict(_relationships(entry.get("many", ""))),
        beside=tuple(entry.get("beside", "").split()),
        links=tuple(entry.get("links", "").split()),
        secrets=tuple(entry.get("secrets", "").split()),
        hidden=tuple(entry.get("hidden", "").split()),
        is_connected=entry.get("connected", False),
        has_app_scope=entry.get("app", False),
        is_reference=entry.get("reference", False),
        is_listed=entry.get("listed", True),
        bucket=entry.get("bucket", BUCKET),
        path=plural,
        stream=snake(plural),
    )


def _relationships(text: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    for word in text.split():
        name, _, types = word.partition(">")
        yield name, tuple((types or name).split("/"))


def parents(collection: Collection) -> tuple[str, ...]:
    """Streams that start first: those whose records this one refers to, as far as the table has them before it."""
    names = list(table())
    before = names[: names.index(collection.stream)] if collection.stream in names else names
    wanted = {kind for types in (*collection.one.values(), *collection.many.values()) for kind in types}
    return tuple(name for name in before if table()[name].type in wanted)
