"""Walks that do not go as announced: gaps, loops, damaged and reversed pages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson

from emulators.messages import Request, Response

if TYPE_CHECKING:
    from emulators.oddities.engine import Oddities

Ask = Callable[[Request], Response]


def with_gap(odd: Oddities, request: Request, ask: Ask) -> Response:
    """The answer, in a walk that may have an empty page with a link to the next."""
    form = odd.form
    if not odd.chosen("gap", form.walk(request)):
        return ask(request)
    shifted = form.page_after_gap(request)
    if shifted is None:
        return ask(request)
    asked, is_gap = shifted
    response = ask(asked)
    if response.status != 200:
        return response
    body = orjson.loads(response.body)
    key = form.key(body) if isinstance(body, dict) else None
    if key is None or (is_gap and not body[key]):
        return response
    if is_gap:
        odd.counts["gap"] += 1
        body[key] = []
        form.point_after(body, request)
    elif form.has_next(body):
        form.point_after(body, request)
    return replace(response, body=orjson.dumps(body))


def twist(odd: Oddities, request: Request, body: dict[str, Any], key: str) -> None:
    """Change the rows or the links of a page."""
    form, rows = odd.form, body[key]
    walk = form.walk(request)
    if odd.chosen("loop", walk) and (rows or not form.is_first(request)) and form.point_to_itself(body, request):
        odd.counts["loop"] += 1
    has_next = form.has_next(body)
    if has_next and len(rows) > 1 and form.is_first(request) and odd.once("reversed_once", request):
        odd.counts["reversed_once"] += 1
        body[key] = rows[::-1]
    if has_next and rows and odd.once("empty_once", request):
        odd.counts["empty_once"] += 1
        body[key] = []
    if form.times_out and "search" in request.path and len(rows) > 1:
        for kind, happens in (("timed_out_once", odd.once), ("timed_out_always", _always(odd))):
            if happens(kind, request):
                odd.counts[kind] += 1
                body["meta"]["timed_out"] = True
                body[key] = rows[: len(rows) // 2]


def _always(odd: Oddities) -> Callable[[str, Request], bool]:
    return lambda kind, request: odd.chosen(kind, request.identity)
