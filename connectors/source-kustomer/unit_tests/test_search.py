"""Bodies of searches, pages, archive and border."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from source_kit.windows import WalkExpired, Window
from source_kustomer.search import Scope, search_body
from source_kustomer.searches import At
from source_kustomer.streams import build, klass_streams
from unit_tests.kustomer_account import NOTHING, REFUSED, Account, Answer, page, row

CUSTOMERS = Scope("customer", "customer")


def stream_of(account: Account, name: str) -> Any:
    return next(stream for stream in build(account.client, account.settings) if stream.name == name)


def bounds(body: Any) -> list[Any]:
    return [value for criterion in body["and"] for value in criterion.values()]


def test_a_window_is_inclusive_below_and_exclusive_above() -> None:
    window = Window(datetime(2026, 1, 31, 10, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC))
    assert search_body(CUSTOMERS, window, include_deleted=True) == {
        "queryContext": "customer",
        "and": [
            {"customer_updated_at": {"gte": "2026-01-31T10:00:00.000Z"}},
            {"customer_updated_at": {"lt": "2026-02-01T00:00:00.000Z"}},
        ],
        "sort": [{"customer_updated_at": "asc"}],
        "includeDeleted": True,
    }


def test_without_a_lower_bound_everything_since_1970_is_asked_for() -> None:
    body = search_body(CUSTOMERS, Window(), include_deleted=False)
    assert body["and"] == [{"customer_updated_at": {"gte": "1970-01-01T00:00:00.000Z"}}]
    assert "includeDeleted" not in body


def test_within_one_instant_the_time_of_creation_is_walked() -> None:
    instant = datetime(2026, 1, 1, tzinfo=UTC)
    body = search_body(CUSTOMERS, Window(within=instant, lower=datetime(2025, 1, 1, tzinfo=UTC)), include_deleted=True)
    assert body["and"] == [
        {"customer_updated_at": {"gte": "2026-01-01T00:00:00.000Z"}},
        {"customer_updated_at": {"lt": "2026-01-01T00:00:00.001Z"}},
        {"customer_created_at": {"gte": "2025-01-01T00:00:00.000Z"}},
    ]
    assert body["sort"] == [{"customer_created_at": "asc"}]


def test_the_page_after_the_twentieth_is_never_asked_for() -> None:
    account = Account(lambda *asked: NOTHING)
    with pytest.raises(WalkExpired):
        stream_of(account, "customers").fetch_window(Window(), At(21, 500, 10_000))
    assert account.asked == []


def test_a_refused_deep_page_ends_the_walk_not_the_stream() -> None:
    account = Account(lambda *asked: REFUSED)
    with pytest.raises(WalkExpired):
        stream_of(account, "customers").fetch_window(Window(), At(12, 500, 5_500))


def test_a_recent_start_needs_one_search() -> None:
    account = Account(lambda *asked: page(row(1, "2025-12-01T00:00:00.000Z")), start_date="2025-11-01")
    records, checkpoints = account.read(stream_of(account, "customers"))
    assert [record["id"] for record in records] == ["000000000000000000000001"]
    assert checkpoints == [{"updated_at": "2025-12-01T00:00:00.000Z"}]
    assert [(path, params) for _, path, params, _ in account.asked] == [
        ("customers/search", {"page": 1, "pageSize": 500})
    ]


def test_an_old_start_reads_archive_border_and_search_and_drops_what_is_on_both_sides() -> None:
    # It is 2026-01-01T12:00Z: two years end between 2023-12-31 and 2024-01-04.
    old = row(1, "2020-05-05T00:00:00.000Z")
    crossing = row(2, "2024-01-02T00:00:00.000Z")
    recent = row(3, "2025-01-01T00:00:00.000Z")

    def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        if method == "GET":
            return NOTHING
        archive = path == "customers/archive/search"
        low, high = bounds(body)[0]["gte"], (bounds(body)[1:] or [{"lt": "9"}])[0]["lt"]
        rows = [old, crossing] if archive else [crossing, recent]
        return page(*(each for each in rows if low <= each["attributes"]["updatedAt"] < high))

    account = Account(server)
    records, checkpoints = account.read(stream_of(account, "customers"))
    assert [record["id"][-1] for record in records] == ["1", "2", "3"]
    assert checkpoints == [{"updated_at": "2020-05-05T00:00:00.000Z"}, {"updated_at": "2025-01-01T00:00:00.000Z"}]
    assert account.asked[0][:2] == ("GET", "users/current")  # for the server's clock
    assert [(path, bounds(body)) for _, path, _, body in account.asked[1:]] == [
        (
            "customers/archive/search",
            [{"gte": "1970-01-01T00:00:00.000Z"}, {"lt": "2023-12-31T12:00:00.000Z"}],
        ),
        ("customers/search", [{"gte": "2023-12-31T12:00:00.000Z"}, {"lt": "2024-01-04T12:00:00.000Z"}]),
        ("customers/archive/search", [{"gte": "2023-12-31T12:00:00.000Z"}, {"lt": "2024-01-04T12:00:00.000Z"}]),
        ("customers/search", [{"gte": "2024-01-04T12:00:00.000Z"}, {"lt": "2026-01-01T11:55:00.000Z"}]),
        ("customers/search", [{"gte": "2026-01-01T11:55:00.000Z"}]),
    ]


def test_the_archive_can_be_left_out() -> None:
    account = Account(lambda *asked: NOTHING, include_archived=False)
    account.read(stream_of(account, "customers"))
    assert [path for _, path, _, _ in account.asked] == ["customers/search"]


def test_the_state_stays_behind_the_lag_of_the_index() -> None:
    rows = [row(number, f"2026-01-01T{time}:00.000Z") for number, time in ((1, "11:40"), (2, "11:50"), (3, "11:58"))]
    account = Account(lambda *asked: page(*rows), start_date="2025-12-01")
    records, checkpoints = account.read(stream_of(account, "customers"))
    assert [record["id"][-1] for record in records] == ["1", "2", "3"]
    assert checkpoints == [{"updated_at": "2026-01-01T11:50:00.000Z"}]


def test_companies_are_listed_where_they_cannot_be_searched() -> None:
    old, new = row(1, "2025-01-01T00:00:00.000Z"), row(2, "2025-12-30T00:00:00.000Z")

    def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        return REFUSED if method == "POST" else page(old, new)

    account = Account(server)
    records, checkpoints = account.read(stream_of(account, "companies"), {"updated_at": "2025-06-01T00:00:00.000Z"})
    assert [record["id"][-1] for record in records] == ["2"]
    assert checkpoints == [{"updated_at": "2025-12-30T00:00:00.000Z"}]
    assert account.logged == [
        "Stream companies: Kustomer does not search companies by their last change here (POST customers/search: status "
        "400, request id none): listing them instead."
    ]


def test_the_attributes_of_a_klass_may_be_called_otherwise_in_the_archive() -> None:
    def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        if method == "GET":
            return page(row(1, "2025-01-01T00:00:00.000Z", "klass", name="order", status="enabled"))
        prefix = "kobject" if path == "customers/archive/search" else "kobject_order"
        (attribute,) = body["and"][0]
        return NOTHING if attribute == f"{prefix}_updated_at" else REFUSED

    account = Account(server)
    (stream,) = klass_streams(account.client, account.settings)
    account.read(stream)
    searches = [(path, next(iter(body["and"][0]))) for method, path, _, body in account.asked if method == "POST"]
    assert searches == [
        ("customers/search", "kobject_updated_at"),
        ("customers/search", "kobject_order_updated_at"),
        ("customers/archive/search", "kobject_updated_at"),
        ("customers/search", "kobject_order_updated_at"),
        ("customers/archive/search", "kobject_updated_at"),
        ("customers/search", "kobject_order_updated_at"),
        ("customers/search", "kobject_order_updated_at"),
    ]
