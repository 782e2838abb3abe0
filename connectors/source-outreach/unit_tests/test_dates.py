"""Start and end of what is read: inclusive and exclusive, so that reads that touch are equal to one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
import requests_mock

from source_kit.catalog_input import ConfiguredStream
from source_kit.errors import ConfigError
from source_kit.state_input import StreamState
from source_kit.work import Start, in_order
from source_outreach.collections import table
from unit_tests.outreach_account import API, connected, page, stream_of, sync
from unit_tests.vendor_list import VendorList

CURSORS = sorted(name for name, collection in table().items() if collection.cursor)
BEGIN = datetime(2025, 1, 1, tzinfo=UTC)


def read(name: str, state: dict[str, Any] | None = None, **config: Any) -> tuple[list[int], dict[str, Any]]:
    """The ids that an incremental read emits, and its last state."""
    connection = connected(**config)
    states = {} if state is None else {name: StreamState(state, own=True)}
    assert sync(connection, ConfiguredStream(name, "incremental"), states=states) == 0
    messages = connection.output.messages()  # type: ignore[attr-defined]  # a kept output
    kept = [m["state"]["stream"]["stream_state"] for m in messages if m["type"] == "STATE"]
    return [m["record"]["data"]["id"] for m in messages if m["type"] == "RECORD"], kept[-1]


@pytest.mark.parametrize("is_beyond", [False, True])
@pytest.mark.parametrize("name", ["stages", "events", "account_notes", "audit_logs"])
def test_touching_reads_equal_one(requests_mock: requests_mock.Mocker, name: str, is_beyond: bool) -> None:
    collection = table()[name]
    assert collection.cursor is not None
    vendor = VendorList(collection.plural, collection.cursor)
    vendor.beyond = is_beyond
    # Rows on the bounds, a millisecond before them, and between.
    for number in range(60):
        vendor.put(number, BEGIN + timedelta(days=number // 2) - timedelta(milliseconds=number % 2))
    requests_mock.get(f"{API}/{collection.plural}", json=vendor.answer)
    bounds = [None, "2025-01-11", "2025-01-21T00:00:00Z", None]
    parts = [read(name, start_date=start, end_date=end, page_size=7)[0] for start, end in pairwise(bounds)]
    assert all(parts)
    assert sorted(number for part in parts for number in part) == list(range(60))
    vendor.beyond = False
    assert sorted(read(name, page_size=7)[0]) == list(range(60))


@pytest.mark.parametrize("name", CURSORS)
def test_every_stream_with_a_cursor_asks_for_a_range_with_both_ends(
    requests_mock: requests_mock.Mocker, name: str
) -> None:
    collection = table()[name]
    requests_mock.get(f"{API}/{collection.plural}", json=page([]))
    stream = stream_of(connected(start_date="2025-01-01", end_date="2025-02-01"), name)
    assert [page for page in in_order(stream.work(Start(incremental=True))) if page.records] == []
    (request,) = requests_mock.request_history
    key = f"filter[{collection.cursor}]".lower()
    assert request.qs[key] == ["2025-01-01t00:00:00.000z..2025-01-31t23:59:59.999z"]


def test_no_state_passes_the_end_and_a_read_from_there_asks_for_nothing(requests_mock: requests_mock.Mocker) -> None:
    vendor = VendorList("stages")
    for number in range(20):
        vendor.put(number, BEGIN + timedelta(days=number))
    vendor.beyond = True
    requests_mock.get(f"{API}/stages", json=vendor.answer)
    ids, state = read("stages", end_date="2025-01-11")
    assert (sorted(ids), state["updatedAt"]) == (list(range(10)), "2025-01-10T00:00:00.000Z")
    asked = vendor.requests
    reached = {**state, "updatedAt": "2025-01-11T00:00:00.000Z"}
    assert read("stages", reached, end_date="2025-01-11")[0] == []
    assert vendor.requests == asked
    # Without the end, or with a later one, it goes on.
    assert sorted(read("stages", state, end_date="2025-01-16")[0]) == list(range(10, 15))


def test_an_end_before_the_start_is_refused() -> None:
    with pytest.raises(ConfigError, match="end_date must be later than start_date"):
        connected(start_date="2025-01-02", end_date="2025-01-01")
