"""The base class of streams: hooks, the plain CDK's way of reading, and the arithmetic of time cursors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
import requests_mock
from airbyte_cdk.models import SyncMode

from source_kit.answers import body
from source_kit.budget import RateBudget
from source_kit.client import HttpClient
from source_kit.oauth import basic
from source_kit.page_size import PageSize
from source_kit.rules import Rejected
from source_kit.stream import KitStream, TimeCursor
from source_kit.testing import NOON, FakeClock
from source_kit.windows import WalkExpired
from source_kit.work import Fork, Page, Plan, Record, Start

URL = "https://api.vendor.test/v1/leads/"
T1, T2 = "2026-01-01T00:00:01Z", "2026-01-01T00:00:02Z"


class Leads(KitStream):
    """A page, and a plan of one more."""

    name = "leads"
    cursor_field: str | list[str] = "at"
    package = "none"

    def path(self, **arguments: Any) -> str:
        return "leads/"

    def is_whole(self, content: Any) -> bool:
        return "data" in content

    def request_params(
        self,
        stream_state: Mapping[str, Any] | None,
        stream_slice: Mapping[str, Any] | None = None,
        next_page_token: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        return {**(stream_slice or {}), **(next_page_token or {})}

    def parse_response(self, response: requests.Response, **arguments: Any) -> list[Record]:
        records: list[Record] = body(response)["data"]
        return records

    def work(self, start: Start) -> Plan:
        yield Page(self.fetch({"from": start.position.get("at", "")}).records, {"at": T1})
        yield Fork([self.rest()])

    def rest(self) -> Plan:
        yield Page(self.fetch({"from": T1}).records, {"at": T2})


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


def test_a_page_is_asked_for_through_the_hooks_of_the_cdk(vendor: Any) -> None:
    vendor.get(URL, json={"data": [{"id": 1}], "more": True}, headers={"Date": "Thu, 01 Jan 2026 11:59:00 GMT"})
    answer = Leads(client()).fetch({"from": "x"}, {"cursor": "y"})
    assert vendor.last_request.qs == {"from": ["x"], "cursor": ["y"]}
    assert (answer.records, answer.body, answer.size) == ([{"id": 1}], {"data": [{"id": 1}], "more": True}, 1)
    assert timedelta(0) <= datetime(2026, 1, 1, 11, 59, tzinfo=UTC) - answer.asked_at < timedelta(seconds=1)


def test_a_server_whose_clock_is_ahead_moves_no_request_into_the_future(vendor: Any) -> None:
    vendor.get(URL, json={"data": []}, headers={"Date": "Fri, 02 Jan 2026 12:00:00 GMT"})
    assert Leads(client()).fetch().asked_at == NOON


def test_an_answer_without_its_list_is_asked_for_again(vendor: Any) -> None:
    vendor.get(URL, [{"json": {}}, {"json": {"data": []}}])
    assert Leads(client()).fetch().records == []
    assert vendor.call_count == 2


def test_a_page_that_is_too_heavy_is_halved_on_the_spot(vendor: Any) -> None:
    vendor.get(URL, [{"status_code": 504}, {"json": {"data": []}}])
    stream = Leads(client())
    stream.sizes = PageSize(100)
    stream.fetch({"page": 1})
    assert [request.qs["size"] for request in vendor.request_history] == [["100"], ["50"]]


def test_a_page_whose_place_depends_on_its_size_is_not_halved_in_its_place(vendor: Any) -> None:
    vendor.get(URL, [{"json": {"data": []}}, {"status_code": 504}, {"status_code": 504}])
    stream = Leads(client())
    stream.sizes = PageSize(100)
    stream.fetch({"page": 1, "size": 100})
    with pytest.raises(WalkExpired):
        stream.fetch({"page": 2, "size": 100})
    assert [request.qs["size"] for request in vendor.request_history] == [["100"]] * 3
    assert stream.sizes.current == 50


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


def test_rows_of_which_none_is_one_are_asked_for_again_and_then_left_out(vendor: Any) -> None:
    vendor.get(URL, [{"json": {"data": [None]}}, {"json": {"data": [{"id": 1}]}}, {"json": {"data": ["x"]}}])
    leads = Leads(client())
    assert leads.fetch().records == [{"id": 1}]
    answer = leads.fetch()
    assert (answer.records, answer.size, vendor.call_count) == ([], 1, 4)


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
