"""Stream users: members of the organisation, read whole."""

from __future__ import annotations

from unit_tests.closeio_account import Account
from unit_tests.stream_skeleton import StreamSkeleton


class TestUsers(StreamSkeleton):
    stream = "users"
    group = "GET /user/"
    many = {"users": 2_500}  # noqa: RUF012 - a constant of the skeleton
    empty = {"users": 0}  # noqa: RUF012


def test_pages_are_as_large_as_close_allows() -> None:
    account = Account()
    account.read("users")
    assert [sent.params for sent in account.vendor.sent] == [{"_limit": "1000"}]


def test_a_smaller_maximum_is_learnt_from_the_refusal() -> None:
    account = Account(users=450)
    text = "The limit you set is larger than the maximum limit for this resource (max_limit = 200)."
    account.vendor.answers["GET /user/"] = [(400, {"error": text})]
    assert len(set(account.read("users").ids)) == 450
    assert [sent.params["_limit"] for sent in account.vendor.sent] == ["1000", "200", "200", "200"]
