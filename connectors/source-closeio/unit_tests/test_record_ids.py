"""Stream record_ids: which ids exist now, by requests that ask for little else."""

from __future__ import annotations

import gc
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from source_closeio.record_ids import listings
from source_closeio.streams import build
from source_kit.errors import ConfigError
from source_kit.work import Fork, Plan, in_order
from unit_tests.closeio_account import Account, Sent
from unit_tests.test_witness import LISTS, hide, singles

SEARCH, EVENTS = "POST /data/search/", "GET /event/"
KNOWN = tuple(listings(build(None, None)))  # type: ignore[arg-type]  # nothing is asked here
SIZES = {"leads": 450, "contacts": 450, "opportunities": 300, "activities": 300, "tasks": 300}


def of(*streams: str, **options: Any) -> Account:
    return Account({"record_ids_of": list(streams)}, **options)


def plan_of(account: Account, stream: str) -> Plan:
    """How the ids of the stream are listed, for a test to go through step by step."""
    connection, _ = account.connection()
    return listings(build(connection.client, connection.settings))[stream]()


def read(account: Account) -> dict[str, list[str]]:
    """The ids by stream."""
    reading = account.read("record_ids", mode="full_refresh")
    assert reading.exit_code == 0
    found: dict[str, list[str]] = {}
    for row in reading.records:
        assert row.keys() == {"stream", "id", "seen_at"}
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", row["seen_at"])
        found.setdefault(row["stream"], []).append(row["id"])
    return {name: sorted(ids) for name, ids in found.items()}


def truth(account: Account, *streams: str) -> dict[str, list[str]]:
    return {name: sorted(row["id"] for row in account.truth(name)) for name in streams}


def test_every_stream_that_ends_with_deletions_has_its_ids_listed() -> None:
    account = of(*KNOWN, **SIZES)
    assert read(account) == truth(account, *KNOWN)
    assert {"leads", "contacts", "opportunities", "custom_objects", "activities", "tasks", "users"} <= set(KNOWN)
    assert not {"events", "event_log", "deleted_records", "user_posts"} & set(KNOWN)


def test_what_was_deleted_is_not_among_them() -> None:
    streams = ("leads", "contacts", "opportunities", "activities", "tasks")
    account = of(*streams, **SIZES)
    before = read(account)
    gone = {name: account.app.touch(name, update=0, create=0, delete=3)["deleted"] for name in streams}
    after = read(account)
    assert after == truth(account, *streams)
    assert all(set(gone[name]) <= set(before[name]) - set(after[name]) for name in streams)


def test_requests_name_nothing_but_what_the_walk_needs_and_are_one_for_each_page() -> None:
    streams = ("leads", "opportunities", "activities", "tasks", "lead_statuses", "connected_accounts")
    account = of(*streams, **SIZES)
    account.read("activities", mode="full_refresh")
    usual = account.vendor.groups()["GET /activity/"]
    account.vendor.sent.clear()
    read(account)
    asked = account.vendor.groups()
    assert asked[SEARCH] <= 5  # 450 leads, 200 a page
    assert asked["GET /opportunity/"] <= 4  # 300, 250 a page
    assert asked["GET /activity/"] == usual
    assert asked["GET /task/"] <= 2  # 300, 1,000 a page
    assert not any("custom_field" in group for group in asked)
    # What was created in the last day: of leads, of opportunities, and of each of nine types of tasks.
    assert asked[EVENTS] == 1 + 1 + 9
    asked_lists = [sent for sent in account.vendor.sent if sent.method == "GET" and sent.group != EVENTS]
    fields = {sent.params["_fields"] for sent in asked_lists}
    assert fields == {"id,date_updated", "id,date_created", "id"}
    searched = {tuple(sent.body["_fields"]["lead"]) for sent in account.vendor.sent if sent.method == "POST"}
    assert searched == {("id", "date_created", "date_updated")}


@pytest.mark.parametrize("stream", ["leads", "contacts"])
def test_where_searching_is_refused_the_ids_are_listed_in_the_other_way(stream: str) -> None:
    account = of(stream, refuse={SEARCH: 403}, **SIZES)
    assert read(account) == truth(account, stream)
    asked = [sent for sent in account.vendor.sent if sent.method == "GET" and sent.group != EVENTS]
    assert {sent.params["_fields"] for sent in asked} == {"id,date_updated"}


@pytest.mark.parametrize("stream", LISTS)
def test_what_is_too_new_for_the_index_is_among_them_and_costs_one_request(stream: str) -> None:
    account = of(stream, **SIZES)
    late = account.app.touch(stream, update=0, create=12, delete=0)["created"]
    hide(account, LISTS[stream][0], set(late))
    assert read(account) == truth(account, stream)
    assert sorted(singles(account, stream)) == sorted(late)
    group = LISTS[stream][1]
    asked = [sent for sent in account.vendor.sent if sent.group.startswith(group) and sent.group != group]
    assert {sent.params["_fields"] for sent in asked} == {"id"}


def test_what_is_looked_up_is_asked_for_side_by_side() -> None:
    account = of("leads", leads=0)
    created = account.app.touch("leads", update=0, create=25, delete=0)["created"]
    hide(account, SEARCH, set(created))
    plan = plan_of(account, "leads")
    forks = [step for step in plan if isinstance(step, Fork)]
    assert [len(fork.plans) for fork in forks] == [0, 0, 3]
    asked = [page.records for page in in_order(forks[-1].plans[2])]
    assert asked == [[{"id": each}] for each in sorted(created)[20:]]


def test_what_came_in_any_part_of_a_long_walk_is_listed_once_and_not_looked_up() -> None:
    account = of("leads", leads=6_000)
    account.app.touch_earlier("leads", update=0, create=150, delete=0, ago_ms=3_600_000)
    plan = plan_of(account, "leads")
    assert any(isinstance(step, Fork) and len(step.plans) > 1 for step in plan), "the walk is not cut"
    assert read(account) == truth(account, "leads")
    assert singles(account, "leads") == []


@pytest.mark.parametrize(
    ("answer", "listed"),
    [((403, {}), True), ((404, {}), False), ((200, {"id": "lead_other"}), False)],
    ids=["may not be seen", "deleted", "merged into another"],
)
def test_what_an_answer_by_id_says_of_a_lead_that_the_index_does_not_show(answer: Any, *, listed: bool) -> None:
    account = of("leads", leads=0)
    (late,) = account.app.touch("leads", update=0, create=1, delete=0)["created"]
    hide(account, SEARCH, {late})
    account.vendor.always[f"GET /lead/{late}/"] = answer
    assert read(account) == ({"leads": [late]} if listed else {})


@pytest.mark.parametrize("created", [0, 3])
def test_a_row_whose_id_is_none_leaves_as_it_came_and_stops_nothing(created: int) -> None:
    account = of("leads", leads=5)
    account.app.touch("leads", update=0, create=created, delete=0)

    def odd(sent: Sent, status: int, body: Any) -> tuple[int, Any]:
        for row in body["data"][:1]:
            row["id"] = ["x"]
        return status, body

    account.vendor.altered[SEARCH] = odd
    reading = account.read("record_ids", mode="full_refresh")
    assert (reading.exit_code, reading.errors) == (0, [])
    assert [row["id"] for row in reading.records if not isinstance(row["id"], str)] == [["x"]]
    assert len(reading.ids) == 5 + created


def test_what_was_created_lately_and_is_gone_is_not_among_them() -> None:
    account = of("leads", leads=0)
    account.app.touch("leads", update=0, create=9, delete=0)
    account.app.touch("leads", update=0, create=0, delete=2)
    assert read(account) == truth(account, "leads")
    assert len(truth(account, "leads")["leads"]) == 7


@pytest.mark.parametrize("status", [400, 403])
def test_where_the_role_may_not_see_the_log_a_warning_says_what_may_be_missing(status: int) -> None:
    account = of("leads", refuse={EVENTS: status}, **SIZES)
    assert read(account) == truth(account, "leads")
    (warning,) = account.read("record_ids", mode="full_refresh").warnings
    assert warning.startswith("Stream leads: the event log could not be read (GET event/: status")
    assert warning.endswith("are not in record_ids, as if they were deleted.")


def test_a_role_that_may_not_see_the_log_is_asked_for_one_type_of_tasks_only() -> None:
    account = of("tasks", refuse={EVENTS: 403}, **SIZES)
    reading = account.read("record_ids", mode="full_refresh")
    assert sorted(reading.ids) == truth(account, "tasks")["tasks"]
    assert (len(reading.warnings), account.vendor.groups()[EVENTS]) == (1, 1)


@pytest.mark.parametrize("answer", [(500, {}), (200, {"data": None}), (429, {})])
def test_a_log_that_fails_for_the_moment_fails_the_list_which_would_lack_what_is_new(answer: Any) -> None:
    account = of("leads", **SIZES)
    account.vendor.always[EVENTS] = answer
    reading = account.read("record_ids", mode="full_refresh")
    assert (reading.exit_code, reading.statuses[-1]) == (1, "INCOMPLETE")
    assert not any("as if they were deleted" in warning for warning in reading.warnings)


def test_of_the_log_nothing_is_kept_but_ids() -> None:
    account = of("leads", leads=0)
    account.app.touch("leads", update=0, create=500, delete=0)
    alive: list[int] = []

    def counted(sent: Sent, status: int, body: Any) -> tuple[int, Any]:
        objects = [each for each in gc.get_objects() if isinstance(each, dict)]
        alive.append(sum(each.get("action") == "created" and "object_id" in each for each in objects))
        return status, body

    account.vendor.altered[EVENTS] = counted
    assert read(account) == truth(account, "leads")
    assert len(alive) >= 10
    # The page that is under way, and those before it that the engine has not put away yet.
    assert 50 <= max(alive) <= 150


def test_what_else_the_log_tells_names_no_lead() -> None:
    account = of("leads", leads=5, events=0)
    lead = {"object_type": "lead", "action": "created", "date_updated": datetime.now(UTC).isoformat()}
    events = [
        {**lead, "id": "ev_1", "object_id": "../me"},
        {**lead, "id": "ev_2", "object_id": None},
        {**lead, "id": "ev_3", "object_id": "lead_1", "action": "updated"},
        {**lead, "id": "ev_4", "object_id": "cont_1", "object_type": "contact"},
    ]
    account.vendor.always[EVENTS] = (200, {"data": events, "cursor_next": None})
    assert read(account) == truth(account, "leads")
    assert not any(sent.group.startswith("GET /lead/") for sent in account.vendor.sent)


def test_where_nothing_but_a_search_lists_them_a_refusal_says_what_to_take_out_of_the_config() -> None:
    account = of("leads", "custom_objects", refuse={SEARCH: 403}, **SIZES)
    reading = account.read("record_ids", mode="full_refresh")
    (error,) = reading.errors
    assert (reading.exit_code, error["failure_type"]) == (1, "config_error")
    assert error["message"].startswith("Reading stream custom_objects failed: Close refuses to search these objects")
    assert error["message"].endswith("take custom_objects out of record_ids_of.")


def test_dates_of_the_config_do_not_bound_them() -> None:
    account = of("leads", "activities", **SIZES)
    account.config.update(start_date="2026-01-01", end_date="2026-02-01")
    assert read(account) == truth(account, "leads", "activities")


def test_there_is_no_such_stream_unless_the_config_names_some() -> None:
    connection, _ = Account().connection()
    assert "record_ids" not in {stream.name for stream in connection.streams()}
    connection, _ = of("leads").connection()
    stream = {stream.name: stream for stream in connection.streams()}["record_ids"]
    assert stream.as_airbyte_stream().source_defined_primary_key == [["stream"], ["id"]]
    assert stream.schema()["properties"]["id"]["type"] == "string"


def test_a_name_that_has_no_ids_is_refused_with_those_that_have() -> None:
    connection, _ = of("leads", "event_log").connection()
    with pytest.raises(
        ConfigError, match=r"record_ids_of names what has no ids to list: event_log\. It takes: .*leads"
    ):
        connection.streams()


def test_the_other_streams_ask_for_everything_as_ever() -> None:
    account = of("leads", "tasks", "custom_fields")
    for stream in ("leads", "tasks", "custom_fields"):
        assert {stream: sorted(account.read(stream).ids)} == truth(account, stream)
    assert not any("_fields" in sent.params for sent in account.vendor.sent)
    assert all(len(sent.body["_fields"]["lead"]) > 20 for sent in account.vendor.sent if sent.group == SEARCH)
