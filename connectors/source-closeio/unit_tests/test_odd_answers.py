"""What Close, or something on the way, may send beside what is documented: every object arrives, no end is believed
that is not proven."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from source_closeio.endpoints import ListAsk
from source_closeio.errors import cap
from source_closeio.source import SourceCloseio
from source_kit.rules import Rejected
from source_kit.timestamps import parse
from source_kit.transport import BRISK
from unit_tests.closeio_account import Account, Sent

SEARCH = "POST /data/search/"
Alter = Callable[[Sent, int, Any], tuple[int, Any]]
CURSORS = {
    "leads": (SEARCH, "date_updated"),
    "opportunities": ("GET /opportunity/", "date_updated"),
    "activities": ("GET /activity/", "date_created"),
    "tasks": ("GET /task/", "date_updated"),
    "events": ("GET /event/", "date_updated"),
}


def first_time(change: Callable[[Any], Any]) -> Alter:
    """Change the body of the first answer only."""
    done: list[bool] = []

    def alter(sent: Sent, status: int, content: Any) -> tuple[int, Any]:
        if not done:
            done.append(True)
            content = change(content)
        return status, content

    return alter


def every_id(account: Account, stream: str) -> list[str]:
    return sorted(row["id"] for row in account.truth(stream))


@pytest.mark.parametrize("stream", CURSORS)
def test_rows_without_a_usable_cursor_arrive_and_rows_that_are_no_objects_are_counted(stream: str) -> None:
    group, cursor = CURSORS[stream]
    values = [None, "", "soon", "2016-12-31T23:59:60+00:00", {"at": 1}]
    odd: list[Any] = [{"id": f"odd_{number}", cursor: value} for number, value in enumerate(values)]
    odd += [{"id": "odd_5"}, None, "lead_1", 7]
    account = Account()
    usual = account.read(stream)
    account.vendor.altered[group] = first_time(lambda content: {**content, "data": [*odd, *content["data"]]})
    reading = account.read(stream)
    assert reading.exit_code == 0
    found = [each for each in reading.ids if each.startswith("odd_")]
    assert sorted(found) == ["odd_0", "odd_1", "odd_2", "odd_3", "odd_4", "odd_5"]
    assert sorted(each for each in reading.ids if not each.startswith("odd_")) == sorted(usual.ids)
    # Times that are taken from the clock differ between two reads.
    assert parse(reading.states[-1][cursor]) - parse(usual.states[-1][cursor]) < timedelta(seconds=30)
    assert reading.warnings == [
        f"Stream {stream}: 6 records have no usable time in {cursor}. They were emitted and take no part in the state: "
        "a later read may not find their changes.",
        f"Stream {stream}: 3 rows of the API's answers were no objects and were left out.",
    ]


@pytest.mark.parametrize(
    ("stream", "group"), [*((name, group) for name, (group, _) in CURSORS.items()), ("users", "GET /user/")]
)
def test_a_row_without_id_arrives_once(stream: str, group: str) -> None:
    account = Account()
    nameless = {"date_created": "2026-01-05T10:00:00+00:00", "date_updated": datetime.now(UTC).isoformat()}

    def alter(sent: Sent, status: int, content: Any) -> tuple[int, Any]:
        return status, {**content, "data": [nameless, *content["data"]]}

    account.vendor.altered[group] = alter
    reading = account.read(stream)
    assert reading.exit_code == 0
    assert [row for row in reading.records if "id" not in row] == [nameless]
    assert sorted(row["id"] for row in reading.records if "id" in row) == every_id(account, stream)


def test_one_object_in_the_place_of_a_list_is_its_only_row() -> None:
    account = Account()
    user = {"id": "user_1", "email": "jo@example.com"}
    account.vendor.always["GET /user/"] = (200, {"data": user})
    assert account.read("users").records == [user]


@pytest.mark.parametrize(
    ("stream", "group", "more"),
    [
        ("users", "GET /user/", {"has_more": True}),
        ("opportunities", "GET /opportunity/", {"has_more": True}),
        ("activities", "GET /activity/", {"has_more": True}),
        ("leads", SEARCH, {"cursor": "c_1"}),
        ("events", "GET /event/", {"cursor_next": "c_1"}),
    ],
)
def test_an_empty_page_behind_which_more_is_announced_is_not_the_end(
    stream: str, group: str, more: dict[str, Any]
) -> None:
    account = Account()
    account.vendor.answers[group] = [(200, {"data": [], **more})]
    reading = account.read(stream)
    assert (reading.exit_code, sorted(reading.ids)) == (0, every_id(account, stream))
    account.vendor.always[group] = (200, {"data": [], **more})
    reading = account.read(stream)
    assert (reading.exit_code, reading.records, reading.statuses[-1]) == (1, [], "INCOMPLETE")
    assert reading.errors[0]["failure_type"] == "transient_error"
    assert "there are more rows, and gives none that are new" in reading.errors[0]["message"]


def test_custom_fields_of_which_a_page_is_empty_once_are_all_searched_for() -> None:
    account = Account()
    account.vendor.answers["GET /custom_field/lead/"] = [(200, {"data": [], "has_more": True})]
    account.read("leads")
    names = next(sent.body["_fields"]["lead"] for sent in account.vendor.sent if sent.group == SEARCH)
    assert {f"custom.{field['id']}" for field in account.truth("custom_fields")} <= set(names)


def test_a_first_page_in_reverse_order_once_costs_no_activity() -> None:
    account = Account(activities=283)
    account.vendor.altered["GET /activity/"] = first_time(lambda body: {**body, "data": body["data"][::-1]})
    reading = account.read("activities")
    assert (reading.exit_code, sorted(reading.ids)) == (0, every_id(account, "activities"))


CAPS: list[Callable[[int], Any]] = [
    lambda most: {"error": f"The skip you set is larger than the maximum skip (max_skip = {most})."},
    lambda most: {"field-errors": {"_skip": f"Input should be less than or equal to {most}"}},
    lambda most: {"errors": [{"msg": f"Input should be less than or equal to {most}", "loc": ["query", "_skip"]}]},
    lambda most: {"error": f"Input should be less than or equal to {most}"},
]


@pytest.mark.parametrize("body", CAPS)
@pytest.mark.parametrize("status", [400, 422])
def test_a_cap_of_offsets_is_understood_in_every_wording(body: Callable[[int], Any], status: int) -> None:
    account = Account(activities=900, activity_ties=[180], maximum_skip=100)

    def alter(sent: Sent, code: int, content: Any) -> tuple[int, Any]:
        return (code, content) if code == 200 else (status, body(100))

    account.vendor.altered["GET /activity/"] = alter
    reading = account.read("activities")
    assert (reading.exit_code, sorted(reading.ids)) == (0, every_id(account, "activities"))


@pytest.mark.parametrize("stream", ["users", "leads", "opportunities"])
def test_a_cap_of_page_sizes_is_understood_in_its_newer_wording(stream: str) -> None:
    account = Account(users=120, leads=120, opportunities=120)
    group = {"users": "GET /user/", "leads": SEARCH, "opportunities": "GET /opportunity/"}[stream]

    def alter(sent: Sent, status: int, content: Any) -> tuple[int, Any]:
        if limit_of(sent) <= 50:
            return status, content
        return 400, {"field-errors": {"_skip": "Unknown", "_limit": ["Input should be less than or equal to 50"]}}

    account.vendor.altered[group] = alter
    reading = account.read(stream)
    assert (reading.exit_code, sorted(reading.ids)) == (0, every_id(account, stream))
    assert max(limit_of(sent) for sent in account.vendor.sent if sent.group == group) > 50


def test_of_two_caps_in_one_refusal_each_is_the_parameters_own() -> None:
    told = [
        {"loc": [name], "msg": f"should be less than or equal to {most}"}
        for name, most in (("_skip", 5), ("_limit", 7))
    ]
    for body in ({"field-errors": {each["loc"][0]: each["msg"] for each in told}}, {"detail": told}):
        rejected = Rejected("", status=422, body=body, internal_message="")
        assert (cap(rejected, "max_skip"), cap(rejected, "max_limit")) == (5, 7)


def limit_of(sent: Sent) -> int:
    return int(sent.body["_limit"] if sent.body else sent.params["_limit"])


@pytest.mark.parametrize("status", [502, 504])
@pytest.mark.parametrize("stream", ["users", *CURSORS])
def test_pages_that_are_too_heavy_for_a_gateway_are_halved(stream: str, status: int) -> None:
    account = Account(users=120, leads=120, opportunities=120, activities=120, tasks=120, events=120)
    group = CURSORS.get(stream, ("GET /user/", ""))[0]

    def alter(sent: Sent, code: int, content: Any) -> tuple[int, Any]:
        return (code, content) if limit_of(sent) <= 30 else (status, b"<html>Gateway</html>")

    account.vendor.altered[group] = alter
    reading = account.read(stream)
    assert (reading.exit_code, sorted(reading.ids)) == (0, every_id(account, stream))


@pytest.mark.parametrize("most", [30, 0])
def test_custom_fields_whose_pages_are_too_heavy_are_listed_in_smaller_ones(most: int) -> None:
    account = Account(custom_fields=70)

    def alter(sent: Sent, code: int, content: Any) -> tuple[int, Any]:
        return (code, content) if limit_of(sent) <= most else (502, b"<html>Gateway</html>")

    account.vendor.altered["GET /custom_field/lead/"] = alter
    reading = account.read("leads")
    if most:
        names = next(sent.body["_fields"]["lead"] for sent in account.vendor.sent if sent.group == SEARCH)
        fields = {f"custom.{field['id']}" for field in account.truth("custom_fields")}
        assert (len(fields), fields - set(names), reading.exit_code) == (70, set(), 0)
    else:
        assert (reading.exit_code, reading.errors[0]["failure_type"]) == (1, "transient_error")
        assert "Reading the account's custom fields failed 10 times" in reading.errors[0]["message"]


def test_threads_leave_once_where_the_filter_by_object_is_ignored_and_nothing_is_estimated() -> None:
    account = Account(activities=300, comment_threads=6)
    threads = account.truth("comment_threads")
    account.vendor.always["GET /comment_thread/"] = (200, {"data": [*threads, threads[0]], "has_more": False})
    reading = account.read("comment_threads")
    assert sorted(reading.ids) == every_id(account, "comment_threads")
    assert reading.estimates == []


def test_a_read_of_edits_estimates_nothing() -> None:
    account = Account({"activities_window_seconds": 0}, activities=300)
    first = account.read("activities")
    assert len(first.estimates) <= 1
    account.app.touch("activities", update=20, create=0, delete=0)
    again = account.read("activities", first.states[-1])
    assert (again.estimates, len(again.records) > 0) == ([], True)


def test_edits_leave_once_where_the_filter_by_id_is_ignored() -> None:
    account = Account({"activities_window_seconds": 0}, activities=80)
    state = account.read("call_activities").states[-1]
    edited = account.app.touch("call_activities", update=3, create=0, delete=0)["updated"]
    everything = {"data": account.truth("call_activities"), "has_more": False}

    def alter(sent: Sent, status: int, content: Any) -> tuple[int, Any]:
        return (status, everything) if "id__in" in sent.params else (status, content)

    account.vendor.altered["GET /activity/call/"] = alter
    again = account.read("call_activities", state)
    assert set(edited) <= set(again.ids)
    assert len(again.ids) == len(set(again.ids)) <= 4


def test_groups_without_id_leave_as_they_are_listed() -> None:
    account = Account(users=6)
    account.vendor.altered["GET /group/"] = first_time(
        lambda body: {**body, "data": [*body["data"], {"name": "Sales"}, None]}
    )
    reading = account.read("groups")
    assert [row for row in reading.records if "id" not in row] == [{"name": "Sales"}]
    assert len(reading.records) == 4
    assert reading.warnings == ["Stream groups: 1 rows of the API's answers were no objects and were left out."]


def test_sequences_without_id_are_told_and_the_others_are_read() -> None:
    account = Account(subscriptions=60)
    account.vendor.altered["GET /sequence/"] = first_time(
        lambda body: {**body, "data": [{"name": "Hello"}, *body["data"]]}
    )
    reading = account.read("sequence_subscriptions")
    assert sorted(reading.ids) == every_id(account, "sequence_subscriptions")
    assert reading.warnings == [
        "Stream sequence_subscriptions: 1 sequences came without an id: their subscriptions cannot be asked for."
    ]


def test_memberships_that_are_no_objects_are_counted_and_those_without_id_go_by_their_user() -> None:
    account = Account()
    organization = account.truth("organizations")[0]["id"]
    members = [{"id": None, "user_id": "user_1"}, None, "user_2"]
    answer = {"id": organization, "memberships": members, "inactive_memberships": {"id": "memb_3"}}
    account.vendor.always[f"GET /organization/{organization}/"] = (200, answer)
    reading = account.read("memberships")
    assert reading.records == [
        {"organization_id": organization, "id": "user_1", "user_id": "user_1", "is_active": True},
        {"organization_id": organization, "id": "memb_3", "is_active": False},
    ]
    assert reading.warnings == ["Stream memberships: 2 rows of the API's answers were no objects and were left out."]


@pytest.mark.parametrize("name", ["memberships", "inactive_memberships"])
@pytest.mark.parametrize("form", [lambda rows: {"data": rows}, lambda rows: {"0": rows[0]}, lambda rows: "none"])
def test_members_that_stand_in_no_list_are_asked_for_again(name: str, form: Callable[[Any], Any]) -> None:
    account = Account(users=6)
    organization = account.truth("organizations")[0]["id"]
    account.vendor.altered[f"GET /organization/{organization}/"] = first_time(
        lambda content: {**content, name: form(content[name])}
    )
    reading = account.read("memberships")
    assert (reading.exit_code, sorted(reading.ids)) == (0, every_id(account, "memberships"))


def test_an_organisation_that_only_the_memberships_of_the_user_name_is_read() -> None:
    account = Account()
    organization = account.truth("organizations")[0]["id"]
    me = {"id": "user_1", "organizations": None, "memberships": [None, {"organization_id": organization}]}
    account.vendor.always["GET /me/"] = (200, me)
    assert account.read("organizations").ids == [organization]


@pytest.mark.parametrize("odd", [" ", "a/b?c#d", "..", "12345"])
@pytest.mark.parametrize("is_listed_oddly", [True, False])
def test_of_the_ids_of_organisations_those_in_closes_form_are_asked_for(odd: str, is_listed_oddly: bool) -> None:
    account = Account()
    organization = account.truth("organizations")[0]["id"]
    listed, joined = (odd, organization) if is_listed_oddly else (organization, odd)
    me = {"id": "user_1", "organizations": [{"id": listed}], "memberships": [{"organization_id": joined}]}
    account.vendor.always["GET /me/"] = (200, me)
    assert account.read("organizations").ids == [organization]


@pytest.mark.parametrize("content", [{}, None, [], "ok", {"error": "not here"}, {"id": None}, {"id": 7}])
def test_only_a_user_is_taken_for_a_connection_that_works(content: Any) -> None:
    account = Account()
    account.vendor.always["GET /me/"] = (200, content)
    connection, _ = account.connection(BRISK)
    status = SourceCloseio().proof(connection)
    assert status.status.value == "FAILED"
    assert str(status.message).startswith("Reading the user of the API key failed 2 times: ")


def test_values_of_any_kind_where_ids_and_names_belong_stop_nothing() -> None:
    now = datetime.now(UTC).isoformat()
    odd: dict[str, Any] = {"id": ["x"], "date_created": now, "date_updated": now}
    odd |= {"user_id": {"id": 1}, "_type": [1], "action": ["deleted"], "object_type": {"a": 1}, "object_id": [2]}
    events = [odd, {**odd, "id": "ev_2", "action": "merged", "meta": "none"}]
    account = Account(activities=20)
    for stream, group in (("user_posts", "GET /activity/"), ("activities", "GET /activity/")):
        account.vendor.altered[group] = first_time(lambda body: {**body, "data": [*body["data"], odd]})
        reading = account.read(stream)
        assert (reading.exit_code, len(reading.records)) == (0, len(account.truth(stream)) + (stream == "activities"))
    account.vendor.always["GET /event/"] = (200, {"data": events, "cursor_next": None})
    (record,) = account.read("deleted_records").records
    assert (record["id"], record["object_id"], record["merged_into_lead_id"]) == ("ev_2", [2], None)
    account.vendor.always[SEARCH] = (403, {})
    state = {"date_created": "2026-01-01T00:00:00+00:00", "__v": 1}
    assert account.read("call_activities", state).exit_code == 0


def test_values_that_json_cannot_hold_leave_as_null_inside_of_encoded_events() -> None:
    account = Account()
    now = datetime.now(UTC).isoformat()
    event = f'{{"id": "ev_1", "date_updated": "{now}", "data": {{"value": NaN, "note": "\\ud83d", "big": {2**70}}}}}'
    account.vendor.always["GET /event/"] = (200, f'{{"data": [{event}], "cursor_next": null}}'.encode())
    (record,) = account.read("event_log").records
    assert orjson.loads(record["data"].replace(str(2**70), "1")) == {"value": None, "note": "\ufffd", "big": 1}
    assert str(2**70) in record["data"]


def test_a_record_of_any_depth_leaves_without_its_secrets() -> None:
    account = Account()
    deep = b'{"a":' * 900 + b'{"password": "secret"}' + b"}" * 900
    account.vendor.always["GET /webhook/"] = (200, b'{"data": [{"id": "whsub_1", "x": ' + deep + b"}]}")
    connection, _ = account.connection()
    (webhooks,) = [each for each in connection.streams() if each.name == "webhooks"]
    (record,) = webhooks.pages.fetch(ListAsk()).records
    value = record["x"]
    while "a" in value:
        value = value["a"]
    assert value == {"password": None}


def test_a_clock_that_is_ahead_loses_no_edit_where_only_searches_show_them() -> None:
    account = Account(activities=60, refuse={"GET /event/": 403})
    account.ahead, account.vendor.has_dates = timedelta(hours=1), True
    assert parse(account.read("call_activities").states[-1]["__events_until"]) <= datetime.now(UTC)


def test_a_lead_that_came_as_null_is_told_and_holds_no_state() -> None:
    account = Account()
    usual = account.read("leads").states[-1]["date_updated"]
    account.vendor.altered[SEARCH] = first_time(lambda body: {**body, "data": [None, *body["data"][1:]]})
    reading = account.read("leads")
    assert reading.warnings == ["Stream leads: 1 rows of the API's answers were no objects and were left out."]
    assert (len(reading.records), reading.states[-1]["date_updated"] >= usual) == (39, True)
    assert account.vendor.groups()[SEARCH] == 2


def test_a_state_of_the_first_year_is_read_from() -> None:
    account = Account()
    reading = account.read("activities", {"date_created": "0001-01-01T00:00:00+00:00", "__v": 1})
    assert (reading.exit_code, sorted(reading.ids)) == (0, every_id(account, "activities"))


@pytest.mark.parametrize("stream", ["tasks", "events", "contacts", "activities"])
def test_a_clock_that_is_ahead_moves_no_state_past_what_the_server_had(stream: str) -> None:
    account = Account({"lookback_window_seconds": 0}, contacts=40, refuse={SEARCH: 403})
    account.ahead, account.vendor.has_dates = timedelta(hours=1), True
    state = account.read(stream).states[-1]
    group, cursor = {**CURSORS, "contacts": ("GET /contact/", "date_updated")}[stream]
    # Edited while the read is under way; others that were edited before it may have been read before.
    moment = (datetime.now(UTC) + timedelta(minutes=30)).isoformat()
    row = {"id": "x_1", "date_created": moment, "date_updated": moment, "_type": "lead"}
    newest_first = stream == "events"

    def alter(sent: Sent, status: int, content: Any) -> tuple[int, Any]:
        rows = content["data"]
        return status, {**content, "data": [row, *rows] if newest_first else [*rows, row]}

    account.vendor.altered[group] = alter
    reading = account.read(stream, state)
    assert "x_1" in reading.ids
    positions = [reading.states[-1][key] for key in (cursor, "__events_until") if key in reading.states[-1]]
    assert max(map(parse, positions)) <= datetime.now(UTC)
    assert len(positions) == (2 if stream == "activities" else 1)
