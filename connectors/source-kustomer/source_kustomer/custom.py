"""Custom attributes of an account: their types, from `metadata/{resource}` and from the suffix of their names.

developer.kustomer.com/docs/concepts/custom-attributes: the suffix of the name is the type, in the plural for several
values.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from source_kit import schemas
from source_kit.answers import body
from source_kit.client import HttpClient, Request
from source_kit.rules import Rejected, Unavailable
from source_kit.schemas import Schema
from source_kustomer.budget import ORGANISATION

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
    """Definitions by name, and how many were no objects."""
    found: dict[str, Mapping[str, Any]] = {}
    others = 0
    for each in objects(content):
        for name, details in _object(_object(each.get("attributes")).get("properties")).items():
            if isinstance(details, Mapping):
                found[name] = details
            else:
                others += 1
    return found, others


def is_readable(content: Any) -> bool:
    """Whether definitions stand where they belong, or nothing does."""
    held = [_object(each.get("attributes", {})).get("properties") for each in objects(content)]
    return all(listed is None or isinstance(listed, Mapping) for listed in held)


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def path_of(resource: str) -> str:
    """`metadata/kobject.order`; klasses may be called anything."""
    return f"metadata/{quote(resource, safe='', errors='replace')}"


def definitions(client: HttpClient, resource: str) -> Mapping[str, Mapping[str, Any]]:
    """The definitions for one resource; none, with a warning, where the key may not read them."""
    request = Request(path_of(resource), ORGANISATION, what=f"the custom attributes of {resource}")
    try:
        return definitions_in(body(client.send(request)))[0]
    except (Unavailable, Rejected) as refusal:
        # A klass without custom attributes is not found.
        if not (isinstance(refusal, Unavailable) and refusal.status == 404):
            client.log("WARN", f"Custom attributes of {resource} have no types in the catalog: {refusal.message}")
        return {}


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
