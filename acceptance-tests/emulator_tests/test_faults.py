"""Faults: which, how often, and that a client that retries wins."""

from __future__ import annotations

from collections import Counter

import pytest

from emulator_tests.close_client import CloseClient
from emulators.faults import KINDS, Faults
from emulators.messages import Request, Response

RIGHT = Response(200, b'{"data":[1,2,3]}')


def faults(probabilities: dict[str, float], seed: int = 1) -> Faults:
    made = Faults(seed)
    made.configure(probabilities, 0.1, 2)
    return made


def request(number: int) -> Request:
    return Request("GET", "/lead/", f"_skip={number}", {}, b"")


def test_every_kind_breaks_an_answer_in_its_own_way() -> None:
    broken = {kind: faults({}).apply(kind, RIGHT) for kind in KINDS}
    assert {kind: answer.status for kind, answer in broken.items() if answer.status not in (200, 0)} == {
        "500": 500,
        "502": 502,
        "503": 503,
        "503_retry_after": 503,
        "429": 429,
    }
    assert dict(broken["503_retry_after"].headers) == dict(broken["429"].headers) == {"Retry-After": "1"}
    assert broken["502"].content_type == broken["html"].content_type == b"text/html; charset=utf-8"
    assert broken["reset"].reset
    assert broken["truncated"].truncate
    assert broken["slow"].slow == 0.1
    assert broken["empty"].body == b""
    assert broken["garbage"].body == b'{"data":'
    assert dict(broken["gzip_cut"].headers) == {"Content-Encoding": "gzip"}
    assert Response(200, b'{"data":[1,2,3]}') == RIGHT


def test_faults_come_about_as_often_as_asked_and_are_the_same_for_the_same_seed() -> None:
    def chosen(seed: int) -> list[str | None]:
        made = faults({"500": 0.1, "reset": 0.2}, seed)
        return [made.choose(request(number), lists=True, gzip=False) for number in range(2000)]

    counts = Counter(chosen(1))
    assert 140 < counts["500"] < 260
    assert 320 < counts["reset"] < 480
    assert chosen(1) == chosen(1) != chosen(2)


def test_the_order_of_requests_does_not_change_their_faults() -> None:
    forwards, backwards = faults({"500": 0.5}), faults({"500": 0.5})
    first = {number: forwards.choose(request(number), lists=True, gzip=False) for number in range(100)}
    second = {number: backwards.choose(request(number), lists=True, gzip=False) for number in reversed(range(100))}
    assert first == second


def test_the_same_request_fails_at_most_twice_in_a_row() -> None:
    always = faults({"500": 1.0})
    outcomes = [always.choose(request(7), lists=True, gzip=False) for _ in range(6)]
    assert outcomes == ["500", "500", None, "500", "500", None]


def test_kinds_that_do_not_fit_an_endpoint_never_come_there() -> None:
    close = CloseClient(leads=10, faults={"deleted_404": 1.0})
    assert close.refused("/lead/") == (404, {"error": "Empty query: Document has been deleted."})
    assert close.ask("GET", "/me/").status == 200
    assert faults({"gzip_cut": 1.0}).choose(request(1), lists=True, gzip=False) is None
    assert faults({"gzip_cut": 1.0}).choose(request(1), lists=True, gzip=True) == "gzip_cut"


def test_all_kinds_at_once_leave_the_client_that_retries_with_the_truth() -> None:
    close = CloseClient(leads=300, faults={"all": 0.03})
    seen: list[str] = []
    failures = 0
    while len(seen) < 300:
        response = close.ask("GET", "/lead/", _limit=5, _skip=len(seen))
        whole = response.status == 200 and not response.truncate and not response.reset
        try:
            seen += [lead["id"] for lead in close.read(response)["data"]] if whole else []
        except ValueError:
            failures += 1
        failures += not whole
    assert sorted(seen) == sorted(lead["id"] for lead in close.truth("leads"))
    assert failures > 10


def test_an_unknown_kind_is_an_error() -> None:
    with pytest.raises(ValueError, match="Unknown fault kinds: \\['gremlins'\\]"):
        faults({"gremlins": 0.5})
