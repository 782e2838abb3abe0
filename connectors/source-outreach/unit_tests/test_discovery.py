"""What the account adds: custom objects from its schema, labels of custom fields."""

from __future__ import annotations

from typing import Any

import pytest
import requests_mock

from source_kit.catalog_input import ConfiguredStream
from source_kit.errors import TransientError
from source_outreach.discovery import custom_object, labels_of
from unit_tests.outreach_account import API, opened, page, read, without_ids

DEFINITION: dict[str, Any] = {
    "definitions": {
        "my_name": {"filterable": True, "sortable": True, "type": "string"},
        "amount": {"filterable": True, "sortable": True, "type": "number", "format": "integer"},
        "updatedAt": {"filterable": True, "sortable": True, "type": "string", "format": "date-time"},
        "account": {"data": True, "links": True, "anyOf": [{"$ref": "#/definitions/account"}]},
        "parts": {"data": True, "links": True, "type": "array", "items": {"$ref": "#/definitions/part"}},
    },
    "links": [{"href": "/api/v2/customObjects/myObject/{:id}", "rel": "self"}],
}


def test_a_custom_object_is_a_collection_like_the_others() -> None:
    found = custom_object("myObject", DEFINITION)
    assert found is not None
    assert (found.stream, found.path, found.cursor) == (
        "custom_object_my_object",
        "customObjects/myObject",
        "updatedAt",
    )
    assert found.attributes == {"my_name": "text", "amount": "integer", "updatedAt": "date-time"}
    assert (found.one, found.many) == ({"account": ("account",)}, {"parts": ("part",)})


def test_without_a_filter_on_its_update_it_is_read_whole() -> None:
    members = {"updatedAt": {"filterable": False, "sortable": True, "type": "string", "format": "date-time"}}
    found = custom_object("myObject", {**DEFINITION, "definitions": members})
    assert found is not None
    assert found.cursor is None


def test_standard_resources_of_the_schema_are_none() -> None:
    assert custom_object("account", {"definitions": {}, "links": [{"href": "/api/v2/accounts"}]}) is None


@pytest.mark.parametrize(
    "named",
    [
        {"links": [None, "x", {"rel": "self"}, {"href": "customObjects/myObject"}]},
        {"links": [{"href": "/customObjects/myObject{?page}"}]},
        {"links": None, "$id": "https://api.outreach.io/api/v2/customObjects/myObject"},
        {"href": "/api/v2/customObjects/myObject/{:id}"},
    ],
)
def test_a_custom_object_is_known_by_any_address(named: dict[str, Any]) -> None:
    found = custom_object("myObject", {"definitions": DEFINITION["definitions"], **named})
    assert found is not None
    assert found.path == "customObjects/myObject"


@pytest.mark.parametrize("key", ["definitions", "properties"])
def test_members_may_be_nullable_and_stand_under_properties(key: str) -> None:
    members = {
        "amount": {"type": ["null", "integer"]},
        "share": {"type": ["number", "null"]},
        "closed": {"type": ["null", "string"], "format": "date"},
        "address": {"type": "string", "format": "email"},
        "nothing": {"type": ["null"]},
        "odd": True,
        "parts": {"data": True, "type": ["null", "array"], "items": {"$ref": "#/definitions/part"}},
        "owner": {"data": True, "anyOf": [None, {"$ref": "#/definitions/user"}], "items": []},
    }
    found = custom_object("myObject", {key: members, "links": DEFINITION["links"]})
    assert found is not None
    assert found.attributes == {
        "amount": "integer",
        "share": "number",
        "closed": "date",
        "address": "text",
        "nothing": "text",
    }
    properties = found.schema()["properties"]
    assert [properties[name].get("format") for name in ("closed", "address")] == [None, None]
    assert (found.one, found.many) == ({"owner": ("user",)}, {"parts": ("part",)})


def test_labels_tell_name_and_type() -> None:
    validations = {"custom1": {"type": "currency", "label": "Budget", "definition": "USD"}, "custom2": {"label": ""}}
    assert labels_of({"type": "account", "meta": {"validations": validations}}) == {"custom1": "Budget (currency)"}


def test_discover_lists_custom_objects_and_labels(requests_mock: requests_mock.Mocker) -> None:
    without_ids(requests_mock)
    requests_mock.get(f"{API}/schema.json", json={"definitions": {"myObject": DEFINITION}})
    validations = {"custom1": {"type": "inclusion", "label": "Region"}}
    requests_mock.get(f"{API}/types", json={"data": [{"type": "account", "meta": {"validations": validations}}]})
    source = opened()
    streams = {stream.name: stream for stream in source.build_streams(source.client)}
    assert len(streams) == 48
    assert streams["custom_object_my_object"].is_resumable
    assert streams["accounts"].schema()["properties"]["custom1"]["description"] == "Region (inclusion)"
    paths = [request.path.removeprefix("/api/v2") for request in requests_mock.request_history]
    assert paths == ["/imports", "", "/auditlogs", "/schema.json", "/types"]


GATEWAY = {"status_code": 502, "text": "<html>502 Bad Gateway</html>"}


def test_a_gateway_that_gives_up_once_does_not_lose_the_custom_objects(requests_mock: requests_mock.Mocker) -> None:
    without_ids(requests_mock)
    whole = {"json": {"definitions": {"myObject": DEFINITION}}}
    requests_mock.get(f"{API}/schema.json", [GATEWAY, {**GATEWAY, "status_code": 504}, whole])
    source = opened()
    assert len(source.build_streams(source.client)) == 48
    assert len(source.clock.sleeps) == 2  # type: ignore[attr-defined]  # a fake clock


@pytest.mark.parametrize("status", [500, 502, 504])
def test_a_schema_that_keeps_failing_is_an_error_and_no_catalog_without_custom_objects(
    requests_mock: requests_mock.Mocker, status: int
) -> None:
    without_ids(requests_mock)
    requests_mock.get(f"{API}/schema.json", **{**GATEWAY, "status_code": status})  # type: ignore[arg-type]  # of the mock
    source = opened()
    with pytest.raises(TransientError, match="the schema with the custom objects failed 10 times"):
        source.build_streams(source.client)


@pytest.mark.parametrize("status", [400, 403, 404, 422])
def test_a_schema_that_is_refused_leaves_the_standard_streams(requests_mock: requests_mock.Mocker, status: int) -> None:
    without_ids(requests_mock)
    requests_mock.get(f"{API}/schema.json", status_code=status, json={})
    source = opened()
    assert len(source.build_streams(source.client)) == 47
    assert any(
        "did not give the schema with the custom objects" in line
        for line in source.output.logs()  # type: ignore[attr-defined]  # a kept output
    )


def test_a_read_without_custom_objects_does_not_look_for_them(requests_mock: requests_mock.Mocker) -> None:
    requests_mock.get(f"{API}/stages", json=page([]))
    source = opened()
    assert source.sync([ConfiguredStream("stages", "incremental")], {}) == 0
    assert {request.path for request in requests_mock.request_history} == {"/api/v2/stages"}


def test_custom_objects_are_read_from_their_path(requests_mock: requests_mock.Mocker) -> None:
    without_ids(requests_mock)
    requests_mock.get(f"{API}/schema.json", json={"definitions": {"myObject": DEFINITION}})
    row = {"type": "myObject", "id": 1, "attributes": {"my_name": "x"}}
    requests_mock.get(f"{API}/customObjects/myObject", json=page([row]))
    source = opened()
    stream = next(s for s in source.build_streams(source.client) if s.name == "custom_object_my_object")
    assert read(stream) == [{"id": 1, "type": "myObject", "my_name": "x"}]
