"""Lists by page: `page`, `pageSize`, links. Only some of them count."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

import orjson

from emulators.kustomer.audit import AuditLog
from emulators.kustomer.settings import KustomerOptions
from emulators.messages import Request, Response, json_response

DEFAULT_PAGE = 100
# Cursors hold what a query has to escape.
CURSOR = "row+%d"
Row = bytes | dict[str, Any]
Refuse = Callable[[int, str, str], Response]


class Lists:
    """Answers pages of sequences."""

    def __init__(self, options: KustomerOptions, refuse: Refuse) -> None:
        self._options = options
        self._refuse = refuse

    def page(
        self,
        request: Request,
        rows: Sequence[Any],
        render: Callable[[Any], Row],
        *,
        largest: int = 100,
        links: bool = True,
        counted: bool = False,
        included: Sequence[dict[str, Any]] | None = None,
        kept: dict[str, str] | None = None,
    ) -> Response:
        """One page of a list; `included` is paged along with it, `links` False leaves meta and links out.

        `counted`: with the total, the number of pages and a link to the last one. `kept`: parameters that links repeat.
        """
        if self._options.cursor_page:
            return self._after(request, rows, render, included)
        page, size = request.params.get("page", "1"), request.params.get("pageSize", str(DEFAULT_PAGE))
        if not page.isdigit() or not size.isdigit() or int(page) < 1 or int(size) < 1:
            return self._refuse(400, "bad_request", "page and pageSize are positive numbers")
        number, asked = int(page), int(size)
        if asked > largest and self._options.oversize == "refuse":
            return self._refuse(400, "bad_request", f"pageSize is at most {largest}")
        asked = min(asked, largest)
        if number * asked > self._options.list_cap:
            return self._refuse(400, "bad_request", f"page {number} is too deep")
        part = rows[(number - 1) * asked : number * asked]
        listed = [row if isinstance(row, bytes) else orjson.dumps(row) for row in map(render, part)]
        rest: dict[str, Any] = {}
        if links:
            again = f"&{urlencode(kept)}" if kept else ""

            def link(n: int) -> str:
                return f"{request.path}?page={n}&pageSize={asked}{again}"

            more = link(number + 1) if number * asked < len(rows) else None
            before = link(number - 1) if number > 1 else None
            rest = {
                "meta": {"pageSize": asked, "page": number},
                "links": {"self": link(number), "first": link(1), "prev": before, "next": more},
            }
            if counted:
                last = max(1, -(-len(rows) // asked))
                rest["meta"] |= {"total": len(rows), "totalPages": last}
                rest["links"]["last"] = link(last)
        return _answer(part, listed, rest, included)

    def _after(
        self,
        request: Request,
        rows: Sequence[Any],
        render: Callable[[Any], Row],
        included: Sequence[dict[str, Any]] | None,
    ) -> Response:
        """One page of a list that goes on by cursors and knows no numbers of pages."""
        after, size = request.params.get("after", CURSOR % 0), self._options.cursor_page
        if not after.startswith(CURSOR[:-2]) or not after.removeprefix(CURSOR[:-2]).isdigit():
            return self._refuse(400, "bad_request", "unknown cursor")
        first = int(after.removeprefix(CURSOR[:-2]))
        part = rows[first : first + size]
        kept = {name: value for name, value in request.params.items() if name not in ("page", "after")}
        query = urlencode({**kept, "after": CURSOR % (first + size)})
        following = f"{request.path}?{query}" if first + size < len(rows) else None
        rest = {"meta": {"pageSize": size}, "links": {"self": request.path, "next": following}}
        listed = [row if isinstance(row, bytes) else orjson.dumps(row) for row in map(render, part)]
        return _answer(part, listed, rest, included)

    def audit_logs(self, request: Request, log: AuditLog) -> Response:
        """Newest first, by `count` and the id that a page goes on after."""
        params = request.params
        count = params.get("count", str(DEFAULT_PAGE))
        if not count.isdigit() or not 1 <= int(count) <= 1000:
            return self._refuse(400, "bad_request", "count is 1 to 1000")
        try:
            rows = log.selected(params)
        except ValueError as error:
            return self._refuse(400, "bad_request", str(error))
        start = next((i + 1 for i, entry in enumerate(rows) if entry["id"] == params.get("after")), 0)
        part = rows[start : start + int(count)]
        filters = "".join(f"&{name}={value}" for name, value in params.items() if name.startswith("filter"))
        has_more = start + len(part) < len(rows)
        following = f"{request.path}?count={count}&after={part[-1]['id']}{filters}" if has_more else None
        links = {"self": request.path, "first": request.path, "previous": None, "next": following}
        return json_response({"data": part, "links": links})


def _answer(
    part: Sequence[Any], listed: list[bytes], rest: dict[str, Any], included: Sequence[dict[str, Any]] | None
) -> Response:
    if included is not None:
        ids = {row["id"] for row in part}
        rest["included"] = [entry for entry in included if entry["relationships"]["sla"]["data"]["id"] in ids]
    return Response(body=b'{"data":[' + b",".join(listed) + b"]" + (b"," + orjson.dumps(rest)[1:] if rest else b"}"))
