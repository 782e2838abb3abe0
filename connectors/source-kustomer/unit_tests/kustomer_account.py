"""A small Kustomer for unit tests: requests are answered by functions, and every request is kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit, urlunsplit

import orjson
import requests

from source_kit.client import Usage
from source_kit.oauth import bearer
from source_kit.testing import FakeClock
from source_kit.work import Record, Start, in_order
from source_kustomer.budget import KustomerBudget
from source_kustomer.config import Settings, parse
from source_kustomer.errors import RULES, ReadOnlyClient
from source_kustomer.streams import build

BASE = "https://api.kustomerapp.com/v1/"
Answer = tuple[int, Any]
Server = Callable[[str, str, dict[str, Any], Any], Answer]


class Account:
    """A client whose requests reach `server(method, path, params, body)`; `asked` keeps them.

    `headers` go with every answer; `usage` counts rows that were no objects.
    """

    def __init__(self, server: Server, **config: Any) -> None:
        # Late changes have tests of their own: elsewhere a state is its cursor alone.
        self.settings: Settings = parse({"api_key": "key-0123456789", "deep_lookback_hours": 0, **config})[0]
        self.clock = FakeClock()
        self.asked: list[tuple[str, str, dict[str, Any], Any]] = []
        self.logged: list[str] = []
        self.headers: dict[str, str] = {}
        self.usage = Usage()
        budget = KustomerBudget(self.clock, share=0.95, max_per_minute=None, searches_per_minute=95)
        self.client = ReadOnlyClient(
            BASE, bearer("key-0123456789"), budget, self.clock, headers={}, rules=RULES, log=self._log
        )
        self.client.account_to(self.usage)
        self._server = server
        self.client.session.send = self._send  # type: ignore[method-assign]  # the one seam

    def _log(self, level: str, text: str) -> None:
        self.logged.append(text)

    def _send(self, request: requests.PreparedRequest, **arguments: Any) -> requests.Response:
        method, parts = str(request.method), urlsplit(str(request.url))
        path = urlunsplit(parts._replace(query="")).removeprefix(BASE)
        body = orjson.loads(request.body) if request.body else None
        params = {name: int(value) if value.isdigit() else value for name, value in parse_qsl(parts.query)}
        self.asked.append((method, path, params, body))
        status, content = self._server(method, path, params, body)
        response = requests.Response()
        response.status_code = status
        response.headers.update(self.headers)
        response._content = orjson.dumps(content)
        response._content_consumed = True  # type: ignore[attr-defined]  # as after a read
        return response

    def read(self, stream: Any, position: dict[str, Any] | None = None) -> tuple[list[Record], list[Any]]:
        """All records of a stream's plan and its checkpoints, in order: those before rows are found missing."""
        records: list[Record] = []
        checkpoints = []
        holds = False
        for page in in_order(stream.work(Start(incremental=True, position=position or {}))):
            records += page.records
            holds = holds or page.holds
            self.logged += [page.warning] if page.warning else []
            if page.checkpoint is not None and not holds:
                checkpoints.append(dict(page.checkpoint))
        return records, checkpoints


def stream_of(account: Account, name: str) -> Any:
    return next(stream for stream in build(account.client, account.settings) if stream.name == name)


def row(number: int, updated: str, kind: str = "customer", **attributes: Any) -> Record:
    """A record of the API."""
    times = {"createdAt": updated, "updatedAt": updated}
    return {"type": kind, "id": f"{number:024x}", "attributes": times | attributes, "relationships": {}}


def page(*rows: Record, following: int = 0, total: int | None = None) -> Answer:
    """An answer with these rows; `following` is the number of the next page, if there is one."""
    link = f"/v1/customers/search?page={following}&pageSize=500" if following else None
    return 200, {"data": list(rows), "links": {"next": link, "self": ""}, "meta": {"total": total or len(rows)}}


NOTHING: Answer = page()
REFUSED: Answer = (400, {"errors": [{"code": "bad_request", "message": "no such attribute", "meta": {}}]})


def search(rows: list[Record], params: dict[str, Any], body: Any) -> Answer:
    """Answer a search as Kustomer does: bounds, one sort key, pages, and a count that ends at 10,000.

    Lists with filters are refused.
    """
    if body is None:
        return REFUSED
    name = {"created_at": "createdAt", "updated_at": "updatedAt"}
    found = list(rows)
    for criterion in body["and"]:
        for attribute, (operator, bound) in _bounds(criterion):
            found = _within(found, name[attribute[-10:]], operator, bound)
    ((attribute, order),) = body["sort"][0].items()
    found.sort(key=lambda row: (row["attributes"][name[attribute[-10:]]], row["id"]), reverse=order == "desc")
    end = params["page"] * params["pageSize"]
    part = found[end - params["pageSize"] : end]
    return page(*part, following=params["page"] + 1 if end < len(found) else 0, total=min(len(found), 10_000))


def _bounds(criterion: dict[str, Any]) -> list[tuple[str, tuple[str, str]]]:
    return [(attribute, pair) for attribute, bound in criterion.items() for pair in bound.items()]


def _within(rows: list[Record], time: str, operator: str, bound: str) -> list[Record]:
    """In one go: accounts of 10,000 rows are searched hundreds of times."""
    if operator == "gte":
        return [row for row in rows if row["attributes"][time] >= bound]
    return [row for row in rows if row["attributes"][time] < bound]


def message(number: int, conversation: str, updated: str) -> dict[str, Any]:
    """A message of a conversation."""
    record = row(number, updated, "message")
    record["relationships"] = {"conversation": {"data": {"type": "conversation", "id": conversation}}}
    return record


def file(number: int) -> dict[str, Any]:
    """A file that hangs on a conversation."""
    return {"type": "attachment", "id": f"file{number}", "attributes": {"name": "a.jpg"}}
