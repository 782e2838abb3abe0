"""Asking an endpoint: one page of it, in a size that its vendor can put together, with the time at which it was asked.

Connectors have one subclass each, for the refusals that their vendor explains.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Generic

from source_kit import timestamps
from source_kit.answers import body
from source_kit.client import HttpClient
from source_kit.endpoint import A, Endpoint
from source_kit.headers import server_time
from source_kit.page_size import PageSize, fitting
from source_kit.rows import Record


@dataclass(frozen=True)
class Answer:
    """One page as it came: parsed records, the whole body, and when it was asked for.

    `asked_at` is the earlier of the local clock and the server's (its `Date` header less the round trip): whichever is
    ahead, no state passes what the server had then. `size` is the number of rows in the body, those included that are
    no objects or come twice.
    """

    records: list[Record]
    body: Any
    asked_at: datetime
    size: int = 0


class Fetcher(Generic[A]):
    """Asks one endpoint in the name of a stream; thread-safe."""

    def __init__(self, client: HttpClient, endpoint: Endpoint[A], stream: str, sizes: PageSize | None = None) -> None:
        """`stream` is whose name errors and log lines carry. With `sizes`, pages that are too heavy for the API's
        gateway are halved."""
        self.client = client
        self.endpoint = endpoint
        self.stream = stream
        self.sizes = sizes
        # What is read, in messages.
        self.what = f"stream {stream}"

    def fetch(self, asked: A) -> Answer:
        """One page; errors as `HttpClient.send`.

        A page by number has its `size` given, since its place depends on it: where that is too heavy, `WalkExpired`
        says so once it is halved.
        """
        if self.sizes is None or asked.limit:
            return self._asked(asked)
        return fitting(
            self.client,
            self.sizes,
            self.what,
            lambda size: self._asked(replace(asked, size=size), can_shrink=True),
            size=asked.size,
        )

    def _asked(self, asked: A, *, can_shrink: bool = False) -> Answer:
        endpoint = self.endpoint
        request = endpoint.request(asked, self.what, can_shrink=can_shrink)
        asked_at = self.client.clock.now()
        response = self.client.send(request)
        content = body(response)
        settled = endpoint.settle(content)
        self.client.usage.not_objects += settled.not_objects
        records = endpoint.records(content, asked)
        told = server_time(response.headers)
        if told is not None:
            asked_at = min(asked_at, timestamps.before(told, response.elapsed))
        return Answer(records, content, asked_at, settled.size)

    def say(self, level: str, text: str) -> None:
        """A line for the user's log, in the name of the stream."""
        self.client.log(level, f"Stream {self.stream}: {text}")
