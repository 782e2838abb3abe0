"""A PersistIQ of a few lines for unit tests, and the tables of acceptance-tests, which end-to-end tests share."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests_mock
from airbyte_cdk.models import SyncMode

from source_kit.budget import RateBudget
from source_kit.client import HttpClient
from source_kit.clock import Clock
from source_kit.oauth import StaticAuth
from source_kit.transport import Patience
from source_persistiq.config import parse
from source_persistiq.errors import RULES
from source_persistiq.streams import build

sys.path.append(str(Path(__file__).parents[3] / "acceptance-tests"))

Record = dict[str, Any]
Params = dict[str, str]
URL = "https://api.persistiq.com/v1/"
DATE = "Thu, 01 Jan 2026 12:00:10 GMT"


class QuickClock(Clock):
    """Sleeps pass at once and are noted; this machine's clock is two days ahead, unless a test sets it."""

    def __init__(self) -> None:
        super().__init__()
        self.slept: list[float] = []
        self.passed = 0.0
        self.told = datetime(2026, 1, 3, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self.told

    def monotonic(self) -> float:
        return self.passed

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.passed += seconds


class Api:
    """Answers requests by path; an answer is a body, a function of the parameters, or (status, body)."""

    def __init__(self, mocker: requests_mock.Mocker) -> None:
        self._mocker = mocker
        self.asked: list[tuple[str, Params]] = []
        self.logs: list[str] = []
        self.clock = QuickClock()
        self.headers = {"Date": DATE, "x-ratelimit-limit": "500", "x-ratelimit-remaining": "499"}

    def serve(self, path: str, *answers: Any) -> None:
        """Answer in turn, the last one for ever."""
        left = list(answers)

        def answer(request: Any, context: Any) -> Any:
            params = {name: values[-1] for name, values in parse_qs(urlsplit(request.url).query).items()}
            self.asked.append((path, params))
            given = left.pop(0) if len(left) > 1 else left[0]
            given = given(params) if callable(given) else given
            context.headers.update(self.headers)
            context.status_code, body = given if isinstance(given, tuple) else (200, given)
            return "" if context.status_code == 204 else json.dumps(body)

        self._mocker.get(URL + path, text=answer)

    def stream(self, name: str, **config: Any) -> Any:
        """The stream of that name."""
        settings, _ = parse({"api_key": "pk_0123456789", **config}, now=datetime(2026, 1, 1, tzinfo=UTC))
        client = HttpClient(
            URL,
            StaticAuth("x-api-key", settings.api_key),
            RateBudget(self.clock, assumed_per_minute=100),
            self.clock,
            headers={},
            rules=RULES,
            patience=Patience(attempts=8),
            log=lambda level, text: self.logs.append(f"{level} {text}"),
        )
        return {stream.name: stream for stream in build(client, settings)}[name]

    def read(self, name: str, state: Record | None = None, **config: Any) -> tuple[list[Record], Record]:
        """Records and final state of an incremental read."""
        stream = self.stream(name, **config)
        if state is not None:
            stream.state = state
        mode = SyncMode.incremental if stream.cursor_field else SyncMode.full_refresh
        return list(stream.read_records(mode)), dict(stream.state)


@pytest.fixture
def api() -> Iterator[Api]:
    with requests_mock.Mocker() as mocker:
        yield Api(mocker)


@pytest.fixture
def paged() -> Callable[..., Callable[[Params], Record]]:
    """`paged("leads", rows, size)`: the envelope of the page that the parameters ask for."""

    def make(key: str, rows: list[Record], size: int) -> Callable[[Params], Record]:
        def answer(params: Params) -> Record:
            number = int(params.get("page", 1))
            has_more = number * size < len(rows)
            link = f"{URL}{key}?page={number + 1}" if has_more else None
            part = rows[(number - 1) * size : number * size]
            return {"status": "success", "errors": [], "has_more": has_more, "next_page": link, key: part}

        return answer

    return make
