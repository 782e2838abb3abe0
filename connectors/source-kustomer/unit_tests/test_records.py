"""Records in the connector's form."""

from __future__ import annotations

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
