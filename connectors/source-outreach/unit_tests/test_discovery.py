"""What the account adds: custom objects from its schema, labels of custom fields."""

from __future__ import annotations

from typing import Any

import pytest
import requests_mock

from source_kit.catalog_input import ConfiguredStream
from source_kit.errors import TransientError
from source_outreach.discovery import Account, custom_object, labels_of, stream_name
from unit_tests.outreach_account import API, connected, page, problem, read, sync, without_ids

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
    connection = connected()
    streams = {stream.name: stream for stream in connection.streams()}
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
    connection = connected()
    assert len(connection.streams()) == 48
    assert len(connection.clock.sleeps) == 2  # type: ignore[attr-defined]  # a fake clock


@pytest.mark.parametrize("status", [500, 502, 504])
def test_a_schema_that_keeps_failing_is_an_error_and_no_catalog_without_custom_objects(
    requests_mock: requests_mock.Mocker, status: int
) -> None:
    without_ids(requests_mock)
    requests_mock.get(f"{API}/schema.json", **{**GATEWAY, "status_code": status})  # type: ignore[arg-type]  # of the mock
    connection = connected()
    with pytest.raises(TransientError, match="the schema with the custom objects failed 10 times"):
        connection.streams()


@pytest.mark.parametrize("status", [400, 403, 404, 422])
def test_a_schema_that_is_refused_leaves_the_standard_streams(requests_mock: requests_mock.Mocker, status: int) -> None:
    without_ids(requests_mock)
    requests_mock.get(f"{API}/schema.json", status_code=status, json={})
    connection = connected()
    assert len(connection.streams()) == 47
    assert any(
        "did not give the schema with the custom objects" in line
        for line in connection.output.logs()  # type: ignore[attr-defined]  # a kept output
    )


@pytest.mark.parametrize("answer", [{"status_code": 403, "json": {}}, {"json": {"definitions": 7}}])
def test_a_schema_that_is_damaged_or_refused_once_is_asked_for_again(
    requests_mock: requests_mock.Mocker, answer: dict[str, Any]
) -> None:
    without_ids(requests_mock)
    requests_mock.get(f"{API}/schema.json", [answer, {"json": {"definitions": {"myObject": DEFINITION}}}])
    connection = connected()
    assert connection.streams()[-1].name == "custom_object_my_object"
    assert not [line for line in connection.output.logs() if "did not give the schema" in line]  # type: ignore[attr-defined]  # a kept output


def test_a_custom_object_of_the_catalog_that_cannot_be_looked_up_says_so_and_is_not_said_to_be_gone(
    requests_mock: requests_mock.Mocker,
) -> None:
    requests_mock.get(f"{API}/schema.json", status_code=403, json={})
    connection = connected()
    assert sync(connection, ConfiguredStream("custom_object_my_object", "incremental")) == 1
    traces = [message["trace"] for message in connection.output.messages() if message["type"] == "TRACE"]  # type: ignore[attr-defined]  # a kept output
    (error,) = [trace["error"]["message"] for trace in traces if "error" in trace]
    assert error.startswith(
        "Stream custom_object_my_object cannot be read now, because Outreach did not give the schema"
    )


def test_a_read_without_custom_objects_does_not_look_for_them(requests_mock: requests_mock.Mocker) -> None:
    requests_mock.get(f"{API}/stages", json=page([]))
    connection = connected()
    assert sync(connection, ConfiguredStream("stages", "incremental")) == 0
    assert {request.path for request in requests_mock.request_history} == {"/api/v2/stages"}


def test_custom_objects_are_read_from_their_path(requests_mock: requests_mock.Mocker) -> None:
    without_ids(requests_mock)
    requests_mock.get(f"{API}/schema.json", json={"definitions": {"myObject": DEFINITION}})
    row = {"type": "myObject", "id": 1, "attributes": {"my_name": "x"}}
    requests_mock.get(f"{API}/customObjects/myObject", json=page([row]))
    connection = connected()
    stream = next(s for s in connection.streams() if s.name == "custom_object_my_object")
    assert read(stream) == [{"id": 1, "type": "myObject", "my_name": "x"}]


@pytest.mark.parametrize(
    ("internal", "stream"),
    [
        ("myObject", "custom_object_my_object"),
        ("renewal_2026", "custom_object_renewal_2026"),
        ("my_object", "custom_object_my_object__697179"),
        ("My-Object", "custom_object_my_object__166737"),
        ("My Object", "custom_object_my_object__537057"),
        ("my%object", "custom_object_my_object__660361"),
        ("myHttpobject", "custom_object_my_httpobject"),
        ("myHTTPObject", "custom_object_my_httpobject__417084"),
        ("объект", "custom_object___944806"),
    ],
)
def test_the_stream_of_a_custom_object_follows_from_its_own_name_alone(internal: str, stream: str) -> None:
    assert stream_name(internal) == stream


def test_custom_objects_that_differ_in_punctuation_only_are_streams_of_their_own(
    requests_mock: requests_mock.Mocker,
) -> None:
    without_ids(requests_mock)
    paths = ("my%20object", "my-object", "myObject")
    found = {path: {**DEFINITION, "links": [{"href": f"/api/v2/customObjects/{path}"}]} for path in paths}
    requests_mock.get(f"{API}/schema.json", json={"definitions": {**found, "myObjectAgain": DEFINITION, "odd": [None]}})
    connection = connected()
    streams = {stream.name: stream.path() for stream in connection.streams()[47:]}
    assert streams == {
        "custom_object_my_object": "customObjects/myObject",
        "custom_object_my_object__070257": "customObjects/my-object",
        "custom_object_my_object__976715": "customObjects/my%20object",
    }


@pytest.mark.parametrize("content", [{}, {"definitions": "x"}, {"definitions": None}, []])
def test_a_schema_without_definitions_leaves_the_standard_streams_and_says_so(
    requests_mock: requests_mock.Mocker, content: Any
) -> None:
    without_ids(requests_mock)
    requests_mock.get(f"{API}/schema.json", json=content)
    connection = connected()
    assert len(connection.streams()) == 47
    logs = connection.output.logs()  # type: ignore[attr-defined]  # a kept output
    assert (
        "WARN Outreach did not give the schema with the custom objects: its answer to schema.json has no definitions."
        in logs
    )


@pytest.mark.parametrize(
    "entry", [None, "x", {"type": ["account"]}, {"type": "account", "meta": ["x"]}, {"type": "account", "meta": None}]
)
def test_odd_definitions_of_custom_fields_give_no_labels_and_no_error(
    requests_mock: requests_mock.Mocker, entry: Any
) -> None:
    validations = {"custom1": {"type": "inclusion", "label": "Region"}, "custom2": None}
    good = {"type": "prospect", "meta": {"validations": validations}}
    requests_mock.get(f"{API}/types", json={"data": [entry, good]})
    connection = connected()
    labels = Account(connection.client).labels()
    assert labels["prospect"] == {"custom1": "Region (inclusion)"}
    assert not labels.get("account")


def test_what_the_config_cannot_reach_is_not_in_the_catalog_and_says_so(requests_mock: requests_mock.Mocker) -> None:
    without_ids(requests_mock)
    requests_mock.get(f"{API}/schema.json", json={"definitions": {}})
    connection = connected()
    names = {stream.name for stream in connection.streams()}
    assert names.isdisjoint({"imports", "org_settings"})
    assert [line for line in connection.output.logs() if "left out" in line] == [  # type: ignore[attr-defined]
        "INFO Stream imports is left out: Outreach gives imports by id only. Set import_ids, or remove imports from "
        "the sync.",
        "INFO Stream org_settings is left out: Outreach gives orgSettings by id only, and none is known. Remove "
        "org_settings from the sync.",
    ]


@pytest.mark.parametrize("status", [400, 405, 422, 500])
def test_whatever_the_list_of_imports_answers_the_other_streams_are_in_the_catalog(
    requests_mock: requests_mock.Mocker, status: int
) -> None:
    without_ids(requests_mock)
    requests_mock.get(f"{API}/imports", status_code=status, json={})
    requests_mock.get(f"{API}/auditLogs", status_code=500, json={})
    requests_mock.get(f"{API}/schema.json", json={"definitions": {}})
    connection = connected()
    names = {stream.name for stream in connection.streams()}
    assert len(names) == 48
    # Where nobody knows, it stays.
    assert ("imports" in names, "org_settings" in names) == (False, True)


def test_what_the_config_reaches_is_in_the_catalog(requests_mock: requests_mock.Mocker) -> None:
    requests_mock.get(API, json={"token": {"orgGuid": "7c9e6679-7425-40de-944b-e07fc1f90ae7"}})
    requests_mock.get(f"{API}/schema.json", json={"definitions": {}})
    connection = connected(import_ids="17")
    names = {stream.name for stream in connection.streams()}
    assert {"imports", "org_settings"} <= names


def test_imports_whose_scope_is_missing_stay_in_the_catalog_like_other_streams(
    requests_mock: requests_mock.Mocker,
) -> None:
    without_ids(requests_mock)
    refusal = problem("unauthorizedOauthScope", "Your authorization lacks the scope 'imports.read'.")
    requests_mock.get(f"{API}/imports", status_code=403, json=refusal)
    requests_mock.get(f"{API}/schema.json", json={"definitions": {}})
    connection = connected()
    assert "imports" in {stream.name for stream in connection.streams()}


def test_a_catalog_of_before_that_has_imports_gets_the_reason(requests_mock: requests_mock.Mocker) -> None:
    without_ids(requests_mock)
    connection = connected()
    assert sync(connection, ConfiguredStream("imports", "full_refresh")) == 1
    errors = [m["trace"]["error"] for m in connection.output.messages() if m.get("trace", {}).get("type") == "ERROR"]  # type: ignore[attr-defined]
    assert [error["message"] for error in errors] == [
        "Outreach gives imports by id only. Set import_ids, or remove imports from the sync."
    ]
