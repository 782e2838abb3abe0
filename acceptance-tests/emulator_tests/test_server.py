"""The emulator as a process: HTTP, faults on the wire, the control API."""

from __future__ import annotations

import http.client
import math
import os
import signal
import socket
import time
from base64 import b64encode
from collections.abc import Callable
from contextlib import closing
from gzip import decompress
from urllib.parse import urlsplit

import orjson
import pytest

from emulators import Emulator
from emulators.process import EmulatorError

Start = Callable[..., Emulator]


def connect(emulator: Emulator) -> http.client.HTTPConnection:
    address = urlsplit(emulator.url)
    return http.client.HTTPConnection(address.hostname or "", address.port, timeout=10)


def headers(emulator: Emulator, **more: str) -> dict[str, str]:
    key = b64encode((emulator.config["api_key"] + ":").encode()).decode()
    return {"Authorization": f"Basic {key}"} | more


def get(emulator: Emulator, path: str, **more: str) -> tuple[int, dict[str, str], bytes]:
    with closing(connect(emulator)) as connection:
        connection.request("GET", "/api/v1" + path, headers=headers(emulator, **more))
        with connection.getresponse() as response:
            return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()


def shortest(work: Callable[[], object], enough: float) -> float:
    """The seconds of the quickest of up to three runs: the machine may be busy with other tests."""
    quickest = math.inf
    for _ in range(3):
        began = time.monotonic()
        work()
        quickest = min(quickest, time.monotonic() - began)
        if quickest < enough:
            break
    return quickest


def test_the_ready_line_gives_configs_that_work(started: Start) -> None:
    emulator = started("close", leads=5, users=3)
    assert emulator.api_url == emulator.url + "/api/v1/"
    assert sorted(emulator.config) == ["api_key", "api_url", "start_date"]
    assert emulator.ready["oauth_config"]["credentials"]["auth_type"] == "oauth2.0"
    assert emulator.ready["access_token_config"]["credentials"]["auth_type"] == "access_token"
    assert emulator.truth_counts()["users"] == 3
    assert get(emulator, "/me/")[0] == 200


def test_one_connection_carries_many_requests_even_pipelined(started: Start) -> None:
    emulator = started("close", leads=5)
    connection = connect(emulator)
    for _ in range(3):
        connection.request("GET", "/api/v1/lead/", headers=headers(emulator))
        assert len(orjson.loads(connection.getresponse().read())["data"]) == 5
    head = f"GET /api/v1/user/ HTTP/1.1\r\nHost: x\r\nAuthorization: {headers(emulator)['Authorization']}\r\n\r\n"
    address = urlsplit(emulator.url)
    with socket.create_connection((address.hostname, address.port)) as raw:
        raw.sendall(head.encode() * 3)
        received = b""
        while received.count(b"HTTP/1.1 200 OK") < 3:
            received += raw.recv(65536)
    connection.close()


def test_what_is_not_http_is_refused(started: Start) -> None:
    emulator = started("close", leads=1)
    address = urlsplit(emulator.url)
    chunked = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    for sent, status in ((b"nonsense\r\n\r\n", b"400"), (chunked, b"411")):
        with socket.create_connection((address.hostname, address.port)) as raw:
            raw.sendall(sent)
            assert raw.recv(1000).split(b" ")[1] == status


def test_large_answers_arrive_whole(started: Start) -> None:
    emulator = started("close", leads=3000)
    lines = emulator.truth_lines("leads")
    assert len(lines) == 3000
    assert len({orjson.loads(line)["id"] for line in lines}) == 3000


def test_compression_is_by_option_and_by_request(started: Start) -> None:
    emulator = started("close", leads=100)
    assert "content-encoding" not in get(emulator, "/lead/", **{"Accept-Encoding": "gzip"})[1]
    emulator.options(gzip=True)
    plain = get(emulator, "/lead/")
    packed = get(emulator, "/lead/", **{"Accept-Encoding": "gzip, deflate"})
    assert packed[1]["content-encoding"] == "gzip"
    assert len(packed[2]) < len(plain[2])
    assert decompress(packed[2]) == plain[2]


def test_latency_delays_answers_without_blocking_others(started: Start) -> None:
    emulator = started("close", leads=1, latency_ms=150)

    def eight() -> None:
        connections = [connect(emulator) for _ in range(8)]
        for connection in connections:
            connection.request("GET", "/api/v1/user/", headers=headers(emulator))
        for connection in connections:
            assert connection.getresponse().read()
            connection.close()

    assert 0.15 <= shortest(eight, 0.6) < 0.6
    assert emulator.stats()["most_in_flight"] == 8


def test_a_client_that_hangs_up_does_not_count_as_waiting(started: Start) -> None:
    emulator = started("close", leads=1, latency_ms=100)
    for _ in range(3):
        with closing(connect(emulator)) as connection:
            connection.request("GET", "/api/v1/user/", headers=headers(emulator))
        time.sleep(0.15)
    assert emulator.stats()["most_in_flight"] == 1


def test_faults_on_the_wire(started: Start) -> None:
    emulator = started("close", leads=50, faults={"truncated": 1.0}, fault_maximum_in_a_row=1)
    with pytest.raises(http.client.IncompleteRead):
        get(emulator, "/lead/")
    assert get(emulator, "/lead/")[0] == 200
    emulator.options(faults={"reset": 1.0})
    with pytest.raises((ConnectionResetError, http.client.RemoteDisconnected)):
        get(emulator, "/lead/")
    emulator.options(faults={"slow": 1.0}, fault_slow_seconds=0.2, fault_maximum_in_a_row=5)
    began = time.monotonic()
    assert len(orjson.loads(get(emulator, "/user/")[2])["data"]) == 12
    assert time.monotonic() - began >= 0.2
    assert emulator.stats()["faults"] == {"truncated": 1, "reset": 1, "slow": 1}


def test_records_drift_while_somebody_reads(started: Start) -> None:
    emulator = started("close", leads=50, drift={"stream": "leads", "every": 3, "update": 2, "create": 1, "times": 2})
    for _ in range(12):
        get(emulator, "/user/")
    assert emulator.truth_counts()["leads"] == 52
    descriptions = [lead["description"] for lead in emulator.truth("leads")]
    assert 3 <= sum("Revision 0" not in description for description in descriptions) <= 4


@pytest.mark.parametrize("stream", ["leads", "activities", "tasks", "users", "custom_fields"])
def test_touched_records_show_in_the_truth(started: Start, stream: str) -> None:
    emulator = started("close", leads=20, activities=40, tasks=30)
    before = {record["id"]: record for record in emulator.truth(stream)}
    touched = emulator.touch(stream, update=1, create=2, delete=1)
    after = {record["id"]: record for record in emulator.truth(stream)}
    assert {name: len(found) for name, found in touched.items()} == {"updated": 1, "created": 2, "deleted": 1}
    for identifier in set(after) & set(touched["updated"]):
        assert after[identifier]["date_updated"] > before[identifier]["date_updated"]
        assert after[identifier] != before[identifier]
    assert not set(touched["deleted"]) & set(after)
    assert set(after) - set(before) <= set(touched["created"])


def test_the_control_api_is_not_counted_and_names_mistakes(started: Start) -> None:
    emulator = started("close", leads=1)
    for mistake in (
        lambda: emulator.touch("nonsense", update=1),
        lambda: emulator.options(nonsense=1),
        lambda: emulator.options(leads=5),
        lambda: emulator.options(faults={"gremlins": 1}),
        lambda: emulator.options(latency_ms="long"),
        lambda: emulator.truth("nonsense"),
    ):
        with pytest.raises(EmulatorError):
            mistake()
    assert emulator.stats()["requests"] == 0
    get(emulator, "/user/")
    assert emulator.stats()["by_path"] == {"GET /user/": 1}
    emulator.reset_stats()
    assert emulator.stats()["requests"] == 0


def test_the_log_keeps_requests_when_asked(started: Start) -> None:
    emulator = started("close", leads=1, keep_log=True)
    get(emulator, "/lead/?_limit=1")
    assert [(entry["method"], entry["target"], entry["status"]) for entry in emulator.log()] == [
        ("GET", "/api/v1/lead/?_limit=1", 200)
    ]


def test_writes_are_counted_and_do_nothing(started: Start) -> None:
    emulator = started("close", leads=1)
    connection = connect(emulator)
    connection.request("POST", "/api/v1/lead/", b"{}", headers(emulator))
    assert connection.getresponse().status == 405
    connection.close()
    stats = emulator.stats()
    assert (stats["writes"], emulator.truth_counts()["leads"]) == (1, 1)


def test_it_ends_with_whoever_started_it_and_on_sigterm(started: Start) -> None:
    emulator = started("close", leads=1)
    emulator.stop()
    emulator.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(emulator.pid, signal.SIGCONT)
    with pytest.raises(EmulatorError, match="did not start"):
        started("close", nonsense=1)


def test_a_hundred_thousand_leads_are_there_after_two_seconds_of_processor_time(started: Start) -> None:
    emulator = started("close", leads=100_000, activities=20_000)
    assert emulator.cpu_seconds() < 2
    assert emulator.truth_counts()["leads"] == 100_000


def test_the_same_seed_and_moment_give_the_same_data(started: Start) -> None:
    first, second, other = (started("close", leads=30, now="2026-01-01T00:00:00Z", seed=seed) for seed in (1, 1, 2))
    assert first.truth_lines("leads") == second.truth_lines("leads") != other.truth_lines("leads")
