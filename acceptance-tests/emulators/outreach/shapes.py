"""What records look like: as the API gives them (JSON:API), and flat, as a connector emits them."""

from __future__ import annotations

from typing import Any

from emulators.outreach.resources import SECRETS, UUID_KEYS, Attribute, Relationship, Resource
from emulators.templates import Shape

SLOTS = ("n", "t", "c", "u", "r", "k1", "k2", "k3")
"""Id as JSON and as text, creation, update, revision, and numbers of other records."""
VARIANTS = 4
PLAUSIBLE: dict[tuple[str, str], tuple[Any, ...]] = {
    ("mailings", "deliveredAt"): ("@@c@@", "@@c@@", None, "@@c@@"),
    ("mailings", "repliedAt"): (None, "@#u@#", None, "@#u@#"),
    ("opportunities", "amount"): (12_000, None, 7_500, 30_000),
    ("opportunities", "currencyType"): ("EUR", "EUR", None, "EUR"),
    ("opportunities", "probability"): (10, 40, None, 100),
    ("opportunityStages", "name"): ("Discovery", "Proposal", "Negotiation", "Closed"),
    ("sequences", "name"): ("Inbound @@t@@", "Outbound @@t@@", None, "Renewals @@t@@"),
    ("users", "name"): ("Ada Wilkes @@t@@", "Grace Liskov @@t@@", None, "Alan Perlis @@t@@"),
}
"""Values by variant of what is summed up or compared in a warehouse, where a made one would make no sense."""
CUSTOM_TEXT = "Value, north"
ORGANISATION = "7c9e6679-7425-40de-944b-e07fc1f90ae7"


def id_text(resource: Resource, number: int) -> str:
    """The id of a record as JSON text."""
    if resource.plural == "orgSettings":
        return f'"{ORGANISATION}"'
    if resource.plural in UUID_KEYS:
        return f'"{number * 2654435761 % 2**32:08x}-1111-4222-8333-{number:012x}"'
    return str(number + 1)


def shapes_of(resource: Resource) -> list[Shape]:
    """The variants that the records of a resource cycle through."""
    return [_shape(resource, variant) for variant in range(VARIANTS)]


def flat(shape: Shape, resource: Resource) -> Shape:
    """Attributes at the top; relationships as ids, `Ref` in the name where an attribute has it; secrets as null."""
    record = {"id": shape["id"], "type": shape["type"]}
    for name, value in shape["attributes"].items():
        is_secret = name in SECRETS.get(resource.plural, ()) or name == "cleanupToken"
        record[f"{name}Attribute" if name in ("id", "type") else name] = None if is_secret else value
    # Live records have attributes that no schema lists.
    names = {attribute.name for attribute in resource.attributes} | shape["attributes"].keys()
    for relationship in resource.relationships:
        given = shape.get("relationships", {}).get(relationship.name, {})
        if "data" not in given:
            continue
        data = given["data"]
        if relationship.how == "many" or isinstance(data, list):
            columns = {"Ids": None if data is None else [each["id"] for each in data]}
        else:
            columns = {"Id": None if data is None else data["id"]}
            if len(relationship.types) > 1 or relationship.how == "unknown one":
                columns["Type"] = None if data is None else data["type"]
        stem = relationship.name
        if any(stem + suffix in names for suffix in columns):
            stem += "Ref"
        record |= {stem + suffix: value for suffix, value in columns.items()}
    return record


def _shape(resource: Resource, variant: int) -> Shape:
    links = {"self": f"https://api.outreach.io/api/v2/{resource.plural}/@@t@@"}
    if resource.plural in UUID_KEYS:
        links = {"self": f"https://api.outreach.io/api/v2/{resource.plural}"}
    return {
        "type": resource.type,
        "id": "@#n@#",
        "attributes": {
            each.name: _value(each, place, variant, resource) for place, each in enumerate(resource.attributes)
        },
        "relationships": {
            each.name: _relationship(each, place, variant) for place, each in enumerate(resource.relationships)
        },
        "links": links,
    }


def _value(attribute: Attribute, place: int, variant: int, resource: Resource) -> Any:
    name, kind = attribute.name, attribute.kind
    if name in ("createdAt", "timestamp", "eventAt"):
        return "@@c@@"
    if name == "updatedAt":
        return "@#u@#"
    if name == "orgId":
        return ORGANISATION
    if name == "duties":
        return [{"name": "ADMIN", "duty_type": "Duty", "id": 6}]
    if (resource.plural, name) in PLAUSIBLE:
        return PLAUSIBLE[resource.plural, name][variant]
    if (place + variant) % 4 == 0 and not name.startswith("custom"):
        return None
    if name.startswith("custom") and kind == "s":
        return f"{CUSTOM_TEXT} {place}" if (place + variant) % 8 else None
    if kind == "d":
        return f"2025-0{1 + variant}-1{place % 10}T08:15:0{place % 10}.000Z"
    return _plain(name, kind, place, variant)


def _plain(name: str, kind: str, place: int, variant: int) -> Any:
    match kind:
        case "s":
            return f"{name} @@t@@ r@@r@@ é" if place < 3 else f"{name} {variant} \u2018text\u2019"
        case "E":
            return f"{name}.@@t@@@example.com"
        case "i":
            return "@#k1@#" if name.endswith("Id") else place * 7 + variant
        case "f":
            return place + variant / 4
        case "b":
            return (place + variant) % 3 == 0
        case "D":
            day = f"2025-0{1 + variant}-1{place % 10}"
            return day if (place + variant) % 2 else f"{day}T21:00:00.000Z"
        case "a":
            return ["one", f"tag {variant}"][:variant]
        case "e":
            return ["person.@@t@@@example.com", f"second{variant}@example.org"][: 1 + variant % 2]
        case "O":
            return [{"name": name, "value": {"deep": [1, variant, None]}}]
        case "o":
            return {"name": name, "list": [variant]}
        case "H":
            return [[month, variant] for month in range(12)]
    raise ValueError(f"unknown kind {kind} of {name}")


def _relationship(relationship: Relationship, place: int, variant: int) -> dict[str, Any]:
    related = {"related": f"https://api.outreach.io/api/v2/related/{relationship.name}?filter%5Bid%5D=@@t@@"}
    kind = relationship.types[variant % len(relationship.types)]
    key = f"@#k{1 + place % 3}@#"
    one = {"type": kind, "id": key}
    case = (place + variant) % 5
    match relationship.how:
        case "links":
            return {"links": related, "meta": {"count": 3}}
        case "unknown":
            forms: list[dict[str, Any]] = [{"data": [one]}, {"links": related}, {}, {"data": []}]
            return forms[variant]
        case "many":
            data = [one, {"type": kind, "id": "@#k3@#"}][: case % 3]
            return {"data": data, "links": related, "meta": {"count": len(data)}}
    if case == 0:
        return {"data": None}
    if case == 1 and place > 1:
        return [{"links": related}, {}][variant % 2]
    return {"data": one, "links": related} if case == 2 else {"data": one}
