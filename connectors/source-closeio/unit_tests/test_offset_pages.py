"""One page by offset: what it begins with, what follows it, and when the rows have moved."""

from __future__ import annotations

from typing import Any

import pytest

from source_closeio.endpoints import ListEndpoint
from source_closeio.fetcher import ListFetcher
from source_kit.windows import Fetched, WalkExpired
from unit_tests.closeio_account import Account

A, B, C = ({"id": identity} for identity in "abc")


def page(
    rows: list[Any], token: tuple[int, Any] | None = None, *, has_more: bool = True
) -> tuple[Fetched, dict[str, str]]:
    """What `by_offset` makes of an answer, and the offset that it asked for."""
    account = Account()
    account.vendor.always["GET /opportunity/"] = (200, {"data": rows, "has_more": has_more})
    connection, _ = account.connection()
    fetched = ListFetcher(connection.client, ListEndpoint("opportunity/"), "opportunities").by_offset({}, token)
    return fetched, account.vendor.sent[-1].params


def test_a_page_is_followed_by_one_that_begins_with_its_last_row() -> None:
    first, _ = page([A, B])
    assert (first.records, first.token) == ([A, B], (1, "b"))
    second, asked = page([B, C], (1, "b"), has_more=False)
    assert (second.records, second.size, second.token, asked["_skip"]) == ([C], 1, None, "1")


@pytest.mark.parametrize("rows", [[C], [A, B], []])
def test_one_that_begins_with_another_row_shows_that_the_rows_moved(rows: list[Any]) -> None:
    with pytest.raises(WalkExpired):
        page(rows, (1, "b"), has_more=False)


def test_an_empty_one_that_announces_more_is_no_proof_that_they_moved() -> None:
    fetched, _ = page([], (1, "b"))
    assert (list(fetched.records), fetched.token, fetched.size) == ([], (1, "b"), 0)


def test_a_page_of_one_row_is_followed_by_the_next_row() -> None:
    assert page([A])[0].token == (1, None)
    known, _ = page([B], (1, "b"))
    assert (known.records, known.token, known.size) == ([], (2, None), 0)


def test_a_page_with_rows_that_are_no_objects_counts_them_and_proves_no_place() -> None:
    first, _ = page([A, None, B])
    assert (first.records, first.token, first.size) == ([A, B], (2, None), 3)
    second, _ = page([None, C], (1, "b"))
    assert (second.records, second.token, second.size) == ([C], (2, None), 2)


def test_rows_without_id_are_known_by_all_that_they_hold() -> None:
    nameless = {"note": "Call back"}
    first, _ = page([A, nameless])
    second, _ = page([nameless, B], first.token)
    assert second.records == [B]
