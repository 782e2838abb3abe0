"""Stream leads: every lead with all its fields, by search."""

from __future__ import annotations

import pytest

from unit_tests.closeio_account import Account
from unit_tests.stream_skeleton import StreamSkeleton

SEARCH = "POST /data/search/"


class TestLeads(StreamSkeleton):
    stream = "leads"
    group = SEARCH
    many = {"leads": 900}  # noqa: RUF012 - a constant of the skeleton
    empty = {"leads": 0}  # noqa: RUF012
    cursor = "date_updated"
    # The query language is the other way.
    survives = frozenset([400, 402, 403, 404])


def test_a_search_names_every_field_of_the_schema_and_every_custom_field() -> None:
    account = Account()
    account.read("leads")
    (search,) = [sent.body for sent in account.vendor.sent if sent.group == SEARCH][:1]
    names = search["_fields"]["lead"]
    custom = [f"custom.{field['id']}" for field in account.truth("custom_fields")]
    assert set(custom) <= set(names)
    assert {"id", "display_name", "contacts", "opportunities", "addresses", "date_updated"} <= set(names)
    assert "localtime" not in names
    assert len(names) == len(set(names))


def test_a_search_sorts_by_two_keys_from_the_oldest_on() -> None:
    account = Account()
    account.read("leads")
    search = next(sent.body for sent in account.vendor.sent if sent.group == SEARCH)
    assert [(key["direction"], key["field"]["field_name"]) for key in search["sort"]] == [
        ("asc", "date_updated"),
        ("asc", "date_created"),
    ]
    assert search["_limit"] == 200


def test_searches_ask_from_the_last_value_on_and_use_cursors_only_within_one_instant() -> None:
    account = Account(leads=900)
    account.read("leads")
    assert {sent.body["cursor"] for sent in account.vendor.sent if sent.group == SEARCH} == {None}


@pytest.mark.parametrize("created", ["same", "different"])
def test_three_pages_of_leads_with_one_timestamp_are_read_whole(created: str) -> None:
    account = Account(leads=900, ties=[650] if created == "same" else [5, 650])
    assert sorted(account.read("leads").ids) == sorted(row["id"] for row in account.truth("leads"))


def test_cursors_that_expire_at_once_lose_nothing() -> None:
    account = Account(leads=900, ties=[5, 650], cursor_seconds=0.0)
    assert sorted(account.read("leads").ids) == sorted(row["id"] for row in account.truth("leads"))


def test_a_walk_that_ends_early_with_a_null_cursor_is_gone_on_with() -> None:
    account = Account(leads=900, ties=[5, 650], early_null_cursor=250)
    assert sorted(account.read("leads").ids) == sorted(row["id"] for row in account.truth("leads"))


def test_the_state_stays_behind_the_clock_by_the_lag_of_the_index() -> None:
    account = Account()
    account.app.touch("leads", update=3, create=0, delete=0)
    reading = account.read("leads")
    latest = max(row["date_updated"] for row in reading.records)
    assert reading.states[-1]["date_updated"] < latest
    touched = [row["id"] for row in reading.records if row["date_updated"] > reading.states[-1]["date_updated"]]
    assert set(account.read("leads", reading.states[-1]).ids) >= set(touched)


def test_unknown_fields_are_left_out_with_a_warning() -> None:
    account = Account(strict_fields=True)
    field = account.truth("custom_fields")[0]["id"]
    refusal = {"field-errors": {"_fields": f"Unknown field custom.{field}"}}
    account.vendor.answers[SEARCH] = [(400, refusal)]
    reading = account.read("leads")
    assert len(reading.records) == 40
    assert f"WARN Close does not know the lead fields custom.{field}; reading without them." in reading.logs


def test_where_searching_is_refused_the_query_language_reads_all_with_a_warning() -> None:
    account = Account(leads=900)
    account.vendor.always[SEARCH] = (403, {"error": "no"})
    reading = account.read("leads")
    assert sorted(reading.ids) == sorted(row["id"] for row in account.truth("leads"))
    assert "WARN Searching leads is refused (status 403); reading them by query= instead, which is slower." in (
        reading.logs
    )


def test_the_marker_of_searches_is_no_field_of_leads() -> None:
    assert all("__object_type" not in record for record in Account().read("leads").records)


def test_a_start_date_is_inclusive() -> None:
    everything = sorted(row["date_updated"] for row in Account().truth("leads"))
    start = everything[20]
    records = Account({"start_date": start}).read("leads").records
    assert sorted(row["date_updated"] for row in records) == [value for value in everything if value >= start]
