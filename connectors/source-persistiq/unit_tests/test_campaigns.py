"""What hangs under campaigns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from source_kit.errors import ConfigError, SourceError
from source_kit.rules import Unavailable
from source_kit.timestamps import parse

UNTIL = ("2026-01-01T11:58:09Z", "2026-01-01T11:58:10Z")


def reply(number: int) -> dict[str, Any]:
    return {"id": f"rep_{number}", "sent_at": "2025-12-24T08:00:00.000-07:00"}


def from_its_start(*rows: dict[str, Any]) -> Callable[[dict[str, str]], dict[str, Any]]:
    """An answer that keeps to start_at, which is inclusive."""

    def answer(params: dict[str, str]) -> dict[str, Any]:
        start = parse(params.get("start_at", "2000-01-01"))
        return {"replies": [row for row in rows if parse(row["sent_at"]) >= start]}

    return answer


@pytest.fixture
def campaigns(api: Any) -> None:
    api.serve("campaigns", {"campaigns": [{"id": "c_1"}, {"id": "c_2"}]})
    api.serve("campaigns/c_1/replies", from_its_start(reply(1)))
    api.serve("campaigns/c_2/replies", from_its_start(reply(2)))


@pytest.mark.usefixtures("campaigns")
def test_a_first_read_asks_each_campaign_for_everything_and_remembers_each(api: Any) -> None:
    records, state = api.read("campaign_replies")
    assert records == [reply(1), reply(2)]
    assert state["sent_at"] in UNTIL
    assert state["campaigns"] == {"c_1": state["sent_at"], "c_2": state["sent_at"]}
    assert api.asked == [("campaigns", {}), ("campaigns/c_1/replies", {}), ("campaigns/c_2/replies", {})]


@pytest.mark.usefixtures("campaigns")
def test_a_known_campaign_goes_on_a_day_early_a_new_one_begins_and_a_gone_one_is_forgotten(api: Any) -> None:
    known = {"c_1": "2025-12-30T10:00:00Z", "c_gone": "2025-12-30T10:00:00Z"}
    _, state = api.read(
        "campaign_replies", {"sent_at": known["c_1"], "campaigns": known, "__v": 1}, start_date="2024-01-01"
    )
    assert api.asked[1:] == [
        ("campaigns/c_1/replies", {"start_at": "2025-12-29T10:00:00Z"}),
        ("campaigns/c_2/replies", {"start_at": "2024-01-01T00:00:00Z"}),
    ]
    assert sorted(state["campaigns"]) == ["c_1", "c_2"]


@pytest.mark.usefixtures("campaigns")
def test_a_state_without_a_map_speaks_of_every_campaign(api: Any) -> None:
    _, state = api.read("campaign_replies", {"sent_at": "2999-01-01T00:00:00Z", "__v": 1})
    assert {params["start_at"] for path, params in api.asked if "/" in path} == {"2998-12-31T00:00:00Z"}
    assert state["sent_at"] == "2999-01-01T00:00:00Z"
    assert state["campaigns"] == {"c_1": "2999-01-01T00:00:00Z", "c_2": "2999-01-01T00:00:00Z"}


@pytest.mark.usefixtures("campaigns")
@pytest.mark.parametrize("broken", [7, ["c_1"], {"c_1": "yesterday"}, {"c_1": 5}])
def test_a_broken_map_is_the_users_to_clear(api: Any, broken: Any) -> None:
    with pytest.raises(ConfigError, match=r"The state of stream campaign_replies holds .* Clear the state"):
        api.read("campaign_replies", {"sent_at": "2025-01-01T00:00:00Z", "campaigns": broken, "__v": 1})


@pytest.mark.usefixtures("campaigns")
def test_a_campaign_that_was_deleted_meanwhile_is_passed_over_with_a_warning(api: Any) -> None:
    api.serve("campaigns/c_1/replies", (404, {"status": "error", "error": {"reason": "invalid_request"}}))
    assert api.read("campaign_replies")[0] == [reply(2)]
    assert api.logs == ["WARN Stream campaign_replies: a campaign was passed over, because it is not there any more."]


@pytest.mark.usefixtures("campaigns")
@pytest.mark.parametrize("status", [401, 402, 403, 410])
def test_a_campaign_that_is_refused_is_not_passed_over_as_if_it_were_gone(api: Any, status: int) -> None:
    refused = {"status": "error", "error": {"reason": "forbidden"}}
    api.serve("campaigns/c_1/replies", (status, refused))
    with pytest.raises(SourceError):
        api.read("campaign_replies")
    assert [line for line in api.logs if "passed over" in line] == []


@pytest.mark.usefixtures("campaigns")
def test_a_campaign_that_answers_404_stays_in_the_state_where_it_was_and_a_new_one_stays_out(api: Any) -> None:
    right = {"replies": [reply(1)]}
    api.serve("campaigns/c_1/replies", (404, {}), right)
    _, state = api.read("campaign_replies")
    assert state["campaigns"] == {"c_2": state["sent_at"]}
    api.serve("campaigns/c_1/replies", (404, {}), right)
    known = {"c_1": "2025-12-20T00:00:00Z", "c_2": "2025-12-20T00:00:00Z"}
    _, state = api.read("campaign_replies", {"sent_at": "2025-12-20T00:00:00Z", "campaigns": known, "__v": 1})
    assert state["campaigns"] == {"c_1": "2025-12-20T00:00:00Z", "c_2": state["sent_at"]}
    assert api.read("campaign_replies", state)[0] == [reply(1)]


@pytest.mark.usefixtures("campaigns")
def test_states_on_the_way_leave_a_gone_campaign_out(api: Any) -> None:
    from source_kit.work import Start, in_order

    api.serve("campaigns/c_1/replies", (404, {}))
    pages = list(in_order(api.stream("campaign_replies").work(Start(True))))
    assert [list(page.checkpoint["campaigns"]) for page in pages if page.checkpoint] == [[], ["c_2"], ["c_2"]]


@pytest.mark.parametrize("name", ["replies", "leads"])
def test_an_account_whose_only_campaign_was_deleted_meanwhile_has_nothing_and_no_error(api: Any, name: str) -> None:
    api.serve("campaigns", {"campaigns": [{"id": "c_1"}]}, {"campaigns": []})
    api.serve(f"campaigns/c_1/{name}", (404, {}))
    records, state = api.read(f"campaign_{name}")
    assert (records, state.get("campaigns", {})) == ([], {})


@pytest.mark.usefixtures("campaigns")
def test_no_reply_is_asked_for_from_before_the_start_date(api: Any) -> None:
    known = {"c_1": "2025-12-30T10:00:00Z", "c_2": "2025-11-30T10:00:00Z"}
    api.read("campaign_replies", {"sent_at": known["c_1"], "campaigns": known, "__v": 1}, start_date="2025-12-30")
    assert [params for _, params in api.asked[1:]] == [{"start_at": "2025-12-30T00:00:00Z"}] * 2


ODD = [{"id": "rep_3", "sent_at": None}, {"id": "rep_4"}, {"id": "rep_5", "sent_at": "yesterday"}]


@pytest.mark.usefixtures("campaigns")
def test_older_replies_that_an_ignored_filter_brings_are_left_out_and_told_once(api: Any) -> None:
    young = {"id": "rep_6", "sent_at": "2025-12-30T10:00:00.000"}
    api.serve("campaigns/c_1/replies", {"replies": [reply(1)]})
    api.serve("campaigns/c_2/replies", {"replies": [reply(2), *ODD, young]})
    records, _ = api.read("campaign_replies", start_date="2025-12-30T10:00:00Z")
    assert records == [*ODD, {**young, "sent_at": "2025-12-30T10:00:00.000Z"}]
    assert api.logs == ["WARN Stream campaign_replies: PersistIQ ignored start_at, so that all replies were read."]
    assert [params["start_at"][:4] for _, params in api.asked[1:]] == ["2025", "2100", "2025"]


@pytest.mark.usefixtures("campaigns")
def test_older_replies_that_come_although_the_filter_works_arrived_late_and_leave(api: Any) -> None:
    late = {"replies": [*ODD, reply(2)]}
    api.serve("campaigns/c_2/replies", lambda params: {"replies": []} if params["start_at"] > "2026" else late)
    records, state = api.read("campaign_replies", start_date="2025-12-30T10:00:00Z")
    assert (records, state["sent_at"] in UNTIL, api.logs) == ([*ODD, reply(2)], True, [])


@pytest.mark.usefixtures("campaigns")
def test_a_row_without_an_id_is_no_proof_that_the_filter_of_replies_is_ignored(api: Any) -> None:
    late, nothing = {"replies": [reply(2)]}, {"replies": [{"oddity": 1}]}
    api.serve("campaigns/c_2/replies", lambda params: nothing if params["start_at"] > "2026" else late)
    records, _ = api.read("campaign_replies", start_date="2025-12-30T10:00:00Z")
    assert (records, api.logs) == ([reply(2)], [])


@pytest.mark.usefixtures("campaigns")
def test_white_space_around_the_times_of_a_state_does_not_matter(api: Any) -> None:
    known = {"c_1": " 2025-12-30T10:00:00Z\n", "c_2": "2025-12-30T10:00:00Z "}
    _, state = api.read("campaign_replies", {"sent_at": " 2025-12-30T10:00:00Z ", "campaigns": known, "__v": 1})
    assert [params for _, params in api.asked[1:]] == [{"start_at": "2025-12-29T10:00:00Z"}] * 2
    assert state["campaigns"] == {"c_1": state["sent_at"], "c_2": state["sent_at"]}


@pytest.mark.parametrize(("stream", "key"), [("campaign_replies", "replies"), ("campaign_leads", "campaign_leads")])
def test_a_campaign_without_an_id_is_told_and_costs_the_others_nothing(api: Any, stream: str, key: str) -> None:
    rows: list[Any] = [None, {"name": "x"}, {"id": None}, {"id": ""}, {"id": {}}, "c_3", {"id": 7}, {"id": "\ud83d"}]
    api.serve("campaigns", {"campaigns": rows})
    name = stream.removeprefix("campaign_")
    api.serve(f"campaigns/7/{name}", {key: [{"id": "a"}]})
    api.serve(f"campaigns/%ED%A0%BD/{name}", {key: [{"id": "b"}]})
    assert [record["id"] for record in api.read(stream)[0]] == ["a", "b"]
    assert api.logs == [f"WARN Stream {stream}: 4 campaigns have no id, so that their {key} cannot be read."]
    api.stream(stream).probe()


@pytest.mark.usefixtures("campaigns")
def test_a_list_that_no_campaign_has_makes_the_stream_unavailable(api: Any) -> None:
    for campaign in ("c_1", "c_2"):
        api.serve(f"campaigns/{campaign}/replies", (404, "<html></html>"))
    with pytest.raises(Unavailable, match="does not have this for the account"):
        api.read("campaign_replies")


def test_campaign_leads_carry_the_id_of_their_lead(api: Any) -> None:
    api.serve("campaigns", {"campaigns": [{"id": "c/1 ?"}, {"id": "c_2"}]})
    place = {"id": "cl_1", "campaign_id": "c/1 ?", "mailbox_id": None, "lead": {"id": "l_1", "data": {}}}
    api.serve("campaigns/c%2F1%20%3F/leads", {"campaign_leads": [place]})
    api.serve("campaigns/c_2/leads", {"campaign_leads": [{"id": "cl_2", "lead": None}]})
    assert api.read("campaign_leads")[0] == [{**place, "lead_id": "l_1"}, {"id": "cl_2", "lead": None, "lead_id": None}]


@pytest.mark.parametrize("lead", [None, "l_1", 7, [{"id": "l_1"}], [], {}])
def test_a_place_in_a_campaign_whose_lead_is_no_object_leaves_as_it_came(api: Any, lead: Any) -> None:
    api.serve("campaigns", {"campaigns": [{"id": "c_1"}]})
    rows = [{"id": "cl_1", "lead": lead}, {"id": "cl_2", "lead": lead, "lead_id": "l_2"}, {"id": "cl_3"}]
    api.serve("campaigns/c_1/leads", {"campaign_leads": rows})
    assert api.read("campaign_leads")[0] == [{**rows[0], "lead_id": None}, rows[1], {"id": "cl_3", "lead_id": None}]


def test_times_without_a_zone_in_the_lead_of_a_campaign_leave_as_utc(api: Any) -> None:
    api.serve("campaigns", {"campaigns": [{"id": "c_1"}]})
    lead = {"id": "l_1", "last_sent_at": "2025-12-31T05:00:00", "data": {"born": "2025-12-31T05:00:00"}}
    api.serve("campaigns/c_1/leads", {"campaign_leads": [{"id": "cl_1", "lead": lead}]})
    assert api.read("campaign_leads")[0][0]["lead"] == {**lead, "last_sent_at": "2025-12-31T05:00:00Z"}


def test_an_account_without_campaigns_has_no_replies_but_a_state(api: Any) -> None:
    api.serve("campaigns", {"campaigns": []})
    records, state = api.read("campaign_replies")
    assert (records, state["campaigns"], state["sent_at"] in UNTIL) == ([], {}, True)


def test_the_probe_asks_the_first_campaign_only(api: Any) -> None:
    api.serve("campaigns", {"campaigns": [{"id": "c_1"}, {"id": "c_2"}]})
    api.serve("campaigns/c_1/leads", {"campaign_leads": []})
    api.stream("campaign_leads").probe()
    assert [path for path, _ in api.asked] == ["campaigns", "campaigns/c_1/leads"]
