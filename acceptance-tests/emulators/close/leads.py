"""Leads: shapes and slot values. A lead is about 1.1 kB of JSON in a search answer that names all its fields."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from emulators.close import objects
from emulators.close.fields import value_of
from emulators.close.identity import LEAD_STATUSES, ORGANIZATION_ID, user_id, user_name
from emulators.moments import with_offset
from emulators.records import Ids
from emulators.templates import Shape, Shapes, Values

LEAD_IDS = Ids("lead_")
TAIL = LEAD_IDS.tail
LEAD_ID = f"lead_@@key@@{TAIL}"
SLOTS = ("key", "number", "created", "updated", "revision", "second_key")
VARIANTS = 48
PHONE = {"type": "office", "phone": "+4930123456", "phone_formatted": "+49 30 123456"}
LINK = {"name": "Find", "url": "https://find.example.com/@@number@@"}
OPTIONAL = frozenset({
    "contact_ids", "contacts_summary", "localtime", "primary_email", "primary_phone", "primary_address_summary",
    "recent_calls", "source", "summaries",
})  # fmt: skip
"""Fields that only come when they are named."""


def lead_values(leads: int) -> Callable[[int, int, int, int], Values]:
    """The function for the values of `SLOTS` in an account of so many leads."""
    factor, modulus, every = Ids.FACTOR, Ids.MODULUS, objects.SECOND_CONTACT_EVERY

    def values(number: int, created: int, updated: int, revision: int) -> Values:
        return (
            b"%012d" % (number * factor % modulus),
            b"%d" % number,
            with_offset(created),
            with_offset(updated),
            b"%d" % revision,
            b"%012d" % ((leads + number // every) * factor % modulus),
        )

    return values


def lead_shapes(definitions: list[dict[str, Any]]) -> Shapes:
    """All shapes, with values for these custom fields."""
    names = frozenset(f"custom.{entry['id']}" for entry in definitions)
    return Shapes([_shape(variant, definitions) for variant in range(VARIANTS)], SLOTS, OPTIONAL, names)


def contact_shape(variant: int, letter: str) -> Shape:
    """A contact of a lead, as it is embedded there: `A` has the number of the lead (objects.lead_of_contact)."""
    email = f"person.{letter.lower()}@@number@@@example.com"
    return {
        "id": f"cont_@@{'key' if letter == 'A' else 'second_key'}@@{TAIL}",
        "organization_id": ORGANIZATION_ID,
        "lead_id": LEAD_ID,
        "name": f"{user_name(variant + ord(letter))} @@number@@",
        "title": "Head of Purchase" if variant % 2 else None,
        "emails": [{"type": "office", "email": email, "is_unsubscribed": False}] if variant % 5 else [],
        "phones": [PHONE] if variant % 3 else [],
        "urls": [],
        "created_by": user_id(variant % 4),
        "updated_by": None,
        "date_created": "@@created@@",
        "date_updated": "@@created@@",
    }


def _shape(variant: int, definitions: list[dict[str, Any]]) -> Shape:
    status = LEAD_STATUSES[variant % 4]
    contacts = [contact_shape(variant, letter) for letter in "AB"[: (variant % 3 == 0) + (variant % 16 == 9)]]
    values = {entry["id"]: (entry["name"], value_of(entry, variant)) for entry in definitions}
    shape: Shape = {
        "id": LEAD_ID,
        "organization_id": ORGANIZATION_ID,
        "display_name": f"{('Northwind', 'Contoso', 'Müller & Söhne')[variant % 3]} @@number@@",
        "name": f"{('Northwind', 'Contoso', 'Müller & Söhne')[variant % 3]} @@number@@" if variant % 11 else None,
        "url": "https://www.company-@@number@@.example.com/" if variant % 4 else None,
        "description": "Revision @@revision@@ of the notes" + (', 100 % "checked"' if variant % 7 == 0 else ""),
        "status_id": status["id"],
        "status_label": status["label"],
        "html_url": f"https://app.close.com/lead/{LEAD_ID}/",
        "addresses": [_address(variant)] if variant % 6 == 0 else [],
        "contacts": contacts,
        "opportunities": [],
        "tasks": [],
        "integration_links": [LINK] if variant % 9 == 0 else [],
        "created_by": user_id(variant % 4),
        "created_by_name": user_name(variant % 4),
        "updated_by": user_id(variant % 5) if variant % 6 else None,
        "updated_by_name": user_name(variant % 5) if variant % 6 else None,
        "date_created": "@@created@@",
        "date_updated": "@@updated@@",
        "custom": {name: value for name, value in values.values() if value is not None},
    }
    shape |= {f"custom.{name}": value for name, (_, value) in values.items() if value is not None}
    return shape | {
        "contact_ids": [contact["id"] for contact in contacts],
        "primary_email": contacts[0]["emails"][0] if contacts and contacts[0]["emails"] else None,
        "primary_phone": contacts[0]["phones"][0] if contacts and contacts[0]["phones"] else None,
        "primary_address_summary": "Bremen" if variant % 6 == 0 else None,
        "contacts_summary": None,
        "recent_calls": [],
        "source": None,
        "summaries": [],
        "localtime": None,
    }


def _address(variant: int) -> dict[str, Any]:
    return {
        "label": "business",
        "address_1": f"{variant} Harbour Street",
        "address_2": None,
        "city": "Bremen",
        "state": None,
        "zipcode": "28195",
        "country": "DE",
    }
