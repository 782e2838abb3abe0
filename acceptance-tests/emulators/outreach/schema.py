"""What the API says of itself: the hyper-schema, and the labels of custom fields."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from emulators.messages import Response, json_response
from emulators.outreach.account import Account
from emulators.outreach.resources import UNLISTED, Resource

LABELS = {"account": {"custom1": ("inclusion", "Region")}, "prospect": {"custom2": ("date", "Renewal")}}
TYPES = {
    "data": [
        {
            "type": kind,
            "meta": {
                "validations": {
                    name: {"type": form, "required": False, "label": label, "definition": None}
                    for name, (form, label) in fields.items()
                }
            },
        }
        for kind, fields in LABELS.items()
    ]
}
"""The answer of `GET /types`."""


def schema(account: Account) -> Response:
    """The hyper-schema: some standard resources, and the custom objects of the organisation."""
    tables = account.tables
    shown = [(tables[name].resource, f"/api/v2/{tables[name].resource.plural}") for name in ("accounts", "stages")]
    shown += [(resource, f"/api/v2/customObjects/{quote(resource.plural)}") for resource in account.custom]
    definitions = {resource.type: _definition(resource, path) for resource, path in shown}
    return json_response({"$schema": "http://json-schema.org/draft-07/hyper-schema#", "definitions": definitions})


def _definition(resource: Resource, path: str) -> dict[str, Any]:
    kinds = {"f": ("number", "float"), "i": ("number", "integer"), "d": ("string", "date-time"), "b": ("boolean", None)}
    members: dict[str, Any] = {}
    for attribute in resource.attributes:
        if attribute.name in UNLISTED.get(resource.plural, ()):
            continue
        kind, form = kinds.get(attribute.kind, ("string", None))
        members[attribute.name] = {"filterable": attribute.filterable, "sortable": attribute.sortable, "type": kind}
        if form:
            members[attribute.name]["format"] = form
    for relationship in resource.relationships:
        refs = [{"$ref": f"#/definitions/{kind}"} for kind in relationship.types]
        flags = {"data": relationship.how != "links", "links": True}
        members[relationship.name] = flags | (
            {"type": "array", "items": refs[0]} if relationship.how != "one" else {"anyOf": refs}
        )
    links = [
        {"href": f"{path}/{{:id}}", "method": "GET", "rel": "self"},
        {"href": path, "method": "GET", "rel": "instances"},
    ]
    return {"definitions": members, "links": links, "stability": "prototype", "type": "object"}
