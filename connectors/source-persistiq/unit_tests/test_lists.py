"""Envelopes, page numbers and small streams."""

from __future__ import annotations

from typing import Any

import pytest

from source_kit.errors import ConnectorFault, TransientError
from source_kit.rules import Denied, Rejected, Unavailable
from source_persistiq import SourcePersistiq

TAG = {"id": "tag_1", "name": "One"}


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


def test_an_empty_page_ends_the_list_even_if_it_promises_more(api: Any) -> None:
    api.serve("tags", {"has_more": True, "tags": []})
    assert (api.read("tags")[0], len(api.asked)) == ([], 1)


def test_a_server_that_ignores_the_page_is_a_fault_and_no_endless_loop(api: Any) -> None:
    api.serve("tags", {"has_more": True, "tags": [TAG]})
    with pytest.raises(ConnectorFault, match="the same rows again and again"):
        api.read("tags")
    assert len(api.asked) == 7


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


def test_a_check_does_not_take_a_200_with_an_error_for_success(api: Any) -> None:
    source = SourcePersistiq()
    source.parse({"api_key": "pk_0123456789"})
    api.serve("users", {"status": "error", "errors": [{"reason": "api_error", "message": "x"}]})
    with pytest.raises(TransientError):
        source.probe(api.stream("users").client)


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
