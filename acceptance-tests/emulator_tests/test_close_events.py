"""The event log of the Close emulator."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from emulator_tests.close_client import CloseClient, ids


@pytest.fixture(scope="module")
def close() -> CloseClient:
    return CloseClient(leads=40, activities=100, tasks=60, events=260, event_ties=[70])


def walk(close: CloseClient, **params: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    answer = close.get("/event/", **params)
    others = {name: value for name, value in params.items() if not name.startswith("date_updated")}
    while True:
        rows += answer["data"]
        if answer["cursor_next"] is None:
            return rows
        answer = close.get("/event/", **others, _cursor=answer["cursor_next"])


def test_a_walk_gives_thirty_days_newest_first(close: CloseClient) -> None:
    rows = walk(close)
    dates = [row["date_updated"] for row in rows]
    assert dates == sorted(dates, reverse=True)
    assert ids(rows) == ids(close.truth("event_log"))[::-1]
    assert len(rows) == 260


def test_several_events_share_a_millisecond_across_pages(close: CloseClient) -> None:
    assert Counter(row["date_updated"] for row in walk(close)).most_common(1)[0][1] == 70


def test_pages_are_capped_at_fifty_without_an_error(close: CloseClient) -> None:
    answer = close.get("/event/", _limit=1000)
    assert len(answer["data"]) == 50
    assert sorted(answer) == ["cursor_next", "cursor_previous", "data"]
    assert close.get("/event/", _cursor="")["data"] == answer["data"]


def test_dates_are_naive_and_their_filters_are_part_of_the_cursor(close: CloseClient) -> None:
    rows = walk(close)
    low, high = rows[200]["date_updated"], rows[30]["date_updated"]
    assert len(low) == len("2019-01-15T12:48:23.395000")
    found = walk(close, date_updated__gte=low, date_updated__lt=high)
    assert ids(found) == [row["id"] for row in rows if low <= row["date_updated"] < high]
    first = close.get("/event/", date_updated__gte=low)
    again = close.get("/event/", date_updated__gte="2099-01-01", _cursor=first["cursor_next"])
    assert again["data"][0]["id"] == rows[50]["id"]


def test_the_previous_cursor_leads_back(close: CloseClient) -> None:
    first = close.get("/event/")
    second = close.get("/event/", _cursor=first["cursor_next"])
    back = close.get("/event/", _cursor=second["cursor_previous"])
    assert (back["data"], back["cursor_previous"]) == (first["data"], None)


def test_documented_filters_work_and_other_combinations_are_refused(close: CloseClient) -> None:
    found = walk(close, object_type="lead", action="updated")
    assert {(row["object_type"], row["action"]) for row in found} == {("lead", "updated")}
    lead = found[0]["lead_id"]
    assert {row["lead_id"] for row in walk(close, lead_id=lead)} == {lead}
    assert {row["object_id"] for row in walk(close, object_type="lead", object_id=lead)} == {lead}
    assert close.refused("/event/", action="updated", lead_id=lead)[0] == 400


def test_touching_records_adds_events_about_them() -> None:
    close = CloseClient(leads=40, activities=100, tasks=60, events=10)
    for stream, object_type in (("leads", "lead"), ("activities", "activity."), ("tasks", "task.")):
        touched = close.app.touch(stream, 1, 1, 1)
        about = {identifier for found in touched.values() for identifier in found}
        newest = [row for row in close.get("/event/")["data"] if row["object_id"] in about][:3]
        assert all(row["object_type"].startswith(object_type) for row in newest)
        expected = {(action, identifier) for action, found in touched.items() for identifier in found}
        assert {(row["action"], row["object_id"]) for row in newest} == expected


def test_quick_edits_of_one_object_move_its_event() -> None:
    close = CloseClient(leads=1, events=5)
    close.app.touch("leads", 1, 0, 0)
    first = close.get("/event/")["data"][0]
    assert first["data"]["description"] == "Revision 1"
    close.app.touch("leads", 1, 0, 0)
    assert len(close.get("/event/")["data"]) == 6
    moved = close.get("/event/")["data"][0]
    assert (moved["id"], moved["date_created"], moved["data"]["description"]) == (
        first["id"],
        first["date_created"],
        "Revision 2",
    )
    separate = CloseClient(leads=1, events=5, consolidate_seconds=0)
    separate.app.touch("leads", 1, 0, 0)
    separate.app.touch("leads", 1, 0, 0)
    assert len(separate.get("/event/")["data"]) == 7


def test_events_of_the_start_are_about_objects_that_exist(close: CloseClient) -> None:
    activities = {entry["id"]: entry["_type"] for entry in close.list_all("/activity/")}
    calls = walk(close, object_type="activity.call")
    assert {activities[row["object_id"]] for row in calls} == {"Call"}
    leads = {lead["id"] for lead in close.truth("leads")}
    rows = walk(close, object_type="lead")
    assert {row["object_id"] for row in rows if row["action"] != "deleted"} <= leads
    assert not {row["object_id"] for row in rows if row["action"] == "deleted"} & leads


def test_events_can_be_touched_themselves(close: CloseClient) -> None:
    touched = close.app.touch("event_log", 2, 3, 0)
    assert {len(touched["updated"]), len(touched["created"])} == {2, 3}
    newest = ids(close.get("/event/", _limit=5)["data"])
    assert sorted(newest) == sorted(touched["updated"] + touched["created"])


def test_without_permission_older_events_lack_their_data() -> None:
    close = CloseClient(leads=5, events=20, event_data_hours=1)
    close.app.touch("leads", 1, 0, 0)
    rows = close.get("/event/")["data"]
    assert [("data" in row, "previous_data" in row) for row in rows] == [(True, True)] + [(False, False)] * 20
