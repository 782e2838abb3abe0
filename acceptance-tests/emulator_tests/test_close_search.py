"""`POST /data/search/` of the Close emulator."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

import pytest

from emulator_tests.close_client import BOTH, CREATED, DATES, LEADS, UPDATED, CloseClient, between, ids, lead_field


@pytest.fixture(scope="module")
def close() -> CloseClient:
    return CloseClient(leads=900, ties=[260, 250])


def newest_first(sort: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [entry | {"direction": "desc"} for entry in sort]


def test_without_fields_only_id_and_type_come(close: CloseClient) -> None:
    row = close.search(query=LEADS, _limit=1)["data"][0]
    assert list(row) == ["__object_type", "id"]


def test_custom_values_come_only_when_named_and_unknown_body_keys_are_ignored(close: CloseClient) -> None:
    named = {"lead": ["id", "nonsense", "custom.cf_lead0000QvR7tXc2LmN4pZsK"]}
    rows = close.search(query=LEADS, _limit=200, _skip=10, _fields=named, sort=BOTH)["data"]
    assert {tuple(sorted(row)) for row in rows} == {
        ("__object_type", "id"),
        ("__object_type", "custom.cf_lead0000QvR7tXc2LmN4pZsK", "id"),
    }
    assert rows == close.search(query=LEADS, _limit=200, _fields=named, sort=BOTH)["data"]


def test_all_fields_named_give_the_lead_as_the_list_gives_it(close: CloseClient) -> None:
    truth = close.truth("leads")
    names = sorted({name for lead in truth for name in lead})
    rows = close.search_all(query=LEADS, _limit=200, _fields={"lead": names}, sort=BOTH)
    assert [row.pop("__object_type") for row in rows] == ["lead"] * 900
    assert sorted(rows, key=lambda row: row["id"]) == sorted(truth, key=lambda lead: lead["id"])


def test_optional_fields_come_too_when_named(close: CloseClient) -> None:
    truth = close.truth("leads", all_fields=True)
    assert "primary_email" in truth[0]
    names = sorted({name for lead in truth for name in lead})
    rows = close.search_all(query=LEADS, _limit=200, _fields={"lead": names}, sort=BOTH)
    expected = sorted(({"__object_type": "lead"} | lead for lead in truth), key=lambda lead: lead["id"])
    assert sorted(rows, key=lambda row: row["id"]) == expected


def test_a_cursor_walk_with_two_keys_gives_each_row_once_in_order(close: CloseClient) -> None:
    rows = close.search_all(query=LEADS, sort=BOTH, _limit=200, _fields=DATES)
    assert len(rows) == len(set(ids(rows))) == 900
    keys = [(row["date_updated"], row["date_created"]) for row in rows]
    assert keys == sorted(keys)
    backwards = close.search_all(query=LEADS, sort=newest_first(BOTH), _limit=200, _fields=DATES)
    assert ids(backwards) == ids(rows)[::-1]


def test_clusters_share_one_instant_and_every_other_one_differs_in_creation(close: CloseClient) -> None:
    counts = Counter(lead["date_updated"] for lead in close.truth("leads")).most_common(2)
    assert [size for _, size in counts] == [260, 250]
    created = [
        {lead["date_created"] for lead in close.truth("leads") if lead["date_updated"] == instant}
        for instant, _ in counts
    ]
    assert [len(dates) for dates in created] == [1, 250]


def test_the_lower_bound_is_inclusive_and_the_upper_one_is_not(close: CloseClient) -> None:
    instant = Counter(lead["date_updated"] for lead in close.truth("leads")).most_common(1)[0][0]
    assert close.search(query=between(instant), include_counts=True, results_limit=0)["count"]["total"] > 260
    before = close.search(query=between(None, instant), include_counts=True, results_limit=0)["count"]["total"]
    since = close.search(query=between(instant, None), include_counts=True, results_limit=0)["count"]["total"]
    assert before + since == 900
    milliseconds = instant[:23] + "Z" if len(instant) > 25 else instant
    assert close.search(query=between(milliseconds), include_counts=True, results_limit=0)["count"]["total"] == since


def test_counts_come_with_rows_and_alone(close: CloseClient) -> None:
    answer = close.search(query=LEADS, include_counts=True, _limit=5)
    assert (len(answer["data"]), answer["count"]) == (5, {"total": 900, "limited": 900})
    answer = close.search(query=LEADS, include_counts=True, results_limit=0)
    assert answer == {"data": [], "cursor": None, "count": {"total": 900, "limited": 0}}
    assert "count" not in close.search(query=LEADS)
    capped = CloseClient(leads=50, count_cap=20)
    assert capped.search(query=LEADS, include_counts=True)["count"]["total"] == 20


def test_results_limit_ends_a_walk(close: CloseClient) -> None:
    assert len(close.search_all(query=LEADS, sort=BOTH, _limit=200, results_limit=250)) == 250


def test_both_dates_can_be_filtered_at_once(close: CloseClient) -> None:
    instant = Counter(lead["date_updated"] for lead in close.truth("leads")).most_common(2)[1][0]
    cluster = sorted(lead["date_created"] for lead in close.truth("leads") if lead["date_updated"] == instant)
    query = {"type": "and", "queries": [between(instant), between(cluster[100], cluster[200], "date_created")]}
    rows = close.search_all(query=query, sort=BOTH, _fields=DATES, _limit=30)
    expected = [
        lead["id"]
        for lead in close.truth("leads")
        if lead["date_updated"] >= instant and cluster[100] <= lead["date_created"] < cluster[200]
    ]
    assert sorted(ids(rows)) == sorted(expected)


def test_sorting_by_creation_works_and_by_anything_else_is_refused(close: CloseClient) -> None:
    rows = close.search_all(query=LEADS, sort=[CREATED, UPDATED], _limit=200, _fields=DATES)
    keys = [(row["date_created"], row["date_updated"]) for row in rows]
    assert keys == sorted(keys)
    assert len(set(ids(rows))) == 900
    status, body = close.search_refused(query=LEADS, sort=[{"direction": "asc", "field": lead_field("id")}])
    assert (status, list(body["field-errors"])) == (400, ["sort"])


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"query": LEADS, "_limit": 201}, "_limit"),
        ({"query": {"type": "and", "queries": []}}, "query"),
        ({"query": {"type": "object_type", "object_type": "activity.status_change.lead"}}, "query"),
        ({"query": between("yesterday")}, "query"),
        ({"query": LEADS, "cursor": "bm9uc2Vuc2U="}, "cursor"),
    ],
)
def test_a_bad_search_is_refused_with_the_field_that_is_wrong(
    close: CloseClient, body: dict[str, Any], field: str
) -> None:
    status, answer = close.search_refused(**body)
    assert (status, list(answer["field-errors"])) == (400, [field])


def test_a_cursor_expires() -> None:
    close = CloseClient(leads=10, cursor_seconds=0.05)
    cursor = close.search(query=LEADS, _limit=2, sort=BOTH)["cursor"]
    time.sleep(0.08)
    assert close.search_refused(query=LEADS, _limit=2, sort=BOTH, cursor=cursor) == (
        400,
        {"errors": [], "field-errors": {"cursor": "Expired cursor."}},
    )


def test_a_cursor_walk_ends_at_its_cap_with_an_error() -> None:
    close = CloseClient(leads=1000, cursor_walk=500)
    served, cursor = 0, None
    for _ in range(3):
        answer = close.search(query=LEADS, _limit=200, sort=BOTH, cursor=cursor)
        served, cursor = served + len(answer["data"]), answer["cursor"]
    assert served == 500
    status, body = close.search_refused(query=LEADS, _limit=200, sort=BOTH, cursor=cursor)
    assert (status, list(body["field-errors"])) == (400, ["cursor"])


def test_a_cursor_belongs_to_its_query(close: CloseClient) -> None:
    cursor = close.search(query=LEADS, _limit=2, sort=BOTH)["cursor"]
    assert close.search_refused(query=LEADS, _limit=2, sort=[CREATED], cursor=cursor)[0] == 400


def test_a_walk_can_end_too_early() -> None:
    close = CloseClient(leads=1000, early_null_cursor=400)
    assert len(close.search_all(query=LEADS, sort=BOTH, _limit=200)) == 400


def test_one_sort_key_can_lose_rows_of_a_tie_between_pages() -> None:
    close = CloseClient(leads=600, ties=[300], tie_loss=True)
    assert len(close.search_all(query=LEADS, sort=[UPDATED], _limit=200)) < 600
    assert len(set(ids(close.search_all(query=LEADS, sort=BOTH, _limit=200)))) == 600


def test_unknown_fields_can_be_refused() -> None:
    close = CloseClient(leads=3, strict_fields=True, custom_fields=30)
    named = [f"custom.{entry['id']}" for entry in close.truth("custom_fields")]
    assert close.search(query=LEADS, _fields={"lead": named})["data"]
    assert close.search(query=LEADS, _fields={"lead": ["id", "date_updated", "contact_ids"]})["data"]
    assert close.search_refused(query=LEADS, _fields={"lead": ["id", "nonsense"]}) == (
        400,
        {"errors": [], "field-errors": {"_fields": "Unknown fields: nonsense."}},
    )


def test_an_offset_cursor_moves_with_the_rows_and_a_keyset_cursor_does_not() -> None:
    for kind, loses in (("offset", True), ("keyset", False)):
        close = CloseClient(leads=300, search_cursor=kind)
        first = close.search(query=LEADS, sort=BOTH, _limit=100)
        close.app.account.leads.update(0, 10**13)
        second = close.search(query=LEADS, sort=BOTH, _limit=100, cursor=first["cursor"])
        expected = ids(CloseClient(leads=300).search(query=LEADS, sort=BOTH, _limit=200)["data"])[100:]
        assert (ids(second["data"]) != expected) is loses


def test_the_index_lags_behind_writes() -> None:
    close = CloseClient(leads=20, index_lag_seconds=0.2)
    before = close.search(query=LEADS, sort=BOTH, _fields=DATES, _limit=50)["data"]
    close.app.touch("leads", 3, 2, 1)
    assert close.search(query=LEADS, sort=BOTH, _fields=DATES, _limit=50)["data"] == before
    assert close.get("/lead/")["total_results"] == 21
    time.sleep(0.25)
    after = close.search(query=LEADS, sort=BOTH, _fields=DATES, _limit=50)["data"]
    assert sorted(ids(after)) == sorted(ids(close.truth("leads")))
    expected = {lead["id"]: lead["date_updated"] for lead in close.truth("leads")}
    assert {row["id"]: row["date_updated"] for row in after} == expected


def test_activities_can_be_searched_by_type() -> None:
    close = CloseClient(activities=200)
    found = close.search(query={"type": "object_type", "object_type": "activity.call"}, _limit=200)["data"]
    assert sorted(ids(found)) == sorted(ids(close.list_all("/activity/call/")))
    assert {row["__object_type"] for row in found} == {"activity.call"}


def test_a_search_that_is_not_json_is_refused(close: CloseClient) -> None:
    assert close.ask("POST", "/data/search/", body=b"{}", headers={"content-type": "text/plain"}).status == 415
    assert close.ask("POST", "/data/search/", body=b"[").status == 400
