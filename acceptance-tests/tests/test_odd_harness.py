"""The judge of odd reads: what is open passes, what is wrong does not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from connectors.closeio import CONNECTOR
from harness import exact_json, oddities
from harness.connector import Stream
from harness.messages import Result
from harness.read_checks import usable_instant

BIG = 123456789012345678901234567890
NULLED = {"field": "oddity", "change": "NULLED", "reason": "SOURCE_SERIALIZATION_ERROR"}


def result(data: dict[str, Any], *changes: dict[str, str]) -> Result:
    record: dict[str, Any] = {"stream": "users", "data": data, "emitted_at": 1}
    if changes:
        record["meta"] = {"changes": list(changes)}
    lines = [exact_json.dumps({"type": "RECORD", "record": record})]
    return Result(0, lines, b"", "", 1.0, Path())


def problems(true: dict[str, Any], emitted: dict[str, Any], *changes: dict[str, str]) -> list[str]:
    return oddities.differences(CONNECTOR, {"users": [true]}, result(emitted, *changes))


def test_integers_of_any_size_keep_their_digits() -> None:
    assert exact_json.loads(b'{"n":123456789012345678901234567890}') == {"n": BIG}
    assert problems({"id": "1", "oddity": BIG}, {"id": "1", "oddity": BIG}) == []
    assert len(problems({"id": "1", "oddity": BIG}, {"id": "1", "oddity": BIG + 1})) == 1


@pytest.mark.parametrize("text", [b'"\\ud83d"', b"NaN", b"[-Infinity]", b'"\xff"', b"[1234567890123456789,NaN]"])
def test_what_is_no_json_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        exact_json.loads(text)


def test_a_value_that_json_cannot_hold_is_declared_and_nothing_else_is() -> None:
    nulled: dict[str, Any] = {"id": "1", "oddity": None}
    assert problems(nulled, nulled, NULLED) == []
    assert problems(nulled, nulled) == ["users: 1 nulled values are not declared"]
    assert problems(nulled, nulled, NULLED | {"change": "TRUNCATED"}) == ["users: 1 nulled values are not declared"]
    assert problems({"id": "1"}, {"id": "1"}, NULLED) == ["users: 1 records declare changes that there are not"]


def test_two_columns_may_have_any_name_but_both_values() -> None:
    true = {"id": "1", "orderID": "odd spelling orderID 1", "orderId": "odd spelling orderId 1"}
    assert problems(true, {"id": "1", "a": true["orderId"], "b": true["orderID"]}) == []
    assert len(problems(true, {"id": "1", "order_id": true["orderId"]})) == 1


def test_an_object_without_an_id_is_not_taken_for_a_record() -> None:
    assert problems({"id": "1"}, nameless("a")) == ["users: 1 of 1 records missing: ['1']"]


def nameless(answer: str) -> dict[str, Any]:
    return {"oddity": "row without id", "oddity_of": answer}


@pytest.mark.parametrize(
    ("sent", "emitted", "said"),
    [
        (["a", "b"], ["a", "b"], []),
        (["a", "b"], ["a"], ["GET /users: 1 objects without id did not arrive"]),
        (["a"], ["a", "a"], ["users: 1 objects without id emitted more than once: ['a']"]),
        ([], [], []),
    ],
)
def test_every_object_without_an_id_arrives_once(sent: list[str], emitted: list[str], said: list[str]) -> None:
    run = [message for answer in emitted for message in result(nameless(answer)).lines]
    read = replace(result({"id": "1"}), lines=run)
    assert oddities.nameless(CONNECTOR, read, {"nameless": dict.fromkeys(sent, "GET /users")}) == said


def test_what_a_stream_asks_to_find_out_something_else_needs_not_arrive() -> None:
    status = {"stream_descriptor": {"name": "users"}, "status": "STARTED"}
    line = exact_json.dumps({"type": "TRACE", "trace": {"type": "STREAM_STATUS", "stream_status": status}})
    read, sent = replace(result({"id": "1"}), lines=[line]), {"nameless": {"a": "GET /v1/teams"}}
    asking = replace(CONNECTOR, asked_for_others={"users": ("/teams",), "leads": ("/fields",)})
    assert oddities.nameless(asking, read, sent) == []
    assert len(oddities.nameless(replace(CONNECTOR, asked_for_others={"leads": ("/teams",)}), read, sent)) == 1


@pytest.mark.parametrize(
    ("path", "streams", "problems"),
    [
        ("/opportunity/ (few fields)", ["opportunities", "comment_threads"], 0),
        ("/opportunity/ (few fields)", ["opportunities"], 1),
        ("/opportunity/", ["opportunities", "comment_threads"], 1),
        ("/status/opportunity/ (few fields)", ["opportunity_statuses", "comment_threads"], 1),
    ],
)
def test_parents_of_threads_become_no_records(path: str, streams: list[str], problems: int) -> None:
    """Their walk is another one of the same list, cut elsewhere, and asks for few fields."""
    statuses = [{"stream_descriptor": {"name": name}, "status": "STARTED"} for name in streams]
    traces = [{"type": "TRACE", "trace": {"type": "STREAM_STATUS", "stream_status": each}} for each in statuses]
    read = replace(result({"id": "1"}), lines=list(map(exact_json.dumps, traces)))
    assert len(oddities.nameless(CONNECTOR, read, {"nameless": {"a": f"GET /api/v1{path}"}})) == problems


def test_an_empty_cursor_is_null_or_absent_and_other_fields_are_not() -> None:
    stream = Stream("users", cursor="at")
    forms = [
        oddities.open_form(stream, each) for each in ({"id": "1", "at": None}, {"id": "1"}, {"id": "1", "x": None})
    ]
    assert forms == [{"id": "1"}, {"id": "1"}, {"id": "1", "x": None}]


@pytest.mark.parametrize("value", [None, "", "soon", "2025-06-30T23:59:60Z", 7, [], {}])
def test_what_is_no_time_is_no_instant(value: Any) -> None:
    assert usable_instant(value) is None
