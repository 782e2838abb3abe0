"""The custom fields of an account: their names for searches, their types for schemas."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from source_closeio.errors import is_deleted_document
from source_kit import schemas
from source_kit.answers import body
from source_kit.client import HttpClient, Request
from source_kit.rules import Rejected, Unavailable
from source_kit.schemas import Schema
from source_kit.work import Record

PAGE_SIZE = 100
DELETED_ATTEMPTS = 6
DELETED_RETRY_SECONDS = 0.4
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


def custom_fields_of(client: HttpClient, object_type: str, shared: Sequence[Record] | None = None) -> list[Record]:
    """The fields of one object type and the shared ones that are associated with it."""
    own = list(_pages(client, f"custom_field/{RESOURCES.get(object_type, object_type)}/"))
    if shared is None:
        shared = shared_fields(client)
    known = {field["id"] for field in own}
    return own + [field for field in shared if field["id"] not in known and _belongs(field, object_type)]


def shared_fields(client: HttpClient) -> list[Record]:
    """The fields that several object types share; none where the plan lacks them."""
    try:
        return list(_pages(client, "custom_field/shared/"))
    except (Unavailable, Rejected):
        return []


def by_name(records: Iterable[Record], fields: Sequence[Mapping[str, Any]]) -> None:
    """Add `custom`, values by field name, in place: what Close itself gives on leads. The flat keys stay."""
    names = {key_of(field): field.get("name") or field["id"] for field in fields}
    for record in records:
        record["custom"] = {names[key]: value for key, value in record.items() if key in names}


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
