"""The HTTP client and other hosts: credentials go to one origin only, and a redirect loses nothing."""

from __future__ import annotations

from typing import Any

import pytest
import requests_mock

from source_kit.client import Request
from source_kit.errors import TransientError
from tests.client_bench import BASE, GOOD, URL, Bench


def test_a_get_follows_a_redirect_within_its_origin_once(vendor: Any) -> None:
    vendor.get(BASE + "leads", status_code=301, headers={"Location": "/v1/leads/?_limit=2"})
    vendor.get(URL, **GOOD)
    assert Bench().send(Request("leads", "b", params={"_limit": 2})) == {"data": [1]}
    assert vendor.last_request.headers["Authorization"] == "Basic YXBpX3MzY3JldDo="


@pytest.mark.parametrize("target", ["?page=x", "/v1/leads/", "/v1/leads/?_limit=2&type=", "/v1/leads/?_limit=3&type=a"])
def test_a_redirect_that_loses_parameters_is_not_followed(vendor: Any, target: str) -> None:
    vendor.get(requests_mock.ANY, **GOOD)
    vendor.get(BASE + "leads", status_code=307, headers={"Location": target})
    assert isinstance(Bench().fail(Request("leads", "b", params={"_limit": 2, "type": "a"})), TransientError)
    assert [sent.query for sent in vendor.request_history] == ["_limit=2&type=a"] * 3


@pytest.mark.parametrize("target", ["/v1/leads/?type=a&_limit=2", "/v1/leads/?_limit=2&region=eu&type=a"])
def test_a_redirect_may_add_parameters(vendor: Any, target: str) -> None:
    vendor.get(URL, **GOOD)
    vendor.get(BASE + "leads", status_code=307, headers={"Location": target})
    assert Bench().send(Request("leads", "b", params={"_limit": 2, "type": "a"})) == {"data": [1]}


def test_a_second_redirect_is_not_followed(vendor: Any) -> None:
    vendor.get(BASE + "leads", status_code=302, headers={"Location": URL})
    vendor.get(URL, status_code=302, headers={"Location": URL})
    assert isinstance(Bench().fail(Request("leads", "b")), TransientError)
    # Three attempts, each of which follows one.
    assert vendor.call_count == 6


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.test/v1/leads/",
        "http://api.vendor.test/v1/leads/",
        "https://api.vendor.test:8443/v1/leads/",
        "//evil.test/",
        "https://api.vendor.test@evil.test/",
        "https://api.vendor.test.evil.test/",
    ],
)
def test_no_credential_follows_a_redirect_to_another_origin(vendor: Any, target: str) -> None:
    vendor.get(URL, status_code=302, headers={"Location": target})
    vendor.get(requests_mock.ANY, **GOOD)
    vendor.get(URL, status_code=302, headers={"Location": target})
    assert isinstance(Bench().fail(), TransientError)
    assert [sent.url for sent in vendor.request_history] == [URL] * 3


def test_a_post_never_follows_a_redirect(vendor: Any) -> None:
    vendor.post(BASE + "search", status_code=307, headers={"Location": "/v1/search/"})
    vendor.post(BASE + "search/", **GOOD)
    assert isinstance(Bench().fail(Request("search", "b", method="POST", json={})), TransientError)
    assert [sent.url for sent in vendor.request_history] == [BASE + "search"] * 3


@pytest.mark.parametrize("path", ["https://evil.test/leads/", "//evil.test/leads/", "http://api.vendor.test/v1/leads/"])
def test_a_request_to_a_foreign_host_is_stopped_before_it_leaves(vendor: Any, path: str) -> None:
    vendor.get(requests_mock.ANY, **GOOD)
    error = Bench().fail(Request(path, "b"))
    assert str(error.message) == "A request to a foreign host was stopped."
    assert vendor.call_count == 0


def test_a_stopped_request_does_not_block_its_bucket(vendor: Any) -> None:
    vendor.get(URL, **GOOD)
    bench = Bench()
    bench.fail(Request("//evil.test/", "GET leads/"))
    assert bench.send() == {"data": [1]}


@pytest.mark.parametrize("status", [300, 302, 304, 308])
def test_an_answer_from_elsewhere_is_no_refusal_of_the_api(vendor: Any, status: int) -> None:
    vendor.get(URL, status_code=status, headers={"Location": "https://elsewhere.test/"}, text="")
    error = Bench().fail()
    assert isinstance(error, TransientError)
    assert str(error.message).startswith("Reading stream leads failed 3 times: ")
    assert {request.hostname for request in vendor.request_history} == {"api.vendor.test"}


@pytest.mark.parametrize("status", [404, 410])
def test_what_is_not_found_behind_a_redirect_is_not_gone(vendor: Any, status: int) -> None:
    vendor.get(URL, status_code=302, headers={"Location": "/v1/caf\xe9"})
    vendor.get(requests_mock.ANY, status_code=status, json={})
    vendor.get(URL, status_code=302, headers={"Location": "/v1/caf\xe9"})
    assert isinstance(Bench().fail(), TransientError)


def test_a_client_that_is_told_another_host_asks_there_and_stops_requests_to_others(vendor: Any) -> None:
    vendor.get("https://eu.vendor.test/v1/leads/", json={"data": [2]})
    bench = Bench()
    bench.client.move_to("https://eu.vendor.test/v1/")
    assert bench.send() == {"data": [2]}
    assert bench.client.base_url == "https://eu.vendor.test/v1/"
    bench.fail(Request("https://api.vendor.test/v1/leads/", "b"))
    assert [request.hostname for request in vendor.request_history] == ["eu.vendor.test"]
