"""Records in the connector's form."""

from __future__ import annotations

from typing import Any

import pytest

from source_kustomer.records import lift, snake


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("updatedAt", "updated_at"),
        ("lastMessageUnrespondedToSinceLastDone", "last_message_unresponded_to_since_last_done"),
        ("s3DataUrl", "s3_data_url"),
        ("shopify-orders", "shopify_orders"),
        ("slaID", "sla_id"),
        ("URLPath", "url_path"),
        ("name", "name"),
        ("externalIds", "external_ids"),
    ],
)
def test_names_become_snake_case(name: str, column: str) -> None:
    assert snake(name) == column


def test_attributes_are_lifted_and_what_lies_below_stays() -> None:
    record = {
        "type": "customer",
        "id": "58228e05d4e96711004eccb7",
        "attributes": {"displayName": "Ada", "conversationCounts": {"openNow": 1}, "custom": {"orderNumberStr": "A-1"}},
        "links": {"self": "/v1/customers/58228e05d4e96711004eccb7"},
    }
    assert lift(record) == {
        "id": "58228e05d4e96711004eccb7",
        "type": "customer",
        "display_name": "Ada",
        "conversation_counts": {"openNow": 1},
        "custom": {"orderNumberStr": "A-1"},
    }


def test_relationships_become_ids() -> None:
    relationships = {
        "customer": {"links": {"self": "/v1/customers/58"}, "data": {"type": "customers", "id": "58"}},
        "queue": {"data": None},
        "shortcuts": {"data": [{"type": "shortcut", "id": "a"}, {"type": "shortcut", "id": "b"}]},
        "messages": {"links": {"self": "/v1/customers/58228e05d4e96711004eccb7/messages"}},
        "message": {"links": {"self": "/v1/messages/6641c0de5a1f2b3c4d5e6f70"}},
        "klass": {"link": {"self": "/v1/klasses/order"}, "data": {"type": "klass", "id": "k"}},
    }
    lifted = lift({"id": "x", "type": "t", "attributes": {}, "relationships": relationships})
    assert lifted == {
        "id": "x",
        "type": "t",
        "customer_id": "58",
        "queue_id": None,
        "shortcuts_ids": ["a", "b"],
        "message_id": "6641c0de5a1f2b3c4d5e6f70",
        "klass_id": "k",
    }


def test_attribute_and_relationship_of_one_name_do_not_clash() -> None:
    relationships = {"sla": {"data": {"type": "sla", "id": "s"}}, "external": {"data": {"type": "x", "id": "r"}}}
    attributes = {"sla": {"name": "Gold"}, "externalId": "e", "type": "inner"}
    lifted = lift({"id": "x", "type": "t", "attributes": attributes, "relationships": relationships})
    assert lifted == {
        "id": "x",
        "type": "t",
        "attribute_type": "inner",
        "sla": {"name": "Gold"},
        "external_id": "e",
        "sla_id": "s",
        "external_ref_id": "r",
    }


@pytest.mark.parametrize(
    ("attributes", "columns"),
    [
        ({"orderID": 1, "orderId": 2}, {"order_id": 2, "orderID": 1}),
        ({"orderId": 2, "orderID": 1}, {"order_id": 2, "orderID": 1}),
        ({"orderId": 2, "order_id": 3, "orderID": 1}, {"order_id": 3, "orderID": 1, "orderId": 2}),
        ({"order-ID": 1, "order id": 2}, {"order_id": 2, "order-ID": 1}),
        ({"id": 1, "attribute_id": 2, "Type": 3}, {"attribute_id": 1, "attribute_id_": 2, "attribute_type": 3}),
        ({"orderID": 1}, {"order_id": 1}),
    ],
)
def test_of_two_attributes_that_become_one_column_neither_vanishes(
    attributes: dict[str, Any], columns: dict[str, Any]
) -> None:
    assert lift({"id": "x", "type": "t", "attributes": attributes}) == {"id": "x", "type": "t", **columns}


def test_of_two_relationships_that_become_one_column_neither_vanishes() -> None:
    def to(key: str) -> dict[str, Any]:
        return {"data": {"type": "t", "id": key}}

    plain = {"order_item": to("a"), "order-item": to("b"), "external": to("c"), "External": to("d"), "queue": to("e")}
    lifted = lift({"id": "x", "type": "t", "attributes": {"externalId": "f"}, "relationships": plain})
    expected = {
        "id": "x",
        "type": "t",
        "external_id": "f",
        "order_item_id": "a",
        "order-item_id": "b",
        "external_ref_id": "c",
        "External_id": "d",
        "queue_id": "e",
    }
    assert lifted == expected
    turned = dict(reversed(plain.items()))
    assert lift({"id": "x", "type": "t", "attributes": {"externalId": "f"}, "relationships": turned}) == expected


@pytest.mark.parametrize(
    ("relationship", "columns"),
    [
        ({"data": [None, {"type": "shortcut", "id": "a"}, {"id": "b"}, "c"]}, {"shortcuts_ids": ["a", "b", "c"]}),
        ({"data": {"id": "a"}}, {"shortcuts_id": "a"}),
        ({"data": {"type": "shortcut"}}, {"shortcuts_id": None}),
        ({"data": "a"}, {"shortcuts_id": "a"}),
        ([None, {"id": "a"}], {"shortcuts_ids": ["a"]}),
        ("a", {"shortcuts_id": "a"}),
        (None, {}),
        ({}, {}),
        ({"links": [None]}, {}),
        ({"links": {"self": 5}}, {}),
    ],
)
def test_a_relationship_may_lack_type_or_data_or_hold_nothing(relationship: Any, columns: dict[str, Any]) -> None:
    lifted = lift({"id": "x", "type": "t", "attributes": {}, "relationships": {"shortcuts": relationship}})
    assert lifted == {"id": "x", "type": "t", **columns}


def test_what_stands_where_attributes_belong_is_kept() -> None:
    assert lift({"id": 5, "attributes": "none", "relationships": [1]}) == {
        "id": 5,
        "type": None,
        "attributes": "none",
        "relationships": [1],
    }
    assert lift({"attributes": None, "relationships": None}) == {"id": None, "type": None}


def test_what_stands_beside_the_attributes_becomes_columns_too() -> None:
    assert lift({"oddity": "row without id"}) == {"id": None, "type": None, "oddity": "row without id"}
    resource = {
        "type": "tag",
        "id": "x",
        "displayName": "beside",
        "color": "beside",
        "orgId": "beside",
        "Type": "beside",
        "attributes": {"color": "red"},
        "relationships": {"org": {"data": {"type": "org", "id": "o"}}},
        "links": {"self": "/v1/tags/x"},
        "meta": {"rev": 1},
    }
    assert lift(resource) == {
        "id": "x",
        "type": "tag",
        "color": "red",
        "org_id": "o",
        "Type": "beside",
        "display_name": "beside",
        "color_": "beside",
        "orgId": "beside",
    }
