"""Stream activities: all types, by `date_created`, with a look-back and with edits of what lies behind it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from source_kit.timestamps import microseconds_offset, parse
from unit_tests.closeio_account import Account
from unit_tests.stream_skeleton import StreamSkeleton

LIST = "GET /activity/"


class TestActivities(StreamSkeleton):
    stream = "activities"
    group = LIST
    many = {"activities": 450}  # noqa: RUF012 - a constant of the skeleton
    empty = {"activities": 0}  # noqa: RUF012
    cursor = "date_created"


def test_pages_are_asked_for_from_the_oldest_on_by_creation() -> None:
    account = Account({"start_date": "2000-01-01"})
    account.read("activities", mode="full_refresh")
    first = next(sent.params for sent in account.vendor.sent if sent.group == LIST)
    assert first == {"_limit": "100", "date_created__gte": "2000-01-01T00:00:00.000Z", "_order_by": "date_created"}


def test_activities_created_within_the_window_before_the_bookmark_are_read_again() -> None:
    account = Account({"activities_window_seconds": 30 * 86_400}, activities=200)
    first = account.read("activities")
    bookmark = parse(first.states[-1]["date_created"])
    since = bookmark - timedelta(days=30)
    expected = [row["id"] for row in first.records if parse(row["date_created"]) >= since]
    again = account.read("activities", first.states[-1])
    assert sorted(again.ids) == sorted(expected)
    assert len(expected) < 200


def test_an_edit_of_an_old_activity_is_found_behind_the_window() -> None:
    account = Account({"activities_window_seconds": 0}, activities=200)
    first = account.read("activities")
    touched = account.app.touch("activities", update=4, create=0, delete=0)["updated"]
    kinds = {record["id"]: record["_type"] for record in account.truth("activities")}
    expected = {identity for identity in touched if kinds.get(identity, "EmailThread") != "EmailThread"}
    again = account.read("activities", first.states[-1])
    assert expected
    assert expected <= set(again.ids)
    assert len(again.ids) == len(set(again.ids)) < 20


def test_without_a_window_only_the_bookmarks_own_instant_is_read_again() -> None:
    account = Account({"activities_window_seconds": 0})
    first = account.read("activities")
    assert len(account.read("activities", first.states[-1]).ids) == 1


def test_a_full_refresh_uses_no_look_back() -> None:
    account = Account({"activities_window_seconds": 30 * 86_400})
    assert len(account.read("activities", mode="full_refresh").ids) == len(account.truth("activities"))


@pytest.mark.parametrize("maximum_skip", [100, 250])
def test_history_beyond_the_largest_skip_is_read_whole(maximum_skip: int) -> None:
    account = Account(activities=900, activity_ties=[180], maximum_skip=maximum_skip)
    assert sorted(account.read("activities").ids) == sorted(row["id"] for row in account.truth("activities"))


def test_an_order_that_is_ignored_costs_no_activity() -> None:
    account = Account(activities=900, activity_ties=[250], ignore_order_by=True)
    assert sorted(account.read("activities").ids) == sorted(row["id"] for row in account.truth("activities"))


def test_a_record_deleted_while_its_page_is_read_is_stepped_around() -> None:
    account = Account(activities=300)
    gone = (404, {"error": "Empty query: Document has been deleted."})
    account.vendor.answers[LIST] = [gone, gone, gone, gone]
    assert sorted(account.read("activities").ids) == sorted(row["id"] for row in account.truth("activities"))


def test_no_state_comes_before_the_records_of_the_look_back() -> None:
    account = Account({"activities_window_seconds": 400 * 86_400}, activities=450)
    first = account.read("activities")
    bookmark = parse(first.states[-1]["date_created"])
    older = microseconds_offset(bookmark - timedelta(days=100))
    again = account.read("activities", {"date_created": older, "__v": 1})
    assert all(parse(state["date_created"]) >= parse(older) for state in again.states)
    assert again.states[-1]["date_created"] == first.states[-1]["date_created"]
