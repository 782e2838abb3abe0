"""Messages: literal lines, and the same as what the CDK's own serialisers accept."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from airbyte_cdk.models import AirbyteMessageSerializer

from source_kit import protocol
from source_kit.json_text import UNHOLDABLE


def test_records_become_one_line_each() -> None:
    lines = protocol.RecordEncoder("leads").lines([{"id": "é"}, {"id": 2, "x": [None, 1.5]}], 1767268800000)
    assert lines.decode() == (
        '{"type":"RECORD","record":{"stream":"leads","data":{"id":"é"},"emitted_at":1767268800000}}\n'
        '{"type":"RECORD","record":{"stream":"leads","data":{"id":2,"x":[null,1.5]},"emitted_at":1767268800000}}\n'
    )


def test_the_namespace_of_the_catalog_is_kept_on_records() -> None:
    lines = protocol.RecordEncoder('le"ads', "crm").lines([{"id": 1}], 5)
    assert orjson.loads(lines) == {
        "type": "RECORD",
        "record": {"stream": 'le"ads', "namespace": "crm", "data": {"id": 1}, "emitted_at": 5},
    }


def test_no_records_are_no_bytes() -> None:
    assert protocol.RecordEncoder("leads").lines([], 5) == b""


def test_a_line_break_inside_a_record_does_not_break_the_line() -> None:
    lines = protocol.RecordEncoder("notes").lines([{"text": "a\nb\u2028c"}], 5)
    assert lines.count(b"\n") == 1
    assert orjson.loads(lines)["record"]["data"] == {"text": "a\nb\u2028c"}


def test_a_state_tells_its_stream_and_the_records_before_it() -> None:
    assert protocol.state("leads", None, {"at": "t", "__v": 1}, 7) == {
        "type": "STATE",
        "state": {
            "type": "STREAM",
            "stream": {"stream_descriptor": {"name": "leads"}, "stream_state": {"at": "t", "__v": 1}},
            "sourceStats": {"recordCount": 7.0},
        },
    }


def test_a_rate_limit_wait_is_a_running_status_with_a_reason() -> None:
    message = protocol.stream_status("leads", "crm", "RUNNING", 10, quota_reset_ms=20)
    assert message["trace"]["stream_status"] == {
        "stream_descriptor": {"name": "leads", "namespace": "crm"},
        "status": "RUNNING",
        "reasons": [{"type": "RATE_LIMITED", "rate_limited": {"quota_reset": 20}}],
    }


def test_an_error_leaves_out_what_it_does_not_know() -> None:
    assert protocol.error("It failed.", "system_error", 10) == {
        "type": "TRACE",
        "trace": {
            "type": "ERROR",
            "emitted_at": 10.0,
            "error": {"message": "It failed.", "failure_type": "system_error"},
        },
    }


@pytest.mark.parametrize(
    "message",
    [
        protocol.state("leads", "crm", {"at": "t"}, 7),
        protocol.stream_status("leads", None, "STARTED", 10),
        protocol.stream_status("leads", None, "RUNNING", 10, quota_reset_ms=20),
        protocol.error("m", "config_error", 10, internal_message="i", stack_trace="s", stream={"name": "leads"}),
        protocol.estimate("leads", "crm", 100, 10),
        protocol.control({"refresh_token": "new"}, 10),
        protocol.log("WARN", "careful"),
    ],
    ids=lambda message: str(message["type"]),
)
def test_every_message_is_understood_by_the_cdk(message: dict[str, Any]) -> None:
    loaded = AirbyteMessageSerializer.load(orjson.loads(protocol.line(message)))
    assert loaded.type.value == message["type"]


def test_keys_that_are_no_text_are_written_as_text() -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    assert protocol.line({"a": {1: moment}}) == b'{"a":{"1":"2026-01-01T00:00:00+00:00"}}\n'


def test_a_figure_for_statistics_is_a_trace() -> None:
    assert protocol.analytics("requests", "49", 1) == {
        "type": "TRACE",
        "trace": {"type": "ANALYTICS", "emitted_at": 1.0, "analytics": {"type": "requests", "value": "49"}},
    }


@pytest.mark.parametrize("count", [1, 19, 20, 21, 40, 50])
def test_a_page_has_the_same_lines_whatever_its_length(count: int) -> None:
    records = [{"id": number} for number in range(count)]
    encoder = protocol.RecordEncoder("leads")
    assert encoder.lines(records, 7) == b"".join(
        b'{"type":"RECORD","record":{"stream":"leads","data":{"id":%d},"emitted_at":7}}\n' % number
        for number in range(count)
    )


def test_a_record_that_json_cannot_hold_leaves_those_beside_it_as_they_are() -> None:
    records: list[dict[str, Any]] = [{"id": number} for number in range(45)]
    records[30] = {"id": "\ud800", "n": UNHOLDABLE}
    lines = list(map(orjson.loads, protocol.RecordEncoder("leads").lines(records, 7).splitlines()))
    assert [line["record"]["data"]["id"] for line in lines] == [*range(30), "\ufffd", *range(31, 45)]
    assert [number for number, line in enumerate(lines) if "meta" in line["record"]] == [30]


def test_later_records_of_a_page_may_be_much_longer_than_its_first() -> None:
    texts = ["", "x" * 10_000]
    lines = protocol.RecordEncoder("notes").lines([{"text": texts[number >= 20]} for number in range(60)], 7)
    assert [len(orjson.loads(line)["record"]["data"]["text"]) for line in lines.splitlines()] == [0] * 20 + [
        10_000
    ] * 40


def test_records_that_have_become_lines_are_not_held() -> None:
    records: list[dict[str, Any]] = [{"id": number} for number in range(45)]
    protocol.RecordEncoder("leads").lines(records, 7)
    assert records == []
