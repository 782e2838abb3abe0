"""The small resources of the Close emulator."""

from __future__ import annotations

import pytest

from emulator_tests.close_client import CloseClient, ids
from emulators.close.small import SECRET, SMALL


@pytest.fixture(scope="module")
def close() -> CloseClient:
    return CloseClient(leads=10, activities=60, users=6, subscriptions=250, comment_threads=6)


@pytest.mark.parametrize("resource", SMALL, ids=lambda resource: resource.stream)
def test_a_resource_is_a_list_with_a_largest_page(close: CloseClient, resource: object) -> None:
    path, largest, stream = resource.path, resource.largest, resource.stream  # type: ignore[attr-defined] # a Small
    asked = {"type__in": "lead,contact,opportunity"} if stream == "smart_views" else {}
    found = close.list_all(path, min(largest, 100), **asked)
    assert len(found) == len(close.truth(stream)) > 0
    assert close.refused(path, _limit=largest + 1)[0] == 400


def test_the_truth_holds_no_secret_and_the_api_does(close: CloseClient) -> None:
    for path, stream in (("/webhook/", "webhooks"), ("/connected_account/", "connected_accounts")):
        assert SECRET in str(close.get(path))
        assert SECRET not in str(close.truth(stream))


def test_smart_views_of_leads_alone_come_unless_others_are_asked_for(close: CloseClient) -> None:
    assert {view["type"] for view in close.get("/saved_search/")["data"]} == {"lead"}
    assert len(close.get("/saved_search/", type__in="lead,contact,opportunity")["data"]) == 9


def test_members_of_groups_come_with_the_single_group_only(close: CloseClient) -> None:
    (first, *_) = close.get("/group/")["data"]
    assert "members" not in first
    assert len(close.get(f"/group/{first['id']}/")["members"]) == 2
    assert close.refused("/group/group_unknown/")[0] == 404


def test_subscriptions_need_a_filter(close: CloseClient) -> None:
    assert close.refused("/sequence_subscription/")[0] == 400
    sequences = ids(close.get("/sequence/")["data"])
    found = [row for one in sequences for row in close.list_all("/sequence_subscription/", sequence_id=one)]
    assert sorted(ids(found)) == sorted(ids(close.truth("sequence_subscriptions")))
    assert len(found) == 250


def test_permissions_to_send_are_told_to_oneself_only(close: CloseClient) -> None:
    me = close.get("/me/")["id"]
    assert {row["allowing_user_id"] for row in close.get("/send_as/")["data"]} == {me}
    assert {row["allowed_user_id"] for row in close.get("/send_as/", allowed_user_id=me)["data"]} == {me}
    assert close.refused("/send_as/", allowed_user_id="user_other")[0] == 403


def test_the_organization_lists_those_who_left_and_gives_the_fields_asked_for(close: CloseClient) -> None:
    (own,) = close.get("/me/")["organizations"]
    whole = close.get(f"/organization/{own['id']}/")
    assert (len(whole["memberships"]), len(whole["inactive_memberships"])) == (6, 1)
    assert "memberships" not in own
    assert sorted(close.get(f"/organization/{own['id']}/", _fields="id,memberships")) == ["id", "memberships"]


def test_comments_are_found_by_their_objects(close: CloseClient) -> None:
    assert close.refused("/comment_thread/")[0] == 400
    threads = close.truth("comment_threads")
    some = ",".join(thread["object_id"] for thread in threads[:3])
    assert ids(close.get("/comment_thread/", object_ids=some)["data"]) == ids(threads[:3])
    (comment,) = close.get("/comment/", thread_id=threads[0]["id"])["data"]
    assert comment["object_id"] == threads[0]["object_id"]
    assert close.refused("/comment/")[0] == 400


def test_counts_and_records_of_the_truth_agree(close: CloseClient) -> None:
    counts = close.app.truth_counts()
    assert len(counts) == 77
    assert {name: len(close.truth(name)) for name in counts} == counts
