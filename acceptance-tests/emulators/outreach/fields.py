"""Sparse fieldsets, and what comes only when it is asked for: hidden attributes, links to the customer's CRM."""

from __future__ import annotations

from typing import Any

from emulators.outreach.resources import HIDDEN, Resource
from emulators.templates import Shape

NAMELESS = frozenset(["id", "type"])
"""Named in a fieldset although they are no fields: accepted, and in every answer anyway."""
QUIET: dict[str, frozenset[str]] = {
    "users": frozenset(["sendInviteFallback"]),
    "mailings": frozenset(["followUpSequenceStartingDate", "errorreason"]),
    "sequences": frozenset(["interestedCount"]),
    "emailAddresses": frozenset(["bouncedAt"]),
    "prospects": frozenset(["callsOptedOutAt", "emailsOptedOutAt", "smsOptedOutAt", "updaterType"]),
}
"""Attributes of live records that no made record has: a fieldset may name them."""


def names_of(resource: Resource, shapes: list[Shape]) -> frozenset[str]:
    """Every name that a fieldset of this resource may have."""
    names = {each.name for each in resource.attributes} | {each.name for each in resource.relationships}
    for shape in shapes:
        names |= shape["attributes"].keys() | shape.get("relationships", {}).keys()
    return frozenset(names) | QUIET.get(resource.plural, frozenset())


def cut(shape: Shape, resource: Resource, wanted: frozenset[str] | None, *, connections: bool) -> Shape:
    """A record as it is answered: the fields `wanted`, or with None all but the hidden ones.

    A record that is left without relationships has no such member.
    """
    hidden = HIDDEN.get(resource.plural, frozenset())

    def kept(members: dict[str, Any]) -> dict[str, Any]:
        if wanted is None:
            return {name: value for name, value in members.items() if name not in hidden}
        return {name: value for name, value in members.items() if name in wanted}

    record: Shape = {"type": shape["type"], "id": shape["id"], "attributes": kept(shape["attributes"])}
    if "relationships" in shape and (wanted is None or kept(shape["relationships"])):
        record["relationships"] = kept(shape["relationships"])
    record["links"] = shape["links"]
    if connections and "meta" in shape:
        record["meta"] = shape["meta"]
    return record


def connected(shape: Shape, variant: int, *, more: bool) -> Shape:
    """A record with `meta.dataConnections`, whose entries have no published form: absent, none, one or two.

    `more`: everything has one more, which moves no updatedAt.
    """
    salesforce: dict[str, Any] = {
        "type": "Salesforce", "externalId": "0035e@@t@@AAQ", "objectType": "Contact", "syncState": None, "attempts": 1,
    }  # fmt: skip
    other: dict[str, Any] = {"type": "Dynamics", "id": "@#n@#", "links": {"self": "https://crm.example.com/@@t@@"}}
    entries: list[dict[str, Any]] = [[], [], [salesforce], [salesforce, other]][variant % 4]
    if more:
        entries = [*entries, {"type": "Salesforce", "externalId": "00Q5e@@t@@AAA", "objectType": "Lead"}]
    elif variant % 4 == 0:
        return shape
    return {**shape, "meta": {"dataConnections": entries}}
