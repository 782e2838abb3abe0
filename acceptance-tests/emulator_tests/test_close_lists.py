"""Offset-paged lists of the Close emulator."""

from __future__ import annotations

from typing import Any

import pytest

from emulator_tests.close_client import LEADS, CloseClient, ids
from emulators.close.truth import FIELD_STREAMS


@pytest.fixture(scope="module")
def close() -> CloseClient:
    return CloseClient(leads=450, activities=330, tasks=150, maximum_skip=400)


def test_leads_come_newest_update_first_with_a_total(close: CloseClient) -> None:
    answer = close.get("/lead/", _limit=200)
    dates = [lead["date_updated"] for lead in answer["data"]]
    assert len(dates) == 200
    assert dates == sorted(dates, reverse=True)
    assert answer["has_more"] is True
    assert answer["total_results"] == 450


def test_a_complete_walk_of_leads_equals_the_truth(close: CloseClient) -> None:
    walked = close.list_all("/lead/", 200)
    assert sorted(walked, key=lambda lead: lead["id"]) == sorted(close.truth("leads"), key=lambda lead: lead["id"])


def test_a_limit_above_the_maximum_is_refused_with_the_maximum_in_the_message(close: CloseClient) -> None:
    for path, maximum in (("/lead/", 200), ("/activity/", 100), ("/activity/call/", 100), ("/task/", 1000)):
        assert close.refused(path, _limit=maximum + 1) == (
            400,
            {"error": f"The limit you set is larger than the maximum limit for this resource (max_limit = {maximum})."},
        )


def test_a_skip_above_the_maximum_is_refused_with_the_maximum_in_the_message(close: CloseClient) -> None:
    assert close.get("/lead/", _skip=400)["has_more"] is False
    assert close.refused("/lead/", _skip=401) == (
        400,
        {
            "error": "The skip you set is larger than the maximum skip for this resource "
            "(max_skip = 400). Please refine your search query."
        },
    )


@pytest.mark.parametrize("value", ["-1", "ten", "1.5"])
def test_limits_and_skips_that_are_not_whole_numbers_are_refused(close: CloseClient, value: str) -> None:
    assert close.refused("/lead/", _limit=value)[0] == 400
    assert close.refused("/activity/", _skip=value)[0] == 400


def test_a_limit_of_zero_gives_only_the_total(close: CloseClient) -> None:
    assert close.get("/lead/", _limit=0) == {"data": [], "has_more": False, "total_results": 450}


def test_unknown_parameters_and_orders_are_silently_ignored(close: CloseClient) -> None:
    assert close.get("/lead/", date_updated__gt="2099-01-01", _sort="id")["total_results"] == 450
    assert close.get("/activity/", _order_by="activity_at") == close.get("/activity/")
    assert close.get("/activity/", _type="Call", user_id="user_x") == close.get("/activity/")


def test_unknown_fields_are_ignored_and_optional_ones_come_when_named(close: CloseClient) -> None:
    lead = close.get("/lead/", _limit=1, _fields="id,nonsense,contact_ids")["data"][0]
    assert sorted(lead) == ["contact_ids", "id"]
    assert "contact_ids" not in close.get("/lead/", _limit=1)["data"][0]
    assert "contact_ids" in close.get("/lead/", _limit=1, _fields="_all")["data"][0]


def test_a_path_without_its_slash_redirects_and_an_unknown_path_is_not_found(close: CloseClient) -> None:
    redirect = close.ask("GET", "/lead", _limit=5)
    assert redirect.status == 301
    assert dict(redirect.headers)["Location"] == "http://emulator/api/v1/lead/?_limit=5"
    assert close.refused("/leads/") == (
        404,
        {
            "error": "The requested URL was not found on the server. "
            "If you entered the URL manually please check your spelling and try again."
        },
    )
    assert close.ask("POST", "/lead/").status == 405


def test_the_mixed_list_of_activities_omits_threads_unless_asked(close: CloseClient) -> None:
    mixed = close.list_all("/activity/")
    everything = close.list_all("/activity/", thread_emails="true")
    threads = close.list_all("/activity/", thread_emails="only")
    assert sorted(ids(mixed)) == sorted(ids(close.truth("activities")))
    assert {activity["_type"] for activity in threads} == {"EmailThread"}
    assert len(mixed) + len(threads) == len(everything) == 330


def test_activities_are_filtered_by_creation_and_sorted_both_ways(close: CloseClient) -> None:
    newest_first = close.list_all("/activity/")
    oldest_first = close.list_all("/activity/", _order_by="date_created")
    assert ids(oldest_first) == ids(newest_first)[::-1]
    middle = oldest_first[100]["date_created"]
    assert close.get("/activity/", _order_by="date_created", date_created__gte=middle)["data"][0] == oldest_first[100]
    assert close.get("/activity/", _order_by="date_created", date_created__gt=middle)["data"][0] == oldest_first[101]
    assert close.get("/activity/", date_created__lte=middle)["data"][0] == oldest_first[100]
    assert close.get("/activity/", date_created__lt=middle)["data"][0] == oldest_first[99]
    assert close.refused("/activity/", date_created__gte="soon")[0] == 400


def test_the_order_of_activities_may_be_ignored() -> None:
    stubborn = CloseClient(activities=50, ignore_order_by=True)
    assert stubborn.get("/activity/", _order_by="date_created") == stubborn.get("/activity/")


def test_activities_are_found_by_id_and_by_lead(close: CloseClient) -> None:
    wanted = [activity for activity in close.truth("activities") if activity["lead_id"]][3:6]
    assert sorted(ids(close.get("/activity/", id__in=",".join(ids(wanted)))["data"])) == sorted(ids(wanted))
    lead = wanted[0]["lead_id"]
    assert {activity["lead_id"] for activity in close.get("/activity/", lead_id=lead)["data"]} == {lead}


def test_typed_activities_are_the_mixed_ones_of_that_type(close: CloseClient) -> None:
    calls = close.list_all("/activity/call/")
    assert ids(calls) == [entry["id"] for entry in close.list_all("/activity/") if entry["_type"] == "Call"]


def test_tasks_without_a_type_are_lead_tasks_only(close: CloseClient) -> None:
    everything = close.get("/task/", _type="all", _limit=1000)
    assert sorted(ids(everything["data"])) == sorted(ids(close.truth("tasks")))
    assert everything["total_results"] == 150
    assert {task["_type"] for task in close.list_all("/task/")} == {"lead"}
    assert {task["_type"] for task in close.list_all("/task/", _type__in="voicemail,missed_call")} == {
        "voicemail",
        "missed_call",
    }


def test_tasks_filter_by_update_and_creation_but_sort_by_creation_only(close: CloseClient) -> None:
    tasks = close.list_all("/task/", 1000, _type="all", _order_by="date_created")
    created = [task["date_created"] for task in tasks]
    assert created == sorted(created)
    bound = sorted(task["date_updated"] for task in tasks)[100]
    found = close.get("/task/", _type="all", _limit=1000, date_updated__gte=bound, date_created__lt=created[120])
    expected = [t for t in tasks if t["date_updated"] >= bound and t["date_created"] < created[120]]
    assert sorted(ids(found["data"])) == sorted(ids(expected))
    assert close.get("/task/", _order_by="date_updated") == close.get("/task/")


def test_the_legacy_query_has_minute_precision(close: CloseClient) -> None:
    lead = close.get("/lead/", _limit=1, _skip=200)["data"][0]
    minute = lead["date_updated"][:16]
    found = close.list_all("/lead/", 200, query=f'date_updated>="{minute}" sort:date_updated')
    assert sorted(ids(found)) == sorted(
        entry["id"] for entry in close.truth("leads") if entry["date_updated"][:16] >= minute
    )
    after = close.list_all("/lead/", 200, query=f'date_updated>"{minute}" sort:updated')
    assert all(entry["date_updated"][:16] > minute for entry in after)
    day = close.list_all("/lead/", 200, query=f"updated >= {minute[:10]} updated <= {minute[:10]}")
    assert {entry["date_updated"][:10] for entry in day} == {minute[:10]}


def test_the_legacy_query_sorts_and_slices(close: CloseClient) -> None:
    slices = [close.list_all("/lead/", 200, query=f"sort:created slice:{part}/3") for part in (1, 2, 3)]
    assert sum(map(len, slices)) == 450
    assert len({identifier for part in slices for identifier in ids(part)}) == 450
    created = [lead["date_created"] for lead in slices[0]]
    assert created == sorted(created)


def test_custom_fields_and_users_are_served_whole(close: CloseClient) -> None:
    assert close.get("/custom_field/lead/")["data"] == close.truth("custom_fields")
    assert close.get("/custom_fields/lead/", _limit=200) == close.get("/custom_field/lead/", _limit=200)
    assert close.get("/user/")["data"] == close.truth("users")
    assert len(close.get("/custom_field/shared/")["data"]) == 2
    schema = close.get("/custom_field_schema/lead/")["fields"]
    assert [field["is_shared"] for field in schema] == [False] * 12 + [True] * 2


def test_leads_carry_flat_custom_values_of_own_and_shared_fields_only_where_set(close: CloseClient) -> None:
    known = {f"custom.{field['id']}" for field in close.get("/custom_field_schema/lead/")["fields"]}
    leads = close.truth("leads")
    flat = [{name for name in lead if name.startswith("custom.")} for lead in leads]
    assert set.union(*flat) == known
    assert not any(keys == known for keys in flat)
    assert all(len(lead["custom"]) == len(keys) for lead, keys in zip(leads, flat, strict=True))
    assert not any(lead[name] is None for lead, keys in zip(leads, flat, strict=True) for name in keys)


def test_posts_are_the_activities_of_present_users(close: CloseClient) -> None:
    users = set(ids(close.truth("users")))
    activities = close.truth("activities")
    posts = close.truth("user_posts")
    assert posts == [activity for activity in activities if activity["user_id"] in users]
    assert {activity["user_id"] for activity in activities} - users - {None}, "somebody has left"


def test_timestamps_have_six_digits_or_none(close: CloseClient) -> None:
    dates = [lead["date_updated"] for lead in close.truth("leads")]
    assert {len(date) for date in dates} == {len("2021-01-01T00:00:00+00:00"), len("2021-01-01T00:00:00.123000+00:00")}


def test_single_records_and_the_account_itself_are_served(close: CloseClient) -> None:
    lead = close.truth("leads")[7]
    assert close.get(f"/lead/{lead['id']}/") == lead
    assert close.refused("/lead/lead_unknown/")[0] == 404
    assert close.get("/me/")["memberships"][0]["role"] == "admin"


def test_endpoints_can_be_closed(close: CloseClient) -> None:
    closed = CloseClient(leads=3, refuse={"GET /event/": 400, "POST /data/search/": 403})
    assert closed.refused("/event/")[0] == 400
    assert closed.search_refused()[0] == 403
    assert closed.get("/lead/")["total_results"] == 3


def test_an_empty_account_answers_with_empty_pages() -> None:
    sizes = dict.fromkeys(("leads", "contacts", "opportunities", "custom_objects", "activities", "tasks", "events"), 0)
    empty = CloseClient(**sizes, old_events=0, users=0, custom_fields=0, small_lists=False, ties=[5])
    for path in ("/lead/", "/contact/", "/opportunity/", "/activity/", "/task/", "/event/", "/user/", "/role/"):
        assert empty.get(path)["data"] == []
    counts = empty.app.truth_counts()
    always = ("memberships", "organizations", "shared_custom_fields", "custom_field_schemas", *FIELD_STREAMS)
    assert {name for name, count in counts.items() if count} == set(always)
    assert empty.get("/me/")["email"] == "ada.0@example.com"


def test_every_list_gives_ids_alone_where_only_they_are_named() -> None:
    close = CloseClient(leads=30, contacts=30, opportunities=30, activities=60, tasks=40)
    for path, more in (
        ("/lead/", {}),
        ("/contact/", {}),
        ("/opportunity/", {"_order_by": "date_updated"}),
        ("/activity/", {"_order_by": "date_created"}),
        ("/activity/call/", {}),
        ("/task/", {"_type": "all"}),
        ("/email_template/", {}),
        ("/pipeline/", {}),
        ("/user/", {}),
    ):
        params: dict[str, Any] = {"_limit": 50, **more}
        whole = close.get(path, **params)
        bare = close.get(path, **params, _fields="id")
        assert bare["data"] == [{"id": record["id"]} for record in whole["data"]] != [], path
        assert bare["has_more"] == whole["has_more"]


def test_a_search_gives_ids_alone_unless_fields_are_named() -> None:
    close = CloseClient(leads=30)
    found = close.search(query=LEADS, _fields={"lead": ["id"]})["data"]
    assert [row.keys() for row in found] == [{"__object_type", "id"}] * 30
    assert sorted(ids(found)) == sorted(ids(close.truth("leads")))
