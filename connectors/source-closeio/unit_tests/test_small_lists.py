"""The streams of `lists` and `children`: filters, paging, parents."""

from __future__ import annotations

from unit_tests.closeio_account import Account


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
