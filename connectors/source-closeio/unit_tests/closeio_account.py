"""A connector that reads an emulated Close account in this process: no sockets, no sleeping."""

from __future__ import annotations

import io
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson
import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict
from urllib3 import HTTPResponse

from emulators.close.app import CloseApp
from emulators.close.identity import API_KEY
from emulators.close.settings import CloseOptions
from emulators.messages import Request, Response
from source_closeio.source import CloseConnection, SourceCloseio
from source_kit.catalog_input import ConfiguredStream, parse_catalog
from source_kit.clock import Clock, Interrupted
from source_kit.reading import read
from source_kit.state_input import parse_state
from source_kit.testing import KeptOutput, opened
from source_kit.transport import PATIENT, Patience

API_URL = "https://api.close.com/api/v1/"
SMALL = {"leads": 40, "activities": 40, "tasks": 40, "events": 40, "old_events": 3, "users": 6, "custom_fields": 5}


class QuickClock(Clock):
    """The time of the day, plus what was slept without waiting. A test may put it `ahead`, also during a read."""

    def __init__(self, ahead: timedelta = timedelta(0)) -> None:
        super().__init__()
        self.slept = 0.0
        self.ahead = ahead

    def now(self) -> datetime:
        return super().now() + self.ahead

    def monotonic(self) -> float:
        return time.monotonic() + self.slept

    def sleep(self, seconds: float) -> None:
        if self._stopping.is_set():
            raise Interrupted
        self.slept += max(0.0, seconds)


@dataclass
class Sent:
    """One request that reached the vendor."""

    method: str
    path: str
    params: dict[str, str]
    body: Any
    headers: Mapping[str, str]

    @property
    def group(self) -> str:
        return f"{self.method} {self.path.removeprefix('/api/v1')}"


class Vendor(BaseAdapter):
    """Stands in for the network: answers out of an emulated account, or as a test has put down.

    `answers` maps an endpoint group to the answers of its next requests; the last one stays if it is in `always`.
    `altered` changes what the account answers: a function of the request, the status and the body. With `has_dates`
    answers carry the time of their server, which is `behind` by that much.
    """

    def __init__(self, app: CloseApp) -> None:
        super().__init__()
        self.app = app
        self.sent: list[Sent] = []
        self.answers: dict[str, list[tuple[int, Any]]] = {}
        self.always: dict[str, tuple[int, Any]] = {}
        self.altered: dict[str, Callable[[Sent, int, Any], tuple[int, Any]]] = {}
        self.has_dates = False
        self.behind = timedelta(0)

    def send(self, request: requests.PreparedRequest, *arguments: Any, **options: Any) -> requests.Response:
        parts = urlsplit(request.url or "")
        content = request.body or b""
        raw = content if isinstance(content, bytes) else content.encode()
        sent = Sent(
            request.method or "",
            parts.path,
            dict(parse_qsl(parts.query, keep_blank_values=True)),
            orjson.loads(raw) if raw else None,
            CaseInsensitiveDict(request.headers),
        )
        self.sent.append(sent)
        planned = self.answers.get(sent.group)
        answer = planned.pop(0) if planned else self.always.get(sent.group)
        if answer is None:
            headers = {name.lower(): str(value) for name, value in request.headers.items()}
            headers["host"] = parts.netloc
            given = Request(sent.method, parts.path, parts.query, headers, raw, time.monotonic())
            response = self.app.handle(given)
            self.app.sent(given, response)
            if sent.group in self.altered:
                status, value = self.altered[sent.group](sent, response.status, orjson.loads(response.body))
                response = _written(status, value)
        else:
            response = _written(*answer)
        received = _received(request, response)
        if self.has_dates:
            received.headers["date"] = format_datetime(datetime.now(UTC) - self.behind, usegmt=True)
        return received

    def close(self) -> None:
        """Nothing is open."""

    def groups(self) -> Counter[str]:
        """Requests by endpoint group."""
        return Counter(sent.group for sent in self.sent)


def _written(status: int, value: Any) -> Response:
    return Response(status, value if isinstance(value, bytes) else orjson.dumps(value))


def _received(request: requests.PreparedRequest, answer: Response) -> requests.Response:
    body = b"".join(answer.chunks) if answer.chunks is not None else answer.body
    response = requests.Response()
    response.status_code = answer.status
    response.headers = CaseInsensitiveDict([*answer.headers, ("content-type", answer.content_type.decode())])
    response.raw = HTTPResponse(io.BytesIO(body), preload_content=False)
    response.url = request.url or ""
    response.request = request
    return response


@dataclass
class Reading:
    """What one sync wrote about one stream; `states_after` is how many records stand before each of the states."""

    exit_code: int
    records: list[dict[str, Any]] = field(default_factory=list)
    states: list[dict[str, Any]] = field(default_factory=list)
    states_after: list[int] = field(default_factory=list)
    statuses: list[str] = field(default_factory=list)
    errors: list[dict[str, Any]] = field(default_factory=list)
    logs: list[str] = field(default_factory=list)
    estimates: list[int] = field(default_factory=list)

    @property
    def ids(self) -> list[str]:
        return [record["id"] for record in self.records]

    @property
    def warnings(self) -> list[str]:
        return [line.removeprefix("WARN ") for line in self.logs if line.startswith("WARN ")]


class Account:
    """An emulated account, with the connector in front of it. Options are those of the emulator, over a small size."""

    def __init__(self, config: Mapping[str, Any] | None = None, **options: Any) -> None:
        self.config = {"api_key": API_KEY, **(config or {})}
        self.app = CloseApp(CloseOptions(**{**SMALL, **options}))
        self.vendor = Vendor(self.app)
        # How far the clock of the connector's machine is ahead.
        self.ahead = timedelta(0)
        # The clock of the newest connector.
        self.clock = QuickClock()

    def connection(self, patience: Patience = PATIENT) -> tuple[CloseConnection, KeptOutput]:
        """A new connector, as a new process would have it."""
        source = SourceCloseio()
        source.clock = self.clock = QuickClock(self.ahead)
        connection: CloseConnection = opened(source, self.config, patience=patience)
        connection.client.session.mount("https://", self.vendor)
        assert isinstance(connection.output, KeptOutput)
        return connection, connection.output

    def read(self, stream: str, state: Mapping[str, Any] | None = None, *, mode: str = "incremental") -> Reading:
        """One sync of one stream."""
        connection, output = self.connection()
        states = parse_state({} if state is None else {stream: dict(state)})
        code = read(connection, configured(stream, mode=mode), states, "source-closeio")
        return _sorted_out(code, output, stream)

    def truth(self, stream: str) -> list[dict[str, Any]]:
        """The records that a complete read emits, as the vendor has them."""
        return [orjson.loads(line) for line in self.app.truth(stream) or ()]


def configured(*names: str, mode: str = "incremental") -> list[ConfiguredStream]:
    """The configured catalog of these streams."""
    streams = [{"stream": {"name": name, "json_schema": {}}, "sync_mode": mode} for name in names]
    return parse_catalog({"streams": streams})


def _sorted_out(code: int, output: KeptOutput, stream: str) -> Reading:
    reading = Reading(code, logs=output.logs())
    for message in output.messages():
        if message["type"] == "RECORD":
            assert message["record"]["stream"] == stream
            reading.records.append(message["record"]["data"])
        elif message["type"] == "STATE":
            reading.states.append(message["state"]["stream"]["stream_state"])
            reading.states_after.append(len(reading.records))
        elif message["type"] == "TRACE" and message["trace"]["type"] == "STREAM_STATUS":
            reading.statuses.append(message["trace"]["stream_status"]["status"])
        elif message["type"] == "TRACE" and message["trace"]["type"] == "ESTIMATE":
            reading.estimates.append(message["trace"]["estimate"]["row_estimate"])
        elif message["type"] == "TRACE" and message["trace"]["type"] == "ERROR":
            reading.errors.append(message["trace"]["error"])
    return reading


def by_id(records: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Records in the order of their ids."""
    return sorted(records, key=lambda record: str(record["id"]))
