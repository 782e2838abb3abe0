"""The engine and the CDK's own loop over the same streams give the same records and final states."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

import orjson
import pytest
import requests
from airbyte_cdk.models import (
    AirbyteMessage,
    AirbyteStateMessage,
    ConfiguredAirbyteCatalog,
    ConfiguredAirbyteCatalogSerializer,
)
from airbyte_cdk.sources import AbstractSource
from requests.adapters import HTTPAdapter

from source_closeio import SourceCloseio
from source_kit.timestamps import parse
from unit_tests.closeio_account import Account

LOGGER = logging.getLogger("airbyte")
Read = Callable[..., Iterable[AirbyteMessage]]
Outcome = tuple[dict[str, list[bytes]], dict[str, dict[str, Any]]]
# The engine's, and that of the base class.
WAYS: list[Read] = [SourceCloseio.read, AbstractSource.read]


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Account:
    """An account behind every connection of this process."""
    account = Account(leads=450, activities=250, tasks=60, events=120)

    def send(adapter: HTTPAdapter, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        return account.vendor.send(request)

    monkeypatch.setattr(HTTPAdapter, "send", send)
    return account


def catalog_of(names: Iterable[str]) -> ConfiguredAirbyteCatalog:
    """Incremental reads of these streams."""
    streams = [
        {
            "stream": {"name": name, "json_schema": {}, "supported_sync_modes": ["full_refresh", "incremental"]},
            "sync_mode": "incremental",
            "destination_sync_mode": "append",
        }
        for name in names
    ]
    return ConfiguredAirbyteCatalogSerializer.load({"streams": streams})


def outcome(read: Read, account: Account, names: Iterable[str], state: list[AirbyteStateMessage]) -> Outcome:
    """Sorted records and the last state of each stream."""
    source = SourceCloseio()
    config = source.configure(account.config, "")
    records: dict[str, list[bytes]] = {}
    states: dict[str, dict[str, Any]] = {}
    for message in read(source, LOGGER, config, catalog_of(names), state):
        if message.record is not None:
            line = orjson.dumps(message.record.data, option=orjson.OPT_SORT_KEYS)
            records.setdefault(message.record.stream, []).append(line)
        elif message.state is not None and message.state.stream is not None:
            stream = message.state.stream
            states[stream.stream_descriptor.name] = dict(vars(stream.stream_state))
    return {name: sorted(lines) for name, lines in records.items()}, states


def test_both_ways_read_every_stream_alike(account: Account) -> None:
    connection, _ = account.connection()
    names = [stream.name for stream in connection.streams()]
    engine, plain = (outcome(read, account, names, []) for read in WAYS)
    assert set(engine[1]) == set(names)
    different = [
        name for name in names if engine[0].get(name) != plain[0].get(name) or engine[1][name] != plain[1][name]
    ]
    assert different == []
    assert {"leads", "activities", "tasks", "users", "custom_fields", "event_log", "user_posts"} <= set(engine[0])


def test_both_ways_go_on_from_a_state_alike(account: Account) -> None:
    names = ["leads", "tasks", "activities"]
    first = list(SourceCloseio().read(LOGGER, account.config, catalog_of(names), []))
    last = {m.state.stream.stream_descriptor.name: m.state for m in first if m.state and m.state.stream}
    account.app.touch("leads", update=3, create=1, delete=1)
    account.app.touch("tasks", update=3, create=1, delete=1)
    engine, plain = (outcome(read, account, names, list(last.values())) for read in WAYS)
    assert engine[0] == plain[0]
    for name in names:
        # The states stay behind the time of the request, which was a moment later the second time.
        for position in ["date_created"] if name == "activities" else ["date_updated", "__events_until"]:
            difference = parse(plain[1][name].pop(position)) - parse(engine[1][name].pop(position))
            assert timedelta(0) <= difference < timedelta(seconds=30)
    assert engine[1] == plain[1]
    assert 0 < len(engine[0]["leads"]) < 20
