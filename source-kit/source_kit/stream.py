"""The base class of every stream: the CDK's `HttpStream`, read through the engine by a plan over endpoints.

The CDK's hooks (`path`, `request_params`, `request_body_json`, `parse_response`) are written here once, over the
stream's endpoint: a slice is what is asked of it. `read_records` and `state` run the stream's plan for whoever uses the
plain CDK.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, ClassVar

import requests
from airbyte_cdk.models import SyncMode
from airbyte_cdk.sources.streams.core import StreamData
from airbyte_cdk.sources.streams.http import HttpStream

from source_kit import dates, json_text, schemas, timestamps
from source_kit.answers import body
from source_kit.client import HttpClient
from source_kit.endpoint import Endpoint
from source_kit.fetcher import Fetcher
from source_kit.state import StateLedger
from source_kit.windows import Window
from source_kit.work import Plan, Record, Start, in_order
from source_kit.written import whole_of


class KitStream(HttpStream):
    """A stream of a source built on the kit: a name, a key, a cursor, a schema, and a plan over endpoints."""

    primary_key: str | None = "id"
    cursor_field: str | list[str] = []  # noqa: RUF012 - the CDK's declaration
    package: ClassVar[str]
    starts_after: ClassVar[Sequence[str]] = ()
    # Child streams ask once per parent and would take every worker.
    worker_share: ClassVar[float] = 1.0
    has_probe: ClassVar[bool] = True
    # Who asks its endpoint.
    pages: Fetcher[Any]

    def __init__(self, client: HttpClient) -> None:
        """All streams of a source share one client; the CDK's own client of each stream is never used to send."""
        super().__init__()
        self.client = client
        # The columns that the catalog selects, where it says so: vendors hide some until they are asked for.
        self.selected: frozenset[str] = frozenset()
        self._state: MutableMapping[str, Any] = {}

    @property
    def endpoint(self) -> Endpoint[Any]:
        """What its own pages come from; `NoEndpoint` for streams that are made of others' pages."""
        return self.pages.endpoint

    @property
    def bucket(self) -> str:
        """The rate-limit group of this stream's requests."""
        return self.endpoint.bucket

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

    @property
    def is_resumable(self) -> bool:
        """Streams with a cursor resume in full refresh too; the others read anew."""
        return bool(self.cursor_field)

    @abstractmethod
    def work(self, start: Start) -> Plan:
        """The reading plan from a start: which pages to ask for, in which order, with which checkpoints."""

    def probe(self) -> None:
        """One small request that shows whether the stream can be read; raises what reading would raise."""
        self.pages.fetch(replace(self.endpoint.usual, limit=1))

    # The CDK's hooks: the stream's endpoint, asked for a slice.

    @property
    def url_base(self) -> str:
        return self.client.base_url

    @property
    def http_method(self) -> str:
        return self.endpoint.method

    def path(self, *, stream_slice: Any = None, **arguments: Any) -> str:
        return self.endpoint.path(stream_slice or self.endpoint.usual)

    def request_params(
        self, stream_state: Any = None, stream_slice: Any = None, next_page_token: Any = None
    ) -> MutableMapping[str, Any]:
        return dict(self.endpoint.params(stream_slice or self.endpoint.usual))

    def request_body_json(
        self, stream_state: Any = None, stream_slice: Any = None, next_page_token: Any = None
    ) -> Mapping[str, Any] | None:
        return self.endpoint.json(stream_slice or self.endpoint.usual)

    def parse_response(self, response: requests.Response, *, stream_slice: Any = None, **_: Any) -> list[Record]:
        content = body(response)
        self.endpoint.settle(content)
        return self.endpoint.records(content, stream_slice or self.endpoint.usual)

    def next_page_token(self, response: requests.Response) -> Mapping[str, Any] | None:
        """Plans decide on the next page; the CDK's own loop is not used."""
        return None

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
        # Where the CDK reads a catalog, it leaves its columns there.
        self.selected = self.selected or frozenset((self.configured_json_schema or {}).get("properties") or ())
        ledger = StateLedger(self.cursor_name, sync_mode == SyncMode.incremental, self._state)
        if not ledger.is_done:
            for page in in_order(self.work(ledger.start())):
                yield from map(json_text.held, whole_of(page.records))
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
        self,
        field: str,
        start_date: datetime | None,
        lag: timedelta,
        end_date: datetime | None = None,
        *,
        resolution: timedelta = timestamps.MILLISECOND,
    ) -> None:
        """`start_date` is inclusive, `end_date` exclusive: no state passes it. `resolution` is that of the field: what
        changes later within it shows the same time."""
        self.field = field
        self.start_date = start_date
        self.lag = lag
        self.end_date = end_date
        self.resolution = resolution

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
        return {self.field: timestamps.microseconds_offset(timestamps.floor(most, self.resolution))}
