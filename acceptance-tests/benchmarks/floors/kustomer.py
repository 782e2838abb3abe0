"""Conversations by search. A job is a path and a window of time of about one page; nothing is flattened."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import requests

PAGE = 500
TIMEOUT_SECONDS = (10, 60)


def search_body(since: str, before: str) -> bytes:
    """The conversations changed in `[since, before)`, deleted ones included."""
    time = "conversation_updated_at"
    body = {
        "queryContext": "conversation",
        "and": [{time: {"gte": since}}, {time: {"lt": before}}],
        "sort": [{time: "asc"}],
        "includeDeleted": True,
    }
    return orjson.dumps(body)


def pages(session: requests.Session, plan: dict[str, Any], job: list[str]) -> Iterator[list[dict[str, Any]]]:
    """The pages of a window."""
    path, since, before = job
    body = search_body(since, before)
    number = 1
    while True:
        url = f"{plan['url']}{path}?page={number}&pageSize={PAGE}"
        page = orjson.loads(session.post(url, data=body, timeout=TIMEOUT_SECONDS).content)
        yield page["data"]
        if not page["links"]["next"]:
            return
        number += 1
