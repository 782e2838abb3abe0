"""`POST /v1/customers/search`: the body of a search. Pure.

developer.kustomer.com/docs/concepts/search. The path says customers, `queryContext` says what comes back. One sort key:
of several only the first counts. UTC timestamps with milliseconds are never moved by a time zone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from source_kit.timestamps import EPOCH, MILLISECOND, milliseconds_z
from source_kit.windows import Window

PAGE_SIZE = 500
# 100 pages, and 10,000 records whatever the size of the pages.
MOST_RECORDS = 10_000
MOST_PAGES = 100


@dataclass(frozen=True)
class Scope:
    """What is searched: the context, how its attributes are called, and by which time it is walked."""

    context: str
    prefix: str
    walked: str = "updated_at"

    def attribute(self, name: str) -> str:
        """`conversation_updated_at` for `updated_at`."""
        return f"{self.prefix}_{name}"


def search_body(
    scope: Scope, window: Window, *, include_deleted: bool, criteria: Sequence[dict[str, Any]] = ()
) -> dict[str, Any]:
    """A search over the scope's time, or, for a window within one instant of it, over the time of creation."""
    walked = scope.walked
    conditions: list[dict[str, Any]] = list(criteria)
    if window.within is not None:
        conditions += _range(scope.attribute(walked), window.within, window.within + MILLISECOND)
        walked = "created_at"
    lower = window.lower if window.lower is not None or window.within is not None else EPOCH
    conditions += _range(scope.attribute(walked), lower, window.upper)
    body: dict[str, Any] = {
        "queryContext": scope.context,
        "and": conditions,
        "sort": [{scope.attribute(walked): "desc" if window.descending else "asc"}],
    }
    if include_deleted:
        body["includeDeleted"] = True
    return body


def _range(attribute: str, lower: datetime | None, upper: datetime | None) -> list[dict[str, Any]]:
    """Inclusive below, exclusive above; one entry per operator."""
    conditions = []
    if lower is not None:
        conditions.append({attribute: {"gte": milliseconds_z(lower)}})
    if upper is not None:
        conditions.append({attribute: {"lt": milliseconds_z(upper)}})
    return conditions
