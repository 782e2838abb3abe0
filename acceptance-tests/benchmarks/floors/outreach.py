"""Prospects by ranges of `updatedAt`. A job is a range of about one page; the resources stay as nested as they come."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import requests

PAGE = 1000
TIMEOUT_SECONDS = (10, 60)


def pages(session: requests.Session, plan: dict[str, Any], job: list[str]) -> Iterator[list[dict[str, Any]]]:
    """A range, both ends included, and what its links lead to."""
    parameters = {"filter[updatedAt]": "..".join(job), "sort": "updatedAt", "page[size]": str(PAGE), "count": "false"}
    answer = session.get(plan["url"], params=parameters, timeout=TIMEOUT_SECONDS)
    while True:
        page = orjson.loads(answer.content)
        yield page["data"]
        following = page.get("links", {}).get("next")
        if not following:
            return
        answer = session.get(following, timeout=TIMEOUT_SECONDS)
