"""The HTTP client and its room: what a body takes is given back, and who waits for room keeps nobody else waiting."""

from __future__ import annotations

import io
import threading
import time
from typing import Any

import pytest

from source_kit.room import Room
from tests.client_bench import GOOD, LEADS, URL, Bench


class Broken(io.BytesIO):
    """A body that breaks off."""

    def read(self, size: int | None = -1, /) -> bytes:
        raise ConnectionResetError


def test_the_room_of_a_body_is_given_back_whatever_becomes_of_it(vendor: Any) -> None:
    bench = Bench()
    bench.client.room.join()
    for answer in ({"body": Broken()}, {"content": b"{"}, {"status_code": 500, "json": {}}):
        vendor.get(URL, [answer, GOOD])
        assert bench.send() == {"data": [1]}
        assert bench.client.room.taken == 0


def test_the_budget_hears_of_an_answer_whose_body_has_to_wait(vendor: Any) -> None:
    vendor.get(URL, headers={"ratelimit": "limit=10, remaining=0, reset=7"}, **GOOD)
    bench, found = Bench(), list[Any]()
    bench.client.room = room = Room(10, patience_seconds=60)
    room.join()
    room.take(10)

    def send() -> None:
        room.join()
        found.append(bench.send())

    thread = threading.Thread(target=send)
    thread.start()
    deadline = time.monotonic() + 5
    while bench.client.budget.delay(LEADS.bucket) <= 1 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert bench.client.budget.delay(LEADS.bucket) == pytest.approx(7, abs=1.1)
    assert found == []
    room.leave()
    thread.join(5)
    assert found == [{"data": [1]}]
    assert room.taken == 0
