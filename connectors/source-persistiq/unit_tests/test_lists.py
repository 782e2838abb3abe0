"""Envelopes, page numbers and small streams."""

from __future__ import annotations

from typing import Any

import pytest
from airbyte_cdk.models import SyncMode

from source_kit.client import Usage
from source_kit.errors import ConfigError, TransientError
from source_kit.rules import Denied, Rejected, Unavailable
from source_kit.testing import opened
from source_persistiq import SourcePersistiq

TAG = {"id": "tag_1", "name": "One"}


def connected(api: Any) -> Any:
    return opened(SourcePersistiq(), {"api_key": "pk_0123456789"}, client=api.stream("users").client)


def test_the_first_page_is_asked_for_without_a_number(api: Any, paged: Any) -> None:
    api.serve("tags", paged("tags", [TAG], 100))
    assert api.read("tags") == ([TAG], {"__ab_no_cursor_state_message": True})
    assert api.asked == [("tags", {})]


def test_pages_are_counted_here_and_each_is_compared_once_more(api: Any, paged: Any) -> None:
    rows = [{"id": f"dom_{n}", "name": f"{n}.example.com"} for n in range(5)]
    api.serve("dnc_domains", paged("dnc_domains", rows, 2))
    assert api.read("dnc_domains")[0] == rows
    assert [params.get("page") for _, params in api.asked] == [None, "2", "3", None, "2"]


@pytest.mark.parametrize(
    "next_page",
    [
        "https://api.persistiq.com/v1/tags?page=2",
        "https://elsewhere.example.com/v1/tags?page=2",
        2,
        "2",
        None,
        "?page=1",
        "",
    ],
)
def test_has_more_decides_whatever_next_page_holds(api: Any, next_page: Any) -> None:
    first = {"status": "success", "has_more": True, "next_page": next_page, "tags": [{"id": "tag_1"}]}
    last = {"status": "success", "has_more": False, "next_page": next_page, "tags": [{"id": "tag_2"}]}
    api.serve("tags", lambda params: last if params.get("page") == "2" else first)
    assert [record["id"] for record in api.read("tags")[0]] == ["tag_1", "tag_2"]
    assert [params for _, params in api.asked] == [{}, {"page": "2"}, {}]


@pytest.mark.parametrize(("next_page", "pages"), [("https://x.example.com/?page=2", 2), (2, 2), (None, 1), ("", 1)])
def test_without_has_more_next_page_tells_by_being_there(api: Any, next_page: Any, pages: int) -> None:
    first = {"next_page": next_page, "tags": [{"id": "tag_1"}]}
    api.serve("tags", lambda params: {"tags": [{"id": "tag_2"}]} if params.get("page") == "2" else first)
    assert len(api.read("tags")[0]) == pages


def test_an_envelope_of_the_list_alone_is_complete(api: Any) -> None:
    api.serve("users", {"status": "success", "errors": None, "users": [{"id": "u_1"}]})
    assert api.read("users")[0] == [{"id": "u_1"}]
    assert len(api.asked) == 1


@pytest.mark.parametrize("empty", [{"has_more": True}, {"has_more": "true"}, {"next_page": "?page=2"}])
@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_page_that_is_empty_once_although_it_promises_more_loses_nothing(
    api: Any, paged: Any, empty: Any, number: int
) -> None:
    rows = [{"id": f"u_{row}"} for row in range(7)]
    page = paged("users", rows, 2)
    api.serve("users", *[page] * (number - 1), {**empty, "users": []}, page)
    assert api.read("users")[0] == rows


def test_a_page_that_stays_empty_although_it_promises_more_is_passed(api: Any, paged: Any) -> None:
    rows = [{"id": f"u_{row}"} for row in range(6)]
    page = paged("users", rows, 2)
    api.serve("users", lambda params: {**page(params), "users": []} if params.get("page") == "2" else page(params))
    assert api.read("users")[0] == [*rows[:2], *rows[4:]]


@pytest.mark.parametrize("rows", [[], [TAG]])
def test_a_server_that_promises_more_for_ever_ends_in_an_error_and_no_endless_loop(
    api: Any, rows: list[dict[str, str]]
) -> None:
    api.serve("tags", {"has_more": True, "tags": rows})
    with pytest.raises(TransientError, match="again and again that there are more rows"):
        api.read("tags")
    assert len(api.asked) == (7 if rows else 34)


@pytest.mark.parametrize("told", ["yes", [], {}, 2, ""])
def test_where_has_more_cannot_be_read_next_page_tells(api: Any, told: Any) -> None:
    first = {"has_more": told, "next_page": 2, "tags": [TAG]}
    api.serve("tags", lambda params: {"has_more": told, "tags": [{"id": "2"}]} if "page" in params else first)
    assert [record["id"] for record in api.read("tags")[0]] == ["tag_1", "2"]


@pytest.mark.parametrize("name", ["users", "tags", "lead_fields", "campaigns"])
def test_what_is_no_object_is_left_out_and_what_comes_twice_leaves_once(api: Any, name: str) -> None:
    odd = [{"id": "x_1"}, None, "text", 7, ["x"], {"id": "x_1"}, {"name": "no id"}, {"id": None}, {"id": ["x"]}]
    api.serve(name, {name: odd})
    assert api.read(name)[0] == [{"id": "x_1"}, {"name": "no id"}, {"id": None}, {"id": ["x"]}]


def test_one_object_in_the_place_of_a_list_is_a_list_of_one(api: Any) -> None:
    api.serve("tags", {"tags": TAG})
    assert api.read("tags")[0] == [TAG]


@pytest.mark.parametrize(
    "damaged",
    [
        {"status": "success", "errors": [], "has_more": False},
        {"status": "success", "has_more": False, "tags": None},
        {"status": "error", "errors": ["Something went wrong"], "tags": []},
        {"status": "error", "errors": [{"reason": "api_error", "message": "x"}]},
        [],
    ],
)
def test_a_200_that_is_no_success_is_asked_for_again(api: Any, damaged: Any) -> None:
    api.serve("tags", damaged, damaged, {"status": "success", "tags": [TAG]})
    assert api.read("tags")[0] == [TAG]
    assert len(api.asked) == 3


@pytest.mark.parametrize(
    "answer",
    [
        {"status": "error", "errors": [{"reason": "api_error", "message": "x"}], "users": []},
        {}, [], None, "users", {"error": "x"}, {"users": None}, {"users": {}}, {"users": "x"}, {"users": ["x", None]},
    ],
)  # fmt: skip
def test_a_check_takes_nothing_but_a_list_of_users_for_success(api: Any, answer: Any) -> None:
    api.serve("users", answer)
    told = r"Reading the list of users failed 8 times: The answer lacked what it should hold\."
    with pytest.raises(TransientError, match=told):
        connected(api).probe()


@pytest.mark.parametrize("rows", [[], [{"id": "u_1"}], [None, {"id": "u_1"}]])
def test_a_check_takes_a_list_of_users_for_success(api: Any, rows: list[Any]) -> None:
    api.serve("users", {"users": rows})
    connected(api).probe()
    assert api.asked == [("users", {})]


def test_a_check_of_a_wrong_address_speaks_of_the_address(api: Any) -> None:
    api.serve("users", (404, "<html></html>"))
    with pytest.raises(ConfigError, match=r"no PersistIQ at https://api\.persistiq\.com/v1/ \(404\)\. Check api_url"):
        connected(api).probe()


def test_seven_retries_with_growing_waits_and_then_a_transient_error(api: Any) -> None:
    api.serve("tags", (500, {"status": "error", "error": {"reason": "api_error", "message": "x"}}))
    with pytest.raises(
        TransientError, match=r"stream tags failed 8 times: PersistIQ had a problem with its own server"
    ):
        api.read("tags")
    waits = [seconds for seconds in api.clock.slept if seconds > 0.1]
    assert (len(api.asked), len(waits)) == (8, 7)
    assert waits == sorted(waits)


@pytest.mark.parametrize(
    ("status", "kind", "text"),
    [
        (400, Rejected, "refused the parameters"),
        (401, Denied, "does not know the API key"),
        (403, Unavailable, "forbids this"),
        (404, Unavailable, "does not have this"),
    ],
)
def test_refusals_are_told_apart_and_never_quoted(api: Any, status: int, kind: type[Exception], text: str) -> None:
    echo = "Failed to find api key: pk_0123456789.  Did you set header 'x-api-key' ..."
    api.serve("tags", (status, {"status": "error", "error": [{"reason": "unauthorized", "message": echo}]}))
    with pytest.raises(kind, match=text) as raised:
        api.read("tags")
    shown = f"{raised.value} {raised.value.internal_message}"  # type: ignore[attr-defined]  # the kit's errors have it
    assert ("pk_0123456789" in shown, "Failed to find" in shown, len(api.asked)) == (False, False, 1)


def test_a_429_waits_for_the_epoch_in_its_text(api: Any) -> None:
    text = "You performed more than 100 requests per minute. Limit will be reseted at 1767268840."
    api.serve("tags", (429, {"error": {"reason": "too_many_requests", "message": text}}), {"tags": [TAG]})
    api.headers = {"Date": DATE_30_SECONDS_BEFORE}
    assert api.read("tags")[0] == [TAG]
    assert 29 <= sum(api.clock.slept) <= 33


DATE_30_SECONDS_BEFORE = "Thu, 01 Jan 2026 12:00:10 GMT"


def test_a_hundred_requests_a_minute_are_assumed_where_no_header_tells(api: Any, paged: Any) -> None:
    rows = [{"id": f"dom_{n}"} for n in range(130)]
    api.serve("dnc_domains", paged("dnc_domains", rows, 1))
    api.headers = {"Date": DATE}
    assert len(api.read("dnc_domains")[0]) == 130
    assert 60 <= api.clock.passed < 62


DATE = "Thu, 01 Jan 2026 12:00:10 GMT"


def test_mailboxes_come_out_of_users_once_each_with_their_user(api: Any) -> None:
    shared = {"id": "mbox_1", "email": "a@example.com", "campaign_ids": []}
    own = {"id": "mbox_2", "email": "b@example.com", "campaign_ids": ["c_1"]}
    users = [{"id": "u_1", "mailboxes": [shared]}, {"id": "u_2", "mailboxes": [shared, own]}, {"id": "u_3"}]
    api.serve("users", {"users": [*users, {"id": "u_4", "mailboxes": None}]})
    assert api.read("mailboxes")[0] == [{**shared, "user_id": "u_1"}, {**own, "user_id": "u_2"}]


def test_odd_mailboxes_cost_the_others_nothing(api: Any) -> None:
    users = [
        {"id": "u_1", "mailboxes": [None, "text", 7, {"email": "a@example.com"}, {"email": "a@example.com"}]},
        {"id": "u_2", "mailboxes": {"id": "mbox_2"}},
        {"id": "u_3", "mailboxes": "text"},
        {"mailboxes": [{"id": ["x"]}, {"email": "a@example.com"}]},
    ]
    api.serve("users", {"users": users})
    assert api.read("mailboxes")[0] == [
        {"email": "a@example.com", "user_id": "u_1"},
        {"id": "mbox_2", "user_id": "u_2"},
        {"id": ["x"], "user_id": None},
        {"email": "a@example.com", "user_id": None},
    ]


def test_what_is_no_object_inside_of_a_record_is_counted(api: Any) -> None:
    stream = api.stream("mailboxes")
    stream.client.account_to(usage := Usage())
    assert stream.boxes_of({"mailboxes": [None, {"id": 1}, "x"]}) == [{"id": 1}]
    assert (stream.boxes_of({}), stream.boxes_of({"mailboxes": 7})) == ([], [])
    assert usage.not_objects == 3


def test_the_webhook_settings_are_one_object_without_what_is_secret(api: Any) -> None:
    settings = {"raw_events": True, "raw_events_url": "https://hooks.example.com/s3cr3t", "post_email_reply": False}
    api.serve("webhook_plugin", {**settings, "post_email_reply_url": None, "signing_secret": "x"})
    assert api.read("webhook_plugin")[0] == [
        {
            "raw_events": True,
            "raw_events_url": None,
            "post_email_reply": False,
            "post_email_reply_url": None,
            "signing_secret": None,
        }
    ]
    assert api.stream("webhook_plugin").primary_key is None


SETTINGS = {"raw_events": True, "raw_events_url": None}


@pytest.mark.parametrize(
    ("answers", "records", "counted"),
    [
        ([None, SETTINGS], [SETTINGS], 0),
        ([[], "off", SETTINGS], [], 1),
        (["off"], [], 1),
        ([7], [], 1),
        ([[]], [], 0),
        ([None], [], 0),
        ([[SETTINGS]], [SETTINGS], 0),
        ([{"status": "success", "webhook_plugin": SETTINGS}], [SETTINGS], 0),
        ([(204, None)], [], 0),
        ([{"webhook_plugin": True}], [{"webhook_plugin": True}], 0),
        ([{"hooks": [{"api_key": "x", "Target_URL": "x", "on": 1}]}],
         [{"hooks": [{"api_key": None, "Target_URL": None, "on": 1}]}], 0),
    ],
)  # fmt: skip
def test_webhook_settings_that_are_no_object_are_asked_for_again_and_then_none(
    api: Any, answers: list[Any], records: list[Any], counted: int
) -> None:
    api.serve("webhook_plugin", *answers)
    stream = api.stream("webhook_plugin")
    stream.client.account_to(usage := Usage())
    assert list(stream.read_records(SyncMode.full_refresh)) == records
    assert usage.not_objects == counted


def test_settings_that_say_status_error_are_no_settings(api: Any) -> None:
    api.serve("webhook_plugin", {"status": "error", "errors": ["x"]}, SETTINGS)
    assert api.read("webhook_plugin")[0] == [SETTINGS]
