"""JSON with parts that no JSON library writes: marks in texts, which are replaced in the finished bytes."""

from __future__ import annotations

import re
from typing import Any

import orjson

DEPTH = 300
BIG = 123456789012345678901234567890
PARTS: dict[str, bytes] = {
    "surrogate": rb"\ud83d",
    "bad_utf8": b"\xff",
    "nan": b"NaN",
    "infinity": b"Infinity",
    "minus_infinity": b"-Infinity",
    "1e400": b"1e400",
    "big_integer": b"%d" % BIG,
    "deep": b"[" * DEPTH + b'"deep"' + b"]" * DEPTH,
}
_MARK = re.compile(rb'"@odd:(\w+)!@"|@odd:(\w+)@')


def value(name: str) -> str:
    """A part that stands where a value is."""
    return f"@odd:{name}!@"


def inside(name: str) -> str:
    """A part within a text."""
    return f"@odd:{name}@"


def dumps(content: Any) -> bytes:
    """`content` as bytes, its marks replaced: JSON only where the parts are."""
    return _MARK.sub(lambda mark: PARTS[(mark[1] or mark[2]).decode()], orjson.dumps(content))
