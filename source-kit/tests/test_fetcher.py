"""One page of an endpoint: its rows, when it was asked for, and pages that are too heavy."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests_mock

from source_kit.fetcher import Fetcher
from source_kit.page_size import PageSize
from source_kit.testing import NOON
from source_kit.windows import WalkExpired
from tests.test_stream import URL, From, LeadsEndpoint, client


@pytest.fixture
def vendor() -> Iterator[Any]:
    with requests_mock.Mocker() as mocker:
        yield mocker


def leads(sizes: PageSize | None = None) -> Fetcher[From]:
    return Fetcher(client(), LeadsEndpoint(), "leads", sizes)


def test_an_answer_has_its_rows_its_body_and_the_time_on_whichever_clock_is_behind(vendor: Any) -> None:
    vendor.get(URL, json={"data": [{"id": 1}], "more": True}, headers={"Date": "Thu, 01 Jan 2026 11:59:00 GMT"})
    answer = leads().fetch(From(lower="x", cursor="y"))
    assert vendor.last_request.qs == {"from": ["x"], "cursor": ["y"]}
    assert (answer.records, answer.body, answer.size) == ([{"id": 1}], {"data": [{"id": 1}], "more": True}, 1)
    assert timedelta(0) <= datetime(2026, 1, 1, 11, 59, tzinfo=UTC) - answer.asked_at < timedelta(seconds=1)


def test_a_server_whose_clock_is_ahead_moves_no_request_into_the_future(vendor: Any) -> None:
    vendor.get(URL, json={"data": []}, headers={"Date": "Fri, 02 Jan 2026 12:00:00 GMT"})
    assert leads().fetch(From()).asked_at == NOON


def test_an_answer_without_its_list_is_asked_for_again(vendor: Any) -> None:
    vendor.get(URL, [{"json": {}}, {"json": {"data": []}}])
    assert leads().fetch(From()).records == []
    assert vendor.call_count == 2


def test_a_page_that_is_too_heavy_is_halved_on_the_spot(vendor: Any) -> None:
    vendor.get(URL, [{"status_code": 504}, {"json": {"data": []}}])
    leads(PageSize(100)).fetch(From())
    assert [request.qs["size"] for request in vendor.request_history] == [["100"], ["50"]]


def test_a_page_whose_place_depends_on_its_size_is_not_halved_in_its_place(vendor: Any) -> None:
    vendor.get(URL, [{"json": {"data": []}}, {"status_code": 504}, {"status_code": 504}])
    pages = leads(sizes := PageSize(100))
    pages.fetch(From(size=100))
    with pytest.raises(WalkExpired):
        pages.fetch(From(size=100, cursor="second"))
    assert [request.qs["size"] for request in vendor.request_history] == [["100"]] * 3
    assert sizes.current == 50


def test_a_request_for_a_few_rows_says_nothing_about_the_size_of_pages(vendor: Any) -> None:
    vendor.get(URL, json={"data": []})
    leads(sizes := PageSize(100)).fetch(From(limit=1))
    assert vendor.last_request.qs == {"limit": ["1"]}
    assert sizes.current == 100


def test_rows_of_which_none_is_one_are_asked_for_again_and_then_left_out(vendor: Any) -> None:
    vendor.get(URL, [{"json": {"data": [None]}}, {"json": {"data": [{"id": 1}]}}, {"json": {"data": ["x"]}}])
    pages = leads()
    assert pages.fetch(From()).records == [{"id": 1}]
    answer = pages.fetch(From())
    assert (answer.records, answer.size, vendor.call_count) == ([], 1, 4)


def test_what_a_request_says_follows_from_what_is_asked() -> None:
    request = LeadsEndpoint().request(From(lower="x"), "leads", can_shrink=True)
    assert (request.method, request.path, request.params, request.json) == ("GET", "leads/", {"from": "x"}, None)
    assert (request.bucket, request.what, request.can_shrink, request.empty) == (
        "GET leads/",
        "leads",
        True,
        {"data": []},
    )
    assert (request.accepts({"data": []}), request.accepts({})) == (True, False)
    assert (request.doubts({"data": [None]}), request.doubts({"data": [{}]})) == (True, False)
