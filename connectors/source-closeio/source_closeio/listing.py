"""Lists that are asked for outside of streams: what several streams need to know of the account."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from source_closeio.errors import is_deleted_document
from source_kit import rows, timestamps
from source_kit.answers import body
from source_kit.client import HttpClient, Request
from source_kit.headers import server_time
from source_kit.page_size import PageSize, fitting
from source_kit.rules import Rejected
from source_kit.windows import Fetched

DELETED_ATTEMPTS = 6
DELETED_RETRY_SECONDS = 0.4


def page(client: HttpClient, path: str, params: Mapping[str, Any], what: str, sizes: PageSize | None = None) -> Fetched:
    """One page; its token is not None where there are more. With `sizes` it has so many rows, and fewer where they were
    too many for a gateway."""
    if sizes is None:
        return _undeleted(client, path, params, what)
    return fitting(
        client, sizes, what, lambda size: _undeleted(client, path, {**params, "_limit": size}, what, can_shrink=True)
    )


def _undeleted(
    client: HttpClient, path: str, params: Mapping[str, Any], what: str, *, can_shrink: bool = False
) -> Fetched:
    """One page, asked for again where a row was deleted at that moment."""
    request = Request(
        path, f"GET {path}", params=params, what=what, accepts=has_data, can_shrink=can_shrink, empty={"data": []}
    )
    for attempt in range(1, DELETED_ATTEMPTS + 1):
        try:
            return _asked(client, request)
        except Rejected as rejected:
            if not is_deleted_document(rejected) or attempt == DELETED_ATTEMPTS:
                raise
            client.clock.sleep(DELETED_RETRY_SECONDS * attempt)
    raise AssertionError("unreachable: the last attempt returns or raises")


def _asked(client: HttpClient, request: Request) -> Fetched:
    asked_at = client.clock.now()
    response = client.send(request)
    content = body(response)
    settled = rows.settle(content, "data")
    client.usage.not_objects += settled.not_objects
    told = server_time(response.headers)
    if told is not None:
        asked_at = min(asked_at, timestamps.before(told, response.elapsed))
    return Fetched(content["data"], asked_at, True if content.get("has_more") else None, rows=settled.size)


def has_data(content: Any) -> bool:
    """Whether an answer holds its list."""
    return rows.has_list(content, "data")
