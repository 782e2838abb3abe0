"""An Outreach account behind requests-mock: a source that is ready to read, and answers as the API words them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import requests_mock

from source_kit import reading
from source_kit.catalog_input import ConfiguredStream
from source_kit.stream import KitStream
from source_kit.testing import FakeClock, opened
from source_kit.transport import PATIENT, Patience
from source_kit.work import Record, Start, in_order
from source_outreach import streams
from source_outreach.discovery import Account
from source_outreach.source import OutreachConnection, SourceOutreach

API = "https://api.outreach.io/api/v2"
TOKEN_URL = "https://api.outreach.io/oauth/token"
CONFIG = {
    "client_id": "client",
    "client_secret": "secret-1",
    "refresh_token": "refresh-1",
    "redirect_uri": "https://example.com/back",
    "access_token": "access-0",
    "token_expiry_date": "2026-01-01T14:00:00Z",
}


def connected(patience: Patience = PATIENT, **config: Any) -> OutreachConnection:
    """A connection with that config; its access token is good for two hours from the fake noon."""
    source = SourceOutreach()
    source.clock = FakeClock()
    connection: OutreachConnection = opened(source, {**CONFIG, **config}, patience=patience)
    return connection


def sync(connection: OutreachConnection, *streams: ConfiguredStream, states: Any = None) -> int:
    return reading.read(connection, streams, states or {}, "source-outreach")


def stream_of(connection: OutreachConnection, name: str) -> KitStream:
    found = streams.build(connection.client, connection.settings, Account(connection.client))
    return next(stream for stream in found if stream.name == name)


def read(stream: KitStream, **position: Any) -> list[Record]:
    start = Start(incremental=bool(position), position=position)
    return [record for page in in_order(stream.work(start)) for record in page.records]


def resource(number: int, kind: str = "stage", **attributes: Any) -> dict[str, Any]:
    return {"type": kind, "id": number, "attributes": {"updatedAt": "2025-06-01T00:00:00.000Z", **attributes}}


def page(resources: Sequence[dict[str, Any]], following: str | None = None, count: int | None = None) -> dict[str, Any]:
    """An answer to a list; without rows it has no links."""
    content: dict[str, Any] = {"data": list(resources), "meta": {"count": count, "count_truncated": False}}
    if resources:
        content["links"] = {"first": f"{API}/stages"}
    if following is not None:
        content["links"]["next"] = f"{API}/stages?page%5Bafter%5D={following}&page%5Bsize%5D=1000"
    return content


def problem(name: str, detail: str) -> dict[str, Any]:
    return {"errors": [{"id": name, "title": name, "detail": detail}]}


def without_ids(vendor: requests_mock.Mocker) -> None:
    """Neither a list of imports nor the id of the organisation."""
    vendor.get(API, json={"application": {}})
    vendor.get(f"{API}/auditLogs", json=page([]))
    vendor.get(f"{API}/imports", status_code=404, json=problem("routeNotFound", "No route."))
