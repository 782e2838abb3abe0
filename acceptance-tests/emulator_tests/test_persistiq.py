"""The PersistIQ emulator: envelopes, paging, filters, errors and limits as documented, each doubt in both ways."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest

from emulators.messages import Request, Response
from emulators.persistiq.app import API_KEY, PersistiqApp
from emulators.persistiq.data import utc
from emulators.persistiq.settings import PersistiqOptions

Json = dict[str, Any]


class Client:
    """Asks one emulated company without a socket."""

    def __init__(self, **options: Any) -> None:
        self.app = PersistiqApp(PersistiqOptions(**options))
        self.key = API_KEY

    def ask(self, path: str, method: str = "GET", **params: Any) -> Response:
        headers = {"x-api-key": self.key, "host": "emulator"}
        request = Request(method, f"/v1/{path}", urlencode(params), headers, b"", time.monotonic())
        response = self.app.handle(request)
        self.app.sent(request, response)
        return response

    def get(self, path: str, **params: Any) -> Json:
        response = self.ask(path, **params)
        assert response.status == 200, response
        answer: Json = orjson.loads(response.body)
        return answer

    def refused(self, path: str, **params: Any) -> tuple[int, Json]:
        response = self.ask(path, **params)
        return response.status, orjson.loads(response.body)

    def walk(self, path: str, key: str, **params: Any) -> list[Json]:
        rows: list[Json] = []
        number = 0
        while True:
            number += 1
            answer = self.get(path, **params, page=number)
            rows += answer[key]
            if not answer["has_more"]:
                return rows

    def truth(self, stream: str) -> list[Json]:
        return [orjson.loads(text) for text in self.app.truth(stream) or ()]


@pytest.fixture(scope="module")
def company() -> Client:
    return Client(leads=250, events=1_100, campaigns=5, now="2026-01-01T00:00:00Z")


def header(response: Response, name: str) -> str | None:
    return next((value for key, value in response.headers if key.lower() == name), None)


def test_a_page_has_the_documented_envelope(company: Client) -> None:
    answer = company.get("leads")
    assert list(answer) == ["status", "errors", "has_more", "next_page", "leads"]
    assert (answer["status"], answer["has_more"], len(answer["leads"])) == ("success", True, 100)
    assert answer["next_page"] == "http://emulator/v1/leads?page=2"


def test_walks_equal_the_truth(company: Client) -> None:
    events = company.walk("events", "events")
    assert sorted(event["id"] for event in events) == sorted(event["id"] for event in company.truth("events"))
    leads = {lead["id"]: lead for lead in company.walk("leads", "leads")}
    for lead in company.truth("leads"):
        assert leads[lead["id"]] == {key: value for key, value in lead.items() if key != "updated_at"}
    assert company.walk("campaigns", "campaigns") == company.truth("campaigns")


def test_pages_are_a_hundred_rows_and_five_hundred_events(company: Client) -> None:
    assert [len(company.get("leads", page=n)["leads"]) for n in (1, 2, 3, 4)] == [100, 100, 50, 0]
    assert [len(company.get("events", page=n)["events"]) for n in (1, 2, 3)] == [500, 500, 100]


def test_short_lists_come_without_has_more_where_the_documentation_has_none(company: Client) -> None:
    assert list(company.get("lead_statuses")) == ["status", "errors", "lead_statuses"]
    assert "has_more" in company.get("tags")


def test_updated_after_is_exclusive(company: Client) -> None:
    newest = company.get("leads")["leads"][0]["data"]["Revised At"]
    assert company.get("leads", updated_after=newest)["leads"] == []
    before = newest[:-4] + f"{int(newest[-4:-1]) - 1:03d}Z"
    assert len(company.get("leads", updated_after=before)["leads"]) == 1


def test_times_without_a_zone_are_pacific_and_a_lost_plus_is_an_error(company: Client) -> None:
    one = company.get("events", start_at="2025-12-20T07:00:00Z")["events"]
    assert company.get("events", start_at="2025-12-20T00:00:00")["events"] == one
    assert company.refused("events", start_at="2025-12-20T07:00:00 00:00")[0] == 400


def test_filters_can_be_ignored_by_name_and_times_in_the_future_be_refused() -> None:
    client = Client(events=3, ignored_filters=["end_at"], future_dates="400")
    assert len(client.get("events", end_at="2001-01-01T00:00:00Z")["events"]) == 3
    assert client.refused("events", start_at="2999-01-01T00:00:00Z")[0] == 400
    client = Client(events=3, ignore_filters=True)
    assert len(client.get("events", start_at="2999-01-01T00:00:00Z", end_at="2001-01-01T00:00:00Z")["events"]) == 3


def test_replies_are_bounded_inclusively(company: Client) -> None:
    reply = company.get("campaigns/c_0c/replies")["replies"][0]
    found = company.get("campaigns/c_0c/replies", start_at=reply["sent_at"], end_at=reply["sent_at"])["replies"]
    assert found == [reply]


@pytest.mark.parametrize("order", ["updated_desc", "updated_asc", "created_desc", "created_asc", "id"])
def test_every_order_holds_every_lead(order: str) -> None:
    client = Client(leads=230, lead_order=order)
    assert len({lead["id"] for lead in client.walk("leads", "leads")}) == 230


def test_an_update_moves_a_lead_to_the_front_or_to_the_end() -> None:
    for order, place in (("updated_desc", 0), ("updated_asc", -1)):
        client = Client(leads=230, lead_order=order)
        (moved,) = client.app.touch("leads", 1, 0, 0)["updated"]
        assert client.walk("leads", "leads")[place]["id"] == moved


def test_next_page_has_every_form() -> None:
    forms = {
        "url": "http://emulator/v1/leads?page=2&updated_after=2020-01-01T00%3A00%3A00Z",
        "page_only": "http://emulator/v1/leads?page=2",
        "relative": "/v1/leads?page=2&updated_after=2020-01-01T00%3A00%3A00Z",
        "foreign": "https://elsewhere.invalid/v1/leads?page=2&updated_after=2020-01-01T00%3A00%3A00Z",
        "number": 2,
        "digits": "2",
        "null": None,
    }
    client = Client(leads=230)
    for form, value in forms.items():
        client.app.options.next_page = form
        assert client.get("leads", updated_after="2020-01-01T00:00:00Z")["next_page"] == value


def test_the_refusal_echoes_the_key_and_an_unknown_path_is_a_page_for_people(company: Client) -> None:
    client = Client()
    client.key = "pk_wrong"
    status, body = client.refused("users")
    assert (status, body["error"]["reason"]) == (401, "unauthorized")
    assert "Failed to find api key: pk_wrong." in body["error"]["message"]
    assert company.ask("mailboxes").status == 404
    assert company.ask("mailboxes").content_type.startswith(b"text/html")


def test_page_zero_and_undocumented_parameters_are_refused(company: Client) -> None:
    assert company.refused("leads", page=0)[0] == 400
    assert company.refused("leads", per_page=50)[0] == 400
    assert company.refused("campaigns/c_nobody/leads")[0] == 404


def test_one_budget_serves_all_endpoints_and_its_end_is_named_in_the_text() -> None:
    client = Client(rate_limit=2)
    first = client.ask("users")
    assert (header(first, "x-ratelimit-limit"), header(first, "x-ratelimit-remaining")) == ("2", "1")
    assert header(first, "x-ratelimit-reset") is None
    assert header(client.ask("tags"), "x-ratelimit-remaining") == "0"
    status, body = client.refused("leads")
    assert (status, list(body), body["error"]["reason"]) == (429, ["error"], "too_many_requests")
    epoch = int(body["error"]["message"].rstrip(".").rsplit(" ", 1)[1])
    assert 55 < epoch - time.time() < 63
    assert len(client.app.limits.violations) == 0


def test_the_other_event_shape_has_other_names() -> None:
    event = Client(event_shape="oas", events=3).get("events")["events"][0]
    assert list(event) == ["id", "event_type", "data", "created_at"]


def test_the_truth_carries_what_the_connector_derives() -> None:
    client = Client(campaigns=1, event_shape="oas", events=1)
    member = client.truth("campaign_leads")[0]
    assert member["lead_id"] == member["lead"]["id"]
    assert client.truth("mailboxes")[0]["user_id"] == "u_1u"
    assert client.truth("events")[0]["event_at"] == client.truth("events")[0]["created_at"]
    assert {value for key, value in client.truth("webhook_plugin")[0].items() if key.endswith("_url")} == {None}


def test_every_stream_can_be_touched() -> None:
    client = Client(leads=50)
    for stream in ("leads", "campaign_leads", "campaigns", "users", "tags", "dnc_domains"):
        before = client.app.truth_counts()[stream]
        touched = client.app.touch(stream, 0, 3, 1)
        assert (len(touched["created"]), len(touched["deleted"])) == (3, 1)
        if stream != "leads":  # a deleted lead leaves its campaigns too
            assert client.app.truth_counts()[stream] == before + 2
    assert len(client.app.touch("events", 0, 4, 0)["created"]) == 4
    assert len(client.app.touch("campaign_replies", 0, 4, 0)["created"]) == 4


def test_what_is_deleted_is_in_no_list_and_nothing_tells_of_it() -> None:
    client = Client(leads=150, campaigns=6, campaign_leads=30, clock_stands=True)
    events = client.app.truth_counts()["events"]
    gone = set(client.app.touch("leads", 0, 0, 15)["deleted"])
    (campaign,) = client.app.touch("campaigns", 0, 0, 1)["deleted"]
    listed = [lead["id"] for page in (1, 2) for lead in client.get("leads", page=page)["leads"]]
    assert (len(listed), gone & set(listed)) == (135, set())
    assert client.get("leads", updated_after=utc(client.app.company.now() - 1000).decode())["leads"] == []
    members = client.truth("campaign_leads")
    assert not gone & {member["lead_id"] for member in members}
    assert campaign not in {member["campaign_id"] for member in members}
    assert client.app.truth_counts()["events"] == events


def test_a_clock_of_its_own_and_one_that_stands() -> None:
    client = Client(clock_offset=86_400.0)
    (made,) = client.app.touch("leads", 0, 1, 0)["created"]
    lead = next(lead for lead in client.truth("leads") if lead["id"] == made)
    assert lead["updated_at"] > time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 86_000))
    standing = Client(clock_stands=True)
    assert standing.app.company.now() == standing.app.company.now()
