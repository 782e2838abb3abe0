"""The configured catalog as the platform hands it to a source.

Sources: CatalogGenerationSetter.kt (generations and sync id), CatalogClientConverters.kt (field selection, of top-level
fields only; neither the cursor of an incremental stream nor a key to deduplicate by can be deselected).
"""

from __future__ import annotations

import copy
from collections.abc import Collection
from typing import Any

from harness.catalog import FULL_REFRESH, INCREMENTAL

Catalog = dict[str, Any]
Key = tuple[str | None, str]
"""Namespace and name: a stream's identity to the platform."""

APPEND, DEDUPLICATE, OVERWRITE = "append", "append_dedup", "overwrite"


class CannotDeselect(ValueError):
    """The platform's API refuses to deselect this field."""


def key_of(configured: dict[str, Any]) -> Key:
    """The identity of a configured stream."""
    return configured["stream"].get("namespace"), configured["stream"]["name"]


def for_warehouse(catalog: Catalog) -> Catalog:
    """The catalog with the destination modes that users choose: deduplicate what is incremental, overwrite the rest."""
    chosen = copy.deepcopy(catalog)
    for stream in chosen["streams"]:
        if stream["sync_mode"] == FULL_REFRESH:
            stream["destination_sync_mode"] = OVERWRITE
        else:
            stream["destination_sync_mode"] = DEDUPLICATE if stream["primary_key"] else APPEND
    return chosen


def in_namespace(catalog: Catalog, namespace: str) -> Catalog:
    """The same streams in a namespace."""
    chosen = copy.deepcopy(catalog)
    for stream in chosen["streams"]:
        stream["stream"]["namespace"] = namespace
    return chosen


def with_generations(catalog: Catalog, generations: dict[Key, int], truncated: Collection[Key], job: int) -> Catalog:
    """The catalog of one attempt; `truncated` are the streams of a truncating refresh."""
    hydrated = copy.deepcopy(catalog)
    for stream in hydrated["streams"]:
        current = generations.get(key_of(stream), 0)
        overwrites = stream["sync_mode"] == FULL_REFRESH and stream["destination_sync_mode"] == OVERWRITE
        truncates = overwrites or key_of(stream) in truncated
        stream |= {
            "generation_id": current,
            "minimum_generation_id": current if truncates else 0,
            "sync_id": job,
        }
    return hydrated


def deselect(catalog: Catalog, fields: dict[str, set[str]]) -> Catalog:
    """The catalog without these top-level fields, by stream. Raises `CannotDeselect` as the platform's API does."""
    selected = copy.deepcopy(catalog)
    for configured in selected["streams"]:
        stream = configured["stream"]
        unwanted = fields.get(stream["name"], set())
        if configured["sync_mode"] == INCREMENTAL and set(configured["cursor_field"][:1]) & unwanted:
            raise CannotDeselect(f"{stream['name']}: the cursor cannot be deselected in incremental reads")
        keys = {path[0] for path in configured["primary_key"]}
        if configured["destination_sync_mode"] == DEDUPLICATE and keys & unwanted:
            raise CannotDeselect(f"{stream['name']}: the primary key cannot be deselected where it deduplicates")
        kept = {name: part for name, part in stream["json_schema"]["properties"].items() if name not in unwanted}
        stream["json_schema"] = {**stream["json_schema"], "properties": kept}
    return selected


def every_other_field(catalog: Catalog) -> dict[str, set[str]]:
    """Half of the fields that may be deselected, by stream."""
    found = {}
    for configured in catalog["streams"]:
        kept = {path[0] for path in configured["primary_key"]} | set(configured["cursor_field"][:1])
        free = sorted(configured["stream"]["json_schema"]["properties"].keys() - kept)
        found[configured["stream"]["name"]] = set(free[::2])
    return found


def with_fields_of_other_versions(catalog: Catalog) -> Catalog:
    """Fields that other versions of the platform send, or may send one day; a source must pass over them."""
    extended = copy.deepcopy(catalog) | {"catalogVersion": 7}
    for configured in extended["streams"]:
        configured |= {
            "syncId": 1,
            "generationId": 0,
            "minimumGenerationId": 0,
            "include_files": False,
            "includeFiles": False,
            "destination_object_name": "table",
            "destinationObjectName": "table",
            "fields": [{"name": "id", "type": "STRING"}],
            "mappers": [],
            "backfillStrategy": None,
        }
        configured["stream"] |= {
            "is_file_based": False,
            "isFileBased": False,
            "suggested": True,
            "data_freshness": None,
        }
    return extended
