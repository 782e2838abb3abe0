"""What the account adds to the API: custom objects, labels of custom fields, the id of the organisation.

Reference: developers.outreach.io/api/custom-objects (the schema endpoint), /api/reference (the endpoint `types`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from source_kit import turn
from source_kit.answers import body
from source_kit.client import HttpClient, Request
from source_kit.rows import mapping, objects
from source_kit.rules import Rejected, Unavailable
from source_outreach.collections import BUCKET, CUSTOM_OBJECT, RESERVED, Collection, snake
from source_outreach.endpoints import ONE_ROW
from source_outreach.errors import missing_scope

SCHEMA_PATH = "schema.json"
TYPES_PATH = "types"
_CUSTOM_OBJECT = re.compile(r"(?:^|/)customObjects/([^/{?]+)")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
# Airbyte knows no other formats; others are texts.
_FORMATS = {"date-time": "date-time", "date": "date"}
_TYPES = {"boolean": "boolean", "integer": "integer", "number": "number", "array": "texts", "object": "object"}


class Account:
    """Asks for each of them at most once, when it is first needed."""

    def __init__(self, client: HttpClient) -> None:
        self._client = client
        self._lock = turn.Lock()

    def custom_objects(self) -> list[Collection]:
        """The custom objects of the account; none where the schema is refused."""
        with self._lock:
            return self._custom_objects

    def is_schema_missing(self) -> bool:
        """Whether nothing tells which custom objects there are."""
        with self._lock:
            return self._schema is None

    def attributes(self) -> Mapping[str, Mapping[str, str]]:
        """Kinds of attributes by resource type, as the account's schema lists them; empty where it is refused."""
        with self._lock:
            return self._attributes

    def labels(self) -> Mapping[str, Mapping[str, str]]:
        """Labels of custom fields by resource type; empty where they are refused."""
        with self._lock:
            return self._labels

    def organisation_ids(self) -> list[str]:
        """The id of the organisation, as the API's root or the audit log tells it; empty where neither does."""
        with self._lock:
            return self._organisation_ids

    @cached_property
    def _schema(self) -> Any:
        return self._ask(SCHEMA_PATH, "the schema with the custom objects", holds="definitions")

    @property
    def _definitions(self) -> Mapping[str, Any]:
        return mapping(self._schema)

    @cached_property
    def _attributes(self) -> Mapping[str, Mapping[str, str]]:
        return {
            name: {member: kind for member, kind in members_of(entry)[0].items() if member not in RESERVED}
            for name, entry in self._definitions.items()
            if isinstance(entry, Mapping)
        }

    @cached_property
    def _custom_objects(self) -> list[Collection]:
        found = [custom_object(name, entry) for name, entry in self._definitions.items()]
        # One object may be described twice; where its definition has its name, that one counts.
        found.sort(key=lambda each: each is not None and each.type != each.plural)
        by_stream = {each.stream: each for each in reversed(found) if each is not None}
        return [by_stream[stream] for stream in sorted(by_stream)]

    @cached_property
    def _labels(self) -> Mapping[str, Mapping[str, str]]:
        entries = objects(self._ask(TYPES_PATH, "the definitions of the custom fields", holds="data"))
        return {entry["type"]: labels_of(entry) for entry in entries if isinstance(entry.get("type"), str)}

    @cached_property
    def _organisation_ids(self) -> list[str]:
        for path, params, key in (
            (urlsplit(self._client.base_url).path.rstrip("/"), {}, re.compile(r"org.*(id|guid)$", re.IGNORECASE)),
            ("auditLogs", ONE_ROW, re.compile(r"^orgId$")),
        ):
            answer = self._ask(path, "the id of the organisation", params)
            found = list(dict.fromkeys(_values(answer, key)))
            if found:
                return found[:1]
        return []

    def _ask(self, path: str, what: str, params: Mapping[str, Any] | None = None, *, holds: str = "") -> Any:
        """The answer, or its member `holds`; None, with the reason in the log, where two answers have none."""
        reason = ""
        for _ in range(2):
            try:
                answer = body(self._client.send(Request(path, BUCKET, params=params, what=what)))
            except (Rejected, Unavailable) as refused:
                reason = str(refused.internal_message)
                if isinstance(refused, Rejected) and missing_scope(refused):
                    break
                continue
            found = mapping(answer).get(holds) if holds else answer
            if not holds or isinstance(found, Mapping | list):
                return found
            reason = f"its answer to {path} has no {holds}"
        self._client.log("WARN", f"Outreach did not give {what}: {reason}.")
        return None


def custom_object(name: str, definition: Any) -> Collection | None:
    """A custom object from its part of the schema; None for everything else.

    Only an example of that part is documented, so a schema of a slightly other form is understood too.
    """
    if not isinstance(definition, Mapping):
        return None
    addresses = [link.get("href") for link in objects(definition.get("links"))]
    # Where no link names it, its own address may.
    addresses += [definition.get(key) for key in ("$id", "id", "href")]
    paths = [found[1] for address in addresses if (found := _CUSTOM_OBJECT.search(str(address)))]
    if not paths:
        return None
    attributes, one, many = members_of(definition)
    is_cursor = mapping(_members(definition).get("updatedAt"))
    internal = unquote(paths[0])
    return Collection(
        plural=internal,
        type=name,
        cursor="updatedAt" if is_cursor.get("filterable") and is_cursor.get("sortable") else None,
        attributes=attributes,
        one=one,
        many=many,
        path=f"customObjects/{quote(internal, safe='', errors='replace')}",
        stream=stream_name(internal),
    )


Targets = dict[str, tuple[str, ...]]


def members_of(definition: Mapping[str, Any]) -> tuple[dict[str, str], Targets, Targets]:
    """Kinds of attributes, and the types that to-one and to-many relationships lead to."""
    attributes: dict[str, str] = {}
    one: Targets = {}
    many: Targets = {}
    for member, details in _members(definition).items():
        if not isinstance(details, Mapping):
            continue
        if "data" in details or "links" in details:
            (many if _type(details) == "array" else one)[member] = _targets(details)
        else:
            attributes[member] = _kind(details)
    return attributes, one, many


def _members(definition: Mapping[str, Any]) -> Mapping[str, Any]:
    return mapping(definition.get("definitions") or definition.get("properties"))


def stream_name(internal: str) -> str:
    """The stream of a custom object: lower-case letters, digits and underscores, by its internal name alone, so that it
    stays when another object appears.

    `myObject` is `custom_object_my_object`, `renewal_2026` is `custom_object_renewal_2026`. Whatever else reads like
    one of these (`my_object`, `My-Object`) has six digits of its own behind two underscores.
    """
    readable = re.sub("[^a-z0-9]+", "_", snake(internal)).strip("_")
    first, *others = readable.split("_")
    in_camel_case = first + "".join(word[:1].upper() + word[1:] for word in others)
    if internal == in_camel_case or (internal == readable != snake(in_camel_case)):
        return CUSTOM_OBJECT + readable
    digest = int(hashlib.sha256(internal.encode("utf-8", "replace")).hexdigest(), 16) % 1_000_000
    return f"{CUSTOM_OBJECT}{readable}__{digest:06}"


def labels_of(entry: Mapping[str, Any]) -> dict[str, str]:
    """`{"custom1": "Region (inclusion)"}` from one entry of `types`."""
    validations = mapping(mapping(entry.get("meta")).get("validations"))
    return {
        name: f"{details['label']} ({details.get('type', 'string')})"
        for name, details in validations.items()
        if isinstance(details, Mapping) and details.get("label")
    }


def _type(details: Mapping[str, Any]) -> str:
    """The JSON type; of a list, as in `["null", "integer"]`, the first that is not null."""
    given = details.get("type")
    return next((str(each) for each in given if each != "null"), "") if isinstance(given, list) else str(given)


def _kind(details: Mapping[str, Any]) -> str:
    kind = _type(details)
    if kind == "string":
        return _FORMATS.get(str(details.get("format")), "text")
    if kind == "number" and details.get("format") == "integer":
        return "integer"
    return _TYPES.get(kind, "text")


def _targets(details: Mapping[str, Any]) -> tuple[str, ...]:
    holders = objects([details, *objects(details.get("anyOf")), details.get("items")])
    names = [str(holder["$ref"]).rsplit("/", 1)[-1] for holder in holders if "$ref" in holder]
    return tuple(names) or ("resource",)


def _values(content: Any, key: re.Pattern[str], depth: int = 20) -> list[str]:
    """Every UUID under a key of that form, so many levels deep."""
    if not depth:
        return []
    if isinstance(content, Mapping):
        own = [value for name, value in content.items() if key.search(name) and _UUID.fullmatch(str(value))]
        return own + [found for value in content.values() for found in _values(value, key, depth - 1)]
    inner = content if isinstance(content, list) else []
    return [found for value in inner for found in _values(value, key, depth - 1)]
