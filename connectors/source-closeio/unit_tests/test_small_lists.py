"""The streams of `lists` and `children`: filters, paging, parents."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from source_closeio.endpoints import ListAsk
from source_kit.page_size import PageSize
from source_kit.probes import prove
from source_kit.timestamps import milliseconds_z
from source_kit.transport import BRISK
from unit_tests.closeio_account import Account, Sent


def sent_to(account: Account, group: str) -> list[dict[str, str]]:
    return [sent.params for sent in account.vendor.sent if sent.group == group]


def test_lists_of_more_than_a_page_are_read_to_their_end() -> None:
    account = Account()
    reading = account.read("email_templates")
    assert len(set(reading.ids)) == 130
    assert sent_to(account, "GET /email_template/") == [{"_limit": "100"}, {"_limit": "100", "_skip": "99"}]


def test_smart_views_of_all_types_are_asked_for() -> None:
    account = Account()
    assert {view["type"] for view in account.read("smart_views").records} == {"lead", "contact", "opportunity"}
    assert sent_to(account, "GET /saved_search/")[0]["type__in"] == "lead,contact,opportunity"


def test_connected_accounts_of_a_type_are_those_also_where_the_filter_is_ignored() -> None:
    for known in (True, False):
        account = Account(connected_type_filter=known)
        assert {each["_type"] for each in account.read("zoom_connected_accounts").records} == {"zoom"}


def test_send_as_reads_both_directions_once() -> None:
    account = Account()
    reading = account.read("send_as")
    assert len(reading.ids) == len(set(reading.ids)) == 4


def test_groups_come_with_their_members() -> None:
    account = Account(users=6)
    groups = account.read("groups").records
    assert sorted(len(group["members"]) for group in groups) == [2, 2, 2]


def test_a_group_that_is_deleted_after_the_list_is_left_out() -> None:
    account = Account()
    missing = account.truth("groups")[1]["id"]
    account.vendor.always[f"GET /group/{missing}/"] = (404, {"error": "Empty query: Document does not exist."})
    reading = account.read("groups")
    assert reading.exit_code == 0
    assert len(reading.ids) == 2


@pytest.mark.parametrize("text", ["Empty query: Document does not exist.", "Empty query: Document has been deleted."])
def test_what_is_deleted_between_list_and_children_is_passed_over_with_a_warning(text: str) -> None:
    account = Account(subscriptions=300)
    gone = account.truth("email_sequences")[1]["id"]

    def without(sent: Sent, status: int, body: Any) -> tuple[int, Any]:
        return (404, {"error": text}) if sent.params["sequence_id"] == gone else (status, body)

    account.vendor.altered["GET /sequence_subscription/"] = without
    reading = account.read("sequence_subscriptions")
    expected = [row for row in account.truth("sequence_subscriptions") if row["sequence_id"] != gone]
    assert sorted(reading.ids) == sorted(row["id"] for row in expected)
    assert (
        f"WARN Stream sequence_subscriptions leaves out sequences that were deleted meanwhile: {gone}." in reading.logs
    )
    asked = [params for params in sent_to(account, "GET /sequence_subscription/") if params["sequence_id"] == gone]
    assert len(asked) <= 11


def test_children_that_are_refused_for_every_parent_end_the_stream() -> None:
    account = Account()
    account.vendor.always["GET /sequence_subscription/"] = (404, {"error": "The requested URL was not found."})
    reading = account.read("sequence_subscriptions")
    assert (reading.exit_code, reading.records) == (1, [])
    assert "The API does not have this resource" in reading.errors[0]["message"]


def test_a_deleted_group_costs_one_request() -> None:
    account = Account()
    missing = account.truth("groups")[1]["id"]
    account.vendor.always[f"GET /group/{missing}/"] = (404, {"error": "Empty query: Document has been deleted."})
    reading = account.read("groups")
    assert (reading.exit_code, len(reading.ids)) == (0, 2)
    assert account.vendor.groups()[f"GET /group/{missing}/"] == 1


def test_a_smaller_maximum_that_parallel_requests_learn_at_once_fails_none_of_them() -> None:
    account = Account(users=450)
    connection, _ = account.connection()
    (users,) = [each for each in connection.streams() if each.name == "users"]
    send, text = account.vendor.send, "is larger than the maximum limit for this resource (max_limit = 200)."

    def lowered_meanwhile(request: Any, *arguments: Any, **options: Any) -> Any:
        users.pages.sizes = PageSize(200)
        return send(request, *arguments, **options)

    account.vendor.send = lowered_meanwhile  # type: ignore[method-assign]  # another request has learnt it
    account.vendor.answers["GET /user/"] = [(400, {"error": text})]
    assert len(users.pages.fetch(ListAsk()).records) == 200


@pytest.mark.parametrize(
    ("stream", "group"),
    [("sequence_subscriptions", "GET /sequence_subscription/"), ("comment_threads", "GET /comment_thread/")],
)
def test_check_names_children_that_cannot_be_read(stream: str, group: str) -> None:
    account = Account(refuse={group: 402})
    assert warned(account) == {stream}


def test_check_does_not_name_streams_that_are_read_another_way() -> None:
    assert warned(Account(refuse={"POST /data/search/": 403})) == {"custom_objects"}


def warned(account: Account) -> set[str]:
    """The streams that `check` calls unreadable."""
    connection, output = account.connection(BRISK)
    prove(connection)
    return {line.split()[2] for line in output.logs() if "cannot be read: " in line}


def test_comments_inside_threads_get_a_zone_too() -> None:
    account = Account()
    naive = "2026-06-19T09:22:10.931820"
    thread = {"id": "thread_1", "date_created": naive, "comments": [{"id": "comment_1", "date_created": naive}]}
    account.vendor.always["GET /comment_thread/"] = (200, {"data": [thread], "has_more": False})
    (record,) = account.read("comment_threads").records
    assert [record["date_created"], record["comments"][0]["date_created"]] == [f"{naive}Z"] * 2


def test_memberships_hold_those_who_left_as_well() -> None:
    memberships = Account(users=6).read("memberships").records
    assert [membership["is_active"] for membership in memberships] == [True] * 6 + [False]


def test_subscriptions_are_read_per_sequence() -> None:
    account = Account(subscriptions=700)
    assert len(set(account.read("sequence_subscriptions").ids)) == 700
    asked = {params["sequence_id"] for params in sent_to(account, "GET /sequence_subscription/")}
    assert len(asked) == 6


def test_comment_threads_are_asked_for_by_many_objects_at_once() -> None:
    account = Account(activities=300, opportunities=100, comment_threads=12)
    reading = account.read("comment_threads")
    assert len(set(reading.ids)) == 12
    asked = sent_to(account, "GET /comment_thread/")
    assert len(asked) <= 20
    assert max(len("&".join(f"{k}={v}" for k, v in params.items())) for params in asked) < 1_900


def test_an_opportunity_that_stands_where_it_was_before_its_change_hides_no_threads_of_others() -> None:
    """A late index: the last row of the first page shows the time of an edit of just now."""
    account = Account(activities=10, opportunities=600, comment_threads=500)
    moved = sorted(account.truth("opportunities"), key=lambda row: str(row["date_updated"]))[249]["id"]

    now = milliseconds_z(datetime.now(UTC))

    def lag(sent: Sent, status: int, body: Any) -> tuple[int, Any]:
        for row in body["data"]:
            if row["id"] == moved:
                row["date_updated"] = now
        return status, body

    account.vendor.altered["GET /opportunity/"] = lag
    reading = account.read("comment_threads")
    assert sorted(reading.ids) == sorted(row["id"] for row in account.truth("comment_threads"))
    assert reading.warnings == []


def test_unsubscribed_addresses_are_their_own_id() -> None:
    records = Account().read("unsubscribed_emails").records
    assert [record["id"] for record in records] == [record["email"] for record in records]


def test_steps_of_sequences_get_a_zone_too() -> None:
    (sequence, *_) = Account().read("email_sequences").records
    assert sequence["date_created"].endswith("Z")
    assert all(step["date_updated"].endswith("Z") for step in sequence["steps"])


def test_the_old_path_answers_where_the_new_one_does_not() -> None:
    for stream in ("custom_fields", "lead_custom_fields", "contact_custom_fields"):
        resource = "contact" if stream.startswith("contact") else "lead"
        account = Account()
        account.vendor.always[f"GET /custom_field/{resource}/"] = (404, {"error": "not found"})
        assert account.read(stream).exit_code == 0
        assert sent_to(account, f"GET /custom_fields/{resource}/")
