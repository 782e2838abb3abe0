"""JSON as strict as the protocol wants it, and integers of any size: orjson makes floats of those beyond 64 bits."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

import orjson

_LONG_NUMBER = re.compile(rb"\d{19}")


def loads(text: bytes) -> Any:
    """The value; `ValueError` for what is no JSON, NaN and its like among it."""
    value = orjson.loads(text)  # the strict judge: bad UTF-8, halves of pairs and NaN do not pass
    return json.loads(text, parse_constant=_refuse) if _LONG_NUMBER.search(text) else value


def dumps(value: Any) -> bytes:
    """Equal for equal values, whatever the order of keys, the size of integers and the depth."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # an integer beyond 64 bits, or more than 254 levels
        return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
