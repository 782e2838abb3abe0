"""What the account adds to the API: custom objects, labels of custom fields, the id of the organisation.

Reference: developers.outreach.io/api/custom-objects (the schema endpoint), /api/reference (the endpoint `types`).
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from source_kit.answers import body
from source_kit.client import HttpClient, Request
from source_kit.rules import Rejected, Unavailable
from source_outreach import gateway
from source_outreach.collections import Collection, snake
from source_outreach.config import BUCKET

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
        self._lock = threading.Lock()

    def custom_objects(self) -> list[Collection]:
        """The custom objects of the account; none where the schema is refused."""
        with self._lock:
            return self._custom_objects

    def labels(self) -> Mapping[str, Mapping[str, str]]:
        """Labels of custom fields by resource type; empty where they are refused."""
        with self._lock:
            return self._labels

    def organisation_ids(self) -> list[str]:
        """The id of the organisation, as the API's root or the audit log tells it; empty where neither does."""
        with self._lock:
            return self._organisation_ids

    @cached_property
    def _custom_objects(self) -> list[Collection]:
        definitions = self._ask(SCHEMA_PATH, "the schema with the custom objects").get("definitions")
        entries = definitions.items() if isinstance(definitions, Mapping) else ()
        found = [custom_object(name, entry) for name, entry in entries if isinstance(entry, Mapping)]
        return sorted((each for each in found if each is not None), key=lambda each: each.stream)

    @cached_property
    def _labels(self) -> Mapping[str, Mapping[str, str]]:
        entries = self._ask(TYPES_PATH, "the definitions of the custom fields").get("data") or []
        return {entry["type"]: labels_of(entry) for entry in entries if isinstance(entry, Mapping) and "type" in entry}

    @cached_property
    def _organisation_ids(self) -> list[str]:
        for path, params, key in (
            (urlsplit(self._client.base_url).path.rstrip("/"), {}, re.compile(r"org.*(id|guid)$", re.IGNORECASE)),
            ("auditLogs", {"page[size]": 1, "count": "false"}, re.compile(r"^orgId$")),
        ):
            answer = self._ask(path, "the id of the organisation", params)
            found = list(dict.fromkeys(_values(answer, key)))
            if found:
                return found[:1]
        return []

    def _ask(self, path: str, what: str, params: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        try:
            answer = body(gateway.send(self._client, Request(path, BUCKET, params=params, what=what)))
        except (Rejected, Unavailable) as refused:
            self._client.log("WARN", f"Outreach did not give {what}: {refused.internal_message}.")
            return {}
        return answer if isinstance(answer, Mapping) else {}


def custom_object(name: str, definition: Mapping[str, Any]) -> Collection | None:
    """A custom object from its part of the schema; None for everything else.

    Only an example of that part is documented, so a schema of a slightly other form is understood too.
    """
    addresses = [link.get("href") for link in _objects(definition.get("links"))]
    # Where no link names it, its own address may.
    addresses += [definition.get(key) for key in ("$id", "id", "href")]
    paths = [found[1] for address in addresses if (found := _CUSTOM_OBJECT.search(str(address)))]
    if not paths:
        return None
    attributes: dict[str, str] = {}
    one: dict[str, tuple[str, ...]] = {}
    many: dict[str, tuple[str, ...]] = {}
    listed = definition.get("definitions") or definition.get("properties")
    given = listed if isinstance(listed, Mapping) else {}
    members = {member: details for member, details in given.items() if isinstance(details, Mapping)}
    for member, details in members.items():
        if "data" in details or "links" in details:
            (many if _type(details) == "array" else one)[member] = _targets(details)
        else:
            attributes[member] = _kind(details)
    is_cursor = members.get("updatedAt", {})
    return Collection(
        plural=paths[0],
        type=name,
        cursor="updatedAt" if is_cursor.get("filterable") and is_cursor.get("sortable") else None,
        attributes=attributes,
        one=one,
        many=many,
        path=f"customObjects/{paths[0]}",
        stream=f"custom_object_{snake(paths[0])}",
    )


def labels_of(entry: Mapping[str, Any]) -> dict[str, str]:
    """`{"custom1": "Region (inclusion)"}` from one entry of `types`."""
    validations = (entry.get("meta") or {}).get("validations") or {}
    return {
        name: f"{details['label']} ({details.get('type', 'string')})"
        for name, details in validations.items()
        if isinstance(details, Mapping) and details.get("label")
    }


def _objects(content: Any) -> list[Mapping[str, Any]]:
    """The objects of a list, whatever else is in it or in its place."""
    return [each for each in content if isinstance(each, Mapping)] if isinstance(content, list) else []


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
    holders = _objects([details, *_objects(details.get("anyOf")), details.get("items")])
    names = [str(holder["$ref"]).rsplit("/", 1)[-1] for holder in holders if "$ref" in holder]
    return tuple(names) or ("resource",)


def _values(content: Any, key: re.Pattern[str]) -> list[str]:
    """Every UUID under a key of that form, at any depth."""
    if isinstance(content, Mapping):
        own = [value for name, value in content.items() if key.search(name) and _UUID.fullmatch(str(value))]
        return own + [found for value in content.values() for found in _values(value, key)]
    return [found for value in content for found in _values(value, key)] if isinstance(content, list) else []
