"""Leads by search. A job is a window of time, walked by cursor."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import requests

PAGE = 200
TIMEOUT_SECONDS = (10, 60)
SORT = [
    {"direction": "asc", "field": {"type": "regular_field", "object_type": "lead", "field_name": name}}
    for name in ("date_updated", "date_created")
]


def search_body(fields: list[str], since: str, before: str, cursor: str | None) -> bytes:
    """A page of the leads changed in `[since, before)`."""
    moments = {
        "type": "moment_range",
        "on_or_after": {"type": "fixed_utc", "value": since},
        "before": {"type": "fixed_utc", "value": before},
    }
    field = {"type": "regular_field", "object_type": "lead", "field_name": "date_updated"}
    conditions = [
        {"type": "object_type", "object_type": "lead"},
        {"type": "field_condition", "field": field, "condition": moments},
    ]
    body = {"query": {"type": "and", "queries": conditions}, "sort": SORT, "_fields": {"lead": fields}, "_limit": PAGE}
    return orjson.dumps({**body, "cursor": cursor})


def pages(session: requests.Session, plan: dict[str, Any], job: list[str]) -> Iterator[list[dict[str, Any]]]:
    """The pages of a window."""
    since, before = job
    cursor = None
    while True:
        body = search_body(plan["fields"], since, before, cursor)
        answer = session.post(plan["url"], data=body, timeout=TIMEOUT_SECONDS)
        page = orjson.loads(answer.content)
        yield page["data"]
        cursor = page.get("cursor")
        if cursor is None:
            return
