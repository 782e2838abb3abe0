"""The checks themselves: each finds the fault that it is there for, and finds nothing in a good read."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from harness import read_checks, spec_checks
from harness.connector import Stream
from harness.messages import Message, Result
from harness.read_checks import Read
from harness.recorded_checks import missing_columns, undeclared
from harness.secrets import leaks, secret_values
from harness.truth import covers, differences

STARTED = datetime(2024, 5, 1, tzinfo=UTC)
CATALOG = {
    "streams": [
        {
            "stream": {
                "name": "leads",
                "json_schema": {
                    "properties": {
                        "id": {"type": "string"},
                        "at": {"type": ["null", "string"]},
                        "n": {"type": "integer"},
                    }
                },
            },
            "sync_mode": "incremental",
            "cursor_field": ["at"],
            "primary_key": [["id"]],
        }
    ]
}


def status(value: str) -> Message:
    described = {"stream_descriptor": {"name": "leads"}, "status": value}
    return {"type": "TRACE", "trace": {"type": "STREAM_STATUS", "stream_status": described}}


def record(key: str, at: str, **more: Any) -> Message:
    return {
        "type": "RECORD",
        "record": {"stream": "leads", "data": {"id": key, "at": at, **more}, "emitted_at": 1714521600000},
    }


def state(at: str, count: float) -> Message:
    content = {"stream_descriptor": {"name": "leads"}, "stream_state": {"at": at, "__v": 1}}
    return {"type": "STATE", "state": {"type": "STREAM", "stream": content, "sourceStats": {"recordCount": count}}}


GOOD = [
    status("STARTED"),
    status("RUNNING"),
    record("a", "2024-01-01T00:00:00Z"),
    record("b", "2024-01-02T00:00:00Z"),
    state("2024-01-02T00:00:00Z", 2.0),
    record("c", "2024-01-03T00:00:00Z"),
    state("2024-01-03T00:00:00Z", 1.0),
    status("COMPLETE"),
]


def read_of(messages: list[Message], tail: bytes = b"") -> Read:
    lines = [orjson.dumps(message) for message in messages]
    return Read(Result(0, lines, tail, "", 1.0, Path()), CATALOG, STARTED)


def changed(index: int, change: Callable[[Message], None]) -> list[Message]:
    messages = copy.deepcopy(GOOD)
    change(messages[index])
    return messages


def replaced(index: int, *messages: Message) -> list[Message]:
    return [*GOOD[:index], *messages, *GOOD[index + 1 :]]


FAULTS = {
    "statuses_in_order": replaced(1),
    "messages_between_started_and_complete": [*GOOD, record("d", "2024-01-04T00:00:00Z")],
    "state_for_every_stream": [GOOD[0], GOOD[1], GOOD[7]],
    "every_record_is_followed_by_a_state": replaced(6),
    "record_counts_are_true": replaced(4, state("2024-01-02T00:00:00Z", 3.0)),
    "no_equal_states_in_succession": replaced(6, state("2024-01-02T00:00:00Z", 1.0)),
    "states_never_go_backwards": replaced(6, state("2024-01-01T00:00:00Z", 1.0)),
    "states_are_not_in_the_future": replaced(6, state("2024-05-02T00:00:00Z", 1.0)),
    "no_record_is_older_than_a_state_before_it": replaced(5, record("c", "2024-01-01T23:59:59Z")),
    "states_are_readable_and_versioned": changed(6, lambda m: m["state"]["stream"]["stream_state"].pop("__v")),
    "records_match_the_schema": replaced(5, record("c", "2024-01-03T00:00:00Z", n=1.0)),
    "declared_fields": replaced(5, record("c", "2024-01-03T00:00:00Z", new=1)),
    "keys_and_cursors_are_present": changed(5, lambda m: m["record"]["data"].update(id=None)),
    "emission_times_are_milliseconds": changed(5, lambda m: m["record"].update(emitted_at=1714521600)),
    "only_configured_streams": changed(5, lambda m: m["record"].update(stream="contacts")),
    "whole_lines_of_known_types": replaced(5, {"type": "OTHER"}),
    "estimates_are_per_stream": [*GOOD, {"type": "TRACE", "trace": {"type": "ESTIMATE", "estimate": {"type": "SYNC"}}}],
}


def test_a_good_read_has_no_problems() -> None:
    assert read_checks.problems_of(read_of(GOOD)) == []


def test_every_check_has_a_fault_that_it_must_find() -> None:
    assert set(FAULTS) == {check.__name__ for check in read_checks.ALL}


@pytest.mark.parametrize("name", FAULTS)
def test_the_check_finds_its_fault(name: str) -> None:
    assert getattr(read_checks, name)(read_of(FAULTS[name])) != []


def test_a_torn_last_line_is_a_problem() -> None:
    assert read_checks.whole_lines_of_known_types(read_of(GOOD, tail=b'{"type"')) == ["the last line has no newline"]


def test_cursors_are_compared_as_instants_not_as_text() -> None:
    messages = replaced(6, state("2024-01-02T01:00:00.000000+00:00", 1.0))
    assert read_checks.states_never_go_backwards(read_of(messages)) == []


@pytest.mark.parametrize(
    ("kind", "value", "fits"),
    [
        ("date", "2021-07-13", True),
        ("date", "2021-07-13T00:00:00+00:00", False),
        ("date", "2021-13-07", False),
        ("date-time", "0001-01-01T00:00:00Z", True),
        ("date-time", "2021-07-13T11:39:05.012000+00:00", True),
        ("date-time", "2021-07-13T11:39:05", False),
        ("date-time", "2021-07-13", False),
        ("date-time", None, True),
    ],
)
def test_a_value_must_have_the_format_that_is_declared(kind: str, value: Any, fits: bool) -> None:
    assert read_checks.FORMATS.conforms(value, kind) is fits


def test_undeclared_fields_are_found_where_the_parent_is_declared_in_detail() -> None:
    users = {"type": ["null", "array"], "items": {"properties": {"id": {}}}}
    schema = {"properties": {"id": {}, "users": users, "custom": {"type": ["null", "object"]}}}
    record = {"id": 1, "users": [{"id": 2}, {"id": 3, "state": "off"}], "custom": {"free": 1}, "new": None}
    assert list(undeclared(record, schema)) == ["users[].state", "new"]


def test_a_recorded_field_that_does_not_come_is_missing() -> None:
    recorded = [{"type": "call", "id": 1, "attributes": {"from": "1", "to": "2"}, "relationships": {}}]
    emitted = [{"type": "call", "id": 7, "from": "9"}, {"type": "call", "id": 8, "from": "9", "to": "9"}]
    assert missing_columns("outreach", "calls", recorded, emitted) == []
    assert missing_columns("outreach", "calls", recorded, emitted[:1]) == ["calls.to: recorded, but missing"]


def test_differences_name_what_is_missing_surplus_repeated_and_altered() -> None:
    truth = [{"id": "a", "n": 1}, {"id": "b", "n": 2}, {"id": "c", "n": 3}]
    emitted = [{"id": "b", "n": 2}, {"id": "b", "n": 2}, {"id": "c", "n": 4}, {"id": "d", "n": 5}]
    assert differences(Stream("leads"), truth, emitted) == [
        "leads: 1 of 3 records missing: ['a']",
        "leads: 1 records that the account does not hold: ['d']",
        "leads: 1 records emitted more than once: ['b']",
        "leads: 1 records differ from the account's, in ['n']: ['c']",
    ]


def test_the_newest_form_counts_where_repetitions_are_fine() -> None:
    truth = [{"id": "a", "n": 2}]
    assert covers(Stream("leads"), truth, [{"id": "a", "n": 1}, {"id": "a", "n": 2}]) == []
    assert covers(Stream("leads"), truth, [{"id": "a", "n": 2}, {"id": "a", "n": 1}]) != []


@pytest.mark.parametrize(
    "said",
    ["key api_Abc/123=", "api_Abc%2F123%3D", "YXBpX0FiYy8xMjM9", "YXBpX0FiYy8xMjM9Og==", "6170695f4162632f3132333d"],
    ids=["plain", "quoted", "base64", "basic", "hexadecimal"],
)
def test_a_secret_is_found_in_all_its_forms(said: str) -> None:
    line = orjson.dumps({"type": "LOG", "log": {"level": "INFO", "message": said}})
    assert leaks(Result(0, [line], b"", "", 1.0, Path()), {"api_Abc/123="}) == ["stdout line 1 holds a secret"]


def test_control_may_hold_secrets() -> None:
    assert leaks(Result(0, [b'{"type":"CONTROL","control":{"k":"secret1"}}'], b"", "", 1.0, Path()), {"secret1"}) == []


def test_secrets_are_taken_from_options_of_one_of_too() -> None:
    secret = {"type": "string", "airbyte_secret": True}
    schema = {
        "properties": {"key": secret, "c": {"oneOf": [{"properties": {"token": secret, "id": {"type": "string"}}}]}}
    }
    assert secret_values(schema, {"key": "secret1", "c": {"token": "secret2", "id": "public"}}) == {
        "secret1",
        "secret2",
    }


def test_a_bad_specification_is_found_out() -> None:
    spec = {
        "type": "object",
        "required": ["key"],
        "oneOf": [],
        "properties": {
            "key": {"type": ["string", "null"], "order": 1},
            "start_date": {"type": "string", "format": "date", "order": 1, "enum": ["a", "a"]},
            "nested": {"type": "object"},
            "list": {"type": "array"},
            "number": {"type": "integer", "airbyte_secret": True},
            "one": {"oneOf": [{"properties": {"kind": {"const": "a", "default": "a"}}}, {"properties": {}}]},
            "any": {"anyOf": []},
            "shown": {"type": "object", "properties": {"x": {"type": "string", "group": "g"}}, "display_type": "tabs"},
        },
    }
    silent = [check.__name__ for check in spec_checks.ALL if not check(spec)]
    assert silent == []
