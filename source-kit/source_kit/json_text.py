"""JSON as vendors write it and as the protocol can hold it: orjson first, a tolerant reader and writer behind it.

orjson refuses what the older `json` takes: lone surrogates (JSON.stringify writes them where a text was cut inside an
emoji), NaN and Infinity, numbers like 1e400, invalid UTF-8, a byte order mark, values nested deeper than 1,024 levels
(254 to write). It also reads integers beyond 64 bits as floats without a word. The CDK falls back on `json` too.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from json import detect_encoding
from typing import Any, Final

import orjson

from source_kit.long_integers import has_long_integer

# Python refuses to read longer ones (a quadratic cost).
_MOST_DIGITS = 4300
_SURROGATE = re.compile("[\ud800-\udfff]")
REASON = "SOURCE_SERIALIZATION_ERROR"
REPLACEMENT = "\ufffd"


class _Unholdable:
    """A value that JSON has no form for (NaN, Infinity, 1e400); it leaves as null."""

    def __repr__(self) -> str:
        return "UNHOLDABLE"


UNHOLDABLE: Final = _Unholdable()


def loads(content: bytes, *, may_be_cut: bool = False) -> Any:
    """The value of a JSON text. Raises `ValueError` where it is none, whatever is tolerated.

    Integers keep their digits; what JSON cannot hold is `UNHOLDABLE`; bytes that are no UTF-8 become lone surrogates,
    as those that are escaped in the text. `may_be_cut`: a text without its end is no surprise, and not looked at twice
    (the tolerant reader takes ten times as long).
    """
    try:
        value = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        if may_be_cut and error.pos >= len(content):
            raise
        return _tolerant(content)
    return _tolerant(content) if has_long_integer(content) else value


def dumps(value: Any) -> bytes:
    """A value as JSON text, whatever `loads` may have read."""
    try:
        return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:
        text = json.dumps(_held(value, set()), ensure_ascii=False, separators=(",", ":"))
        return text.encode()


def dumps_each(values: Sequence[Any]) -> tuple[list[bytes], bool]:
    """Each value as `dumps` gives it, and whether orjson took them all: then nothing is to be declared of them, and it
    is done without a call in Python a value."""
    try:
        return list(map(orjson.dumps, values)), True
    except TypeError:
        return list(map(dumps, values)), False


def record_dumps(record: Mapping[str, Any]) -> tuple[bytes, list[dict[str, str]]]:
    """A record that orjson refused, and the `meta.changes` that declare what JSON could not hold, by column."""
    changes = []
    held = {}
    for name, value in record.items():
        found: set[str] = set()
        held[_text(name)] = _held(value, found)
        changes += [{"field": _text(name), "change": change, "reason": REASON} for change in found]
    return dumps(held), sorted(changes, key=lambda change: (change["field"], change["change"]))


def held(record: dict[str, Any]) -> dict[str, Any]:
    """The record as `record_dumps` would write it; the same object where there is nothing to change."""
    try:
        orjson.dumps(record)
    except TypeError:
        value: dict[str, Any] = _held(record, set())
        return value
    return record


def _tolerant(content: bytes) -> Any:
    text = content.decode(detect_encoding(content), "surrogateescape")
    try:
        return json.loads(
            text,
            strict=False,  # control characters inside of strings
            parse_constant=lambda name: UNHOLDABLE,
            parse_float=_float,
            parse_int=_integer,
        )
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _float(text: str) -> Any:
    value = float(text)
    return value if math.isfinite(value) else UNHOLDABLE


def _integer(text: str) -> Any:
    return int(text) if len(text) <= _MOST_DIGITS else UNHOLDABLE


def _text(text: str) -> str:
    return text if text.isascii() else _SURROGATE.sub(REPLACEMENT, text)


def _held(value: Any, changes: set[str]) -> Any:
    """The value, with null for what JSON cannot hold and U+FFFD for half a pair; `changes` gets their kinds."""
    if value is UNHOLDABLE or (isinstance(value, float) and not math.isfinite(value)):
        changes.add("NULLED")
        return None
    if isinstance(value, str):
        text = _text(value)
        if text != value:
            changes.add("TRUNCATED")
        return text
    if isinstance(value, Mapping):
        return {_text(str(name)): _held(inner, changes) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_held(inner, changes) for inner in value]
    return value
