"""The base class of streams: the CDK's hooks, its plain way of reading, and the arithmetic of time cursors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests_mock
from airbyte_cdk.models import SyncMode

from source_kit.budget import RateBudget
from source_kit.client import HttpClient
from source_kit.endpoint import Ask, Endpoint
from source_kit.fetcher import Fetcher
from source_kit.oauth import basic
from source_kit.rules import Rejected
from source_kit.stream import KitStream, TimeCursor
from source_kit.testing import NOON, FakeClock
from source_kit.work import Fork, Page, Plan, Start

URL = "https://api.vendor.test/v1/leads/"
T1, T2 = "2026-01-01T00:00:01Z", "2026-01-01T00:00:02Z"


@dataclass(frozen=True)
class From(Ask):
    """A page of leads from a time on, after a cursor."""

    lower: str = ""
    cursor: str = ""


class LeadsEndpoint(Endpoint[From]):
    """`GET /v1/leads/`."""

    usual = From()
    bucket = "GET leads/"

    def path(self, asked: From) -> str:
        return "leads/"

    def params(self, asked: From) -> dict[str, Any]:
        given = {"from": asked.lower, "cursor": asked.cursor, "size": asked.size, "limit": asked.limit}
        return {name: value for name, value in given.items() if value}


class Leads(KitStream):
    """A page, and a plan of one more."""

    name = "leads"
    cursor_field: str | list[str] = "at"
    package = "none"

    def __init__(self, client: HttpClient) -> None:
        super().__init__(client)
        self.pages = Fetcher(client, LeadsEndpoint(), self.name)

    def work(self, start: Start) -> Plan:
        yield Page(self.pages.fetch(From(lower=start.position.get("at", ""))).records, {"at": T1})
        yield Fork([self.rest()])

    def rest(self) -> Plan:
        yield Page(self.pages.fetch(From(lower=T1)).records, {"at": T2})


class Users(Leads):
    """Without a cursor."""

    name = "users"
    cursor_field = []  # noqa: RUF012 - the CDK's declaration


@pytest.fixture
def vendor() -> Iterator[Any]:
    with requests_mock.Mocker() as mocker:
        yield mocker


def client() -> HttpClient:
    clock = FakeClock()
    return HttpClient("https://api.vendor.test/v1/", basic("k"), RateBudget(clock), clock, headers={})


def test_the_hooks_of_the_cdk_are_those_of_the_endpoint(vendor: Any) -> None:
    stream = Leads(client())
    assert (stream.path(), stream.http_method, stream.bucket) == ("leads/", "GET", "GET leads/")
    assert stream.request_params(None, From(lower=T1)) == {"from": T1}
    assert stream.request_body_json(None) is None
    vendor.get(URL, json={"data": [{"id": 1}, None]})
    response = stream.client.send(stream.endpoint.request(From(), "leads"))
    assert stream.parse_response(response) == [{"id": 1}]


def test_a_probe_raises_what_reading_would_raise(vendor: Any) -> None:
    vendor.get(URL, status_code=400, json={})
    with pytest.raises(Rejected, match="stream leads"):
        Leads(client()).probe()


def test_the_plain_cdk_reads_the_whole_plan_and_has_its_state(vendor: Any) -> None:
    vendor.get(URL, [{"json": {"data": [{"id": 1}]}}, {"json": {"data": [{"id": 2}]}}])
    stream = Leads(client())
    stream.state = {"at": "2026-01-01T00:00:00Z", "__v": 1}
    assert list(stream.read_records(SyncMode.incremental)) == [{"id": 1}, {"id": 2}]
    assert [request.qs["from"] for request in vendor.request_history] == [["2026-01-01t00:00:00z"], [T1.lower()]]
    assert stream.state == {"at": T2, "__v": 1}


def test_a_full_refresh_by_the_plain_cdk_ends_with_its_marker(vendor: Any) -> None:
    vendor.get(URL, json={"data": []})
    stream = Leads(client())
    assert list(stream.read_records(SyncMode.full_refresh)) == []
    assert stream.state == {"__ab_full_refresh_sync_complete": True}
    assert list(stream.read_records(SyncMode.full_refresh)) == []
    assert vendor.call_count == 2


def test_a_stream_without_cursor_is_not_resumable(vendor: Any) -> None:
    vendor.get(URL, json={"data": []})
    stream = Users(client())
    assert (stream.is_resumable, stream.cursor_name) == (False, None)
    list(stream.read_records(SyncMode.full_refresh))
    assert stream.state == {"__ab_no_cursor_state_message": True}
    assert (Leads(client()).is_resumable, Leads(client()).cursor_name) == (True, "at")


CURSOR = TimeCursor("at", datetime(2025, 1, 1, tzinfo=UTC), timedelta(minutes=5))


def test_a_read_begins_at_its_state_else_at_the_start_date_else_with_everything() -> None:
    assert CURSOR.lower(Start(True, {"at": T1})) == datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC)
    assert CURSOR.lower(Start(True)) == datetime(2025, 1, 1, tzinfo=UTC)
    assert TimeCursor("at", None, timedelta(0)).lower(Start(True)) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-01-01T11:00:00.5+00:00", "2026-01-01T11:00:00.5+00:00"),
        ("2026-01-01T11:55:00Z", "2026-01-01T11:55:00Z"),
        (" 2026-01-01T11:55:00Z ", "2026-01-01T11:55:00Z"),
        ("2026-01-01T11:55:00.001Z", "2026-01-01T11:55:00.000000+00:00"),
        ("2999-01-01", "2026-01-01T11:55:00.000000+00:00"),
    ],
)
def test_a_checkpoint_is_the_value_itself_but_never_past_the_request_less_the_lag(value: str, expected: str) -> None:
    assert CURSOR.checkpoint(value, NOON) == {"at": expected}


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("2026-01-01T00:00:00.123456+00:00", "2026-01-01T00:00:00.123456+00:00"),
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
        ("2026-01-01", "2026-01-01"),
        ("2026-01-01 00:00:00 UTC", "2026-01-01T00:00:00.000Z"),
        ("2026-01-01T05:00:00+05", "2026-01-01T00:00:00.000Z"),
        ("2026-01-01T00:00:00z", "2026-01-01T00:00:00.000Z"),
    ],
)
def test_a_state_holds_a_time_that_everybody_can_read(value: str, told: str) -> None:
    assert TimeCursor("at", None, timedelta(0)).checkpoint(value, NOON) == {"at": told}


def test_no_state_passes_the_end_date_and_a_state_that_reached_it_asks_for_nothing() -> None:
    cursor = TimeCursor("at", None, timedelta(0), end_date=datetime(2026, 1, 1, tzinfo=UTC))
    assert cursor.checkpoint("2026-01-01T06:00:00Z", NOON) == {"at": "2026-01-01T00:00:00.000000+00:00"}
    assert cursor.window(Start(True, {"at": "2025-12-01T00:00:00Z"})).is_empty is False
    assert cursor.window(Start(True, {"at": "2026-01-01T00:00:00Z"})).is_empty is True
