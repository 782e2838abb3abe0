"""`POST /data/search/`, Close's Advanced Filtering: the body of a search and the meaning of its answer. Pure.

developer.close.com/api/resources/advanced-filtering. Two ascending sort keys: with one, rows that share a timestamp
were skipped between cursor pages; descending order lost rows (both seen in production).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from source_kit.timestamps import MILLISECOND, milliseconds_z
from source_kit.windows import Window

PATH = "data/search/"
MAX_LIMIT = 200


def search_body(
    object_type: str, window: Window, fields: Sequence[str], *, cursor: str | None, count: bool, limit: int, tied: bool
) -> dict[str, Any]:
    """A search over `date_updated`, or, when `tied`, over `date_created` within one instant of `date_updated`."""
    if tied and window.within is not None:
        conditions = [
            *_range(object_type, "date_updated", window.within, window.within + MILLISECOND),
            *_range(object_type, "date_created", window.lower, window.upper),
        ]
        keys = ("date_created", "date_updated")
    else:
        conditions = _range(object_type, "date_updated", window.lower, window.upper)
        keys = ("date_updated", "date_created")
    direction = "desc" if window.descending else "asc"
    return {
        "query": {"type": "and", "queries": [{"type": "object_type", "object_type": object_type}, *conditions]},
        "sort": [{"direction": direction, "field": _field(object_type, key)} for key in keys],
        "_fields": {object_type: list(fields)},
        "_limit": limit,
        "cursor": cursor,
        "include_counts": count,
    }


def counted(body: Mapping[str, Any]) -> int | None:
    """`count.total` of an answer to a search with `include_counts`."""
    count = body.get("count")
    total = count.get("total") if isinstance(count, Mapping) else None
    return total if isinstance(total, int) and total >= 0 else None


def _field(object_type: str, name: str) -> dict[str, Any]:
    return {"type": "regular_field", "object_type": object_type, "field_name": name}


def _range(object_type: str, name: str, lower: datetime | None, upper: datetime | None) -> list[dict[str, Any]]:
    """`on_or_after` is inclusive, `before` exclusive. Milliseconds and Z: offsets were troublesome in production."""
    if lower is None and upper is None:
        return []
    condition: dict[str, Any] = {"type": "moment_range"}
    if lower is not None:
        condition["on_or_after"] = {"type": "fixed_utc", "value": milliseconds_z(lower)}
    if upper is not None:
        condition["before"] = {"type": "fixed_utc", "value": milliseconds_z(upper)}
    return [{"type": "field_condition", "field": _field(object_type, name), "condition": condition}]
