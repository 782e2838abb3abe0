"""A client of the Close emulator without HTTP, and the searches and walks that the tests need."""

from __future__ import annotations

import base64
import time
from typing import Any
from urllib.parse import urlencode

import orjson

from emulators.close.app import API, CloseApp
from emulators.close.identity import API_KEY
from emulators.close.settings import CloseOptions
from emulators.messages import Request, Response

BASIC = "Basic " + base64.b64encode(f"{API_KEY}:".encode()).decode()
Json = dict[str, Any]


class CloseClient:
    """Asks one emulated account."""

    def __init__(self, **options: Any) -> None:
        self.app = CloseApp(CloseOptions(**options))
        self.authorization = BASIC

    def ask(self, method: str, path: str, *, body: bytes = b"", headers: Json | None = None, **params: Any) -> Response:
        """The raw answer."""
        given = {"authorization": self.authorization, "host": "emulator", "content-type": "application/json"} | (
            headers or {}
        )
        request = Request(method, API + path, urlencode(params), given, body, time.monotonic())
        response = self.app.handle(request)
        self.app.sent(request, response)
        return response

    def get(self, path: str, **params: Any) -> Json:
        """A good answer as JSON."""
        return self.read(self.ask("GET", path, **params))

    def refused(self, path: str, **params: Any) -> tuple[int, Json]:
        """Status and body of a bad answer."""
        response = self.ask("GET", path, **params)
        return response.status, orjson.loads(response.body)

    def search(self, **body: Any) -> Json:
        """A good answer of a search."""
        return self.read(self.ask("POST", "/data/search/", body=orjson.dumps(body)))

    def search_refused(self, **body: Any) -> tuple[int, Json]:
        """Status and body of a refused search."""
        response = self.ask("POST", "/data/search/", body=orjson.dumps(body))
        return response.status, orjson.loads(response.body)

    def search_all(self, **body: Any) -> list[Json]:
        """All rows of a cursor walk."""
        rows: list[Json] = []
        cursor = None
        while True:
            answer = self.search(**body, cursor=cursor)
            rows += answer["data"]
            cursor = answer["cursor"]
            if cursor is None:
                return rows

    def list_all(self, path: str, limit: int = 100, **params: Any) -> list[Json]:
        """All records of an offset-paged list."""
        rows: list[Json] = []
        while True:
            answer = self.get(path, _limit=limit, _skip=len(rows), **params)
            rows += answer["data"]
            if not answer["has_more"]:
                return rows

    def list_events(self, **params: Any) -> list[Json]:
        """All events that fit, newest first."""
        rows: list[Json] = []
        cursor = ""
        while cursor is not None:
            answer = self.get("/event/", _cursor=cursor, **params)
            rows += answer["data"]
            cursor = answer["cursor_next"]
        return rows

    def truth(self, stream: str, *, all_fields: bool = False) -> list[Json]:
        """What a complete read emits."""
        records = self.app.truth(stream, all_fields=all_fields)
        assert records is not None
        return [orjson.loads(record) for record in records]

    @staticmethod
    def read(response: Response) -> Json:
        """The JSON of a good answer."""
        assert response.status == 200, response
        answer: Json = orjson.loads(response.body)
        return answer


def lead_field(name: str) -> Json:
    """A regular field of leads."""
    return {"type": "regular_field", "object_type": "lead", "field_name": name}


def between(low: str | None, high: str | None = None, name: str = "date_updated") -> Json:
    """Leads whose date lies in `[low, high)`."""
    bounds = {"on_or_after": low, "before": high}
    condition = {"type": "moment_range"} | {
        key: {"type": "fixed_utc", "value": value} for key, value in bounds.items() if value is not None
    }
    return {
        "type": "and",
        "queries": [
            {"type": "object_type", "object_type": "lead"},
            {"type": "field_condition", "field": lead_field(name), "condition": condition},
        ],
    }


LEADS: Json = {"type": "and", "queries": [{"type": "object_type", "object_type": "lead"}]}
UPDATED: Json = {"direction": "asc", "field": lead_field("date_updated")}
CREATED: Json = {"direction": "asc", "field": lead_field("date_created")}
BOTH = [UPDATED, CREATED]
DATES = {"lead": ["id", "date_updated", "date_created"]}


def ids(records: list[Json]) -> list[str]:
    """Their ids."""
    return [record["id"] for record in records]
