"""Stream user_posts: what the users of today posted."""

from __future__ import annotations

from unit_tests.closeio_account import Account
from unit_tests.stream_skeleton import StreamSkeleton


class TestUserPosts(StreamSkeleton):
    stream = "user_posts"
    group = "GET /activity/"
    many = {"activities": 450}  # noqa: RUF012 - a constant of the skeleton
    empty = {"activities": 0}  # noqa: RUF012
    cursor = "date_created"


def test_users_are_listed_first_and_there_is_no_request_per_user() -> None:
    account = Account(users=6)
    account.read("user_posts")
    groups = [sent.group for sent in account.vendor.sent]
    assert groups[0] == "GET /user/"
    assert groups.count("GET /user/") == 1
    assert groups.count("GET /activity/") == 1


def test_only_activities_of_users_are_kept() -> None:
    account = Account(users=2, activities=200)
    users = {user["id"] for user in account.truth("users")}
    records = account.read("user_posts").records
    assert {record["user_id"] for record in records} <= users
    assert 0 < len(records) < len(account.read("activities").records)
