"""The custom fields of an account: their names for searches, their types for schemas."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from source_kit import schemas
from source_kit.schemas import Schema
from source_kit.work import Record

# Dates of custom fields are days in every recorded answer ("2022-12-01").
TYPES: Mapping[str, Schema] = {
    "number": schemas.NUMBER,
    "date": schemas.DATE,
    "datetime": schemas.DATE_TIME,
}

BY_NAME: Schema = {
    "description": "Values of custom fields by the name of the field.",
    "type": ["null", "object"],
    "additionalProperties": True,
}
# The old paths, which answer where the new ones do not.
LEGACY: Mapping[str, str] = {"lead": "custom_fields/lead/", "contact": "custom_fields/contact/"}
# Where the path of the fields, or the name in a shared field's associations, differs from the object type's own.
RESOURCES: Mapping[str, str] = {"custom_object": "custom_object_type"}
ASSOCIATIONS: Mapping[str, tuple[str, ...]] = {
    "activity": ("activity", "custom_activity", "custom_activity_type"),
    "custom_object": ("custom_object", "custom_object_type"),
}


def key_of(field: Mapping[str, Any]) -> str:
    """The flat key under which records carry the value."""
    return f"custom.{field['id']}"


def schema_of(field: Mapping[str, Any]) -> Schema:
    """The type of the values; choices, users, contacts and objects are text (their label or id)."""
    schema = TYPES.get(str(field.get("type")), schemas.TEXT)
    if field.get("accepts_multiple_values"):
        schema = schemas.list_of(schema)
    name = field.get("name")
    return {**schema, "description": name if isinstance(name, str) else ""}


def names_of(fields: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """The name of each flat key, unlike all others: of several fields with one name the oldest has it, the others add
    their id. A field without a name goes by its id."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for field in sorted(fields, key=lambda field: str(field.get("date_created") or "")):
        name = field.get("name")
        if not isinstance(name, str) or not name:
            name = field["id"]
        name = f"{name} ({field['id']})" if name in taken else name
        taken.add(name)
        names[key_of(field)] = name
    return names


@dataclass(frozen=True)
class CustomFields:
    """The custom fields of an object type; none where Close refused to list them, with status `refused_with`.

    `listed_at`: what was created after it is not among them. `without_id` definitions had none, so that no value can be
    asked for.
    """

    fields: Sequence[Record] = ()
    refused_with: int | None = None
    listed_at: datetime | None = None
    without_id: int = 0

    def properties(self) -> dict[str, Schema]:
        """Typed properties for the schema of the object type."""
        return {key_of(field): schema_of(field) for field in self.fields}

    @cached_property
    def names(self) -> Mapping[str, str]:
        """The name of each flat key."""
        return names_of(self.fields)

    @cached_property
    def zoned(self) -> tuple[str, ...]:
        """The keys of single date-times."""
        return tuple(key_of(field) for field in self._date_times if not field.get("accepts_multiple_values"))

    @cached_property
    def zoned_lists(self) -> tuple[str, ...]:
        """The keys of lists of date-times."""
        return tuple(key_of(field) for field in self._date_times if field.get("accepts_multiple_values"))

    @property
    def _date_times(self) -> list[Record]:
        return [field for field in self.fields if field.get("type") == "datetime"]


def with_shared(own: CustomFields, shared: CustomFields, object_type: str) -> CustomFields:
    """The fields of one object type and those of the shared ones that are associated with it."""
    if own.listed_at is None or shared.listed_at is None:
        return own
    known = {field["id"] for field in own.fields}
    others = [each for each in shared.fields if each["id"] not in known and _belongs(each, object_type)]
    return replace(own, fields=[*own.fields, *others], listed_at=min(own.listed_at, shared.listed_at))


def _belongs(field: Mapping[str, Any], object_type: str) -> bool:
    associations = field.get("associations")
    names = ASSOCIATIONS.get(object_type, (object_type,))
    listed = associations if isinstance(associations, list) else ()
    return any(isinstance(each, Mapping) and each.get("object_type") in names for each in listed)
