"""Custom field definitions, and the values that leads carry for them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from emulators.close.identity import ORGANIZATION_ID, user_id
from emulators.moments import DAY_MS, with_offset

KINDS: tuple[tuple[str, bool], ...] = (
    ("text", False), ("number", False), ("date", False), ("datetime", False), ("choices", False), ("choices", True),
    ("user", False), ("textarea", False), ("text", True), ("contact", False), ("hidden", False), ("url", False),
    ("number", True), ("user", True),
)  # fmt: skip
"""(type, accepts_multiple_values), taken in turn."""

LEAD_VALUES_FROM = 12
"""Leads carry values of the first so many custom fields only, which keeps them at their size."""


def custom_field(resource: str, number: int, created: int, *, shared: bool = False) -> dict[str, Any]:
    """A definition as `GET /custom_field/<resource>/` gives it."""
    kind, multiple = KINDS[number % len(KINDS)]
    definition: dict[str, Any] = {
        "id": f"cf_{resource[:4]}{number:04d}QvR7tXc2LmN4pZsK",
        "name": f"{resource.replace('_', ' ').title()} {kind} {number}",
        "description": None if number % 2 else f"Filled by the {kind} form",
        "type": kind,
        "accepts_multiple_values": multiple,
        "choices": ["Bronze", "Silver", "Gold"] if kind == "choices" else None,
        "editable_with_roles": ["admin"] if number % 5 == 0 else [],
        "is_shared": shared,
        "referenced_custom_type_id": None,
        "back_reference_is_visible": False,
        "organization_id": ORGANIZATION_ID,
        "created_by": user_id(0),
        "updated_by": user_id(number % 3),
        "date_created": with_offset(created).decode(),
        "date_updated": with_offset(created + number * DAY_MS + number).decode(),
    }
    if shared:
        definition["associations"] = [{"object_type": "lead", "custom_activity_type_id": None, "required": False}]
    elif resource == "activity":
        definition |= {"custom_activity_type_id": "actitype_1QvR7tXc2LmN4pZsK", "required": False}
    elif resource == "custom_object_type":
        definition["custom_object_type_id"] = "cotype_1QvR7tXc2LmN4pZsK"
    return definition


def carried_fields(
    resource: str, records: Iterable[dict[str, Any]], known: Collection[str], created: int
) -> list[dict[str, Any]]:
    """Definitions of the custom fields that records have values of, but for those that are known."""
    values = {
        name.removeprefix("custom."): value
        for record in records
        for name, value in record.items()
        if name.startswith("custom.")
    }
    return [
        custom_field(resource, number * len(KINDS), created)
        | {
            "id": identifier,
            "name": f"Carried {number}",
            "type": "number" if isinstance(value, int | float) else "text",
            "accepts_multiple_values": isinstance(value, list),
        }
        for number, (identifier, value) in enumerate(values.items())
        if identifier not in known
    ]


def value_of(definition: dict[str, Any], variant: int) -> Any:
    """The value of a custom field on leads of that shape; None where it is unset."""
    number = int(definition["id"].removeprefix("cf_")[4:8])
    if number >= LEAD_VALUES_FROM or (variant + number) % 6:
        return None
    single: dict[str, Any] = {
        "text": f"value {variant} @@revision@@",
        "textarea": "two\nlines",
        "number": variant * 1.5,
        "date": f"2024-03-{variant % 28 + 1:02d}",
        "datetime": f"2024-03-{variant % 28 + 1:02d}T08:30:00+00:00",
        "choices": ("Bronze", "Silver", "Gold")[variant % 3],
        "user": user_id(variant % 3),
        "contact": "cont_@@key@@QvR7tXc2LmN4pZsK",
        "hidden": f"h{variant}",
        "url": "https://example.com/@@number@@",
    }
    value = single[definition["type"]]
    if not definition["accepts_multiple_values"]:
        return value
    return ["Bronze", "Gold"] if definition["type"] == "choices" else [value, value]
