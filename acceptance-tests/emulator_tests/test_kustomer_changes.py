"""The Kustomer emulator over time: the archive, deleted records, records that change under a reader, a late index."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from emulator_tests.kustomer_client import (
    ARCHIVE,
    SEARCH,
    KustomerClient,
    ids,
    query,
    serving,
    since,
    updated,
)

LAG_SECONDS = 0.7


@pytest.fixture(scope="module")
def account() -> Iterator[KustomerClient]:
    with serving(customers=80, conversations=60, messages=60, notes=80, companies=80, kobjects=80) as client:
        yield client


@pytest.fixture
def kustomer(account: KustomerClient) -> Iterator[KustomerClient]:
    yield account
    account.restore()


def two_years_ago() -> str:
    return (datetime.now(UTC) - timedelta(days=730)).strftime("%Y-%m-%dT%H:%M:%S.000Z")


# The archive.


@pytest.mark.parametrize(
    ("context", "stream"), [("customer", "customers"), ("company", "companies"), ("kobject", "kobjects")]
)
def test_the_search_ends_two_years_ago_and_the_archive_begins_there(
    kustomer: KustomerClient, context: str, stream: str
) -> None:
    recent, old = kustomer.keyset(context), kustomer.keyset(context, ARCHIVE)
    assert min(recent.values()) >= two_years_ago() > max(old.values())
    assert recent | old == {record["id"]: record["updated_at"] for record in kustomer.emulator.truth(stream)}
    assert not recent.keys() & old.keys()


def test_the_archive_pages_in_order_under_its_own_path(kustomer: KustomerClient) -> None:
    answer = kustomer.search(query("customer"), ARCHIVE, pageSize=3)
    assert answer["links"]["next"] == "/v1/customers/archive/search?page=2&pageSize=3"
    times = [updated(row) for row in kustomer.follow(query("customer"), ARCHIVE, size=3)]
    assert len(times) > 6
    assert times == sorted(times)


def test_the_archive_knows_two_dates_and_nothing_of_notes_and_times(kustomer: KustomerClient) -> None:
    body = query("message", {"message_created_at": {"gte": "2000-01-01"}}, sort="created_at")
    assert kustomer.ask("POST", ARCHIVE, body).status == 200
    counted = query("message", {"message_attachment_count": {"gt": 0}})
    assert kustomer.ask("POST", SEARCH, counted).status == 200
    for refused in (counted, query("note"), query("conversation_time", sort="created_at")):
        assert kustomer.ask("POST", ARCHIVE, refused).refusal[:2] == (400, "bad_request")


def test_old_notes_are_in_their_list_and_old_times_are_nowhere_but_at_their_conversation(
    kustomer: KustomerClient,
) -> None:
    listed = kustomer.walk("/notes")
    old = {row["id"] for row in listed if updated(row) < two_years_ago()}
    assert old
    assert not old & kustomer.keyset("note").keys()
    times = [row for c in kustomer.walk("/conversations") for row in kustomer.rows(f"/conversations/{c['id']}/times")]
    searched = kustomer.follow(query("conversation_time", sort="created_at"))
    assert set(ids(searched)) <= {row["id"] for row in kustomer.emulator.truth("conversation_times")}
    assert len(times) > len(searched) > 0


def test_a_record_that_changes_leaves_the_archive(kustomer: KustomerClient) -> None:
    old = kustomer.keyset("company", ARCHIVE)
    changed = set(kustomer.emulator.touch("companies", update=40)["updated"])
    moved = changed & old.keys()
    assert moved
    assert kustomer.keyset("company", ARCHIVE).keys() == old.keys() - moved
    assert moved <= kustomer.keyset("company").keys()


# Deleted records.


def test_deleted_records_come_only_when_asked_for_and_are_flagged(kustomer: KustomerClient) -> None:
    gone = kustomer.emulator.touch("customers", delete=5)["deleted"]
    everything = kustomer.follow(query("customer"))
    flagged = [row for row in everything if row["attributes"]["deleted"]]
    assert set(gone) <= set(ids(flagged))
    assert all(row["attributes"]["deletedAt"] == updated(row) for row in flagged)
    assert set(ids(everything)[-5:]) == set(gone)
    present = kustomer.follow(query("customer", deleted=False))
    assert ids(present) == [row["id"] for row in everything if row not in flagged]
    assert not set(gone) & set(ids(kustomer.walk("/customers")))


# Records that change under the reader.


def test_pages_of_one_query_lose_records_that_move_up_and_a_walk_by_time_does_not(kustomer: KustomerClient) -> None:
    before = set(kustomer.keyset("customer"))
    kustomer.options(drift={"stream": "customers", "every": 1, "update": 8, "times": 4})
    paged = set(ids(kustomer.follow(query("customer"), size=10)))
    assert before - paged
    kustomer.options(drift={"stream": "customers", "every": 1, "update": 7, "times": 4})
    assert kustomer.keyset("customer", size=10).keys() >= before


def test_drift_changes_after_so_many_requests_and_ends(kustomer: KustomerClient) -> None:
    kustomer.options(drift=[{"stream": "kobjects", "every": 2, "create": 3, "times": 2}])
    counts = [len(kustomer.follow(query("kobject"))) for _ in range(7)]
    assert [count - counts[0] for count in counts] == [0, 0, 3, 3, 6, 6, 6]


def test_every_stream_can_be_touched(kustomer: KustomerClient) -> None:
    for stream in ("conversations", "messages", "notes", "kobjects", "tags", "users", "audit_logs"):
        before = kustomer.emulator.truth_counts()[stream]
        touched = kustomer.emulator.touch(stream, create=2, delete=1)
        assert (len(touched["created"]), len(touched["deleted"])) == (2, 1)
        stays = stream not in ("tags", "audit_logs")  # the others are flagged
        assert kustomer.emulator.truth_counts()[stream] == before + 1 + stays, stream
    assert len(kustomer.emulator.touch("conversation_times", create=2, delete=1)["created"]) == 2


# The index.


def test_the_search_sees_changes_later_than_the_lists(kustomer: KustomerClient) -> None:
    kustomer.options(index_lag_seconds=LAG_SECONDS)
    before = {row["id"]: row for row in kustomer.follow(query("conversation"))}
    touched = kustomer.emulator.touch("conversations", update=3, create=2, delete=1)
    changed, made, (gone,) = touched["updated"], touched["created"], touched["deleted"]
    assert {row["id"]: row for row in kustomer.follow(query("conversation"))} == before
    assert gone in ids(kustomer.follow(query("conversation", deleted=False)))
    listed = {row["id"]: row for row in kustomer.walk("/conversations")}
    assert set(made) <= listed.keys()
    assert gone not in listed
    time.sleep(LAG_SECONDS)
    after = {row["id"]: row for row in kustomer.follow(query("conversation"))}
    assert after.keys() == before.keys() | set(made) | set(changed) | {gone}
    assert [after[key] for key in changed] == [listed[key] for key in changed]
    assert after[gone]["attributes"]["deleted"]
    assert gone not in ids(kustomer.follow(query("conversation", deleted=False)))


def test_what_was_changed_before_the_index_was_late_is_found_at_once(kustomer: KustomerClient) -> None:
    (made,) = kustomer.emulator.touch("messages", create=1)["created"]
    kustomer.options(index_lag_seconds=60.0)
    newest = kustomer.follow(query("message"))[-1]
    assert newest["id"] == made
    assert made in ids(kustomer.found(since(updated(newest), "message")))


def test_children_of_deleted_parents_are_there_or_not(kustomer: KustomerClient) -> None:
    def parents() -> set[str]:
        return {row["conversation_id"] for row in kustomer.emulator.truth("conversation_events")}

    gone = parents() & set(kustomer.emulator.touch("conversations", delete=30)["deleted"])
    paths = [f"/conversations/{conversation}/events" for conversation in gone]
    assert paths
    assert all(kustomer.rows(path) for path in paths)
    assert gone <= parents()
    kustomer.options(gone_parents=True)
    assert {kustomer.ask("GET", path).status for path in paths} == {404}
    assert not gone & parents()
