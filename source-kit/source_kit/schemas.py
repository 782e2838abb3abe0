"""JSON schemas of a connector's package: read once, extended with the account's own fields."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

import orjson

Schema = dict[str, Any]

TEXT: Schema = {"type": ["null", "string"]}
NUMBER: Schema = {"type": ["null", "number"]}
BOOLEAN: Schema = {"type": ["null", "boolean"]}
DATE: Schema = {"type": ["null", "string"], "format": "date"}
DATE_TIME: Schema = {"type": ["null", "string"], "format": "date-time", "airbyte_type": "timestamp_with_timezone"}


@cache
def _text(package: str, name: str) -> bytes:
    return resources.files(package).joinpath("schemas", f"{name}.json").read_bytes()


def load(package: str, name: str) -> Schema:
    """A fresh copy of `schemas/<name>.json` of the package."""
    schema: Schema = orjson.loads(_text(package, name))
    return schema


def list_of(schema: Mapping[str, Any]) -> Schema:
    """The same type, several values."""
    return {"type": ["null", "array"], "items": dict(schema)}


def extended(schema: Schema, extra: Mapping[str, Schema]) -> Schema:
    """The schema with the account's own properties; declared ones win."""
    return {**schema, "properties": {**extra, **schema["properties"]}}


def zoned_fields(schema: Mapping[str, Any]) -> tuple[str, ...]:
    """Top-level properties that are date-times: those that get a `Z` where the API left the zone out."""
    properties = schema.get("properties", {})
    return tuple(name for name, details in properties.items() if details.get("format") == "date-time")
