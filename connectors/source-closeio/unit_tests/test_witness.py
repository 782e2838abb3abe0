"""A search index that is late for some records: the event log tells of them, and they are fetched by id."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from source_closeio import witness
from source_closeio.leads import Leads
from source_closeio.witness import Witness
from source_kit.reading import read
from source_kit.timestamps import parse
from source_kit.work import Page, Start, in_order
from unit_tests.closeio_account import Account, Sent, by_id, configured

EVENTS = "GET /event/"
# Each stream that goes by `date_updated`, the group of its walk, and that of a record of its own.
LISTS = {
    "leads": ("POST /data/search/", "GET /lead/"),
    "contacts": ("POST /data/search/", "GET /contact/"),
    "opportunities": ("GET /opportunity/", "GET /opportunity/"),
    "tasks": ("GET /task/", "GET /task/"),
}


def hide(account: Account, group: str, ids: set[str]) -> None:
    """An index that does not show these records yet, nor counts them."""

    def without(sent: Sent, status: int, body: Any) -> tuple[int, Any]:
        rows = [row for row in body["data"] if row["id"] not in ids]
        left = len(body["data"]) - len(rows)
        body["data"] = rows
        if "count" in body:
            body["count"]["total"] -= left
        if "total_results" in body:
            body["total_results"] -= left
        return status, body

    account.vendor.altered[group] = without


def singles(account: Account, stream: str) -> list[str]:
    """The ids that were asked for one by one."""
    group = LISTS[stream][1]
    asked = [sent.group for sent in account.vendor.sent if sent.group.startswith(group) and sent.group != group]
    return [each.removeprefix(group).strip("/") for each in asked]


def late(stream: str, **options: Any) -> tuple[Account, dict[str, Any], set[str], set[str]]:
    """An account after a first read: its state, what changed since, and what of that the index does not show."""
    account = Account(**options)
    state = account.read(stream).states[-1]
    touched = account.app.touch(stream, update=5, create=1, delete=0)
    changed = {*touched["updated"], *touched["created"]}
    missing = {*sorted(touched["updated"])[:2], *touched["created"]}
    hide(account, LISTS[stream][0], missing)
    account.vendor.sent.clear()
    return account, state, changed, missing


@pytest.mark.parametrize("stream", LISTS)
def test_what_the_index_does_not_show_is_fetched_by_id_as_it_is_now_and_leaves_once(stream: str) -> None:
    account, state, changed, missing = late(stream)
    again = account.read(stream, state)
    assert again.exit_code == 0
    assert changed <= set(again.ids)
    assert len(again.ids) == len(set(again.ids))
    assert by_id([row for row in again.records if row["id"] in missing]) == by_id(
        [row for row in account.truth(stream) if row["id"] in missing]
    )
    assert sorted(singles(account, stream)) == sorted(missing)
    assert f"INFO Stream {stream}: 3 records came by id: Close's index does not show their changes yet." in again.logs


@pytest.mark.parametrize("stream", LISTS)
def test_where_nothing_is_late_no_record_is_asked_for_by_id(stream: str) -> None:
    account = Account()
    state = account.read(stream).states[-1]
    touched = account.app.touch(stream, update=5, create=1, delete=1)
    account.vendor.sent.clear()
    again = account.read(stream, state)
    assert {*touched["updated"], *touched["created"]} <= set(again.ids)
    assert singles(account, stream) == []
    # The look at the newest event, which all streams share, and one question for each type of events.
    assert account.vendor.groups()[EVENTS] == 1 + (9 if stream == "tasks" else 1)


@pytest.mark.parametrize("stream", LISTS)
def test_a_log_that_tells_times_more_exactly_than_the_index_costs_no_request_by_id(stream: str) -> None:
    account = Account()
    state = account.read(stream).states[-1]
    touched = account.app.touch(stream, update=5, create=1, delete=0)

    def with_microseconds(sent: Sent, status: int, body: Any) -> tuple[int, Any]:
        for event in body["data"]:
            data = event.get("data") or {}
            if "date_updated" in data:
                changed = parse(data["date_updated"]).replace(tzinfo=None)
                data["date_updated"] = f"{changed.isoformat('T', 'milliseconds')}789"
        return status, body

    account.vendor.altered[EVENTS] = with_microseconds
    account.vendor.sent.clear()
    again = account.read(stream, state)
    assert {*touched["updated"], *touched["created"]} <= set(again.ids)
    assert singles(account, stream) == []


def test_where_nothing_has_happened_only_the_newest_event_is_looked_at() -> None:
    account = Account(events=0)
    state = account.read("leads").states[-1]
    account.vendor.sent.clear()
    account.read("leads", state)
    assert account.vendor.groups()[EVENTS] == 1


def test_what_has_come_by_id_does_not_come_again_with_the_next_read() -> None:
    account, state, _, missing = late("leads")
    account.ahead = timedelta(minutes=10)
    first = account.read("leads", state)
    account.vendor.sent.clear()
    second = account.read("leads", first.states[-1])
    assert not missing & set(second.ids)
    assert singles(account, "leads") == []


def test_no_state_passes_a_change_that_has_not_come_before_it_has() -> None:
    """Whoever goes on from any of them finds the change again."""
    account = Account()
    now = datetime.now(UTC)
    early, first, second, third = [(now - timedelta(minutes=minutes)).isoformat() for minutes in (50, 40, 30, 20)]
    log = [
        {"id": f"ev_{identity}", "object_type": "lead", "object_id": identity, "action": "updated", "date_updated": at}
        for identity, at in (("lead_B", second), ("lead_A", first))
    ]
    account.vendor.always[EVENTS] = (200, {"data": log, "cursor_next": None})
    account.vendor.always["GET /lead/lead_A/"] = (200, {"id": "lead_A", "date_updated": first})
    connection, _ = account.connection()
    leads = next(stream for stream in connection.streams() if isinstance(stream, Leads))
    walk = [
        Page((), {"date_updated": early}),
        Page([{"id": "lead_B", "date_updated": second}], {"date_updated": second}),
        Page((), {"date_updated": third}),
    ]
    watched = Witness(leads, leads.time_cursor, ["lead"], "lead/")
    pages = list(in_order(watched.over(iter(walk), Start(True, {"date_updated": early}))))
    told = [([row["id"] for row in page.records], (page.checkpoint or {}).get("date_updated")) for page in pages]
    assert [each for each in told if any(each)] == [
        ([], early),
        (["lead_B"], None),
        (["lead_A"], None),
        ([], third),
    ]
    assert parse(str((pages[-1].checkpoint or {})["__events_until"])) == parse(second).replace(
        microsecond=parse(second).microsecond // 1000 * 1000
    ) + timedelta(milliseconds=1)


def test_a_first_read_looks_back_a_day() -> None:
    account = Account(events=0)
    changed = set(account.app.touch("leads", update=4, create=0, delete=0)["updated"])
    # The index shows what the leads were before.
    old = "2026-01-01T00:00:00+00:00"

    def as_before(sent: Sent, status: int, body: Any) -> tuple[int, Any]:
        for row in body["data"]:
            if row["id"] in changed:
                row["date_updated"] = old
        return status, {**body, "data": sorted(body["data"], key=lambda row: str(row["date_updated"]))}

    account.vendor.altered["POST /data/search/"] = as_before
    reading = account.read("leads")
    newest = {row["id"]: row for row in reading.records}
    assert by_id(list(newest.values())) == by_id(account.truth("leads"))
    assert len(reading.records) == len(newest) + len(changed)


def test_where_events_come_without_data_a_change_that_came_is_known_by_the_time_of_its_event() -> None:
    account = Account(event_data_hours=0.000001)
    state = account.read("leads").states[-1]
    touched = account.app.touch("leads", update=5, create=0, delete=0)["updated"]
    hide(account, "POST /data/search/", {touched[0]})
    account.vendor.sent.clear()
    again = account.read("leads", state)
    assert set(touched) <= set(again.ids)
    assert singles(account, "leads") == [touched[0]]


def test_what_was_deleted_meanwhile_is_neither_asked_for_nor_missed() -> None:
    account = Account(leads=20)
    state = account.read("leads").states[-1]
    account.app.touch("leads", update=20, create=0, delete=0)
    gone = account.app.touch("leads", update=0, create=0, delete=5)["deleted"]
    account.vendor.sent.clear()
    again = account.read("leads", state)
    assert (again.exit_code, set(gone) & set(again.ids), singles(account, "leads")) == (0, set(), [])


def test_an_event_of_a_lead_that_did_not_change_brings_no_lead_twice() -> None:
    account = Account(events=0)
    lead = account.truth("leads")[0]
    now = datetime.now(UTC).isoformat()
    event = {"id": "ev_1", "object_type": "lead", "object_id": lead["id"], "action": "updated", "date_updated": now}
    odd = [
        {**event, "id": f"ev_{number}", "object_id": given} for number, given in enumerate([None, 7, "../me", "lead_x"])
    ]
    account.vendor.always[EVENTS] = (200, {"data": [event, *odd], "cursor_next": None})
    reading = account.read("leads")
    assert reading.exit_code == 0
    assert sorted(reading.ids) == sorted(row["id"] for row in account.truth("leads"))
    assert sorted(singles(account, "leads")) == sorted([lead["id"], "lead_x"])


@pytest.mark.parametrize("status", [400, 403])
def test_where_the_role_may_not_see_the_log_a_warning_says_what_is_missed(status: int) -> None:
    account, state, changed, missing = late("leads", refuse={EVENTS: status})
    again = account.read("leads", state)
    assert again.exit_code == 0
    assert set(again.ids) & changed == changed - missing
    assert "__events_until" not in again.states[-1]
    (warning,) = again.warnings
    assert warning == (
        f"The event log is refused (status {status}): a change that Close's search index shows later than "
        "lookback_window_seconds is missed. Let the role of the key's user see the event log, or raise "
        "lookback_window_seconds."
    )


def test_the_warning_that_the_log_is_refused_comes_once_for_all_streams() -> None:
    account = Account(refuse={EVENTS: 403})
    connection, output = account.connection()
    assert (
        read(
            connection,
            configured("leads", "contacts", "opportunities", "tasks", "custom_objects"),
            {},
            "source-closeio",
        )
        == 0
    )
    assert len([line for line in output.logs() if "The event log is refused" in line]) == 1


@pytest.mark.parametrize("answer", ["refused", "ignored"])
def test_where_the_log_takes_no_filter_by_type_it_is_read_whole(answer: str) -> None:
    account, state, changed, _ = late("tasks", event_type_alone=answer != "refused")
    if answer == "ignored":
        everything = account.truth("event_log")[::-1]
        recent = [event for event in everything if event["date_updated"] > state["date_updated"][:26]][:50]
        account.vendor.altered[EVENTS] = lambda sent, status, body: (200, {"data": recent, "cursor_next": None})
    again = account.read("tasks", state)
    assert changed <= set(again.ids)
    assert len(again.ids) == len(set(again.ids))
    assert account.vendor.groups()[EVENTS] <= 6


@pytest.mark.parametrize("after", [0, 1])
def test_a_log_that_cannot_be_read_does_not_stop_the_stream_and_keeps_its_place(after: int) -> None:
    """The look at the newest event fails, or what comes after it."""
    account, state, changed, missing = late("leads")
    asked: list[Sent] = []

    def fail(sent: Sent, status: int, body: Any) -> tuple[int, Any]:
        asked.append(sent)
        return (500, {}) if len(asked) > after else (status, body)

    account.vendor.altered[EVENTS] = fail
    again = account.read("leads", state)
    assert again.exit_code == 0
    assert set(again.ids) & changed == changed - missing
    assert again.states[-1]["__events_until"] == state["__events_until"]
    (warning,) = again.warnings
    assert warning.startswith("Stream leads: the event log could not be read (")
    del account.vendor.altered[EVENTS]
    assert missing <= set(account.read("leads", again.states[-1]).ids)


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00", "9999-12-31T23:59:59.999999", "soon", None, 7])
def test_events_of_any_time_stop_nothing(time: Any) -> None:
    account, state, changed, missing = late("leads")
    lead = account.truth("leads")[0]["id"]
    odd = {"id": "ev_odd", "object_type": "lead", "object_id": lead, "action": "updated", "date_updated": time}

    def with_odd(sent: Sent, status: int, body: Any) -> tuple[int, Any]:
        return status, {**body, "data": [*body["data"], odd, {**odd, "id": "ev_too", "data": {"date_updated": time}}]}

    account.vendor.altered[EVENTS] = with_odd
    again = account.read("leads", state)
    assert again.exit_code == 0
    assert changed <= set(again.ids)
    assert missing <= set(again.ids)


def test_records_that_may_not_be_asked_for_by_id_are_told() -> None:
    account, state, _, missing = late("leads")
    for identity in missing:
        account.vendor.always[f"GET /lead/{identity}/"] = (403, {})
    again = account.read("leads", state)
    assert again.exit_code == 0
    assert (
        "Stream leads: changes that Close's index does not show yet are refused by id (status 403): they are missed "
        "until the records change again." in again.warnings
    )


def test_of_very_many_changes_only_the_newer_ones_are_kept_in_mind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(witness, "MOST_TOLD", 3)
    account, state, changed, _ = late("leads")
    again = account.read("leads", state)
    assert again.exit_code == 0
    assert set(again.ids) <= {*changed, *account.read("leads").ids}
    assert any("more than 3 records have changed; only for those changed since" in line for line in again.logs)


def test_a_full_refresh_asks_the_log_nothing() -> None:
    account = Account()
    account.read("leads", mode="full_refresh")
    assert account.vendor.groups()[EVENTS] == 0
