"""The custom fields of an account: their names for searches, their types for schemas."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from source_closeio.errors import is_deleted_document
from source_kit import schemas, timestamps
from source_kit.answers import body
from source_kit.client import HttpClient, Request
from source_kit.rules import Rejected, Unavailable
from source_kit.schemas import Schema
from source_kit.work import Record

PAGE_SIZE = 100
DELETED_ATTEMPTS = 6
DELETED_RETRY_SECONDS = 0.4
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
    schema = TYPES.get(field.get("type", ""), schemas.TEXT)
    if field.get("accepts_multiple_values"):
        schema = schemas.list_of(schema)
    return {**schema, "description": field.get("name") or ""}


@dataclass(frozen=True)
class CustomFields:
    """The custom fields of an object type; none where Close refused to list them, with status `refused_with`."""

    fields: Sequence[Record] = ()
    refused_with: int | None = None

    def properties(self) -> dict[str, Schema]:
        """Typed properties for the schema of the object type."""
        return {key_of(field): schema_of(field) for field in self.fields}

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


def custom_fields_of(client: HttpClient, object_type: str, shared: Sequence[Record]) -> CustomFields:
    """The fields of one object type and those of the shared ones that are associated with it."""
    try:
        own = _own_fields(client, object_type)
    except (Unavailable, Rejected) as refused:
        return CustomFields(refused_with=refused.status)
    known = {field["id"] for field in own}
    return CustomFields(own + [each for each in shared if each["id"] not in known and _belongs(each, object_type)])


def shared_fields(client: HttpClient) -> list[Record]:
    """The fields that several object types share; none where the plan lacks them."""
    try:
        return list(_pages(client, "custom_field/shared/"))
    except (Unavailable, Rejected):
        return []


def by_name(records: Iterable[Record], fields: Sequence[Mapping[str, Any]]) -> None:
    """Add `custom`, values by field name, in place: what Close itself gives on leads. The flat keys stay.

    Nothing is added where no field is known.
    """
    names = {key_of(field): field.get("name") or field["id"] for field in fields}
    if not names:
        return
    for record in records:
        record["custom"] = {names[key]: value for key, value in record.items() if key in names}


def fix_zones_of_lists(records: Iterable[Record], keys: Sequence[str]) -> None:
    """Give the zone-less date-times in these lists a `Z`, in place."""
    for key in keys:
        for record in records:
            values = record.get(key)
            if isinstance(values, list):
                record[key] = [timestamps.with_zone(each) if isinstance(each, str) else each for each in values]


def _own_fields(client: HttpClient, object_type: str) -> list[Record]:
    try:
        return list(_pages(client, f"custom_field/{RESOURCES.get(object_type, object_type)}/"))
    except Unavailable as unavailable:
        if unavailable.status != 404 or object_type not in LEGACY:
            raise
        return list(_pages(client, LEGACY[object_type]))


def _belongs(field: Mapping[str, Any], object_type: str) -> bool:
    associations = field.get("associations") or []
    names = ASSOCIATIONS.get(object_type, (object_type,))
    return any(isinstance(each, Mapping) and each.get("object_type") in names for each in associations)


def _pages(client: HttpClient, path: str) -> Iterable[Record]:
    skip = 0
    while True:
        params = {"_limit": PAGE_SIZE, "_skip": skip}
        what = "the account's custom fields"
        answer = _asked(client, Request(path, f"GET {path}", params=params, what=what, accepts=has_data))
        records = answer["data"]
        yield from records
        if not records or not answer.get("has_more"):
            return
        skip += len(records)


def _asked(client: HttpClient, request: Request) -> dict[str, Any]:
    """The answer; asked again where a field was deleted at that moment."""
    for attempt in range(1, DELETED_ATTEMPTS + 1):
        try:
            answer: dict[str, Any] = body(client.send(request))
        except Rejected as rejected:
            if not is_deleted_document(rejected) or attempt == DELETED_ATTEMPTS:
                raise
            client.clock.sleep(DELETED_RETRY_SECONDS * attempt)
        else:
            return answer
    raise AssertionError("unreachable: the last attempt returns or raises")


def has_data(content: Any) -> bool:
    """Whether an answer holds its list."""
    return isinstance(content, dict) and isinstance(content.get("data"), list)
