"""A client of the Kustomer emulator over HTTP, and the searches and walks that the tests need."""

from __future__ import annotations

import http.client
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, fields
from typing import Any
from urllib.parse import urlencode, urlsplit

import orjson

from emulators import Emulator, start
from emulators.kustomer.settings import KustomerOptions
from emulators.options import default_of

API = "/v1"
SEARCH, ARCHIVE = "/customers/search", "/customers/archive/search"
TIMEOUT_SECONDS = 10.0
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer; header names are lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Json:
        """The body; `ValueError` if it is not JSON."""
        value: Json = orjson.loads(self.body)
        return value

    @property
    def refusal(self) -> tuple[int, str, str]:
        """Status, code and message of an error in Kustomer's form."""
        (error,) = self.json["errors"]
        return self.status, error["code"], error["message"]


class KustomerClient:
    """Asks one emulated organisation over one connection."""

    def __init__(self, emulator: Emulator, started_with: Json) -> None:
        self.emulator = emulator
        self._started_with = started_with
        address = urlsplit(emulator.url)
        self._connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=TIMEOUT_SECONDS)
        self._changed: set[str] = set()

    def ask(self, method: str, path: str, body: Any = None, headers: Json | None = None, **params: Any) -> Answer:
        """Any answer. `path` may be a link of an answer; a body that is not bytes is sent as JSON."""
        target = path if path.startswith(API) else API + path
        if params:
            target += ("&" if "?" in target else "?") + urlencode(params)
        given = {"Authorization": f"Bearer {self.emulator.config['api_key']}", "Content-Type": "application/json"}
        sent = body if body is None or isinstance(body, bytes) else orjson.dumps(body)
        try:
            self._connection.request(method, target, sent, given | (headers or {}))
            with self._connection.getresponse() as response:
                answered = {name.lower(): value for name, value in response.getheaders()}
                return Answer(response.status, answered, response.read())
        except (OSError, http.client.HTTPException):
            self.close()
            raise

    def get(self, path: str, **params: Any) -> Json:
        """A good answer."""
        return _good(self.ask("GET", path, **params))

    def rows(self, path: str, **params: Any) -> list[Json]:
        """The records of a good answer."""
        data: list[Json] = self.get(path, **params)["data"]
        return data

    def walk(self, path: str, **params: Any) -> list[Json]:
        """All records of a list, by its links."""
        answer = self.get(path, **params)
        rows = list(answer["data"])
        while answer["links"]["next"]:
            answer = self.get(answer["links"]["next"])
            rows += answer["data"]
        return rows

    def search(self, body: Json, path: str = SEARCH, **params: Any) -> Json:
        """A good answer of a search."""
        return _good(self.ask("POST", path, body, **params))

    def found(self, body: Json, path: str = SEARCH, **params: Any) -> list[Json]:
        """The records of one page of a search."""
        data: list[Json] = self.search(body, path, **params)["data"]
        return data

    def follow(self, body: Json, path: str = SEARCH, size: int = 500) -> list[Json]:
        """All records of one query, by its links."""
        answer = self.search(body, path, pageSize=size)
        rows = list(answer["data"])
        while answer["links"]["next"]:
            answer = self.search(body, answer["links"]["next"])
            rows += answer["data"]
        return rows

    def keyset(self, context: str, path: str = SEARCH, size: int = 500, lower: str = "2000-01-01") -> dict[str, str]:
        """Ids and last times of all records, deleted ones too: page 1 from the last time seen, more inside ties."""
        seen: dict[str, str] = {}
        page = 1
        while True:
            answer = self.search(since(lower, context), path, pageSize=size, page=page)
            seen |= {row["id"]: updated(row) for row in answer["data"]}
            if not answer["links"]["next"]:
                return seen
            last = updated(answer["data"][-1])
            page, lower = (page + 1, lower) if last == lower else (1, last)

    def options(self, **changes: Any) -> None:
        """Change options until `restore`."""
        self._changed.update(changes)
        self.emulator.options(**changes)

    def restore(self) -> None:
        """The options as at the start, and nothing counted."""
        before = {entry.name: default_of(entry) for entry in fields(KustomerOptions)} | self._started_with
        self.emulator.options(**{name: before[name] for name in self._changed})
        self._changed.clear()
        self.emulator.reset_stats()

    def close(self) -> None:
        """Harmless if it is closed; the next request opens it again."""
        self._connection.close()


@contextmanager
def serving(**options: Any) -> Iterator[KustomerClient]:
    """A client of an emulator that runs as long as the block."""
    with start("kustomer", **options) as emulator, closing(KustomerClient(emulator, options)) as client:
        yield client


def query(context: str, *criteria: Json, deleted: bool = True, sort: str = "updated_at") -> Json:
    """A search in ascending order, as a reader of everything sends it."""
    order = [{f"{prefix(context)}_{sort}": "asc"}]
    return {"queryContext": context, "and": list(criteria), "sort": order, "includeDeleted": deleted}


def since(lower: str, context: str) -> Json:
    """What was updated at `lower` or later."""
    return query(context, {f"{prefix(context)}_updated_at": {"gte": lower}})


def prefix(context: str) -> str:
    """What the names of a context's attributes begin with."""
    return "kobject" if context.startswith("kobject_") else context


def updated(record: Json) -> str:
    """When a record was last updated."""
    value: str = record["attributes"]["updatedAt"]
    return value


def created(record: Json) -> str:
    """When a record was created."""
    value: str = record["attributes"]["createdAt"]
    return value


def ids(records: Iterable[Json]) -> list[str]:
    """Their ids."""
    return [record["id"] for record in records]


def _good(answer: Answer) -> Json:
    assert answer.status == 200, answer
    return answer.json
