"""Contacts, opportunities and custom objects: shapes and slot values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from emulators.close.fields import value_of
from emulators.close.identity import ORGANIZATION_ID, user_id, user_name
from emulators.moments import DAY_MS, date, with_offset
from emulators.records import Ids
from emulators.templates import Shape, Shapes, Values

CONTACT_IDS, OPPORTUNITY_IDS, CUSTOM_OBJECT_IDS = Ids("cont_"), Ids("oppo_"), Ids("co_")
TAIL = CONTACT_IDS.tail
SLOTS = ("key", "number", "created", "updated", "revision", "lead_key", "day", "home_key")
VARIANTS = 12
LEAD_STEP = 7
"""Object n belongs to lead n * 7 modulo the number of leads; contacts have a rule of their own."""

SECOND_CONTACT_EVERY, SECOND_CONTACT_PLACE = 48, 9
"""The first contacts beyond the number of leads are the second ones of lead 9, 57, 105 and so on."""

CONTACT_OPTIONAL = frozenset({"recent_calls", "subscriptions", "lead_suggestions_operation_id"})
"""Fields that only come when they are named."""

STATUSES = (
    ("stat_oppo1QvR7tXc2LmN4pZsK", "Active", "active"),
    ("stat_oppo2QvR7tXc2LmN4pZsK", "Won", "won"),
    ("stat_oppo3QvR7tXc2LmN4pZsK", "Lost", "lost"),
)
PIPELINE_ID = "pipe_1QvR7tXc2LmN4pZsK"
Definitions = list[dict[str, Any]]


def lead_of(number: int, leads: int) -> int:
    """The number of the lead that an object was made for."""
    return number * LEAD_STEP % max(1, leads)


def lead_of_contact(number: int, leads: int) -> int:
    """The number of the lead that a contact was made for: that of the same number, while there are such leads."""
    if number < leads:
        return number
    second = (number - leads) * SECOND_CONTACT_EVERY + SECOND_CONTACT_PLACE
    return second if second < leads else lead_of(number, leads)


def object_values(
    leads: int, moved: dict[int, int], owner: Callable[[int, int], int] = lead_of
) -> Callable[[int, int, int, int], Values]:
    """The function for the values of `SLOTS`; `moved`: leads that were merged, and into which."""
    factor, modulus = Ids.FACTOR, Ids.MODULUS

    def values(number: int, created: int, updated: int, revision: int) -> Values:
        home = lead = owner(number, leads)
        while lead in moved:
            lead = moved[lead]
        return (
            b"%012d" % (number * factor % modulus),
            b"%d" % number,
            with_offset(created),
            with_offset(updated),
            b"%d" % revision,
            b"%012d" % (lead * factor % modulus),
            date(created + 30 * DAY_MS),
            # Contacts keep their ids when their lead is merged into another.
            b"%012d" % (home * factor % modulus),
        )

    return values


def contact_shapes(definitions: Definitions) -> Shapes:
    """All shapes of contacts."""
    return _shapes(_contact, definitions, CONTACT_OPTIONAL)


def opportunity_shapes(definitions: Definitions) -> Shapes:
    """All shapes of opportunities."""
    return _shapes(_opportunity, definitions, frozenset())


def custom_object_shapes(definitions: Definitions) -> Shapes:
    """All shapes of custom objects."""
    return _shapes(_custom_object, definitions, frozenset())


def _shapes(make: Callable[[int], Shape], definitions: Definitions, optional: frozenset[str]) -> Shapes:
    names = frozenset(f"custom.{entry['id']}" for entry in definitions)
    shapes = []
    for variant in range(VARIANTS):
        values = {f"custom.{entry['id']}": value_of(entry, variant) for entry in definitions}
        shapes.append(make(variant) | {name: value for name, value in values.items() if value is not None})
    return Shapes(shapes, SLOTS, optional, names)


def _people(variant: int) -> Shape:
    return {
        "created_by": user_id(variant % 4),
        "updated_by": user_id(variant % 3) if variant % 2 else None,
        "date_created": "@@created@@",
        "date_updated": "@@updated@@",
    }


def _contact(variant: int) -> Shape:
    email = {"type": "office", "email": "person@@number@@@example.org", "is_unsubscribed": variant % 7 == 0}
    phone = {"type": "mobile", "phone": "+4930123456", "phone_formatted": "+49 30 123456", "country": "DE"}
    name = f"{user_name(variant)} @@number@@"
    return {
        "id": f"cont_@@key@@{TAIL}",
        "organization_id": ORGANIZATION_ID,
        "lead_id": f"lead_@@lead_key@@{TAIL}",
        "name": name if variant % 5 else None,
        "display_name": name if variant % 5 else email["email"],
        "title": "Revision @@revision@@",
        "emails": [email] if variant % 4 else [],
        "phones": [phone] if variant % 3 else [],
        "urls": [{"type": "url", "url": "https://person-@@number@@.example.org/"}] if variant % 6 == 0 else [],
        "timezone": "Europe/Berlin" if variant % 2 else None,
        "timezone_source": "phone" if variant % 2 else None,
        "integration_links": [],
        "recent_calls": [],
        "subscriptions": [],
        "lead_suggestions_operation_id": None,
    } | _people(variant)


def _opportunity(variant: int) -> Shape:
    status_id, label, kind = STATUSES[variant % 3]
    return {
        "id": f"oppo_@@key@@{TAIL}",
        "organization_id": ORGANIZATION_ID,
        "lead_id": f"lead_@@lead_key@@{TAIL}",
        "lead_name": "Northwind",
        "contact_id": f"cont_@@home_key@@{TAIL}" if variant % 2 else None,
        "contact_name": None,
        "user_id": user_id(variant % 4),
        "user_name": user_name(variant % 4),
        "pipeline_id": PIPELINE_ID,
        "pipeline_name": "Sales",
        "status_id": status_id,
        "status_label": label,
        "status_type": kind,
        "status_display_name": f"{label} (Sales)",
        "value": 120_000 * variant if variant % 4 else None,
        "value_period": ("one_time", "monthly", "annual")[variant % 3],
        "value_currency": "EUR",
        "value_formatted": f"€{1200 * variant:,}",
        "annualized_value": 120_000 * variant,
        "confidence": variant * 8,
        "expected_value": 1_000 * variant,
        "annualized_expected_value": 1_000 * variant,
        "note": "Revision @@revision@@",
        "note_html": "<p>Revision @@revision@@</p>",
        "attachments": [],
        "integration_links": [],
        "date_won": "@@day@@" if kind == "won" else None,
        "date_lost": "@@updated@@" if kind == "lost" else None,
        "created_by_name": user_name(variant % 4),
        "updated_by_name": user_name(variant % 3) if variant % 2 else None,
    } | _people(variant)


def _custom_object(variant: int) -> Shape:
    return {
        "id": f"co_@@key@@{TAIL}",
        "organization_id": ORGANIZATION_ID,
        "lead_id": f"lead_@@lead_key@@{TAIL}",
        "custom_object_type_id": f"cotype_{variant % 2 + 1}QvR7tXc2LmN4pZsK",
        "name": "Contract @@number@@, revision @@revision@@",
    } | _people(variant)
