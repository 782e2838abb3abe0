"""Configured catalogs made from discovered ones."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

FULL_REFRESH, INCREMENTAL = "full_refresh", "incremental"


def configured(catalog: dict[str, Any], names: Collection[str], mode: str = INCREMENTAL) -> dict[str, Any]:
    """The named streams in `mode`; a stream that cannot do `mode` is read in full refresh.

    Raises LookupError naming the streams that the catalog lacks.
    """
    found = {stream["name"]: stream for stream in catalog["streams"]}
    if missing := sorted(set(names) - set(found)):
        raise LookupError(f"not discovered: {', '.join(missing)}")
    return {"streams": [_configured_stream(found[name], mode) for name in names]}


def _configured_stream(stream: dict[str, Any], mode: str) -> dict[str, Any]:
    sync_mode = mode if mode in stream["supported_sync_modes"] else FULL_REFRESH
    return {
        "stream": stream,
        "sync_mode": sync_mode,
        "cursor_field": stream.get("default_cursor_field") or [],
        "destination_sync_mode": "append",
        "primary_key": stream.get("source_defined_primary_key") or [],
    }


def incremental_names(catalog: dict[str, Any]) -> set[str]:
    """The streams of a discovered catalog that offer incremental reads."""
    return {stream["name"] for stream in catalog["streams"] if INCREMENTAL in stream["supported_sync_modes"]}
