"""What is made of the audit log: deletions and merges, and the history of records."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from source_kit import timestamps
from source_kit.testing import NOON, SideBySide
from source_kit.work import Record, Start
from unit_tests.kustomer_account import REFUSED, Account, Answer, stream_of

# The filters of time, and what stands for no bound.
BOUNDS = (("start", ""), ("end", "9"))
DAY = "2025-12-%02dT00:00:00.000Z"


def entry(number: int, kind: str, verb: str, *, day: int = 0, **attributes: Any) -> Record:
    """An entry of December 2025, kept for 90 days."""
    told = {
        "eventName": f"kustomer.{kind}.{verb}",
        "eventVerb": verb,
        "objectType": kind,
        "objectId": f"{kind}-{number}",
        "userId": "user-1",
        "userType": "user",
        "createdAt": DAY % (day or number),
        "expiresAt": (DAY % (day or number)).replace("2025-12", "2026-03"),
    }
    return {"type": "audit_log", "id": f"entry-{number}", "attributes": told | attributes}


class Log:
    """Answers as Kustomer documents it: newest first, `count` entries a page, and a link with the filters."""

    def __init__(
        self,
        entries: Sequence[Record],
        *,
        page: int = 1000,
        types: str = "honoured",
        ignored: Sequence[str] = (),
        bounded: str = "createdAt",
        is_end_inclusive: bool = True,
    ) -> None:
        """`ignored`: filters that do not count; `bounded`: the time that those of `start` and `end` look at."""
        self.entries = sorted(entries, key=lambda one: one["attributes"]["createdAt"], reverse=True)
        self.page, self.types, self.ignored, self.bounded = page, types, ignored, bounded
        self.is_end_inclusive = is_end_inclusive

    def __call__(self, method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        kind = params.get("filter[objectType]")
        if kind and self.types == "refused":
            return REFUSED
        found = [one for one in self.entries if self._fits(one["attributes"], params, kind)]
        first, size = params.get("after", 0), min(params["count"], self.page)
        filters = "".join(f"&{name}={value}" for name, value in params.items() if name.startswith("filter"))
        following = f"/v1/audit-logs?count={size}&after={first + size}{filters}" if first + size < len(found) else None
        return 200, {"data": found[first : first + size], "links": {"next": following}}

    def _fits(self, told: dict[str, Any], params: dict[str, Any], kind: Any) -> bool:
        start, end = (
            default if name in self.ignored else params.get(f"filter[{name}]", default) for name, default in BOUNDS
        )
        at = told.get(self.bounded, told["createdAt"])
        is_within = start <= at < end or (at == end and self.is_end_inclusive)
        return is_within and (self.types == "ignored" or kind in (None, told["objectType"]))


HISTORY = [
    entry(1, "conversation", "create", changes=None),
    entry(2, "conversation", "update", changes={"status": {"before": "open", "after": "done"}}),
    entry(3, "message", "create", changes={"status": {"before": None, "after": "sent"}}),
    entry(4, "customer", "update", changes={"name": {"before": "a", "after": "b"}}),
    entry(5, "company", "update", changes={"name": {"before": "a", "after": "b"}}),
    entry(6, "tag", "update", changes={"name": {"before": "a", "after": "b"}}),
]


def test_a_deleted_record_tells_what_is_gone_since_when_and_by_whom() -> None:
    account = Account(Log([entry(1, "customer", "update"), entry(2, "customer", "delete")]))
    records, checkpoints = account.read(stream_of(account, "deleted_records"))
    assert records == [
        {
            "id": "entry-2",
            "organization_id": None,
            "object_type": "customer",
            "object_id": "customer-2",
            "action": "deleted",
            "merged_into_id": None,
            "deleted_at": "2025-12-02T00:00:00.000Z",
            "deleted_by": "user-1",
            "user_type": "user",
            "event_name": "kustomer.customer.delete",
            "expires_at": "2026-03-02T00:00:00.000Z",
        }
    ]
    assert checkpoints == [{"deleted_at": "2025-12-02T00:00:00.000Z"}]


def test_the_state_speaks_of_every_entry_so_that_those_without_deletions_are_not_read_again() -> None:
    account = Account(Log([entry(1, "customer", "delete"), entry(9, "customer", "update")]))
    assert account.read(stream_of(account, "deleted_records"))[1] == [{"deleted_at": "2025-12-09T00:00:00.000Z"}]


@pytest.mark.parametrize("is_end_inclusive", [True, False])
def test_an_entry_of_the_very_border_of_two_windows_comes_once(
    is_end_inclusive: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock tells microseconds, filters and entries tell milliseconds."""
    entries = [entry(number, "message", "delete") for number in range(1, 30)]
    began = NOON + timedelta(microseconds=456)
    border = timestamps.milliseconds_z(began - timedelta(days=30))
    entries.append(entry(30, "message", "delete", day=1, createdAt=border))
    account = Account(Log(entries, page=5, is_end_inclusive=is_end_inclusive))
    monkeypatch.setattr(account.clock, "now", lambda: began)
    records, _ = account.read(stream_of(account, "deleted_records"))
    asked = [params.get("filter[end]") for _, _, params, _ in account.asked]
    assert border in asked
    assert [record["id"] for record in records].count("entry-30") == 1


def test_deletions_go_on_from_every_state_and_each_comes_once() -> None:
    entries = [entry(number, "message", "delete") for number in range(1, 30)]
    account = Account(Log(entries, page=5), start_date="2025-10-01")
    read = SideBySide(stream_of(account, "deleted_records").work(Start(True)), lambda able: able[-1]).run()
    ids = [record["id"] for page in read.pages for record in page.records]
    assert sorted(ids) == sorted(one["id"] for one in entries)
    for page in read.pages:
        if page.checkpoint is None:
            continue
        again, _ = account.read(stream_of(account, "deleted_records"), dict(page.checkpoint))
        since = page.checkpoint["deleted_at"]
        assert {record["id"] for record in again} == {
            one["id"] for one in entries if one["attributes"]["createdAt"] >= since
        }


@pytest.mark.parametrize(
    "changes",
    [
        {"deleted": {"before": False, "after": True}},
        {"attributes": {"deleted": {"before": False, "after": True}}, "relationships": {}},
        {"deletedAt": {"before": None, "after": DAY % 1}},
    ],
)
def test_a_record_that_an_update_marks_as_deleted_is_gone(changes: dict[str, Any]) -> None:
    account = Account(Log([entry(1, "company", "update", changes=changes)]))
    (record,) = account.read(stream_of(account, "deleted_records"))[0]
    assert (record["action"], record["object_id"]) == ("deleted", "company-1")


@pytest.mark.parametrize(
    "told",
    [
        {"changes": {"deleted": {"before": True, "after": False}}},
        {"changes": {"deletedAt": {"before": DAY % 1, "after": None}}},
        {"changes": {"tags": {"before": [], "after": ["deleted"]}}},
        {"changes": "deleted"},
    ],
)
def test_a_record_that_comes_back_or_only_changes_is_not_gone(told: dict[str, Any]) -> None:
    account = Account(Log([entry(1, "company", "update", **told)]))
    assert account.read(stream_of(account, "deleted_records"))[0] == []


@pytest.mark.parametrize(
    ("kind", "verb", "told"),
    [
        ("customer", "merge", {"objectId": "gone", "targetId": "left"}),
        ("customer", "merge", {"objectId": "left", "sourceId": "gone"}),
        ("customer", "merge", {"objectId": "gone", "changes": {"mergedInto": {"before": None, "after": "left"}}}),
        ("customer", "merge", {"objectId": "left", "changes": {"source": {"after": {"id": "gone"}}, "target": "left"}}),
        ("customer_merge", "create", {"objectId": "m", "sourceId": "gone", "targetId": "left"}),
    ],
)
def test_of_a_merge_the_source_is_gone_and_the_target_is_named(kind: str, verb: str, told: dict[str, Any]) -> None:
    account = Account(Log([entry(1, kind, verb, **told)]))
    (record,) = account.read(stream_of(account, "deleted_records"))[0]
    assert (record["action"], record["object_type"]) == ("merged", "customer")
    assert (record["object_id"], record["merged_into_id"]) == ("gone", "left")


def test_a_merge_that_names_nobody_calls_nobody_deleted() -> None:
    account = Account(Log([entry(1, "customer", "merge")]))
    (record,) = account.read(stream_of(account, "deleted_records"))[0]
    assert (record["action"], record["object_id"], record["merged_into_id"]) == ("merged", None, None)


def test_the_progress_of_a_merge_is_no_second_one() -> None:
    changes = {"status": {"before": "queued", "after": "complete"}}
    account = Account(Log([entry(1, "customer_merge", "update", sourceId="gone", changes=changes)]))
    assert account.read(stream_of(account, "deleted_records"))[0] == []


def test_the_verb_may_stand_in_the_name_of_the_event_only() -> None:
    account = Account(Log([entry(1, "note", "delete", eventVerb=None)]))
    assert len(account.read(stream_of(account, "deleted_records"))[0]) == 1


@pytest.mark.parametrize("types", ["honoured", "ignored", "refused"])
@pytest.mark.parametrize("page", [2, 1000])
def test_every_change_of_conversations_customers_and_companies_comes_once(page: int, types: str) -> None:
    account = Account(Log(HISTORY, page=page, types=types))
    records, checkpoints = account.read(stream_of(account, "record_history"))
    assert sorted(record["id"] for record in records) == ["entry-1", "entry-2", "entry-4", "entry-5"]
    assert next(record for record in records if record["id"] == "entry-2") == {
        "id": "entry-2",
        "type": "audit_log",
        "event_name": "kustomer.conversation.update",
        "event_verb": "update",
        "object_type": "conversation",
        "object_id": "conversation-2",
        "user_id": "user-1",
        "user_type": "user",
        "created_at": "2025-12-02T00:00:00.000Z",
        "expires_at": "2026-03-02T00:00:00.000Z",
        "changes": {"status": {"before": "open", "after": "done"}},
    }
    assert checkpoints[-1]["created_at"] >= "2025-12-05T00:00:00.000Z"


def test_a_short_history_is_one_request_and_a_long_one_is_asked_for_by_type() -> None:
    account = Account(Log(HISTORY))
    account.read(stream_of(account, "record_history"))
    assert [params for _, _, params, _ in account.asked] == [{"count": 1000}]
    others = [entry(100 + number, "message", "create", day=20) for number in range(3_000)]
    account = Account(Log([*HISTORY, *others, entry(7, "customer", "update", day=21)]), start_date="2025-11-15")
    account.read(stream_of(account, "record_history"))
    asked = [params.get("filter[objectType]") for _, _, params, _ in account.asked]
    # One page to see what there is, one to see whether the filter works, then two windows of 30 days.
    assert asked == [None, "customer", *("conversation", "customer", "company") * 2]


def test_history_resumes_from_every_state() -> None:
    account = Account(Log(HISTORY, page=2), start_date="2025-10-01")
    for state in account.read(stream_of(account, "record_history"))[1]:
        again = account.read(stream_of(account, "record_history"), state)[0]
        assert {record["id"] for record in again} >= {
            number
            for number in ("entry-1", "entry-2", "entry-4", "entry-5")
            if DAY % int(number[-1]) > state["created_at"]
        }


@pytest.mark.parametrize("name", ["audit_logs", "deleted_records", "record_history"])
@pytest.mark.parametrize("ignored", [("start",), ("end",), ("start", "end")])
def test_every_entry_leaves_once_where_the_log_ignores_filters_of_time(name: str, ignored: tuple[str, ...]) -> None:
    days = [f"2025-{10 + number // 28}-{1 + number % 28:02d}T00:00:00Z" for number in range(80)]
    entries = [entry(number, "customer", "delete", day=1, createdAt=day) for number, day in enumerate(days)]
    account = Account(Log(entries, page=30, ignored=ignored))
    records, _ = account.read(stream_of(account, name))
    assert sorted(record["id"] for record in records) == sorted(one["id"] for one in entries)


@pytest.mark.parametrize("ignored", [(), ("start",)])
def test_a_state_is_gone_on_from_where_the_log_ignores_it(ignored: tuple[str, ...]) -> None:
    entries = [entry(number, "customer", "delete") for number in range(1, 20)]
    account = Account(Log(entries, ignored=ignored))
    state = {"deleted_at": DAY % 15}
    records, _ = account.read(stream_of(account, "deleted_records"), state)
    assert [record["deleted_at"] for record in records] == [DAY % day for day in (19, 18, 17, 16, 15)]


def test_an_entry_that_is_published_after_the_state_leaves_though_it_was_written_before() -> None:
    late = entry(14, "customer", "delete", publishedAt=DAY % 16)
    account = Account(Log([late, entry(17, "customer", "delete")], bounded="publishedAt"))
    records, _ = account.read(stream_of(account, "deleted_records"), {"deleted_at": DAY % 15})
    assert [record["object_id"] for record in records] == ["customer-17", "customer-14"]


def test_how_long_entries_are_kept_is_told_and_what_has_expired_is_warned_of() -> None:
    account = Account(Log([entry(1, "tag", "update")]))
    account.read(stream_of(account, "deleted_records"))
    assert account.logged[-1] == (
        "Stream deleted_records: Kustomer keeps entries of the audit log for 90 days here (expires_at): what is synced "
        "more often than that misses nothing."
    )
    account = Account(Log([entry(1, "tag", "update")]))
    account.read(stream_of(account, "record_history"), {"created_at": "2025-01-01T00:00:00.000Z"})
    assert "keeps entries of the audit log for 90 days here: those between 2025-01-01" in account.logged[-1]
