"""What endpoints send for what is asked, and what their answers become; nothing is sent here."""

from __future__ import annotations

from typing import Any

import pytest

from source_kit.rows import Settled
from source_kit.timestamps import parse
from source_kit.windows import Window
from source_kustomer.audit import LOG
from source_kustomer.endpoints import ListAsk, ListEndpoint
from source_kustomer.filtered import CUSTOMERS
from source_kustomer.lists import DEFINITIONS, SLA_VERSIONS
from source_kustomer.search import Scope, SearchAsk, SearchEndpoint
from source_kustomer.streams import RESPONSES, WORK_ITEMS

TAGS = ListEndpoint("tags", "tags", "tag")
SEARCH = SearchEndpoint("kobjects", (Scope("kobject_order", "kobject"),), include_deleted=True)


@pytest.mark.parametrize(
    ("endpoint", "asked", "path", "params"),
    [
        (TAGS, ListAsk(), "tags", {"page": 1, "pageSize": 100}),
        (TAGS, ListAsk(page=3, size=50), "tags", {"page": 3, "pageSize": 50}),
        (TAGS, ListAsk(limit=1, size=50), "tags", {"page": 1, "pageSize": 1}),
        (TAGS, ListAsk(filters={"deleted": "true"}), "tags", {"page": 1, "pageSize": 100, "deleted": "true"}),
        (TAGS, ListAsk(query="after=a%2Bb&x=", filters={"lost": "y"}), "tags", {"after": ["a+b"], "x": [""]}),
        (LOG, ListAsk(filters={"filter[end]": "y"}), "audit-logs", {"count": 1000, "filter[end]": "y"}),
        (CUSTOMERS, ListAsk(query="page=2", filters={"sort": "x"}), "customers", {"sort": "x", "page": ["2"]}),
        (DEFINITIONS, ListAsk(parent="kobject.50% off"), "metadata/kobject.50%25%20off", {}),
        (RESPONSES, ListAsk(parent="r1", page=2), "satisfaction-responses/r1", {}),
        (WORK_ITEMS, ListAsk(parent="a/../b?c", limit=1), "routing/conversations/a%2F..%2Fb%3Fc/work-items",
         {"page": 1, "pageSize": 1}),
    ],
)  # fmt: skip
def test_a_list_is_asked_for_by_number_or_by_the_parameters_of_a_link(
    endpoint: ListEndpoint, asked: ListAsk, path: str, params: dict[str, Any]
) -> None:
    assert (endpoint.path(asked), endpoint.params(asked)) == (path, params)


@pytest.mark.parametrize(
    ("query", "size", "params"),
    [
        ("after=1&count=1000", 500, {"after": ["1"], "count": 500}),
        ("after=1&count=10", 1000, {"after": ["1"], "count": ["10"]}),
        ("after=1", 500, {"after": ["1"]}),
        ("page=2&count=1000", 500, {"page": ["2"], "count": ["1000"]}),
    ],
)
def test_only_a_link_that_is_a_cursor_takes_another_size_of_pages(
    query: str, size: int, params: dict[str, Any]
) -> None:
    assert LOG.params(ListAsk(query=query, size=size)) == params


def test_a_search_says_its_page_in_the_query_and_its_window_in_the_body() -> None:
    window = Window(parse("2026-01-31T10:00:00Z"))
    asked = SearchAsk(window=window, page=2, size=250, criteria=[{"a": {"gt": 0}}])
    assert (SEARCH.path(asked), SEARCH.params(asked)) == ("customers/search", {"page": 2, "pageSize": 250})
    assert SEARCH.json(asked) == {
        "queryContext": "kobject_order",
        "and": [{"a": {"gt": 0}}, {"kobject_updated_at": {"gte": "2026-01-31T10:00:00.000Z"}}],
        "sort": [{"kobject_updated_at": "asc"}],
        "includeDeleted": True,
    }


def test_a_search_for_the_ids_that_exist_leaves_out_what_is_deleted() -> None:
    asked = SearchAsk(is_archive=True, is_present=True, ids_only=True, scope=Scope("kobject_order", "kobject_order"))
    assert SEARCH.path(asked) == "customers/archive/search"
    assert SEARCH.params(asked) == {"page": 1, "pageSize": 500, "idsOnly": "true"}
    body = SEARCH.json(asked)
    assert "includeDeleted" not in body
    assert body["sort"] == [{"kobject_order_updated_at": "asc"}]


def test_records_are_lifted_and_their_times_get_a_zone() -> None:
    content = {"data": [{"type": "tag", "id": "t", "attributes": {"createdAt": "2025-01-01T00:00:00.000", "a": 1}}]}
    assert TAGS.records(content, ListAsk()) == [
        {"id": "t", "type": "tag", "created_at": "2025-01-01T00:00:00.000Z", "a": 1}
    ]


@pytest.mark.parametrize(
    ("data", "is_whole"),
    [({"id": "r"}, True), ({"attributes": {"rating": 1}}, True), ([], True), ({}, False), (None, False), ("x", False)],
)
def test_a_response_is_one_record_with_or_without_an_id(data: Any, is_whole: bool) -> None:
    assert RESPONSES.is_whole({"data": data}) is is_whole


def test_the_one_record_of_a_response_counts_as_a_row_though_it_has_no_id() -> None:
    content = {"data": {"attributes": {"rating": 1}}}
    assert RESPONSES.settle(content) == Settled(1)
    assert RESPONSES.records(content, ListAsk()) == [{"id": None, "type": None, "rating": 1}]


def test_what_is_no_object_beside_or_inside_the_rows_is_counted() -> None:
    slas = {"data": [{"id": "s"}], "included": [None, {"type": "sla_version", "id": "v"}]}
    assert SLA_VERSIONS.settle(slas) == Settled(1, 1)
    definitions = {"data": [{"attributes": {"properties": {"tierStr": {}, "odd": "x"}}}]}
    assert DEFINITIONS.settle(definitions) == Settled(1, 1)
    assert DEFINITIONS.records(definitions, ListAsk(parent="company")) == [
        {"id": "company.tierStr", "resource": "company", "name": "tierStr"}
    ]
