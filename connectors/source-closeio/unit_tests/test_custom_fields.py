"""Stream custom_fields: the custom fields of leads, read whole."""

from __future__ import annotations

from unit_tests.closeio_account import Account, by_id
from unit_tests.stream_skeleton import StreamSkeleton


class TestCustomFields(StreamSkeleton):
    stream = "custom_fields"
    group = "GET /custom_field/lead/"
    many = {"custom_fields": 250}  # noqa: RUF012 - a constant of the skeleton
    empty = {"custom_fields": 0}  # noqa: RUF012
    survives = frozenset([404])


def test_the_old_path_answers_where_the_new_one_does_not() -> None:
    account = Account()
    account.vendor.always["GET /custom_field/lead/"] = (404, {"error": "Not found."})
    assert by_id(account.read("custom_fields").records) == by_id(account.truth("custom_fields"))
    assert account.vendor.groups()["GET /custom_fields/lead/"] == 1
