"""The base class of every stream: the CDK's `HttpStream`, read through the engine's client and plans.

The hooks are the CDK's (`path`, `request_params`, `request_body_json`, `parse_response`); `fetch` calls them for one
page, `work` says which pages there are. `read_records` and `state` run the same plan for whoever uses the plain CDK.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, ClassVar

import requests
from airbyte_cdk.models import SyncMode
from airbyte_cdk.sources.streams.core import StreamData
from airbyte_cdk.sources.streams.http import HttpStream

from source_kit import dates, json_text, rows, schemas, timestamps
from source_kit.answers import body
from source_kit.client import HttpClient, Request
from source_kit.headers import server_time
from source_kit.page_size import PageSize, fitting
from source_kit.state import StateLedger
from source_kit.windows import Window
from source_kit.work import Plan, Record, Start, in_order


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


class KitStream(HttpStream):
    """A stream of a source built on the kit. Subclasses are a path, a key, a cursor, and a plan."""

    primary_key: str | None = "id"
    cursor_field: str | list[str] = []  # noqa: RUF012 - the CDK's declaration
    package: ClassVar[str]
    starts_after: ClassVar[Sequence[str]] = ()
    # Child streams ask once per parent and would take every worker.
    worker_share: ClassVar[float] = 1.0
    has_probe: ClassVar[bool] = True
    # Where an answer holds its rows.
    rows_key: str = "data"
    # Whether one object may stand in the place of a list by right: what is asked for by its id.
    may_be_one: ClassVar[bool] = False
    # Pages that are too heavy for the API's gateway are halved, where a request says how many rows it wants.
    sizes: PageSize | None = None

    def __init__(self, client: HttpClient) -> None:
        """All streams of a source share one client; the CDK's own client of each stream is never used to send."""
        super().__init__()
        self.client = client
        # The columns that the catalog selects, where it says so: vendors hide some until they are asked for.
        self.selected: frozenset[str] = frozenset()
        self._state: MutableMapping[str, Any] = {}

    @property
    def bucket(self) -> str:
        """The rate-limit group of this stream's requests: method and path, unless a source knows better."""
        return f"{self.http_method} {self.path()}"

    @property
    def url_base(self) -> str:
        return self.client.base_url

    @property
    def schema_name(self) -> str:
        """Which file of `schemas/` describes the records."""
        return self.name

    def get_json_schema(self) -> Mapping[str, Any]:  # type: ignore[override]  # the CDK wraps its own in lru_cache
        """What `schema` says."""
        return self.schema()

    def schema(self) -> schemas.Schema:
        """The schema file, plus the account's own fields where a stream adds them."""
        return schemas.load(self.package, self.schema_name)

    @cached_property
    def zoned_fields(self) -> tuple[str, ...]:
        """Top-level date-times of the schema file: those that get a `Z` where an API leaves the zone out."""
        return schemas.zoned_fields(schemas.load(self.package, self.schema_name))

    @property
    def is_resumable(self) -> bool:
        """Streams with a cursor resume in full refresh too; the others read anew."""
        return bool(self.cursor_field)

    @abstractmethod
    def work(self, start: Start) -> Plan:
        """The reading plan from a start: which pages to ask for, in which order, with which checkpoints."""

    def is_whole(self, content: Any) -> bool:
        """Whether a 200 holds what it should; one without its list is asked for again, never read as empty."""
        return rows.has_list(content, self.rows_key)

    def probe(self) -> None:
        """One small request that shows whether the stream can be read; raises what reading would raise."""
        self.fetch({"limit": 1})

    @abstractmethod
    def parse_response(
        self,
        response: requests.Response,
        *,
        stream_state: Mapping[str, Any],
        stream_slice: Mapping[str, Any] | None = None,
        next_page_token: Mapping[str, Any] | None = None,
    ) -> list[Record]:
        """The records of an answer as they leave. Its JSON is parsed already: `client.body(response)`."""

    def next_page_token(self, response: requests.Response) -> Mapping[str, Any] | None:
        """Plans decide on the next page; the CDK's own loop is not used."""
        return None

    def fetch(self, stream_slice: Mapping[str, Any] | None = None, token: Mapping[str, Any] | None = None) -> Answer:
        """Ask for one page through the hooks; errors as `HttpClient.send`.

        With `sizes`, the slice gets a `size`, which is halved where a gateway gives up on the page. A request with a
        `limit` of its own is for a few rows, and says nothing about pages. A slice that comes with its `size` is for a
        page by number, whose place depends on it: where that is too heavy, `WalkExpired` says so once it is halved.
        """
        asked = dict(stream_slice or {})
        if self.sizes is None or asked.get("limit"):
            return self._asked(asked, token)
        return fitting(
            self.client,
            self.sizes,
            f"stream {self.name}",
            lambda size: self._asked({**asked, "size": size}, token, can_shrink=True),
            size=asked.get("size"),
        )

    def _asked(
        self, stream_slice: Mapping[str, Any], token: Mapping[str, Any] | None, *, can_shrink: bool = False
    ) -> Answer:
        arguments: dict[str, Any] = {"stream_state": None, "stream_slice": stream_slice, "next_page_token": token}
        empty: dict[str, Any] = {self.rows_key: []}
        request = Request(
            path=self.path(**arguments),
            bucket=self.bucket,
            method=self.http_method,
            params=self.request_params(**arguments),
            json=self.request_body_json(**arguments) if self.http_method == "POST" else None,
            what=f"stream {self.name}",
            accepts=self.is_whole,
            can_shrink=can_shrink,
            empty=empty if self.is_whole(empty) else None,
            doubts=lambda content: rows.is_strange(content, self.rows_key, may_be_one=self.may_be_one),
        )
        asked_at = self.client.clock.now()
        response = self.client.send(request)
        settled = rows.settle(body(response), self.rows_key)
        self.client.usage.not_objects += settled.not_objects
        records = self.parse_response(response, stream_state={}, stream_slice=stream_slice, next_page_token=token)
        told = server_time(response.headers)
        if told is not None:
            asked_at = min(asked_at, timestamps.before(told, response.elapsed))
        return Answer(records, body(response), asked_at, settled.size)

    # The plain CDK's way in: the same plan, on the calling thread.

    @property
    def state(self) -> MutableMapping[str, Any]:
        return self._state

    @state.setter
    def state(self, value: MutableMapping[str, Any]) -> None:
        self._state = dict(value)

    def read_records(
        self,
        sync_mode: SyncMode,
        cursor_field: list[str] | None = None,
        stream_slice: Mapping[str, Any] | None = None,
        stream_state: Mapping[str, Any] | None = None,
    ) -> Iterable[StreamData]:
        """All records of the plan, in order; `state` follows as the engine's STATE would."""
        ledger = StateLedger(self.cursor_name, sync_mode == SyncMode.incremental, self._state)
        if not ledger.is_done:
            for page in in_order(self.work(ledger.start())):
                yield from map(json_text.held, page.records)
                ledger.advance(page.checkpoint, holds=page.holds)
        self._state = dict(ledger.final())

    @property
    def cursor_name(self) -> str | None:
        """The cursor field, or None for streams that are always read whole."""
        field = self.cursor_field
        return field if isinstance(field, str) and field else None


class TimeCursor:
    """Arithmetic of a time cursor: where a read begins, and how far a state may go. Pure."""

    def __init__(
        self, field: str, start_date: datetime | None, lag: timedelta, end_date: datetime | None = None
    ) -> None:
        """`start_date` is inclusive, `end_date` exclusive: no state passes it."""
        self.field = field
        self.start_date = start_date
        self.lag = lag
        self.end_date = end_date

    def lower(self, start: Start) -> datetime | None:
        """The inclusive lower bound of a read; None reads everything."""
        value = start.position.get(self.field)
        if value is None:
            return self.start_date
        return dates.read(value)

    def window(self, start: Start) -> Window:
        """What a read asks for; empty where its state has reached `end_date`."""
        return Window(self.lower(start), self.end_date)

    def checkpoint(self, value: str, asked_at: datetime) -> dict[str, Any]:
        """The state after the record with this cursor value: not beyond the request time less the lag, nor the end."""
        most = timestamps.before(asked_at, self.lag)
        if self.end_date is not None:
            most = min(most, self.end_date)
        if timestamps.parse(value) <= most:
            return {self.field: timestamps.usual(value.strip())}
        return {self.field: timestamps.microseconds_offset(timestamps.floor(most, timestamps.MILLISECOND))}
