"""JSON that orjson refuses, or reads wrongly: the other rows arrive untouched, and what cannot be held is declared."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
import requests_mock
from hypothesis import given
from hypothesis import strategies as st

from source_kit import json_text
from source_kit.answers import body
from source_kit.budget import RateBudget
from source_kit.client import HttpClient, Request
from source_kit.json_text import UNHOLDABLE
from source_kit.oauth import basic
from source_kit.protocol import RecordEncoder, line
from source_kit.testing import FakeClock

DEEP = b"[" * 300 + b"]" * 300
# A text that orjson refuses or rounds, and the line of the record that it becomes, `meta` included.
ODD: dict[str, tuple[bytes, bytes, list[tuple[str, str]]]] = {
    "half a pair": (rb'{"id":1,"a":"cut \ud83d"}', '{"id":1,"a":"cut \ufffd"}'.encode(), [("a", "TRUNCATED")]),
    "NaN": (b'{"id":1,"a":NaN}', b'{"id":1,"a":null}', [("a", "NULLED")]),
    "Infinity": (b'{"id":1,"a":[1,-Infinity]}', b'{"id":1,"a":[1,null]}', [("a", "NULLED")]),
    "1e400": (b'{"id":1,"a":{"b":1e400}}', b'{"id":1,"a":{"b":null}}', [("a", "NULLED")]),
    "no UTF-8": (b'{"id":1,"a":"x\xffy"}', '{"id":1,"a":"x\ufffdy"}'.encode(), [("a", "TRUNCATED")]),
    "a byte order mark": (b'\xef\xbb\xbf{"id":1,"a":"x"}', b'{"id":1,"a":"x"}', []),
    "300 levels": (b'{"id":1,"a":' + DEEP + b"}", b'{"id":1,"a":' + DEEP + b"}", []),
    "a long integer": (b'{"id":1,"a":123456789012345678901}', b'{"id":1,"a":123456789012345678901}', []),
    "a long negative one": (b'{"id":-9223372036854775809}', b'{"id":-9223372036854775809}', []),
    "a line break in a text": (b'{"id":1,"a":"x\ny"}', b'{"id":1,"a":"x\\ny"}', []),
    "5,000 digits": (b'{"id":1,"a":' + b"9" * 5000 + b"}", b'{"id":1,"a":null}', [("a", "NULLED")]),
    "both": (
        rb'{"id":1,"a":["\udc00",NaN]}',
        '{"id":1,"a":["\ufffd",null]}'.encode(),
        [("a", "NULLED"), ("a", "TRUNCATED")],
    ),
}


@pytest.mark.parametrize("kind", ODD)
def test_an_odd_value_leaves_in_its_nearest_form_and_its_row_says_so(kind: str) -> None:
    text, data, changes = ODD[kind]
    page = [json_text.loads(text), {"id": 2, "name": "whole"}]
    first, second = RecordEncoder("leads").lines(page, 7).splitlines()
    meta = [{"field": field, "change": change, "reason": "SOURCE_SERIALIZATION_ERROR"} for field, change in changes]
    told = b',"meta":{"changes":' + orjson.dumps(meta) + b"}" if meta else b""
    assert first == b'{"type":"RECORD","record":{"stream":"leads","data":' + data + b',"emitted_at":7' + told + b"}}"
    assert second == (b'{"type":"RECORD","record":{"stream":"leads","data":{"id":2,"name":"whole"},"emitted_at":7}}')


@pytest.mark.parametrize("kind", ODD)
def test_an_answer_with_an_odd_value_is_taken_at_once(kind: str) -> None:
    client = HttpClient("https://v.test/", basic("k"), RateBudget(FakeClock()), FakeClock(), headers={})
    content = b'{"data":[' + ODD[kind][0].removeprefix(b"\xef\xbb\xbf") + b"]}"
    with requests_mock.Mocker() as vendor:
        vendor.get("https://v.test/leads", content=content)
        answer = body(client.send(Request("leads", "b", accepts=lambda found: isinstance(found, dict))))
        assert vendor.call_count == 1
    assert len(answer["data"]) == 1


@pytest.mark.parametrize("text", [b"", b"<html>", b'{"a": 1', b'{"data": [1, 2', b"[" * 100_000])
def test_what_is_no_json_is_none(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"Expecting|Unterminated|nested too deeply"):
        json_text.loads(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b'{"a":18446744073709551615}', {"a": 2**64 - 1}),
        (b'{"a":"1234567890123456789012"}', {"a": "1234567890123456789012"}),
        (b'{"a":0.1234567890123456789012}', {"a": 0.1234567890123456789012}),
        (b'{"a":[1, 1e3, "\\ud83d\\ude00"]}', {"a": [1, 1000.0, "\U0001f600"]}),
        ('{"a":"ü"}'.encode("utf-16"), {"a": "ü"}),
    ],
)
def test_what_json_can_hold_is_read_exactly(text: bytes, value: Any) -> None:
    assert json_text.loads(text) == value


@pytest.mark.parametrize("cut", [b'[{"a":[{"x":1}]', b'[{"a":"b', b"[1,2", b"["])
def test_a_text_that_may_be_cut_is_looked_at_once(cut: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_text, "_tolerant", None)
    with pytest.raises(ValueError, match=r"end of data|EOF|unexpected"):
        json_text.loads(cut, may_be_cut=True)


def test_a_text_that_may_be_cut_is_read_as_any_other_where_it_is_not() -> None:
    for text in (b'[{"a":"\\ud800"}]', b'{"a":[18446744073709551616]}'):
        assert json_text.loads(text, may_be_cut=True) == json_text.loads(text)


def test_a_long_integer_between_other_digits_is_found_wherever_it_lies() -> None:
    """It is seen from the end, through a sample of every fourth character."""
    for before in range(4):
        for number in (b"-" + b"1" * 19, b"2" * 20):
            text = b"[%b" % (b" " * before) + number + b",1]"
            assert json_text.loads(text) == [int(number), 1]


def test_a_long_integer_is_found_wherever_it_stands() -> None:
    """Whatever place it has in the text, and whatever digits are before it: single ones in a row, or many at once."""
    befores = [
        filler * repeated + rest
        for filler in ("x", "7xyz", "77xy", "777x")
        for repeated in (0, 5, 6)
        for rest in ("", "7")
    ] + ["x" + "7" * digits for digits in range(16, 26)]
    for number in (-(2**63) - 1, 2**64, 10**22 + 1):
        for before in (pad * "x" + each for pad in range(5) for each in befores):
            assert json_text.loads(f'{{"{before}":{number}}}'.encode()) == {before: number}


DIGITS = st.text("0123456789", min_size=1, max_size=26)
NUMBERS = st.builds(
    lambda sign, first, rest: sign + first + rest, st.sampled_from(["", "-"]), st.sampled_from("1239"), DIGITS
)
TEXTS = st.text("0123456789-:,[ ax", max_size=60).map(lambda text: f'"{text}"')
SPACES = st.sampled_from(["", "", "", " ", "\n  ", "\t"])


@given(st.lists(st.tuples(SPACES, NUMBERS | TEXTS | st.sampled_from(["null", "0.5", "{}"]), SPACES), max_size=12))
def test_every_integer_is_read_as_json_reads_it_whatever_stands_beside_it(parts: list[tuple[str, str, str]]) -> None:
    text = "[" + ",".join(map("".join, parts)) + "]"
    found, expected = json_text.loads(text.encode()), json.loads(text)
    assert found == expected
    assert list(map(type, found)) == list(map(type, expected))


@pytest.mark.parametrize("last", [b"12345678901234567890123", b'"12345678901234567890123"', b"7"])
@pytest.mark.parametrize("number_of_texts", [3, 3000])
@pytest.mark.parametrize("plain", [b'"plain"', b'"' + b"plain " * 4000 + b'"'])
def test_texts_of_many_digits_hide_no_long_integer(last: bytes, number_of_texts: int, plain: bytes) -> None:
    """Ids with a digit at every fourth place look like long integers in a sample of the text, from its beginning on or
    behind a part without digits."""
    texts = b",".join(b'"%dQvR7tXc2LmN4pZs8Kw3"' % (10**11 + number) for number in range(number_of_texts))
    found = json_text.loads(b"[" + plain + b"," + texts + b"," + last + b"]")
    assert (len(found), repr(found[-1])) == (number_of_texts + 2, repr(json.loads(last)))


def test_every_message_can_be_written() -> None:
    assert (
        line({"type": "LOG", "log": {"message": "cut \ud83d"}})
        == '{"type":"LOG","log":{"message":"cut \ufffd"}}\n'.encode()
    )


def test_whoever_takes_records_as_objects_gets_what_the_line_says() -> None:
    record = {"id": 1, "a": UNHOLDABLE, "b": ["\ud83d"]}
    assert json_text.held(record) == {"id": 1, "a": None, "b": ["\ufffd"]}
    plain = {"id": 1}
    assert json_text.held(plain) is plain
