"""Customers from the list, where it can filter; the search is its measure, and takes its place."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest

from source_kit.testing import SideBySide
from source_kit.timestamps import parse
from source_kit.windows import Window
from source_kit.work import Record, Start
from source_kustomer.filtered import filters
from source_kustomer.streams import build
from unit_tests.kustomer_account import REFUSED, Account, Answer, page, row, search

# The account's clock shows 2026-01-01: what is older than 2024-01-02 is in the archive.
HORIZON = "2024-01-02"
# How a list is bounded, and what stands for no bound.
BOUNDS = (("gte", ""), ("lt", "9"))


def moment(number: int) -> str:
    """One every forty minutes, from 2023-10-01 on."""
    days, slot = divmod(number, 36)
    months, day = divmod(days, 28)
    year, month = divmod(9 + months, 12)
    return f"{2023 + year}-{1 + month:02d}-{1 + day:02d}T{slot * 40 // 60:02d}:{slot * 40 % 60:02d}:00.000Z"


class Customers:
    """Searches, and a list that filters, hides what is deleted, ignores filters, or refuses them.

    `honoured`: the filters that count, if not all of them do.
    """

    def __init__(
        self, rows: list[Record], how: str = "honoured", *, reaches_archive: bool = True, honoured: str = "filter"
    ) -> None:
        self.rows, self.how, self.reaches_archive, self.honoured = rows, how, reaches_archive, honoured
        self.deepest = 100

    def __call__(self, method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        if method == "GET":
            return self._list(params) if path == "customers" else (404, {})
        is_archive = "archive" in path
        return search(
            [one for one in self.rows if (one["attributes"]["updatedAt"] < HORIZON) == is_archive], params, body
        )

    def _list(self, params: dict[str, Any]) -> Answer:
        if self.how == "refused" or params.get("page", 1) > self.deepest:
            return REFUSED
        found = self.rows
        if self.how != "ignored":
            found = self._filtered(params)
            name = str(params["sort"]).removeprefix("-")
            found.sort(key=lambda one: one["attributes"][name], reverse=str(params["sort"]).startswith("-"))
        end = params.get("page", 1) * params["pageSize"]
        part = found[end - params["pageSize"] : end]
        link = f"/v1/customers?page={params.get('page', 1) + 1}&pageSize={params['pageSize']}"
        links = {"self": "", "next": link if end < len(found) else None}
        return 200, {"data": part, "links": links, "meta": {"total": len(found)}}

    def _filtered(self, params: dict[str, Any]) -> list[Record]:
        found = self.rows
        if self.how == "hiding":
            found = [one for one in found if not one["attributes"].get("deleted")]
        if not self.reaches_archive:
            found = [one for one in found if one["attributes"]["updatedAt"] >= HORIZON]
        params = {name: value for name, value in params.items() if self.honoured in name}
        for name in ("createdAt", "updatedAt"):
            first, end = (params.get(f"filter[{name}][{bound}]", default) for bound, default in BOUNDS)
            found = [one for one in found if first <= one["attributes"][name] < end]
        return found


def read(account: Account, *, seed: int = 1) -> SideBySide:
    """All windows side by side."""
    stream = next(each for each in build(account.client, account.settings) if each.name == "customers")
    return SideBySide(stream.work(Start(incremental=True)), random.Random(seed).choice).run()


def ids(found: SideBySide) -> Counter[int]:
    assert found.error is None
    return Counter(int(record["id"], 16) for one in found.arrived for record in one.records)


def asked(account: Account) -> Counter[str]:
    return Counter(path for method, path, _, _ in account.asked)


ROWS = [row(number, moment(number)) for number in range(7_000)]
ALL = Counter(range(7_000))


@pytest.mark.parametrize(
    ("how", "options"),
    [
        ("honoured", {}), ("hiding", {}), ("ignored", {}), ("refused", {}), ("honoured", {"reaches_archive": False}),
    ],
)  # fmt: skip
def test_every_customer_leaves_once_whatever_the_list_makes_of_filters(how: str, options: dict[str, Any]) -> None:
    account = Account(Customers(ROWS, how, **options), start_date="2023-01-01")
    found = read(account)
    assert ids(found) == ALL
    checkpoints = [one.checkpoint["updated_at"] for one in found.pages if one.checkpoint]
    assert checkpoints == sorted(checkpoints)
    assert checkpoints[-1] == moment(6_999)


def test_no_state_passes_a_customer_that_has_not_left() -> None:
    account = Account(Customers(ROWS), start_date="2023-01-01")
    left: set[str] = set()
    for one in read(account).pages:
        left |= {record["updated_at"] for record in one.records}
        if one.checkpoint:
            assert {moment(number) for number in range(7_000)} - left <= {
                time for time in map(moment, range(7_000)) if time >= one.checkpoint["updated_at"]
            }


def test_where_the_list_filters_most_searches_are_spared() -> None:
    rows = [row(number, moment(number)) for number in range(12_500)]
    account = Account(Customers(rows), start_date="2023-01-01")
    read(account)
    requests = asked(account)
    # A hundred rows a request, the last one of each page once more; searches only count.
    assert 12_500 / 100 < requests["customers"] < 1.2 * 12_500 / 100
    assert requests["customers/search"] + requests["customers/archive/search"] < 12_500 / 500 * 0.6


@pytest.mark.parametrize("how", ["ignored", "refused"])
def test_where_it_does_not_one_request_finds_out_and_the_search_goes_on_as_ever(how: str) -> None:
    account = Account(Customers(ROWS, how), start_date="2023-01-01")
    read(account)
    assert asked(account)["customers"] == 1


def test_a_list_that_hides_what_is_deleted_is_given_up_after_a_few_windows() -> None:
    rows = [row(number, moment(number), deleted=number % 50 == 0) for number in range(7_000)]
    account = Account(Customers(rows, "hiding"), start_date="2023-01-01")
    assert ids(read(account)) == ALL
    assert asked(account)["customers"] < 12
    assert any("going on with searches" in line for line in account.logged)


def test_customers_of_one_instant_are_told_apart_by_their_creation_and_those_of_both_are_paged() -> None:
    ties = [row(number, moment(2_500), createdAt=moment(number % 3)) for number in range(20_000, 23_000)]
    account = Account(Customers([*ROWS, *ties]), start_date="2023-01-01")
    assert ids(read(account)) == ALL + Counter(range(20_000, 23_000))


@pytest.mark.parametrize("honoured", ["updatedAt", "createdAt", "[gte]", "[lt]"])
def test_where_only_some_filters_are_honoured_every_customer_leaves_once(honoured: str) -> None:
    ties = [row(number, moment(2_500), createdAt=moment(number % 3)) for number in range(20_000, 23_000)]
    account = Account(Customers([*ROWS, *ties], honoured=honoured), start_date="2023-01-01")
    assert ids(read(account)) == ALL + Counter(range(20_000, 23_000))


def test_where_the_list_ends_early_within_an_instant_its_window_is_searched() -> None:
    ties = [row(number, moment(2_500), createdAt=moment(1)) for number in range(20_000, 21_000)]
    server = Customers([*ROWS, *ties])
    server.deepest = 3
    assert ids(read(Account(server, start_date="2023-01-01"))) == ALL + Counter(range(20_000, 21_000))


def test_a_customer_that_is_edited_while_the_list_is_read_is_not_lost() -> None:
    server = Customers([*ROWS])
    account = Account(server, start_date="2023-01-01")
    count = 0

    def moving(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        nonlocal count
        count += 1
        if count in (20, 40, 60):
            moved = server.rows.pop(count * 100)
            server.rows.append(row(int(moved["id"], 16), "2026-01-01T12:00:00.500Z"))
        return server(method, path, params, body)

    account._server = moving
    found = ids(read(account))
    assert set(found) == set(ALL)


def test_a_few_customers_are_searched_and_the_list_is_not_asked() -> None:
    account = Account(Customers(ROWS[:1_500]), start_date="2023-01-01")
    assert sum(ids(read(account)).values()) == 1_500
    assert asked(account)["customers"] == 0


def test_a_list_that_breaks_down_is_replaced_by_the_search() -> None:
    server = Customers(ROWS)
    count = 0

    def failing(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        nonlocal count
        count += path == "customers"
        return (500, {}) if path == "customers" and count > 20 else server(method, path, params, body)

    assert ids(read(Account(failing, start_date="2023-01-01"))) == ALL


def test_filters_are_inclusive_below_and_exclusive_above() -> None:
    low, high = "2025-01-01T00:00:00.000Z", "2025-02-01T00:00:00.000Z"
    assert filters(Window(parse(low), parse(high))) == {
        "filter[updatedAt][gte]": low, "filter[updatedAt][lt]": high, "sort": "updatedAt",
    }  # fmt: skip
    assert filters(Window(within=parse(low), upper=parse(high), descending=True)) == {
        "filter[updatedAt][gte]": low, "filter[updatedAt][lt]": "2025-01-01T00:00:00.001Z",
        "filter[createdAt][lt]": high, "sort": "-createdAt",
    }  # fmt: skip


def test_a_list_whose_rows_lie_elsewhere_is_not_believed() -> None:
    """It gives nothing of the far future, and everything of every other window."""
    server = Customers(ROWS)

    def odd(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        if path == "customers":
            is_far = params["filter[updatedAt][gte]"].startswith("2100")
            return page() if is_far else page(*ROWS[: params["pageSize"]], total=7_000)
        return server(method, path, params, body)

    assert ids(read(Account(odd, start_date="2023-01-01"))) == ALL
