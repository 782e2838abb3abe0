"""`POST /data/search/`, Close's Advanced Filtering: what a search asks for, and what its answer holds.

developer.close.com/api/resources/advanced-filtering. Two ascending sort keys: with one, rows that share a timestamp
were skipped between cursor pages; descending order lost rows (both seen in production).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from source_closeio.mending import AS_THEY_COME, Mending
from source_kit.endpoint import Ask, Endpoint
from source_kit.rows import Record
from source_kit.timestamps import MILLISECOND, milliseconds_z
from source_kit.windows import Window

PATH = "data/search/"
EVERYTHING = Window()
CORE_FIELDS = ("id", "date_created", "date_updated")


@dataclass(frozen=True)
class SearchAsk(Ask):
    """A page of a window over `date_updated`, or over `date_created` within one instant of `date_updated`.

    `cursor`: behind it. `counts`: how many there are is told too. `fields`: their names.
    """

    window: Window = EVERYTHING
    cursor: str | int | None = None
    counts: bool = False
    fields: Sequence[str] = CORE_FIELDS


@dataclass(frozen=True)
class SearchEndpoint(Endpoint[SearchAsk]):
    """Objects of one type."""

    object_type: str
    mending: Mending = AS_THEY_COME
    usual = SearchAsk()
    method = "POST"
    bucket = f"POST {PATH}"
    page_size = 200

    def path(self, asked: SearchAsk) -> str:
        return PATH

    def json(self, asked: SearchAsk) -> Mapping[str, Any]:
        window = asked.window
        if window.within is not None:
            conditions = [
                *self._range("date_updated", window.within, window.within + MILLISECOND),
                *self._range("date_created", window.lower, window.upper),
            ]
            keys = ("date_created", "date_updated")
        else:
            conditions = self._range("date_updated", window.lower, window.upper)
            keys = ("date_updated", "date_created")
        of_type = {"type": "object_type", "object_type": self.object_type}
        direction = "desc" if window.descending else "asc"
        return {
            "query": {"type": "and", "queries": [of_type, *conditions]},
            "sort": [{"direction": direction, "field": self._field(key)} for key in keys],
            "_fields": {self.object_type: list(asked.fields)},
            "_limit": asked.limit or asked.size or self.page_size,
            "cursor": asked.cursor,
            "include_counts": asked.counts,
        }

    def records(self, content: Any, asked: SearchAsk) -> list[Record]:
        """Objects as their own endpoint gives them: without the search's type marker."""
        records = self.mending.mend(content[self.rows_key])
        for record in records:
            record.pop("__object_type", None)
        return records

    def _field(self, name: str) -> dict[str, Any]:
        return {"type": "regular_field", "object_type": self.object_type, "field_name": name}

    def _range(self, name: str, lower: datetime | None, upper: datetime | None) -> list[dict[str, Any]]:
        """`on_or_after` is inclusive, `before` exclusive. Milliseconds and Z: offsets caused trouble in production."""
        if lower is None and upper is None:
            return []
        condition: dict[str, Any] = {"type": "moment_range"}
        if lower is not None:
            condition["on_or_after"] = {"type": "fixed_utc", "value": milliseconds_z(lower)}
        if upper is not None:
            condition["before"] = {"type": "fixed_utc", "value": milliseconds_z(upper)}
        return [{"type": "field_condition", "field": self._field(name), "condition": condition}]


def counted(body: Mapping[str, Any]) -> int | None:
    """`count.total` of an answer to a search with `include_counts`."""
    count = body.get("count")
    total = count.get("total") if isinstance(count, Mapping) else None
    return total if isinstance(total, int) and total >= 0 else None
