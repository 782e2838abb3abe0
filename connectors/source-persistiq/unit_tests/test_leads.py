"""Leads: a filter without a returned cursor, and a state on the server's clock."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from source_kit.rules import Denied

ENDED = {"updated_at": "2026-01-01T11:58:09Z", "__v": 1}


def leads(count: int) -> list[dict[str, Any]]:
    return [{"id": f"l_{number}", "data": {"email": f"{number}@example.com"}} for number in range(count)]


def test_a_first_read_has_no_filter_and_its_state_lags_behind_the_server(api: Any, paged: Any) -> None:
    """12:00:10 by the Date header, less the round trip (which floors to :09) and 120 seconds."""
    api.serve("leads", paged("leads", leads(2), 100))
    records, state = api.read("leads")
    assert [record["updated_at"] for record in records] == ["2026-01-01T12:00:09Z"] * 2 or [
        record["updated_at"] for record in records
    ] == ["2026-01-01T12:00:10Z"] * 2
    assert state in (ENDED, {"updated_at": "2026-01-01T11:58:10Z", "__v": 1})
    assert api.asked == [("leads", {})]


def test_an_update_time_of_the_api_is_kept(api: Any) -> None:
    api.serve("leads", {"leads": [{"id": "l_1", "updated_at": "2025-05-05T01:02:03.000-07:00"}]})
    assert api.read("leads")[0] == [{"id": "l_1", "updated_at": "2025-05-05T01:02:03.000-07:00"}]


def test_a_state_is_asked_for_a_second_early_because_the_filter_is_exclusive(api: Any, paged: Any) -> None:
    api.serve("leads", paged("leads", leads(1), 100))
    api.read("leads", {"updated_at": "2025-12-31T10:00:00Z", "__v": 1})
    assert api.asked == [("leads", {"updated_after": "2025-12-31T09:59:59Z"})]


@pytest.mark.parametrize(
    ("start_date", "asked"),
    [
        ("2024-01-31", {"updated_after": "2024-01-30T23:59:59Z"}),
        ("2024-01-31T10:00:00-07:00", {"updated_after": "2024-01-31T16:59:59Z"}),
        ("0001-01-01", {}),
    ],
)
def test_the_start_date_is_inclusive(api: Any, paged: Any, start_date: str, asked: dict[str, str]) -> None:
    api.serve("leads", paged("leads", leads(1), 100))
    api.read("leads", start_date=start_date)
    assert api.asked == [("leads", asked)]


def test_a_state_never_goes_backwards(api: Any, paged: Any) -> None:
    api.serve("leads", paged("leads", [], 100))
    state = {"updated_at": "2999-12-31T23:59:59Z", "__v": 1}
    assert api.read("leads", state) == ([], state)


def test_a_walk_of_several_pages_asks_for_what_changed_and_compares_some_pages(api: Any, paged: Any) -> None:
    api.serve("leads", paged("leads", leads(7), 2))
    assert [record["id"] for record in api.read("leads")[0]] == [f"l_{n}" for n in range(7)]
    shown = [(params.get("page"), params.get("updated_after", "")[:17]) for _, params in api.asked]
    assert shown[:5] == [(None, ""), ("2", ""), ("3", ""), ("4", ""), (None, "2026-01-01T11:58:")]
    assert [page for page, _ in shown if _][1:] == ["2", "3", "4"]
    assert shown[-3:] == [(None, ""), ("2", ""), ("3", "")]


def test_a_lead_that_jumped_is_found_in_what_changed_and_the_skipped_one_by_walking_again(api: Any, paged: Any) -> None:
    """By ascending change: while page 1 is on its way the first lead moves to the end and pulls l_2 onto page 1."""
    before, after = leads(4), [*leads(4)[1:], {"id": "l_0", "data": {}}]
    later = paged("leads", after, 2)

    def answer(params: dict[str, str]) -> Any:
        if "updated_after" in params:
            return {"leads": after[-1:], "has_more": False}
        return later(params)

    api.serve("leads", paged("leads", before, 2), answer)
    found = [record["id"] for record in api.read("leads")[0]]
    assert found == ["l_0", "l_1", "l_3", "l_0", "l_2"]


def test_an_incremental_read_that_an_ignored_filter_made_a_full_one_is_told(api: Any, paged: Any) -> None:
    api.serve("leads", paged("leads", leads(5), 2))
    api.read("leads", {"updated_at": "2025-12-31T10:00:00Z", "__v": 1})
    assert "WARN Stream leads: PersistIQ ignored updated_after, so that all leads were read." in api.logs


def test_a_row_without_an_id_is_no_proof_that_the_filter_of_leads_is_ignored(api: Any, paged: Any) -> None:
    rows, odd = paged("leads", leads(5), 2), {"leads": [{"oddity": 1}]}
    api.serve("leads", lambda params: odd if params["updated_after"] > "2026-01-02" else rows(params))
    assert len(api.read("leads", {"updated_at": "2025-12-31T10:00:00Z", "__v": 1})[0]) == 5
    assert api.logs == []


@pytest.mark.parametrize("status", [400, 403, 404, 500])
def test_a_refusal_to_look_into_the_future_does_not_fail_a_read(api: Any, paged: Any, status: int) -> None:
    rows = paged("leads", leads(5), 2)
    api.serve("leads", lambda params: (status, {}) if params["updated_after"] > "2026-01-02" else rows(params))
    records, state = api.read("leads", {"updated_at": "2025-12-31T10:00:00Z", "__v": 1})
    assert (len(records), state["updated_at"][:17]) == (5, "2026-01-01T11:58:")
    assert not any(line.startswith("WARN") for line in api.logs)


def test_a_key_that_is_withdrawn_at_the_end_is_told(api: Any, paged: Any) -> None:
    rows = paged("leads", leads(5), 2)
    api.serve("leads", lambda params: (401, {}) if params["updated_after"] > "2026-01-02" else rows(params))
    with pytest.raises(Denied):
        api.read("leads", start_date="2025-12-31")


def test_a_state_of_before_the_start_date_is_not_gone_back_to(api: Any, paged: Any) -> None:
    api.serve("leads", paged("leads", leads(1), 100))
    api.read("leads", {"updated_at": "2025-12-01T00:00:00Z", "__v": 1}, start_date="2025-12-31T10:00:00Z")
    assert api.asked == [("leads", {"updated_after": "2025-12-31T09:59:59Z"})]


def test_times_without_a_zone_leave_as_utc(api: Any) -> None:
    row = {"id": "l_1", "updated_at": "2025-05-05T01:02:03", "last_sent_at": None}
    api.serve("leads", {"leads": [row]})
    assert api.read("leads")[0] == [{**row, "updated_at": "2025-05-05T01:02:03Z"}]


def test_a_field_of_the_account_without_a_name_is_passed_over(api: Any) -> None:
    api.serve("lead_fields", {"lead_fields": [{"id": "lcf_1", "name": None}, {"id": "lcf_2"}, {"name": "own"}]})
    properties = api.stream("leads").get_json_schema()["properties"]["data"]["properties"]
    assert ("own" in properties, None in properties) == (True, False)


def test_the_fields_of_the_account_are_typed_in_data(api: Any) -> None:
    fields = [{"id": "lcf_1", "name": "email", "label": "E-mail"}, {"id": "lcf_2", "name": "Größe m²", "label": None}]
    api.serve("lead_fields", {"lead_fields": fields})
    data = api.stream("leads").get_json_schema()["properties"]["data"]
    value = ["null", "string", "number", "boolean"]
    assert data["properties"]["Größe m²"] == {"type": value, "description": ""}
    assert data["properties"]["email"] == {"type": value}
    assert (data["additionalProperties"], "twitter" in data["properties"]) == (True, True)


def test_discovery_without_lead_fields_warns_but_a_wrong_key_is_an_error(api: Any) -> None:
    api.serve("lead_fields", (403, {}))
    assert "email" in api.stream("leads").get_json_schema()["properties"]["data"]["properties"]
    assert api.logs[0].startswith("WARN Stream leads: the account's own fields are not known")
    api.serve("lead_fields", (401, {}))
    with pytest.raises(Denied):
        api.stream("leads").get_json_schema()


NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
BY_OUR_CLOCK = {"updated_at": "2026-01-01T11:58:00Z", "__v": 1}


@pytest.mark.parametrize(
    "date", ["Fri, 02 Jan 2026 12:00:00 GMT", "Thu, 01 Jan 2099 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT", "soon"]
)
def test_a_date_of_the_future_or_none_does_not_stop_leads(api: Any, paged: Any, date: str) -> None:
    api.clock.told, api.headers["Date"] = NOON, date
    api.serve("leads", paged("leads", leads(5), 2))
    records, state = api.read("leads", {"updated_at": "2025-12-31T10:00:00Z", "__v": 1})
    assert ({record["updated_at"] for record in records}, state) == ({"2026-01-01T12:00:00Z"}, BY_OUR_CLOCK)


@pytest.mark.parametrize(
    ("date", "reached"),
    [
        ("Thu, 01 Jan 2015 00:00:30 GMT", {"updated_at": "2025-12-31T10:00:00Z", "__v": 1}),
        ("Thu, 01 Jan 1970 00:00:30 GMT", {"updated_at": "2025-12-31T10:00:00Z", "__v": 1}),
        ("Mon, 01 Jan 0001 00:00:00 GMT", {"updated_at": "2025-12-31T10:00:00Z", "__v": 1}),
    ],
)
def test_a_date_that_stands_still_keeps_the_state_and_no_filter_seems_ignored(
    api: Any, paged: Any, date: str, reached: dict[str, Any]
) -> None:
    api.clock.told, api.headers["Date"] = NOON, date
    rows = paged("leads", leads(5), 2)
    api.serve("leads", lambda params: {"leads": []} if params.get("updated_after", "") > "2026-01-02" else rows(params))
    records, state = api.read("leads", reached)
    assert (len(records), state, api.logs) == (5, reached, [])


def test_a_local_clock_that_is_late_keeps_the_state_behind_it(api: Any, paged: Any) -> None:
    api.clock.told = datetime(2025, 12, 30, 12, tzinfo=UTC)
    rows = paged("leads", leads(5), 2)
    api.serve("leads", lambda params: {"leads": []} if params.get("updated_after", "") > "2026-01-02" else rows(params))
    _, state = api.read("leads", start_date="2025-12-01")
    assert (state, api.logs) == ({"updated_at": "2025-12-30T11:58:00Z", "__v": 1}, [])


@pytest.mark.parametrize(
    "reached", [" 2025-12-31T10:00:00Z", "2025-12-31T10:00:00Z\n", "2025-12-31 10:00:00", "2025-12-31T10:00:00 UTC"]
)
def test_white_space_in_a_state_does_not_matter(api: Any, paged: Any, reached: str) -> None:
    api.clock.told = NOON
    api.serve("leads", paged("leads", leads(1), 100))
    assert api.read("leads", {"updated_at": reached, "__v": 1})[1] == BY_OUR_CLOCK
    assert api.asked == [("leads", {"updated_after": "2025-12-31T09:59:59Z"})]


@pytest.mark.parametrize(
    ("number", "has_more"), [(1, True), *((number, more) for number in (3, 5, 9, 13) for more in (True, False))]
)
def test_a_page_that_is_empty_once_is_no_end(api: Any, paged: Any, number: int, has_more: bool) -> None:
    """A first page that is empty and promises nothing is an account without leads."""
    empty = {"has_more": has_more, "leads": []}
    page = paged("leads", leads(26), 2)
    api.serve("leads", *[page] * (number - 1), empty, page)
    assert [record["id"] for record in api.read("leads")[0]] == [f"l_{row}" for row in range(26)]


def test_leads_of_any_kind_leave_and_only_what_is_no_object_does_not(api: Any) -> None:
    odd: list[Any] = [None, "l_2", {"id": "l_1"}, {"data": {}}, {"id": None}, {"id": "l_1"}, {"id": {"x": 1}}]
    api.clock.told = NOON
    api.serve("leads", {"leads": odd})
    stamped = {"updated_at": "2026-01-01T12:00:00Z"}
    whole: list[dict[str, Any]] = [{"id": "l_1"}, {"data": {}}, {"id": None}, {"id": {"x": 1}}]
    assert api.read("leads")[0] == [row | stamped for row in whole]


@pytest.mark.parametrize("told", ["soon", 5, {"at": "x"}, "2016-12-31T23:59:60Z", True])
def test_an_update_time_of_the_api_that_is_none_is_kept_and_takes_no_part_in_the_state(api: Any, told: Any) -> None:
    api.clock.told = NOON
    api.serve("leads", {"leads": [{"id": "l_1", "updated_at": told}]})
    assert api.read("leads") == ([{"id": "l_1", "updated_at": told}], BY_OUR_CLOCK)
