"""Records in the connector's form: attributes on top in snake_case, relationships as ids. Pure, and on the hot path.

`custom` and everything else below the top level stays as the API gave it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import islice
from typing import Any

from source_kit.work import Record

_BORDER = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_OTHER = re.compile(r"[^0-9a-z]+")
_ID_LENGTH = 24
_HEXADECIMAL = frozenset("0123456789abcdef")
_BEFORE_ID = frozenset(["/", ""])
# The members of a resource that are no columns, or become columns of their own.
_ENVELOPE = frozenset(["id", "type", "attributes", "relationships", "links", "meta"])


def snake(name: str) -> str:
    """The name in snake_case; hyphens, dots and spaces become underscores."""
    return _OTHER.sub("_", _BORDER.sub("_", name).lower()).strip("_") or name


_RESERVED = {"id": "attribute_id", "type": "attribute_type"}
# What names of attributes and relationships become, worked out once per name. A plain dict is what Python looks things
# up in fastest, of all mappings: a subclass that fills itself takes 0.5 µs a record more.
_columns: dict[str, str] = {}
_id_columns: dict[str, str] = {}


def lift(record: Record) -> Record:
    """A record of the API in the connector's form (10 µs for forty attributes).

    An attribute that is called `id` or `type` becomes `attribute_id` or `attribute_type`; a relationship whose column
    is taken by an attribute gets `_ref` in between. Of two names that become one column, see `_precedence`. What stands
    beside the attributes, though Kustomer's envelope has nothing there, takes a column that is left.
    """
    try:
        result = _lifted(record)
    except KeyError:  # a name that has not come before
        _learn(record)
        result = _lifted(record)
    if not _ENVELOPE.issuperset(record):
        for name in sorted(record.keys() - _ENVELOPE, key=_precedence):
            result[_free(result, snake(name), name)] = record[name]
    return result


def _learn(record: Record) -> None:
    attributes, relationships = record.get("attributes"), record.get("relationships")
    for name in attributes if isinstance(attributes, dict) else ():
        _columns[name] = _RESERVED.get(snake(name), snake(name))
    for name in relationships if isinstance(relationships, dict) else ():
        _id_columns[name] = f"{snake(name)}_id"


def _lifted(record: Record) -> Record:
    """The columns of attributes and relationships."""
    columns = _columns
    attributes, relationships = record.get("attributes"), record.get("relationships")
    result: Record = {"id": record.get("id"), "type": record.get("type")}
    if isinstance(attributes, dict):
        for name, value in attributes.items():
            result[columns[name]] = value
        if len(result) != len(attributes) + 2:
            result = columns_of(attributes, {"id": record.get("id"), "type": record.get("type")})
    elif attributes is not None:
        result["attributes"] = attributes
    if isinstance(relationships, dict):
        size = len(result)
        if not _relate(result, relationships):
            return _related(dict(islice(result.items(), size)), relationships)
    elif relationships is not None:
        result.setdefault("relationships", relationships)
    return result


def columns_of(attributes: Mapping[str, Any], fixed: Mapping[str, Any]) -> Record:
    """Attributes by column beside the `fixed` ones, whatever they are called."""
    result = dict(fixed)
    for name in sorted(attributes, key=_precedence):
        column = snake(name)
        column = f"attribute_{column}" if column in fixed else column
        result[_free(result, column, name)] = attributes[name]
    return result


def _precedence(name: str) -> tuple[bool, bool, str]:
    """Of two names that become one column, the one that is spelt like the column has it, else the one in camelCase, as
    Kustomer spells names (`orderId`, not `orderID`). The other keeps its own spelling."""
    first, *others = snake(name).split("_")
    in_camel_case = first + "".join(word[:1].upper() + word[1:] for word in others)
    return name != snake(name), name != in_camel_case, name


def _free(taken: Mapping[str, Any], *columns: str) -> str:
    """The first of the columns that is not taken; the last one with as many underscores as it needs."""
    column = next((column for column in columns if column not in taken), columns[-1])
    while column in taken:
        column += "_"
    return column


def _relate(result: Record, relationships: Mapping[str, Any]) -> bool:
    """Add the ids of relationships; False, and not all are added, where a column is taken."""
    id_columns = _id_columns
    for name, relationship in relationships.items():
        if not isinstance(relationship, dict):
            if relationship is None:
                continue
            relationship = {"data": relationship}
        column = id_columns[name]
        if "data" in relationship:
            value = relationship["data"]
            if isinstance(value, dict):
                value = value.get("id")
            elif isinstance(value, list):
                column = f"{column}s"
                value = [each.get("id") if isinstance(each, dict) else each for each in value if each is not None]
        else:
            # Attachments name their message in a link only; links to collections end in a word.
            value = _linked(relationship)
            if value is None:
                continue
        if column in result:
            return False
        result[column] = value
    return True


def _related(taken: Record, relationships: Mapping[str, Any]) -> Record:
    """As `_relate`, where columns are taken: by an attribute, or by a relationship with another spelling."""
    result = dict(taken)
    for name in sorted(relationships, key=_precedence):
        found: Record = {}
        _relate(found, {name: relationships[name]})
        for column, value in found.items():
            stem, _, ending = column.rpartition("_")
            column = f"{stem}_ref_{ending}" if column in taken else column
            result[_free(result, column, f"{name}_{ending}")] = value
    return result


def _linked(relationship: Mapping[str, Any]) -> str | None:
    """The id at the end of a relationship's own link, if there is one."""
    links = relationship.get("links") or relationship.get("link")
    path = links.get("self") if isinstance(links, dict) else None
    if not isinstance(path, str) or path[-_ID_LENGTH - 1 : -_ID_LENGTH] not in _BEFORE_ID:
        return None
    last = path[-_ID_LENGTH:]
    return last if len(last) == _ID_LENGTH and _HEXADECIMAL.issuperset(last) else None
