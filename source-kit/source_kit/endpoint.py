"""Endpoints: the request for what is wanted, and the rows of an answer.

An endpoint is a pure description of one resource of an API: it sends nothing, and knows neither plans nor states. What
can be asked of it is a frozen dataclass of its connector (`Ask` and its subclasses). A `Fetcher` asks it; a stream is a
plan over endpoints.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Generic, TypeVar

from source_kit import pieces, rows
from source_kit.addresses import Params
from source_kit.request import Request
from source_kit.rows import Record, Settled


@dataclass(frozen=True)
class Ask:
    """What one request is to bring, as far as all APIs share it.

    `limit`: this is for a few rows, and says nothing about pages. `size`: how many rows a page has, where its place in
    the list depends on it; else a `Fetcher` with a page size fills it in.
    """

    limit: int | None = None
    size: int | None = None


A = TypeVar("A", bound=Ask)


class Endpoint(Generic[A]):
    """One resource. Subclasses say what is not as usual; all of it follows from what is asked."""

    # What is asked where nothing in particular is.
    usual: A
    method: ClassVar[str] = "GET"
    # Where an answer holds its rows; empty: the answer itself is the row.
    rows_key: str = "data"
    # Whether one object may stand in the place of a list by right: what is asked for by its id.
    may_be_one: bool = False
    # The rate-limit group of its requests.
    bucket: str

    def path(self, asked: A) -> str:
        """Relative to the base URL of the API."""
        raise NotImplementedError

    def params(self, asked: A) -> Params:
        """The query."""
        return {}

    def json(self, asked: A) -> Mapping[str, Any] | None:
        """The body, for endpoints that take one."""
        return None

    def parse(self, asked: A, content: bytes) -> Any:
        """The value of a body. Raises `ValueError` where it is no JSON."""
        return pieces.loads(content, self.rows_key)

    def is_whole(self, content: Any) -> bool:
        """Whether a 200 holds what it should; one without its list is asked for again, never read as empty."""
        return rows.has_list(content, self.rows_key)

    def is_strange(self, content: Any) -> bool:
        """Whether an answer may be damaged, and is believed only if it comes again."""
        return rows.is_strange(content, self.rows_key, may_be_one=self.may_be_one)

    def settle(self, content: Any) -> Settled:
        """Make the rows of a parsed body objects, each once, in place; what that took out."""
        return rows.settle(content, self.rows_key)

    def records(self, content: Any, asked: A) -> list[Record]:
        """The records of a settled body, as they leave."""
        records: list[Record] = content[self.rows_key]
        return records

    def request(self, asked: A, what: str, *, can_shrink: bool = False) -> Request:
        """The whole request; `what` is its name in messages."""
        empty: dict[str, Any] = {self.rows_key: []}
        return Request(
            path=self.path(asked),
            bucket=self.bucket,
            method=self.method,
            params=self.params(asked),
            json=self.json(asked),
            what=what,
            accepts=self.is_whole,
            can_shrink=can_shrink,
            empty=empty if self.is_whole(empty) else None,
            doubts=self.is_strange,
            parses=partial(self.parse, asked),
        )


class NoEndpoint(Endpoint[Ask]):
    """In the place of one, for streams that are made of other streams' pages: nothing can be asked of it."""

    usual = Ask()

    def __init__(self, bucket: str) -> None:
        self.bucket = bucket

    def path(self, asked: Ask) -> str:
        return ""
