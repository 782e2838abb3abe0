"""Stream leads: every lead with all its fields, by search."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from source_closeio.leads import _query
from source_closeio.searched import Searched
from source_kit.windows import Window
from unit_tests.closeio_account import Account, by_id
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


@pytest.mark.parametrize("ends", [{"early_null_cursor": 500}, {"cursor_walk": 500}], ids=str)
def test_an_import_that_no_cursor_gets_through_is_read_by_the_query_language(ends: dict[str, Any]) -> None:
    account = Account(leads=1_000, ties=[900], **ends)
    reading = account.read("leads")
    assert reading.exit_code == 0
    assert sorted(reading.ids) == sorted(row["id"] for row in account.truth("leads"))
    minutes = {sent.params["query"] for sent in account.vendor.sent if sent.group == "GET /lead/"}
    assert len(minutes) == 1


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


def test_a_field_that_the_refusal_quotes_is_left_out_and_no_word_of_the_sentence() -> None:
    account = Account()
    text = "Invalid field name 'url': no such lead field description or id"
    account.vendor.answers[SEARCH] = [(400, {"errors": [], "field-errors": {"_fields": {"lead": text}}})]
    reading = account.read("leads")
    assert any("the lead fields url;" in line for line in reading.logs)
    assert all("description" in row for row in reading.records)


def test_of_several_plain_words_one_is_left_out_at_a_time_and_never_the_cursor() -> None:
    account = Account()
    text = "date_updated, date_created and id are known, status_label or name is not."
    account.vendor.answers[SEARCH] = [(400, {"field-errors": {"_fields": text}})]
    reading = account.read("leads")
    assert any("the lead fields status_label;" in line for line in reading.logs)
    assert all({"id", "date_created", "date_updated", "display_name"} <= row.keys() for row in reading.records)
    assert any("name" in row for row in reading.records)


def test_the_old_path_of_the_custom_fields_is_enough_to_search_with_them() -> None:
    account = Account()
    account.vendor.always["GET /custom_field/lead/"] = (404, {"error": "not found"})
    assert by_id(account.read("leads").records) == by_id(account.truth("leads"))
    assert account.vendor.groups()["GET /lead/"] == 0


def test_without_the_custom_fields_the_list_is_read_and_the_warning_says_why() -> None:
    account = Account(refuse={"GET /custom_field/lead/": 403})
    reading = account.read("leads")
    assert by_id(reading.records) == by_id(account.truth("leads"))
    assert (
        "WARN A search gives only what it names, and the custom fields of leads cannot be listed (status 403); reading "
        "them by query= instead, which is slower."
    ) in reading.logs


def test_custom_date_times_without_zone_leave_as_utc() -> None:
    account = Account()
    (single,) = [field["id"] for field in account.truth("custom_fields") if field["type"] == "datetime"]
    fields = [
        {"id": single, "type": "datetime"},
        {"id": "cf_many", "type": "datetime", "accepts_multiple_values": True},
    ]
    account.vendor.always["GET /custom_field/lead/"] = (200, {"data": fields, "has_more": False})
    dates = {"date_created": "2026-01-01T00:00:00+00:00", "date_updated": "2026-01-01T00:00:00+00:00"}
    naive = "2024-03-01T08:30:00.123456"
    lead = {"id": "lead_1", **dates, f"custom.{single}": naive, "custom.cf_many": [naive, None]}
    account.vendor.always[SEARCH] = (200, {"data": [lead], "cursor": None})
    (record,) = account.read("leads").records
    assert record[f"custom.{single}"] == f"{naive}Z"
    assert record["custom.cf_many"] == [f"{naive}Z", None]


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
    account = Account()
    everything = sorted(row["date_updated"] for row in account.truth("leads"))
    account.config["start_date"] = start = everything[20]
    records = account.read("leads").records
    assert sorted(row["date_updated"] for row in records) == [value for value in everything if value >= start]


@pytest.mark.parametrize("stream", ["leads", "contacts", "custom_objects"])
def test_no_state_passes_the_moment_at_which_the_custom_fields_were_listed(stream: str) -> None:
    # One that is created and filled later is in no search of this read.
    connection, _ = Account({"lookback_window_seconds": 0}).connection()
    (searched,) = [each for each in connection.streams() if each.name == stream]
    assert isinstance(searched, Searched)
    listed_at = searched.account.custom_fields(searched.custom_type).listed_at
    assert listed_at is not None
    assert datetime.now(UTC) - timedelta(seconds=30) < listed_at < datetime.now(UTC)
    filled_at, asked_at = listed_at + timedelta(minutes=5), listed_at + timedelta(minutes=10)
    state = searched.keyset().checkpoint(filled_at.isoformat(), asked_at)
    assert state == {"date_updated": listed_at.isoformat(timespec="milliseconds").replace("+", "000+")}
    before = (listed_at - timedelta(minutes=5)).isoformat()
    assert searched.keyset().checkpoint(before, asked_at) == {"date_updated": before}


def test_the_query_language_gets_years_of_four_digits() -> None:
    first = datetime(1, 1, 1, tzinfo=UTC)
    assert _query(Window(first, first + timedelta(days=400))) == (
        'date_updated>="0001-01-01T00:00" date_updated<"0002-02-05T00:00" sort:date_updated'
    )
