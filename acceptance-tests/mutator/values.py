"""Odd values: of fields, times, ids and relations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Raw:
    """Text of JSON that no writer here would write. `shows` must be in the output if the row is."""

    text: bytes
    shows: str = ""


BIG = "123456789012345678901234567890"
CURSORS = (
    "date_updated", "date_created", "updated_at", "created_at", "updatedAt", "createdAt", "sent_at", "event_at",
    "deleted_at", "time", "timestamp", "eventAt",
)  # fmt: skip

NUMBERS: tuple[Any, ...] = (
    0, -1, 1.5, -0.0, 2**63 - 1, 2**64 - 1, Raw(b"18446744073709551616", "18446744073709551616"),
    Raw(BIG.encode(), BIG), Raw(b"-9223372036854775809", "-9223372036854775809"), Raw(b"1e400"), Raw(b"-1e400"),
    Raw(b"NaN"), Raw(b"Infinity"), Raw(b"-Infinity"), Raw(b"1E-400"), Raw(b"0.1000000000000000055511151231257827"),
)  # fmt: skip
TEXTS: tuple[Any, ...] = (
    "", " ", "\x00", "\u2028", "\U0001f600", "x" * 100_000, "2026-11-25", "null", "{}", Raw(b'"\\ud83d"'),
    Raw(b'"cut \\udc00 here"'), Raw(b'"\\ud83d\\ud83d"'), Raw(b'"\xff\xfe"'), Raw(b'"\xed\xa0\xbd"'), Raw(b'"\xc3"'),
)  # fmt: skip
DEEP = Raw(b"[" * 300 + b"]" * 300)
DEEP_OBJECT = Raw(b'{"a":' * 300 + b"1" + b"}" * 300)
VALUES: tuple[Any, ...] = (
    None, True, False, [], {}, [None], [{}], [[]], {"": ""}, {"id": None}, {"data": [None]}, *NUMBERS, *TEXTS,
    DEEP, DEEP_OBJECT,
)  # fmt: skip
TIMES: tuple[Any, ...] = (
    None, "", " ", "soon", 0, 1764064800, 1764064800123, 1.5, True, [], {}, [None], "2026-02-30T00:00:00Z",
    "2016-12-31T23:59:60Z", "2026-01-01T24:00:00Z", "0000-00-00T00:00:00Z", "0001-01-01T00:00:00+00:00",
    "9999-12-31T23:59:59Z", "2099-01-01T00:00:00.000Z", "2026-01-01", "2026-01-01T00:00:00", "2026-01-01T00:00:00z",
    "2026-01-01T00:00:00+05", "2026-01-01T00:00:00+0530", "2026-01-01 00:00:00 UTC", " 2026-01-01T00:00:00Z ",
    "2026-01-01T00:00:00.123456789Z", "2026-W01-1", "20260101T000000Z", "99999-01-01T00:00:00Z",
    "-0001-01-01T00:00:00Z", "2026-01-01T00:00:00-00:00", "Thu, 01 Jan 2026 00:00:00 GMT", Raw(b"1e400"),
    Raw(b"NaN"), Raw(b'"\\ud83d"'),
    Raw(BIG.encode()), "2026-01-01T00:00:00+99:99",
)  # fmt: skip
IDENTIFIERS: tuple[Any, ...] = (
    None, "", " ", 0, -1, 1.5, True, [], {}, "x" * 10_000, "a/b?c#d", "..", "\x00", {"id": "1"}, Raw(BIG.encode()),
    Raw(b"NaN"), Raw(b'"\\ud83d"'), "12345",
)  # fmt: skip
NO_OBJECTS: tuple[Any, ...] = (
    None,
    "text",
    "",
    5,
    0,
    True,
    False,
    [],
    [None],
    [{"id": "1"}],
    Raw(b"NaN"),
    Raw(b"1e400"),
)
RELATIONS: tuple[Any, ...] = (
    *NO_OBJECTS, {}, {"x": None}, {"x": []}, {"x": [None]}, {"x": "y"}, {"x": {"data": [None]}}, {"x": {"data": "y"}},
    {"x": {"data": {"id": 1}}}, {"x": {"data": {"type": "x"}}}, {"x": {"data": {"id": None, "type": None}}},
    {"x": {"data": [{"id": {}}, 5]}}, {"x": {"data": {"id": 1, "type": 7}}}, {"": {"data": {"id": "1", "type": "a"}}},
    {"x": {"data": [[]]}}, {"x": {"data": True}}, {"x": {"links": None, "meta": []}},
)  # fmt: skip
NAMES = (
    "", " ", ".", "$", "a.b", "__proto__", "\U0001f600", "x" * 300, "new_field", "id ", "_id", "ID", "Type", "custom",
    "custom.", "custom.cf_", "_ab_id", "\x00", "null", "orderID", "orderId",
)  # fmt: skip
