"""The ids that exist now, by stream."""

from __future__ import annotations

from typing import Any

import pytest

from source_kit.budget import RateBudget
from source_kit.client import HttpClient
from source_kit.errors import ConfigError, StreamUnavailable
from source_kit.oauth import basic
from source_kit.record_ids import RecordIds, listings_of
from source_kit.testing import NOON, FakeClock
from source_kit.timestamps import seconds_z
from source_kit.work import Fork, Page, Plan, Start, in_order


@pytest.fixture
def client() -> HttpClient:
    clock = FakeClock()
    return HttpClient("https://api.vendor.test/v1/", basic("key"), RateBudget(clock), clock, headers={})


def leads() -> Plan:
    yield Page([{"id": "a", "name": "A"}, {"id": None}])
    yield Fork([iter([Page([{"id": "b"}])]), iter([Page([{"id": "c"}], warning="more were counted.")])])


def test_each_id_of_each_stream_is_a_row_and_what_has_none_is_counted(client: HttpClient) -> None:
    stream = RecordIds(client, {"leads": leads})
    pages = list(in_order(stream.work(Start(False))))
    rows = [row for page in pages for row in page.records]
    assert [(row["stream"], row["id"]) for row in rows] == [("leads", "a"), ("leads", "b"), ("leads", "c")]
    assert {row["seen_at"] for row in rows} == {seconds_z(NOON)}
    assert [page.warning for page in pages if page.warning] == [
        "leads: more were counted.",
        "1 rows of leads came without an id and are left out.",
    ]


def refused() -> Plan:
    raise StreamUnavailable("Reading stream deals failed: remove it.", internal_message="status 403")
    yield


def halves() -> Plan:
    yield Fork([iter([Page([{"id": "a"}])]), refused()])


@pytest.mark.parametrize("listing", [refused, halves])
def test_a_stream_that_may_not_be_listed_is_to_be_taken_out_of_the_config(client: HttpClient, listing: Any) -> None:
    stream = RecordIds(client, {"deals": listing})
    with pytest.raises(StreamUnavailable) as caught:
        list(in_order(stream.work(Start(False))))
    assert caught.value.message == (
        "Reading stream deals failed: remove it. It is read for record_ids here: to do without it, take deals out of "
        "record_ids_of."
    )
    assert caught.value.internal_message == "status 403"


def test_it_is_read_whole_and_its_key_is_stream_and_id(client: HttpClient) -> None:
    stream = RecordIds(client, {"leads": leads}, id_type="integer")
    assert (stream.primary_key, stream.cursor_name) == (["stream", "id"], None)
    assert stream.get_json_schema()["properties"]["id"]["type"] == "integer"


def test_names_are_taken_once_and_unknown_ones_are_refused() -> None:
    known = {"leads": leads, "users": leads}
    assert list(listings_of(["users", "leads", "users"], known)) == ["users", "leads"]
    with pytest.raises(ConfigError, match=r"no ids to list: dealz\. It takes: leads, users"):
        listings_of(["dealz"], known)
