"""Nothing but reads and searches leaves; refusals are told apart."""

from __future__ import annotations

from typing import Any

import pytest

from source_kit.client import Request
from source_kit.errors import ConnectorFault, StreamUnavailable, TransientError
from source_kit.rules import Denied, Unavailable
from source_kit.testing import opened
from source_kustomer.source import SourceKustomer
from source_kustomer.streams import build
from unit_tests.kustomer_account import NOTHING, Account, Answer, page, row

MISSING = {"errors": [{"code": "forbidden", "message": "Missing required role", "meta": {}}]}
WRONG_POD = "Auth token associated with pod prod2 but request is being handled by prod1"


def connected(account: Account) -> Any:
    return opened(SourceKustomer(), {"api_key": "key-0123456789"}, client=account.client)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "customers"),
        ("POST", "conversations"),
        ("POST", "companies"),
        ("POST", "customers/search/"),
        ("POST", "customers/../customers"),
        ("PUT", "customers/search"),
        ("DELETE", "customers/search"),
        ("PATCH", "customers/5"),
    ],
)
def test_a_request_that_could_write_is_never_sent(method: str, path: str) -> None:
    account = Account(lambda *asked: NOTHING)
    with pytest.raises(ConnectorFault, match="it was not sent"):
        account.client.send(Request(path, "organisation", method=method, json={}))
    assert account.asked == []


@pytest.mark.parametrize("path", ["customers/search", "customers/archive/search"])
def test_searches_may_be_posted(path: str) -> None:
    account = Account(lambda *asked: NOTHING)
    account.client.send(Request(path, "search", method="POST", json={}))
    assert [(method, path) for method, path, _, _ in account.asked] == [("POST", path)]


def test_no_stream_posts_to_anything_but_a_search() -> None:
    account = Account(lambda *asked: NOTHING)
    posting = {
        stream.name: stream.path() for stream in build(account.client, account.settings) if stream.http_method == "POST"
    }
    assert set(posting.values()) == {"customers/search"}
    assert len(posting) == 7


@pytest.mark.parametrize("status", [401, 403])
def test_a_missing_role_fails_one_stream_and_names_the_permission(status: int) -> None:
    def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        return (200, {"data": {}}) if path == "users/current" else (status, MISSING)

    account = Account(server)
    tags = next(stream for stream in build(account.client, account.settings) if stream.name == "tags")
    with pytest.raises(Unavailable, match=r"Stream tags cannot be read.*org\.permission\.tag\.read"):
        account.read(tags)


def test_a_bad_key_ends_the_sync() -> None:
    account = Account(lambda *asked: (401, MISSING))
    tags = next(stream for stream in build(account.client, account.settings) if stream.name == "tags")
    with pytest.raises(Denied, match="Kustomer refused the API key"):
        account.read(tags)


@pytest.mark.parametrize(
    "body",
    [
        {"errors": [{"code": "unauthorized", "message": WRONG_POD, "meta": {}}]},
        {"errors": [{"status": "401", "code": "unauthorized", "title": "", "detail": WRONG_POD}]},
    ],
)
def test_a_key_of_another_region_gets_its_name(body: Any) -> None:
    account = Account(lambda *asked: (401, body))
    with pytest.raises(Denied, match="belongs to the region eu: set region to eu"):
        account.client.send(Request("users/current", "organisation"))


def test_an_expired_key_is_told() -> None:
    account = Account(lambda *asked: (401, {"errors": [{"message": "Expired token"}]}))
    with pytest.raises(Denied, match="has expired"):
        account.client.send(Request("users/current", "organisation"))


@pytest.mark.parametrize(
    ("name", "permission"),
    [("messages", "message"), ("kobjects", "kobject"), ("conversation_times", "conversation")],
)
def test_a_refused_search_names_the_permission_of_its_context_and_those_that_search(name: str, permission: str) -> None:
    account = Account(lambda *asked: (403, MISSING))
    stream = next(stream for stream in build(account.client, account.settings) if stream.name == name)
    with pytest.raises(Unavailable) as refusal:
        account.read(stream)
    assert refusal.value.message == (
        f"Stream {name} cannot be read: the API key lacks the permission org.permission.{permission}.read, or one that "
        "lets it search (org.permission.search.create, search.update, search_global.create or search_preview.create). "
        "Give the key a role that has it, or remove the stream from the sync."
    )


def test_a_klass_of_the_catalog_is_reported_as_not_listable_where_klasses_are_refused() -> None:
    account = Account(lambda *asked: (403, MISSING))
    streams = {stream.name: stream for stream in connected(account).streams_for(["tags", "kobject_order"])}
    with pytest.raises(StreamUnavailable, match=r"Stream kobject_order cannot .*org\.permission\.klass\.read"):
        account.read(streams["kobject_order"])


@pytest.mark.parametrize("body", [{}, None, {"data": {}}, {"data": []}, {"data": {"id": None}}, {"error": "x"}, "ok"])
def test_only_an_identity_proves_the_connection(body: Any) -> None:
    account = Account(lambda *asked: (200, body))
    with pytest.raises(TransientError, match="Reading the owner of the API key failed"):
        connected(account).probe()


def test_the_owner_of_the_key_proves_the_connection() -> None:
    account = Account(lambda *asked: (200, {"data": {"type": "user", "id": "5f0000000000000000000001"}}))
    connected(account).probe()
    assert [path for _, path, _, _ in account.asked] == ["users/current"]


def test_where_klasses_cannot_be_listed_for_now_only_their_streams_fail() -> None:
    account = Account(lambda *asked: (500, {}))
    streams = {stream.name: stream for stream in connected(account).streams_for(["tags", "kobject_order"])}
    with pytest.raises(TransientError, match="Stream kobject_order cannot be read, because its klass cannot be looked"):
        account.read(streams["kobject_order"])


def test_a_klass_of_the_catalog_that_is_not_listed_once_is_looked_for_again() -> None:
    klass = row(1, "2025-01-01T00:00:00.000Z", "klass", name="order")
    served = iter([(200, {"data": [None], "links": {}}), NOTHING, NOTHING, page(klass), NOTHING, NOTHING])
    account = Account(lambda *asked: next(served))
    names = [stream.name for stream in connected(account).streams_for(["kobject_order"])]
    assert names[-1] == "kobject_order"


@pytest.mark.parametrize(("status", "logged"), [(403, 1), (400, 1), (404, 0)])
def test_types_of_custom_attributes_that_cannot_be_read_are_told(status: int, logged: int) -> None:
    account = Account(lambda *asked: (status, MISSING))
    customers = next(stream for stream in build(account.client, account.settings) if stream.name == "customers")
    assert customers.get_json_schema()["properties"]["custom"] == {
        "type": ["null", "object"],
        "additionalProperties": True,
    }
    assert [text.partition(":")[0] for text in account.logged] == [
        "Custom attributes of customer have no types in the catalog"
    ] * logged
