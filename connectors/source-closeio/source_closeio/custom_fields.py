"""The custom fields of an account: their names for searches, their types for schemas."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from source_kit import schemas
from source_kit.client import HttpClient, Rejected, Request, Unavailable, body
from source_kit.schemas import Schema
from source_kit.work import Record

PAGE_SIZE = 100
TYPES: Mapping[str, Schema] = {
    "number": schemas.NUMBER,
    "date": schemas.DATE,
    "datetime": schemas.DATE_TIME,
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


def custom_fields_of(client: HttpClient, object_type: str) -> list[Record]:
    """The fields of one object type and the shared ones that are associated with it."""
    own = list(_pages(client, f"custom_field/{object_type}/"))
    try:
        shared = list(_pages(client, "custom_field/shared/"))
    except (Unavailable, Rejected):  # plans without shared fields
        shared = []
    known = {field["id"] for field in own}
    return own + [field for field in shared if field["id"] not in known and _belongs(field, object_type)]


def _belongs(field: Mapping[str, Any], object_type: str) -> bool:
    associations = field.get("associations") or []
    return any(isinstance(each, Mapping) and each.get("object_type") == object_type for each in associations)


def _pages(client: HttpClient, path: str) -> Iterable[Record]:
    skip = 0
    while True:
        params = {"_limit": PAGE_SIZE, "_skip": skip}
        answer = body(client.send(Request(path, f"GET {path}", params=params, what="the account's custom fields")))
        records = answer.get("data", []) if isinstance(answer, dict) else []
        yield from records
        if not records or not answer.get("has_more"):
            return
        skip += len(records)
