"""Bodies of searches, pages, archive and border."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from source_kit.errors import TransientError
from source_kit.timestamps import milliseconds_z
from source_kit.windows import WalkExpired, Window
from source_kustomer.search import Scope, SearchAsk, search_body
from source_kustomer.search_fetcher import At
from source_kustomer.streams import klass_stream_name, klass_streams
from unit_tests.kustomer_account import NOTHING, REFUSED, Account, Answer, page, row, search, stream_of

CUSTOMERS = Scope("customer", "customer")


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
        stream_of(account, "customers").pages.page(SearchAsk(), At(21, 500, 10_000))
    assert account.asked == []


def test_a_refused_deep_page_ends_the_walk_not_the_stream() -> None:
    account = Account(lambda *asked: REFUSED)
    with pytest.raises(WalkExpired):
        stream_of(account, "customers").pages.page(SearchAsk(), At(12, 500, 5_500))


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


def test_a_search_that_timed_out_is_asked_again() -> None:
    cut = page(row(1, "2025-12-01T00:00:00.000Z"), total=2)[1]
    cut["meta"]["timed_out"] = True
    whole = page(row(1, "2025-12-01T00:00:00.000Z"), row(2, "2025-12-02T00:00:00.000Z"))
    answers = iter([(200, cut), whole])
    account = Account(lambda *asked: next(answers), start_date="2025-11-01")
    assert len(account.read(stream_of(account, "customers"))[0]) == 2


def test_a_search_that_always_times_out_ends_loudly() -> None:
    answer = {"data": [row(1, "2025-12-01T00:00:00.000Z")], "meta": {"timed_out": True, "total": 1}}
    account = Account(lambda *asked: (200, answer), start_date="2025-11-01")
    with pytest.raises(TransientError, match="Kustomer gave up its search half-way 8 times in a row"):
        account.read(stream_of(account, "customers"))
    assert len(account.asked) == 8


@pytest.mark.parametrize("total", [None, 3, "3"])
def test_a_search_goes_on_behind_an_empty_page_that_announces_more(total: Any) -> None:
    def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        if params["page"] == 1:
            return 200, {"data": [], "links": {"next": "/v1/customers/search?page=2"}, "meta": {"total": total}}
        rows = [row(number, f"2025-12-0{number}T00:00:00.000Z") for number in (1, 2, 3)]
        return 200, {"data": rows, "meta": {"total": total}}

    account = Account(server, start_date="2025-11-01")
    assert len(account.read(stream_of(account, "customers"))[0]) == 3


def test_an_empty_search_is_the_end_where_the_count_agrees_whatever_the_link_says() -> None:
    nothing = {"data": [], "links": {"next": "/v1/customers/search?page=2"}, "meta": {"total": 0}}
    account = Account(lambda *asked: (200, nothing), start_date="2025-11-01")
    assert account.read(stream_of(account, "customers")) == ([], [])
    assert len(account.asked) == 1


@pytest.mark.parametrize("meta", [None, [], "x", {"total": "many"}, {"total": -1}, {"total": True}, {"total": 1.5}])
def test_an_odd_count_is_none(meta: Any) -> None:
    answer = {"data": [row(1, "2025-12-01T00:00:00.000Z")], "links": None, "meta": meta}
    account = Account(lambda *asked: (200, answer), start_date="2025-11-01")
    assert len(account.read(stream_of(account, "customers"))[0]) == 1


@pytest.mark.parametrize("start_date", ["2025-11-01", ""])
@pytest.mark.parametrize("odd", [None, "", "soon", "2025-06-30T23:59:60Z", 5])
def test_a_record_without_a_usable_time_leaves_once_from_search_archive_and_border(odd: Any, start_date: str) -> None:
    rows = [row(1, "2025-12-01T00:00:00.000Z"), row(2, odd), {"type": "customer", "attributes": {"updatedAt": odd}}]
    account = Account(lambda method, *asked: page(*rows) if method == "POST" else NOTHING, start_date=start_date)
    stream = stream_of(account, "customers")
    records, checkpoints = account.read(stream)
    odd_ones = [record["id"] for record in records if record.get("updated_at") == odd]
    assert set(odd_ones) == {f"{2:024x}", None}
    assert checkpoints[-1] == {"updated_at": "2025-12-01T00:00:00.000Z"}
    if start_date:
        assert len(records) == 3


def test_a_search_that_is_too_heavy_is_halved() -> None:
    def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        return (504, {}) if params["pageSize"] > 125 else page(row(1, "2025-12-01T00:00:00.000Z"))

    account = Account(server, start_date="2025-11-01")
    assert len(account.read(stream_of(account, "customers"))[0]) == 1
    assert [params["pageSize"] for _, _, params, _ in account.asked] == [500, 250, 125]


def test_a_deep_page_of_a_search_that_is_too_heavy_has_the_walk_begin_anew() -> None:
    """Its number means other rows once pages are smaller."""
    account = Account(lambda *asked: (502, {}))
    pages = stream_of(account, "customers").pages
    with pytest.raises(WalkExpired):
        pages.page(SearchAsk(), At(3, 500, 1_000))
    assert [params for _, _, params, _ in account.asked] == [{"page": 3, "pageSize": 500}]
    assert pages.rows_a_page == 250


def test_pages_of_a_search_stay_at_the_size_that_their_walk_began_with() -> None:
    account = Account(lambda *asked: page(row(1, "2025-12-01T00:00:00.000Z"), following=9))
    pages = stream_of(account, "customers").pages
    pages.sizes.too_heavy(500)
    fetched = pages.page(SearchAsk())
    assert fetched.token == At(2, 250, 1)
    pages.sizes.too_heavy(250)
    assert pages.page(SearchAsk(), fetched.token).token == At(3, 250, 2)


@pytest.mark.parametrize(
    ("date", "archive_until", "searched_from"),
    [
        ("Thu, 01 Jan 2026 12:00:00 GMT", "2023-12-31T12:00:00.000Z", "2024-01-04T12:00:00.000Z"),
        ("Mon, 01 Dec 2025 12:00:00 GMT", "2023-11-30T12:00:00.000Z", "2024-01-04T12:00:00.000Z"),
        ("Sun, 01 Feb 2026 12:00:00 GMT", "2023-12-31T12:00:00.000Z", "2024-02-04T12:00:00.000Z"),
    ],
)
def test_where_the_clocks_differ_both_parts_are_searched_for_what_lies_between(
    date: str, archive_until: str, searched_from: str
) -> None:
    account = Account(lambda *asked: NOTHING)
    account.headers = {"Date": date}
    border = stream_of(account, "customers").border(None)
    assert (milliseconds_z(border.lower), milliseconds_z(border.upper)) == (archive_until, searched_from)


def test_the_open_end_begins_at_the_servers_time_where_the_clock_here_is_ahead() -> None:
    """What changes while older parts are read must be in the part that is read last."""
    account = Account(lambda *asked: NOTHING)
    account.headers = {"Date": "Thu, 01 Jan 2026 11:00:00 GMT"}
    account.read(stream_of(account, "customers"))
    assert bounds(account.asked[-1][3]) == [{"gte": "2026-01-01T10:55:00.000Z"}]


@pytest.mark.parametrize(
    ("klass", "name"),
    [
        ("order", "kobject_order"),
        ("order-item", "kobject_order_item"),
        ("order2", "kobject_order2"),
        ("order_item", "kobject_order_item__105818"),
        ("orderItem", "kobject_order_item__302765"),
        ("Order", "kobject_order__756310"),
        ("order--item", "kobject_order_item__152257"),
        ("50% off", "kobject_50_off__760375"),
        ("two words", "kobject_two_words__816378"),
        ("two  words", "kobject_two_words__666250"),
        ("注文", "kobject_klass__466587"),
    ],
)
def test_every_klass_has_a_readable_stream_of_its_own_whatever_others_are_called(klass: str, name: str) -> None:
    assert klass_stream_name(klass) == name


def test_rows_of_klasses_without_a_name_are_no_klasses() -> None:
    names = [None, 5, "", {"a": 1}, "order"]
    rows = [row(number, "2025-01-01T00:00:00.000Z", "klass", name=name) for number, name in enumerate(names)]
    account = Account(lambda *asked: page(None, *rows))  # type: ignore[arg-type]  # as an API may send it
    assert [stream.name for stream in klass_streams(account.client, account.settings)] == ["kobject_order"]
    assert account.logged == ["4 rows of klasses have no name: what is called after them is left out."]


def test_a_klass_that_came_without_its_name_once_has_its_stream() -> None:
    cut = {"type": "klass", "id": "k", "attributes": None}
    whole = row(1, "2025-01-01T00:00:00.000Z", "klass", name="order")
    served = iter([page(cut), page(), page(), page(whole), page(), page()])
    account = Account(lambda *asked: next(served))
    assert [stream.name for stream in klass_streams(account.client, account.settings)] == ["kobject_order"]
    assert account.logged == []


def test_companies_that_are_listed_leave_without_a_time_too() -> None:
    rows = [row(1, "2025-12-30T00:00:00.000Z"), row(2, "soon")]
    account = Account(lambda method, *asked: REFUSED if method == "POST" else page(*rows))
    records, checkpoints = account.read(stream_of(account, "companies"), {"updated_at": "2025-06-01T00:00:00.000Z"})
    assert [record["id"][-1] for record in records] == ["1", "2"]
    assert checkpoints == [{"updated_at": "2025-12-30T00:00:00.000Z"}]


def tied(count: int) -> list[Any]:
    """Records of one update, made at nine different times."""
    rows = [row(number, "2025-12-01T00:00:00.000Z") for number in range(count)]
    for number, each in enumerate(rows):
        each["attributes"]["createdAt"] = f"2025-0{1 + number % 9}-01T00:00:00.000Z"
    return rows


@pytest.mark.parametrize("count", [1_300, 10_700])
def test_records_of_one_update_are_read_by_the_time_of_their_creation(count: int) -> None:
    """A bulk job: more than a page, and more than Kustomer gives for one search."""
    rows = tied(count)
    account = Account(lambda method, path, params, body: search(rows, params, body), start_date="2025-11-01")
    records, checkpoints = account.read(stream_of(account, "customers"))
    assert sorted(int(record["id"], 16) for record in records) == list(range(count))
    assert checkpoints[-1] == {"updated_at": "2025-12-01T00:00:00.000Z"}
    within = [body["sort"] for *_, body in account.asked if body and len(body["and"]) > 2]
    assert {"customer_created_at": "asc"} in [each[0] for each in within]
    assert max(params["page"] for _, _, params, _ in account.asked) <= 20


def test_what_is_walked_by_the_time_of_its_creation_is_read_by_pages_within_one_instant() -> None:
    rows = [row(number, "2025-12-01T00:00:00.000Z", "conversation_time") for number in range(700)]
    account = Account(lambda method, path, params, body: search(rows, params, body), start_date="2025-11-01")
    records, _ = account.read(stream_of(account, "conversation_times"))
    assert sorted(int(record["id"], 16) for record in records) == list(range(700))


def test_a_search_that_was_refused_while_another_found_the_right_names_is_asked_anew_with_those() -> None:
    """Two workers search side by side; the first has learned the names of the klass when the second is refused."""
    stream: Any = None
    searches: list[str] = []

    def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        if method == "GET":
            return page(row(1, "2025-01-01T00:00:00.000Z", "klass", name="order", status="enabled"))
        (attribute,) = body["and"][0]
        searches.append(attribute)
        if len(searches) == 1:
            stream.pages.page(SearchAsk(limit=1))  # the other worker comes to its end first
        return page(row(7, "2025-12-01T00:00:00.000Z")) if attribute == "kobject_order_updated_at" else REFUSED

    account = Account(server)
    (stream,) = klass_streams(account.client, account.settings)
    assert [record["id"][-1] for record in stream.pages.page(SearchAsk()).records] == ["7"]
    assert searches == [
        "kobject_updated_at",
        "kobject_updated_at",
        "kobject_order_updated_at",
        "kobject_order_updated_at",
    ]
