"""Headers nobody can read, answers that are none, counts of what is not there, pages that are too heavy."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest

from emulator_tests.close_client import CloseClient
from emulator_tests.kustomer_client import serving
from emulator_tests.outreach_client import OutreachClient as OutreachClient
from emulator_tests.test_persistiq import Client as PersistiqClient
from emulators import Emulator
from emulators.kustomer.app import API_KEY
from emulators.messages import Request
from emulators.oddities.headers import HEADERS

Start = Callable[..., Emulator]
LEADS = {"query": {"type": "object_type", "object_type": "lead"}, "include_counts": True}


def sent(kind: str) -> dict[str, list[str]]:
    headers: dict[str, list[str]] = {}
    for name, value in PersistiqClient(odd={kind: 1}).ask("users").headers:
        headers.setdefault(name.lower(), []).append(value)
    return headers


@pytest.mark.parametrize(
    ("kind", "name", "values"),
    [
        ("rate_garbled", "ratelimit", ["limit=100, remaining=50, reset=.."]),
        ("rate_400_digits", "x-ratelimit-remaining", ["9" * 400]),
        ("rate_negative", "x-ratelimit-limit", ["-5"]),
        ("reset_400_digits", "x-ratelimit-reset", ["9" * 400]),
        ("reset_year_5138", "x-ratelimit-reset", ["99999999999"]),
        ("date_2099", "date", ["Thu, 01 Jan 2099 00:00:00 GMT"]),
        ("date_constant", "date", ["Tue, 01 Oct 2019 08:00:00 GMT"]),
        ("date_garbage", "date", ["yesterday, perhaps"]),
    ],
)
def test_a_header_is_sent_in_the_place_of_its_like(kind: str, name: str, values: list[str]) -> None:
    assert sent(kind)[name] == values


@pytest.mark.parametrize("kind", ["date_twice", "reset_iso_date_twice"])
def test_a_date_is_sent_twice(kind: str) -> None:
    assert len(sent(kind)["date"]) == 2


def test_odd_headers_take_turns() -> None:
    client = PersistiqClient(odd=list(HEADERS))
    for _ in range(2 * len(HEADERS)):
        client.ask("users")
    assert client.app.oddities.counts == dict.fromkeys(HEADERS, 2)


@pytest.mark.parametrize(
    ("answer", "status", "location"),
    [
        ("redirect_nowhere", 302, ""),
        ("redirect_bytes", 302, "/caf\xe9/\xff"),
        ("redirect_elsewhere", 302, "http://elsewhere.invalid/"),
        ("redirect_loop", 302, "http://emulator/v1/tags"),
        ("304", 304, None),
        ("407", 407, None),
        ("418", 418, None),
        ("html_403", 403, None),
        ("no_content", 204, None),
    ],
)
def test_an_endpoint_gives_an_odd_answer(answer: str, status: int, location: str | None) -> None:
    client = PersistiqClient(odd_answers={"GET /tags": answer})
    response = client.ask("tags")
    assert (response.status, dict(response.headers).get("Location")) == (status, location)
    assert client.app.statistics_report()["odd"] == {answer: 1}
    assert client.ask("users").status == 200


def test_a_relative_redirect_leads_to_the_right_answer() -> None:
    client = PersistiqClient(odd_answers={"GET /tags": "redirect_relative"})
    location = dict(client.ask("tags", page=1).headers)["Location"]
    assert location == "/v1/tags?page=1&odd_redirected=1"
    assert len(client.get("tags", page=1, odd_redirected=1)["tags"]) == 8


def test_the_identity_is_what_was_asked_for() -> None:
    client = CloseClient(identity_body='{"error": "who?"}')
    assert (client.get("/me/"), client.get("/user/")["has_more"]) == ({"error": "who?"}, False)


def test_phantoms_are_counted_in_the_window_that_holds_their_time() -> None:
    client = CloseClient(leads=11, phantoms=4)
    assert client.search(**LEADS)["count"]["total"] == 15
    outreach = OutreachClient(prospects=11, phantoms=4)
    counted = [outreach.ask("/prospects", count="true", **more)[1]["meta"]["count"] for more in WINDOWS]
    assert counted == [15, 0]
    with serving(customers=11, phantoms=4, deleted_share=0.0) as kustomer:
        body = {"queryContext": "customer", "and": [], "sort": [{"customer_updated_at": "asc"}]}
        assert kustomer.ask("POST", "/customers/search", body).json["meta"]["total"] in range(4, 16)


WINDOWS: tuple[dict[str, Any], ...] = ({}, {"filter[updatedAt]": "neginf..2001-01-01T00:00:00Z"})


@pytest.mark.parametrize("status", [502, 504])
def test_large_pages_are_too_heavy(status: int) -> None:
    client = CloseClient(leads=60, heavy_above=50, heavy_status=status)
    assert [client.ask("GET", "/lead/", _limit=limit).status for limit in (51, 50)] == [status, 200]
    bodies = [orjson.dumps({**LEADS, "_limit": limit}) for limit in (51, 50)]
    assert [client.ask("POST", "/data/search/", body=body).status for body in bodies] == [status, 200]
    outreach = OutreachClient(heavy_above=50, heavy_status=status)
    headers = {"authorization": f"Bearer {outreach.token}", "content-type": "application/vnd.api+json"}
    request = Request("GET", "/api/v2/prospects", "page%5Bsize%5D=51", headers, b"")
    assert outreach.app.handle(request).status == status


def test_caps_are_refused_in_the_newer_words() -> None:
    client = CloseClient(newer_caps=True, maximum_skip=250)
    text = "Input should be less than or equal to 250"
    assert client.refused("/activity/", _skip=251) == (400, {"errors": [], "field-errors": {"_skip": text}})
    assert client.refused("/lead/", _limit=201)[1]["field-errors"] == {
        "_limit": "Input should be less than or equal to 200"
    }


def test_a_search_times_out_once_with_a_part_of_the_rows() -> None:
    with serving(customers=40, odd={"timed_out_once": 1}, deleted_share=0.0, days=300) as kustomer:
        answers = [kustomer.ask("POST", "/customers/search", {"queryContext": "customer"}).json for _ in range(2)]
    found = [(len(answer["data"]), answer["meta"]["timed_out"], answer["meta"]["total"]) for answer in answers]
    assert found == [(20, True, 40), (40, False, 40)]


def test_a_mint_is_refused_where_another_process_has_used_the_token() -> None:
    client = OutreachClient()
    client.app.options.token_refusals, client.app.options.token_status = 1, 201
    client.app.configure()
    assert client.mint("refresh-1") == (400, {"error": "invalid_grant"})
    assert client.mint("refresh-1") == (400, {"error": "invalid_grant"})
    assert client.mint("refresh-of-another-process")[0] == 201


def test_a_body_drips_and_a_head_never_comes(started: Start) -> None:
    for kind in ("drip", "no_head"):
        emulator = started("kustomer", customers=3, odd={kind: 1})
        address = urlsplit(emulator.url)
        with closing(http.client.HTTPConnection(address.hostname or "", address.port, timeout=1.6)) as connection:
            began = time.monotonic()
            connection.request("GET", "/v1/tags", headers={"Authorization": f"Bearer {API_KEY}"})
            if kind == "drip":
                answer = connection.getresponse()
                assert answer.read(1) == b"{"
                assert time.monotonic() - began > 0.9
            else:
                with pytest.raises(TimeoutError):
                    connection.getresponse()
        assert emulator.stats()["odd"] == {kind: 1}
