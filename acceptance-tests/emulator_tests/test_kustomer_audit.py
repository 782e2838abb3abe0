"""The audit log of the Kustomer emulator: entries of every change, filters that may be ignored, and their end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from emulator_tests.kustomer_client import Json, KustomerClient, created, ids, serving
from emulators.oddities.kinds import CURSORS

SIZES = {"customers": 120, "conversations": 150, "messages": 60, "notes": 20, "companies": 60, "kobjects": 20}
KINDS = {"customers": "customer", "conversations": "conversation", "messages": "message", "companies": "company"}
WHO = {"eventName", "eventVerb", "objectType", "objectId", "userId", "userType", "changes", "expiresAt", "createdAt"}


@pytest.fixture(scope="module")
def account() -> Iterator[KustomerClient]:
    with serving(**SIZES, audit_logs=30, days=80) as client:
        yield client


@pytest.fixture
def kustomer(account: KustomerClient) -> Iterator[KustomerClient]:
    yield account
    account.restore()


def entries(kustomer: KustomerClient, **filters: str) -> list[Json]:
    """All entries, newest first."""
    return kustomer.walk("/audit-logs", count=1_000, **{f"filter[{name}]": text for name, text in filters.items()})


def about(kustomer: KustomerClient, verb: str, kind: str) -> list[str]:
    """The objects of that kind that entries of that verb name."""
    found = (entry["attributes"] for entry in entries(kustomer, objectType=kind))
    return [entry["objectId"] for entry in found if entry["eventVerb"] == verb]


@pytest.mark.parametrize("stream", KINDS)
def test_every_change_has_an_entry(kustomer: KustomerClient, stream: str) -> None:
    kind = KINDS[stream]
    before = {entry["id"] for entry in entries(kustomer)}
    touched = kustomer.emulator.touch(stream, update=3, create=2, delete=2)
    new = [entry["attributes"] for entry in entries(kustomer) if entry["id"] not in before]
    verbs = {"updated": "update", "created": "create", "deleted": "delete"}
    assert sorted((entry["eventVerb"], entry["objectId"]) for entry in new) == sorted(
        (verbs[action], identifier) for action, identifiers in touched.items() for identifier in identifiers
    )
    assert {(entry["objectType"], entry["eventName"]) for entry in new} == {
        (kind, f"kustomer.{kind}.{verb}") for verb in verbs.values()
    }
    assert all(entry.keys() >= WHO for entry in new)


def test_entries_are_of_users_and_of_the_system(kustomer: KustomerClient) -> None:
    by = {(entry["attributes"]["userType"], entry["attributes"]["userId"] is None) for entry in entries(kustomer)}
    assert by == {("user", False), ("system", True)}


def test_entries_of_a_conversation_are_its_events(kustomer: KustomerClient) -> None:
    edited = kustomer.emulator.touch("conversations", update=10)["updated"]
    for conversation in {*edited, *ids(kustomer.rows("/conversations"))[:20]}:
        events = kustomer.walk(f"/conversations/{conversation}/events")
        logged = [e for e in entries(kustomer, objectId=conversation) if e["attributes"]["eventVerb"] == "update"]
        assert [(created(e), e["attributes"]["changes"]) for e in events] == [
            (created(e), e["attributes"]["changes"]) for e in reversed(logged)
        ]
        assert events or conversation not in edited


def test_deletions_and_creations_of_the_time_before_the_start_are_logged(kustomer: KustomerClient) -> None:
    flagged = {row["id"] for row in kustomer.emulator.truth("customers") if row["deleted"]}
    assert flagged <= set(about(kustomer, "delete", "customer"))
    assert len(about(kustomer, "create", "company")) >= SIZES["companies"]


@pytest.mark.parametrize("how", ["delete", "source", "target"])
def test_a_merge_is_logged_in_one_of_three_ways(kustomer: KustomerClient, how: str) -> None:
    kustomer.options(merge_log=how)
    touched = kustomer.emulator.touch("customer_merges", create=1)
    (source,), (target,) = touched["deleted"], touched["updated"]
    newest = entries(kustomer)[0]["attributes"]
    expected: dict[str, tuple[str, str, Any]] = {
        "delete": ("delete", source, {"deleted": {"before": False, "after": True}}),
        "source": ("merge", source, {"mergedInto": {"before": None, "after": target}}),
        "target": ("merge", target, {"mergedFrom": {"before": None, "after": source}}),
    }
    assert (newest["eventVerb"], newest["objectId"], newest["changes"]) == expected[how]
    (merge,) = [each for each in kustomer.rows(f"/customers/{target}/merges") if created(each) == newest["createdAt"]]
    assert merge["relationships"]["source"]["data"]["id"] == source
    row = next(row for row in kustomer.emulator.truth("deleted_records") if row["object_id"] == source)
    assert row["action"] == ("deleted" if how == "delete" else "merged")
    assert row["merged_into_id"] == (None if how == "delete" else target)


def test_a_deletion_may_be_logged_as_an_update(kustomer: KustomerClient) -> None:
    kustomer.options(deletes_as_updates=["company"])
    (company,) = kustomer.emulator.touch("companies", delete=1)["deleted"]
    (customer,) = kustomer.emulator.touch("customers", delete=1)["deleted"]
    found = {entry["attributes"]["objectId"]: entry["attributes"] for entry in entries(kustomer)[:2]}
    assert found[company]["eventVerb"] == "update"
    assert found[company]["changes"] == {"deleted": {"before": False, "after": True}}
    assert found[customer]["eventVerb"] == "delete"
    assert {company, customer} <= {row["object_id"] for row in kustomer.emulator.truth("deleted_records")}


@pytest.mark.parametrize("ignored", [["objectType"], ["*"]])
def test_filters_may_be_ignored(kustomer: KustomerClient, ignored: list[str]) -> None:
    everything = ids(entries(kustomer))
    assert set(about(kustomer, "update", "tag")) < {entry["attributes"]["objectId"] for entry in entries(kustomer)}
    kustomer.options(ignored_audit_filters=ignored)
    assert ids(entries(kustomer, objectType="tag")) == everything
    since = (datetime.now(UTC) - timedelta(days=10)).isoformat().replace("+00:00", "Z")
    assert (ids(entries(kustomer, start=since)) == everything) is (ignored == ["*"])


def test_entries_expire() -> None:
    with serving(**SIZES, audit_logs=100, days=80, audit_days=20.0) as kustomer:
        rows = entries(kustomer)
        horizon = datetime.now(UTC) - timedelta(days=20)
        assert rows
        for row in rows:
            written, expires = (datetime.fromisoformat(row["attributes"][name]) for name in ("createdAt", "expiresAt"))
            assert (expires - written, written > horizon) == (timedelta(days=20), True)
        assert ids(rows)[::-1] == ids(kustomer.emulator.truth("audit_logs"))


def test_the_truths_of_history_and_deletions_are_parts_of_the_log(kustomer: KustomerClient) -> None:
    log = {entry["id"]: entry for entry in kustomer.emulator.truth("audit_logs")}
    history = kustomer.emulator.truth("record_history")
    assert {entry["object_type"] for entry in history} == {"conversation", "customer", "company"}
    assert all(log[entry["id"]] == entry for entry in history)
    deletions = kustomer.emulator.truth("deleted_records")
    assert len(history) < len(log) > len(deletions) > 0
    assert all(log[row["id"]]["created_at"] == row["deleted_at"] for row in deletions)


@pytest.mark.parametrize(("kind", "value"), [("cursor_word", CURSORS["cursor_word"]), ("two_spellings", None)])
def test_of_an_odd_entry_only_the_time_shows_in_what_it_says_is_deleted(kind: str, value: str | None) -> None:
    with serving(**SIZES, audit_logs=30, days=80, odd={kind: 1.0}) as client:
        client.emulator.touch("conversations", delete=2)
        times = {entry["id"]: entry["attributes"]["createdAt"] for entry in entries(client)}
        deletions = client.emulator.truth("deleted_records")
    assert {row["id"]: row["deleted_at"] for row in deletions} == {row["id"]: times[row["id"]] for row in deletions}
    assert value is None or {row["deleted_at"] for row in deletions} == {value}
    assert {len(row) for row in deletions} == {11}
