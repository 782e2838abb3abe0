"""Large JSON texts, parsed in pieces, of which each is done with before the next one.

While orjson parses a text, a copy and 16 bytes a value stand beside the result: for a page of 9.5 MB that is 22 MB,
which set the peak of the whole process. In pieces it is 1 MB.

A page of 1 MB is 12 MB as objects, which no processor keeps near: to parse, change and write 500 conversations of
Kustomer took 17 ms, and takes 10 in pieces of 32 kB, whose objects are still in the cache with every step.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any
from uuid import uuid4

from source_kit import json_text

LEAST_BYTES = 2 * 1024 * 1024
PIECE_BYTES = 512 * 1024
# What stands in the place of all pieces but the last: nothing that an answer could hold.
CUT = f"cut by source-kit {uuid4()}"
_CUT_TEXT = b'"%b",' % CUT.encode()
# As a share of the text: what may be parsed in vain, up to beginnings that lie within a row.
MOST_IN_VAIN = 0.5
_SPACE, MOST_SPACE = b" \t\r\n", 64

Rows = list[Any]


def loads(content: bytes, name: str = "data") -> Any:
    """As `json_text.loads`; a large list under a name in pieces."""
    if len(content) < LEAST_BYTES:
        return json_text.loads(content)
    try:
        return in_pieces(content, name, PIECE_BYTES)
    except ValueError:
        return json_text.loads(content)


def in_pieces(content: bytes, name: str, piece_bytes: int, each: Callable[[Rows], Rows] = list) -> Any:
    """The value of a text, with what `each` makes of the rows under a name, piece by piece; or `ValueError`.

    The text is cut where a row seems to begin. What lies between two cuts must be whole values by itself, and what is
    left without them the same text with fewer values: so they were elements of this one list, wherever else such a
    beginning may stand. `ValueError` where that does not hold, or `each` raises it: then nothing is known of the text.
    """
    head = _head(name).search(content)
    if head is None:
        raise ValueError("no list of rows")
    first, beginning, rows, in_vain = head.start(1), head[1], Rows(), 0
    start, end = first, _next_row(content, beginning, first + piece_bytes)
    while end >= 0:
        piece = _parsed(content[start:end])
        if piece is not None:
            rows += each(piece)
            start, end = end, _next_row(content, beginning, end + piece_bytes)
            continue
        in_vain += end - start
        if in_vain > MOST_IN_VAIN * len(content):
            raise ValueError("no beginnings of rows")
        end = _next_row(content, beginning, end + 1)
    value = json_text.loads(b"%b%b%b" % (content[:first], _CUT_TEXT, content[start:]))
    # Of two lists under one name the second one counts.
    last = value.get(name) if isinstance(value, dict) else None
    if not isinstance(last, list) or last[:1] != [CUT]:
        raise ValueError("another list")
    value[name] = rows + each(last[1:])
    return value


@cache
def _head(name: str) -> re.Pattern[bytes]:
    """A list under a name, up to the value of its first row's id: what every row of the list begins with."""
    member = rb'\{\s*(?:"type"\s*:\s*"[^"\\]*"\s*,\s*)?"id"\s*:'
    return re.compile(rb'"%b"\s*:\s*\[\s*(%b)' % (re.escape(name.encode()), member), re.ASCII)


def _next_row(content: bytes, beginning: bytes, at: int) -> int:
    """Where the next row behind a comma seems to begin; below 0 if none does."""
    while (at := content.find(beginning, at)) >= 0:
        if content[max(0, at - MOST_SPACE) : at].rstrip(_SPACE).endswith(b","):
            break
        at += 1
    return at


def _parsed(text: bytes) -> Rows | None:
    """The rows of a text that ends with a comma; None where it ends within one."""
    try:
        rows: Rows = json_text.loads(b"[%b]" % text.rstrip(_SPACE)[:-1], may_be_cut=True)
    except ValueError:
        return None
    return rows
