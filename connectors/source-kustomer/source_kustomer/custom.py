"""Custom attributes of an account: their types, from `metadata/{resource}` and from the suffix of their names.

developer.kustomer.com/docs/concepts/custom-attributes: the suffix of the name is the type, in the plural for several
values.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from source_kit import schemas
from source_kit.schemas import Schema
from source_kustomer.envelope import section

TYPES: Mapping[str, Schema] = {
    "Str": schemas.TEXT,
    "Txt": schemas.TEXT,
    "Url": schemas.TEXT,
    "Id": schemas.TEXT,
    "Tree": schemas.TEXT,
    "Num": schemas.NUMBER,
    "Bool": schemas.BOOLEAN,
    "At": schemas.DATE_TIME,
}
FREE: Schema = {"type": ["null", "object"], "additionalProperties": True}


def objects(content: Any) -> Iterator[Mapping[str, Any]]:
    """The objects of an answer whose `data` is one object or a list of them."""
    data = content.get("data") if isinstance(content, Mapping) else None
    for each in data if isinstance(data, list) else [data]:
        if isinstance(each, Mapping):
            yield each


def definitions_in(content: Any) -> tuple[dict[str, Mapping[str, Any]], int]:
    """Definitions by name, and in how many places stood something else than one or all of them."""
    found: dict[str, Mapping[str, Any]] = {}
    others = 0
    for each in objects(content):
        others += not isinstance(each.get("attributes"), Mapping | None)
        for name, details in section(section(each, "attributes"), "properties").items():
            if isinstance(details, Mapping):
                found[name] = details
            else:
                others += 1
    return found, others


def is_readable(content: Any) -> bool:
    """Whether definitions stand where they belong, or nothing does."""
    held = [section(each, "attributes").get("properties") for each in objects(content)]
    return all(listed is None or isinstance(listed, Mapping) for listed in held)


def is_strange(content: Any) -> bool:
    """Whether something else stands in the place of attributes: then definitions may have been there."""
    held = [each.get("attributes") for each in objects(content)]
    return not all(attributes is None or isinstance(attributes, Mapping) for attributes in held)


def schema_of(found: Mapping[str, Mapping[str, Any]]) -> Schema:
    """The schema of `custom`: open, with a type for every name whose suffix is known."""
    typed = {name: schema for name, details in found.items() if (schema := type_of(name, details)) is not None}
    return {**FREE, "properties": typed} if typed else dict(FREE)


def type_of(name: str, details: Mapping[str, Any]) -> Schema | None:
    """The type that a name's suffix tells: `orderNumberStr` is text, `labelsStrs` a list of texts.

    The definition widens it: a sensitive value may come as a masked text, one of several values as a list.
    """
    is_sensitive = bool(details.get("hasSensitiveAttributes"))
    for suffix, told in TYPES.items():
        schema = _or(told, "string") if is_sensitive else dict(told)
        if name.endswith(f"{suffix}s"):
            listed = schemas.list_of(schema)
            return _or(listed, "string") | {"items": schema} if is_sensitive else listed
        if name.endswith(suffix):
            several = details.get("array") or details.get("multi")
            return _or(schema, "array") | {"items": schema} if several else schema
    return None


def _or(schema: Mapping[str, Any], kind: str) -> Schema:
    """The types of the schema and another one; no format, which would hold for some of the values only."""
    return {"type": list(dict.fromkeys([*schema["type"], kind]))}
