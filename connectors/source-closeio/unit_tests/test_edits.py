"""Edits of old activities: which way they are found, what it costs, and what the state says."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from source_closeio.edits import IDS_CHARACTERS, chunks
from source_kit.timestamps import parse
from source_kit.work import Start, in_order
from unit_tests.closeio_account import Account, Sent

SEARCH, EVENTS = "POST /data/search/", "GET /event/"
WINDOWLESS = {"activities_window_seconds": 0}


def edited_calls(**options: Any) -> tuple[Account, dict[str, Any], set[str]]:
    """An account after a first read: its state, and the calls edited since."""
    account = Account(WINDOWLESS, activities=300, **options)
    first = account.read("call_activities")
    touched = account.app.touch("call_activities", update=5, create=0, delete=0)["updated"]
    assert len(touched) == 5
    return account, first.states[-1], set(touched)


def test_where_searches_filter_by_update_they_are_used_and_the_state_says_so() -> None:
    account, state, edited = edited_calls()
    account.vendor.sent.clear()
    again = account.read("call_activities", state)
    assert edited <= set(again.ids)
    assert state["__edits_found_by_search"] is True
    assert again.states[-1]["__edits_found_by_search"] is True
    # Two searches prove it, one finds the edits; the log is asked for its newest event, and whether it knows of more.
    assert account.vendor.groups()[SEARCH] == 3
    assert account.vendor.groups()[EVENTS] == 2
    # What the log tells as well is fetched once.
    assert account.vendor.groups()["GET /activity/call/"] == 2


@pytest.mark.parametrize("at_end", [False, True])
def test_a_row_without_an_id_is_no_proof_that_searches_do_not_filter(at_end: bool) -> None:
    account, state, edited = edited_calls()
    nameless = {"oddity": 1, "date_updated": "2020-01-01T00:00:00+00:00"}

    def alter(sent: Sent, status: int, content: Any) -> tuple[int, Any]:
        rows = content["data"]
        return status, {**content, "data": [*rows, nameless] if at_end else [nameless, *rows]}

    account.vendor.altered[SEARCH] = alter
    again = account.read("call_activities", state)
    assert edited <= set(again.ids)
    assert again.states[-1]["__edits_found_by_search"] is True


@pytest.mark.parametrize("status", [400, 403])
def test_a_proof_that_is_refused_half_way_proves_nothing(status: int) -> None:
    """The search for the newest change works, the one for what lies after it does not."""
    account, state, edited = edited_calls()

    def refuse_lower_bounds(sent: Any, answered: int, body: Any) -> tuple[int, Any]:
        is_second = "1971" not in str(sent.body) and sent.body.get("_limit") == 1
        return (status, {"error": "no"}) if is_second else (answered, body)

    account.vendor.altered[SEARCH] = refuse_lower_bounds
    again = account.read("call_activities", state)
    assert (again.exit_code, again.states[-1]["__edits_found_by_search"]) == (0, False)
    assert edited <= set(again.ids)
    assert any(f"searches do not tell what changed (status {status})" in line for line in again.logs)


@pytest.mark.parametrize(("answer", "why"), [("ignored", "they ignore date_updated"), ("refused", "status 400")])
def test_where_they_do_not_the_event_log_is_used(answer: str, why: str) -> None:
    account, state, edited = edited_calls(search_updates=answer)
    account.vendor.sent.clear()
    again = account.read("call_activities", state)
    assert edited <= set(again.ids)
    assert again.states[-1]["__edits_found_by_search"] is False
    filters = [sent.params.get("object_type") for sent in account.vendor.sent if sent.group == EVENTS]
    assert set(filters[1:]) == {"activity.call"}
    assert (
        f"INFO Stream call_activities: searches do not tell what changed ({why}): it is looked up in the event log."
        in again.logs
    )


def test_a_page_of_the_log_in_reverse_order_once_costs_no_edit() -> None:
    account = Account(WINDOWLESS, activities=900, search_updates="refused")
    state = account.read("call_activities").states[-1]
    edited: set[str] = set()
    while len(edited) < 90:
        edited.update(account.app.touch("call_activities", update=1, create=0, delete=0)["updated"])
    turned: list[str] = []

    def alter(sent: Sent, status: int, content: Any) -> tuple[int, Any]:
        if turned or len(content["data"]) < 50:
            return status, content
        turned.append(sent.group)
        return status, {**content, "data": content["data"][::-1]}

    account.vendor.altered[EVENTS] = alter
    assert edited <= set(account.read("call_activities", state).ids)
    assert turned


def test_where_the_log_refuses_a_filter_by_type_alone_the_whole_log_is_read() -> None:
    account, state, edited = edited_calls(search_updates="refused", event_type_alone=False)
    again = account.read("call_activities", state)
    assert edited <= set(again.ids)
    assert (
        "INFO Stream call_activities: the event log takes no filter by type (status 400): it is read whole."
        in again.logs
    )


def test_a_filter_that_was_refused_once_is_not_tried_again_by_other_streams() -> None:
    account = Account(WINDOWLESS, activities=300, search_updates="refused", event_type_alone=False)
    streams = ("call_activities", "note_activities", "sms_activities")
    states = {stream: account.read(stream).states[-1] for stream in streams}
    account.app.touch("activities", update=10, create=0, delete=0)
    account.vendor.sent.clear()
    connection, _ = account.connection()
    for stream in connection.streams():
        if stream.name in streams:
            list(in_order(stream.work(Start(incremental=True, position=states[stream.name]))))
    assert len([sent for sent in account.vendor.sent if "object_type" in sent.params]) == 1


def test_a_new_record_with_an_old_date_is_found_by_the_event_of_its_creation() -> None:
    account = Account(WINDOWLESS, activities=300, search_updates="refused")
    state = account.read("email_activities").states[-1]
    synced, unseen, new, odd = [row["id"] for row in account.truth("email_activities")][:4]
    now = datetime.now(UTC)
    sent, seen = "2021-09-17T07:58:26+00:00", now.isoformat()

    def created(identity: str, data: Any) -> dict[str, Any]:
        kinds = {"action": "created", "object_type": "activity.email", "object_id": identity, "id": f"ev_{identity}"}
        return {**kinds, "date_created": seen, "date_updated": seen, "data": data}

    log = [
        created(synced, {"date_created": sent, "date_updated": seen}),
        created(unseen, None),
        created(new, {"date_created": seen, "date_updated": seen}),
        created(odd, {"date_created": "yesterday"}),
    ]
    account.vendor.always[EVENTS] = (200, {"data": log, "cursor_next": None})
    again = account.read("email_activities", {**state, "__events_until": (now - timedelta(hours=1)).isoformat()})
    assert {synced, unseen, odd} <= set(again.ids)
    assert new not in again.ids


@pytest.mark.parametrize("kind", ["lead", "opportunity"])
def test_status_changes_are_looked_up_by_their_older_names_too(kind: str) -> None:
    account = Account(WINDOWLESS, activities=300, search_updates="refused")
    stream = f"{kind}_status_change_activities"
    state = account.read(stream).states[-1]
    account.vendor.sent.clear()
    account.read(stream, state)
    asked = {sent.params["object_type"] for sent in account.vendor.sent if "object_type" in sent.params}
    assert asked == {f"activity.{kind}_status_change", f"activity.status_change.{kind}", f"status_change.{kind}"}


def test_a_type_that_the_search_does_not_know_is_looked_up_in_the_log() -> None:
    account, state, edited = edited_calls(unsearchable=["activity.call"])
    again = account.read("call_activities", state)
    assert edited <= set(again.ids)
    assert (
        "INFO Stream call_activities: searching activity.call is refused (status 400): the event log tells what "
        "changed." in again.logs
    )


def test_edits_are_found_by_search_where_the_role_may_not_see_the_log() -> None:
    account, state, edited = edited_calls(refuse={EVENTS: 400})
    assert edited <= set(account.read("call_activities", state).ids)
    assert parse(state["__events_until"]) <= datetime.now(UTC) - timedelta(minutes=5)


def test_without_both_a_warning_tells_what_is_missed_and_the_position_stays() -> None:
    account, state, edited = edited_calls(refuse={EVENTS: 403, SEARCH: 403})
    again = account.read("call_activities", state)
    assert again.exit_code == 0
    assert not edited & set(again.ids)
    assert "__events_until" not in again.states[-1]
    (warning,) = [line for line in again.logs if "edited" in line]
    assert warning == (
        "WARN Neither searches (status 403) nor the event log (status 403) show which old records of stream "
        "call_activities were edited, or which new ones have an old date, as e-mails synced from a mailbox do. Both "
        "are missed: only those created in the last activities_window_seconds are read again."
    )


def test_a_gap_longer_than_the_log_is_told() -> None:
    account, state, _ = edited_calls(search_updates="refused")
    old = {**state, "__events_until": "2020-01-01T00:00:00+00:00"}
    (warning,) = [line for line in account.read("call_activities", old).logs if "cannot be found any more" in line]
    assert "Refresh the stream" in warning


def test_edits_leave_before_the_first_state_which_covers_them() -> None:
    """They are read beside what is newer, whose first pages may leave before them; no state does."""
    account = Account(WINDOWLESS, activities=6_000)
    first = account.read("call_activities")
    touched = set(account.app.touch("call_activities", update=60, create=0, delete=0)["updated"])
    created = {row["id"]: row["date_created"] for row in first.records}
    bookmark = sorted(created.values())[len(created) // 3]
    again = account.read("call_activities", {**first.states[-1], "date_created": bookmark})
    old = [row["id"] for row in again.records if row["date_created"] < bookmark]
    assert (set(old), len(old)) == ({each for each in touched if created[each] < bookmark}, len(set(old)))
    assert len(old) > 10
    assert set(old) <= set(again.ids[: again.states_after[0]])
    assert len(again.states) > 3


def test_a_state_without_the_second_position_looks_for_edits_since_its_bookmark() -> None:
    account, state, edited = edited_calls()
    bare = {"date_created": state["date_created"], "__v": 1}
    assert edited <= set(account.read("call_activities", bare).ids)


def test_a_broken_second_position_is_an_error_that_names_it() -> None:
    account, state, _ = edited_calls()
    with pytest.raises(Exception, match="call_activities holds no valid time in __events_until"):
        account.read("call_activities", {**state, "__events_until": "yesterday"})


def test_edits_of_activities_created_before_the_start_date_stay_out() -> None:
    start = datetime.now(UTC) - timedelta(days=100)
    account = Account({**WINDOWLESS, "start_date": start.strftime("%Y-%m-%d")}, activities=300)
    first = account.read("call_activities")
    account.app.touch("call_activities", update=30, create=0, delete=0)
    again = account.read("call_activities", first.states[-1])
    assert again.ids
    assert min(parse(row["date_created"]) for row in again.records) >= start.replace(hour=0, minute=0, second=0) - (
        timedelta(seconds=1)
    )


def test_deleted_activities_are_not_missed_loudly() -> None:
    account, state, edited = edited_calls(search_updates="refused")
    gone = account.app.touch("call_activities", update=0, create=0, delete=40)["deleted"]
    again = account.read("call_activities", state)
    assert again.exit_code == 0
    assert edited - set(gone) <= set(again.ids)
    assert not set(gone) & set(again.ids)


def test_a_smaller_maximum_than_ours_cuts_no_edit_off() -> None:
    account, state, edited = edited_calls(search_updates="refused")
    text = "The limit you set is larger than the maximum limit for this resource (max_limit = 2)."
    account.vendor.answers["GET /activity/call/"] = [(400, {"error": text})]
    assert edited <= set(account.read("call_activities", state).ids)


def test_user_posts_get_edits_of_their_users_only() -> None:
    account = Account(WINDOWLESS, activities=300)
    first = account.read("user_posts")
    touched = account.app.touch("activities", update=40, create=0, delete=0)["updated"]
    again = account.read("user_posts", first.states[-1])
    posts = {row["id"] for row in account.truth("user_posts")}
    assert set(again.ids) >= set(touched) & posts
    assert set(again.ids) <= posts


def test_ids_are_asked_for_in_addresses_that_stay_short() -> None:
    ids = [f"acti_{number:043d}" for number in range(250)]
    parts = list(chunks(ids))
    assert [one for part in parts for one in part] == ids
    assert max(len("%2C".join(part)) for part in parts) <= IDS_CHARACTERS
    assert [len(part) for part in parts] == [33] * 7 + [19]
    assert list(chunks([])) == []


def hidden(account: Account, group: str, ids: set[str]) -> None:
    """An index that does not show these records yet."""

    def without(sent: Any, status: int, body: Any) -> tuple[int, Any]:
        rows = body.get("data") if isinstance(body, dict) else None
        if isinstance(rows, list):
            body["data"] = [row for row in rows if row.get("id") not in ids and row.get("object_id") not in ids]
        return status, body

    account.vendor.altered[group] = without


def test_edits_that_the_log_shows_a_minute_late_come_with_the_next_read() -> None:
    account, state, edited = edited_calls(search_updates="refused")
    time.sleep(0.02)
    # Something newer that is visible at once.
    account.app.touch("leads", update=3, create=0, delete=0)
    other = set(account.app.touch("call_activities", update=3, create=0, delete=0)["updated"]) - edited
    hidden(account, EVENTS, edited)
    first = account.read("call_activities", state)
    assert not edited & set(first.ids)
    assert other <= set(first.ids)
    account.vendor.altered.clear()
    assert edited <= set(account.read("call_activities", first.states[-1]).ids)


def test_edits_that_the_index_of_searches_does_not_show_are_found_in_the_log_and_leave_once() -> None:
    account, state, edited = edited_calls()
    late = set(sorted(edited)[:2])
    hidden(account, SEARCH, late)
    again = account.read("call_activities", state)
    assert edited <= set(again.ids)
    assert len(again.ids) == len(set(again.ids))


def test_where_only_searches_tell_of_edits_a_warning_says_what_that_means() -> None:
    account, state, edited = edited_calls(refuse={EVENTS: 403})
    again = account.read("call_activities", state)
    assert edited <= set(again.ids)
    (warning,) = again.warnings
    assert warning.startswith("The event log is refused (status 403): a change that Close's search index shows later")


@pytest.mark.parametrize("lookback", [0, 3600])
def test_the_look_for_edits_goes_back_five_minutes_or_the_lookback_of_the_config(lookback: int) -> None:
    account = Account({**WINDOWLESS, "lookback_window_seconds": lookback}, activities=300)
    account.app.touch("leads", update=3, create=0, delete=0)
    until = parse(account.read("call_activities").states[-1]["__events_until"])
    newest = max(parse(event["date_updated"]) for event in account.truth("event_log"))
    back = newest - until
    assert timedelta(seconds=max(300, lookback)) <= back < timedelta(seconds=max(300, lookback) + 5)


def test_an_activity_that_was_edited_many_times_is_fetched_and_leaves_once() -> None:
    """Its events lie on several pages of the log."""
    account = Account(WINDOWLESS, activities=300, search_updates="refused")
    state = account.read("call_activities").states[-1]
    newest = datetime.now(UTC)
    oldest = sorted(account.truth("call_activities"), key=lambda row: str(row["date_created"]))
    calls = [row["id"] for row in oldest[:3]]
    log = [
        {
            "id": f"ev_{number}",
            "action": "updated",
            "object_type": "activity.call",
            "object_id": calls[number % 3],
            "date_created": (newest - timedelta(seconds=number)).isoformat(),
            "date_updated": (newest - timedelta(seconds=number)).isoformat(),
        }
        for number in range(120)
    ]

    def pages(sent: Any, status: int, body: Any) -> tuple[int, Any]:
        upper = sent.params.get("date_updated__lt")
        rows = [event for event in log if upper is None or parse(event["date_updated"]) < parse(upper)][:50]
        return 200, {"data": rows, "cursor_next": "more" if rows and rows[-1] is not log[-1] else None}

    account.vendor.altered[EVENTS] = pages
    account.vendor.sent.clear()
    again = account.read("call_activities", {**state, "__events_until": (newest - timedelta(hours=1)).isoformat()})
    assert again.exit_code == 0
    assert sorted(identity for identity in again.ids if identity in calls) == sorted(calls)
    asked = [sent.params["id__in"] for sent in account.vendor.sent if "id__in" in sent.params]
    assert sorted(",".join(asked).split(",")) == sorted(calls)


@pytest.mark.parametrize(("window_seconds", "comes"), [(86_400, True), (0, False)])
def test_a_new_activity_that_its_list_shows_late_comes_while_the_window_goes_back_to_it(
    window_seconds: int, comes: bool
) -> None:
    ended = (datetime.now(UTC) - timedelta(hours=12)).strftime("%Y-%m-%dT%H:%M:%SZ")
    account = Account({"activities_window_seconds": window_seconds}, activities=300, now=ended)
    state = account.read("call_activities").states[-1]
    (late,) = account.app.touch_earlier("call_activities", update=0, create=1, delete=0, ago_ms=7_200_000)["created"]
    account.app.touch("call_activities", update=0, create=1, delete=0)

    def without(sent: Sent, status: int, body: Any) -> tuple[int, Any]:
        return status, {**body, "data": [row for row in body["data"] if row["id"] != late]}

    account.vendor.altered["GET /activity/call/"] = without
    second = account.read("call_activities", state)
    assert (second.exit_code, late in second.ids) == (0, False)
    account.vendor.altered.clear()
    assert (late in account.read("call_activities", second.states[-1]).ids) is comes
