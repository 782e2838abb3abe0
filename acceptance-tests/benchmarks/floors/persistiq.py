"""Leads by page number. A job is one page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import requests

PAGE = 100
TIMEOUT_SECONDS = (10, 60)


def pages(session: requests.Session, plan: dict[str, Any], job: int) -> Iterator[list[dict[str, Any]]]:
    """One page."""
    answer = session.get(f"{plan['url']}?page={job}", timeout=TIMEOUT_SECONDS)
    yield orjson.loads(answer.content)["leads"]
