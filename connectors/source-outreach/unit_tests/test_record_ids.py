"""The ids that exist now: the smallest requests, whatever of them Outreach refuses, and no end that is not proven."""

from __future__ import annotations

from typing import Any

import pytest
import requests_mock

from source_kit.catalog_input import ConfiguredStream
from source_kit.errors import ConfigError
from source_outreach.source import OutreachConnection
from unit_tests.outreach_account import API, connected, page, problem, sync, without_ids

PROSPECTS = f"{API}/prospects"


def ids(connection: OutreachConnection) -> list[tuple[str, int]]:
    """What a read of the stream emits."""
    assert sync(connection, ConfiguredStream("record_ids", "full_refresh")) == 0
    messages = connection.output.messages()  # type: ignore[attr-defined]  # a kept output
    rows = [message["record"]["data"] for message in messages if message["type"] == "RECORD"]
    assert {row["seen_at"] for row in rows} <= {"2026-01-01T12:00:00Z"}
    return [(row["stream"], row["id"]) for row in rows]


def bare(number: int) -> dict[str, Any]:
    return {"type": "prospect", "id": number}


def test_each_request_asks_for_a_thousand_ids_and_nothing_else(requests_mock: requests_mock.Mocker) -> None:
    rows = [bare(number) for number in range(1500)]
    requests_mock.get(PROSPECTS, [{"json": page(rows[:1000], "abc", 1500)}, {"json": page(rows[1000:])}])
    # No dates bound what exists.
    connection = connected(record_ids_of=["prospects"], start_date="2025-01-01", end_date="2025-02-01")
    assert ids(connection) == [("prospects", number) for number in range(1500)]
    first, second = (request.qs for request in requests_mock.request_history)
    assert first == {"fields[prospect]": ["id"], "sort": ["id"], "page[size]": ["1000"], "count": ["true"]}
    assert second == {**first, "count": ["false"], "page[after]": ["abc"]}


def test_a_list_that_ends_before_its_count_is_walked_again(requests_mock: requests_mock.Mocker) -> None:
    rows = [bare(number) for number in range(3)]
    short, whole = page(rows[:2], count=3), page(rows, count=3)
    requests_mock.get(PROSPECTS, [{"json": short}, {"json": short}, {"json": whole}])
    assert ids(connected(record_ids_of="prospects")) == [("prospects", 0), ("prospects", 1), ("prospects", 2)]


@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize(
    ("refused", "kept", "requests", "warnings"),
    [
        ({"fields[prospect]": "id"}, {"fields[prospect]": ["updatedat"], "sort": ["id"]}, 2, 0),
        ({"sort": "id"}, {"fields[prospect]": ["id"]}, 4, 1),
        ({"fields[prospect]": "", "sort": "id"}, {}, 6, 1),
    ],
)
def test_what_outreach_refuses_is_left_out(
    requests_mock: requests_mock.Mocker,
    status: int,
    refused: dict[str, str],
    kept: dict[str, list[str]],
    requests: int,
    warnings: int,
) -> None:
    def answer(request: Any, context: Any) -> dict[str, Any]:
        for name, value in refused.items():
            if name in request.qs and value in ("", request.qs[name][0]):
                context.status_code = status
                return problem("invalid", name)
        return page([bare(1)])

    requests_mock.get(PROSPECTS, json=answer)
    connection = connected(record_ids_of=["prospects"])
    assert ids(connection) == [("prospects", 1)]
    assert len(requests_mock.request_history) == requests
    assert requests_mock.last_request.qs == {"page[size]": ["1000"], "count": ["true"], **kept}  # type: ignore[union-attr]
    logs = connection.output.logs()  # type: ignore[attr-defined]  # a kept output
    assert len([line for line in logs if "refused to list ids alone" in line]) == warnings


def test_a_stream_that_cannot_be_listed_fails_the_whole_for_an_anti_join_would_delete_its_rows(
    requests_mock: requests_mock.Mocker,
) -> None:
    requests_mock.get(PROSPECTS, status_code=403, json=problem("unauthorizedOauthScope", "'prospects.read'"))
    requests_mock.get(f"{API}/users", json=page([bare(1)]))
    connection = connected(record_ids_of=["users", "prospects"])
    assert sync(connection, ConfiguredStream("record_ids", "full_refresh")) == 1
    errors = [m["trace"]["error"] for m in connection.output.messages() if m.get("trace", {}).get("type") == "ERROR"]  # type: ignore[attr-defined]
    assert errors[0]["message"].startswith(
        "Reading stream record_ids (prospects) failed: the authorisation lacks the scope prospects.read."
    )


def test_it_is_in_the_catalog_only_where_streams_are_named(requests_mock: requests_mock.Mocker) -> None:
    without_ids(requests_mock)
    requests_mock.get(f"{API}/schema.json", json={"definitions": {}})
    for named in ([], ["users"]):
        connection = connected(record_ids_of=named)
        names = [stream.name for stream in connection.streams()]
        assert ("record_ids" in names) == bool(named)
    stream = connection.streams()[-1]
    assert stream.schema()["properties"]["id"] == {
        "type": "integer",
        "description": "The record's id, as in that stream.",
    }


def test_custom_objects_are_listed_too(requests_mock: requests_mock.Mocker) -> None:
    definition = {"definitions": {"n": {"type": "string"}}, "links": [{"href": "/api/v2/customObjects/myObject"}]}
    requests_mock.get(f"{API}/schema.json", json={"definitions": {"myObject": definition}})
    requests_mock.get(f"{API}/customObjects/myObject", json=page([bare(5)]))
    assert ids(connected(record_ids_of=["custom_object_my_object"])) == [("custom_object_my_object", 5)]
    assert requests_mock.last_request.qs["fields[myobject]"] == ["id"]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("named", "expected"),
    [(["users"], "integer"), (["audit_logs"], "string"), (["users", "audit_logs"], ["integer", "string"])],
)
def test_ids_have_the_type_that_they_have_in_their_stream(named: list[str], expected: Any) -> None:
    connection = connected(record_ids_of=named)
    stream = connection.streams_for(["record_ids"])[-1]
    assert stream.schema()["properties"]["id"]["type"] == expected


@pytest.mark.parametrize("name", ["prospect", "imports", "org_settings", "record_ids"])
def test_names_without_a_list_are_refused(name: str) -> None:
    connection = connected(record_ids_of=[name])
    with pytest.raises(ConfigError, match=f"record_ids_of names what has no ids to list: {name}"):
        connection.streams_for(["record_ids"])


def test_a_custom_object_that_cannot_be_looked_up_ends_the_stream_of_ids_alone(
    requests_mock: requests_mock.Mocker,
) -> None:
    requests_mock.get(f"{API}/schema.json", status_code=403, json={})
    requests_mock.get(f"{API}/stages", json=page([]))
    connection = connected(record_ids_of=["custom_object_my_object"])
    assert sync(connection, *(ConfiguredStream(name, "full_refresh") for name in ("stages", "record_ids"))) == 1
    traces = [message["trace"] for message in connection.output.messages() if message["type"] == "TRACE"]  # type: ignore[attr-defined]  # a kept output
    (error,) = [trace["error"]["message"] for trace in traces if "error" in trace]
    assert error.startswith("Stream record_ids (custom_object_my_object) cannot be read now, because Outreach did not")
    ended = [trace["stream_status"] for trace in traces if "stream_status" in trace]
    assert {each["stream_descriptor"]["name"]: each["status"] for each in ended} == {
        "stages": "COMPLETE",
        "record_ids": "INCOMPLETE",
    }
