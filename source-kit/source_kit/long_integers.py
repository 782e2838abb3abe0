"""Integers beyond 64 bits in a JSON text, which orjson reads as floats without a word.

Every page is searched for them, so this is on the hot path. A pattern over the whole text takes 2.6 ms for 240 kB, half
of what is done with a page; a look at all digits, made alike, 0.15 ms. One that is there also shows in every fourth
character (0.06 ms); only what looks like one in this sample is looked at in the text. Dates do not; of ids one in a
thousand, but of hexadecimal ones one in ten: texts that are full of those are not sampled.
"""

from __future__ import annotations

import re

# From -2**63 to 2**64 - 1 orjson is exact. So what it may have rounded has 20 characters, and digits behind the first.
_LONG_INTEGER = re.compile(rb"[:\[,]\s*(?:-[0-9]{19}|[0-9]{20})[0-9]*\s*[,\]}]")
_EVERY = 4
# What twenty characters leave in the sample, where digits and signs look alike.
_SAMPLED = b"0" * 5
_AS_SAMPLED = bytes.maketrans(b"-123456789", b"0000000000")
# What stands before a value; signs, too, in the search of the whole text.
_BEFORE = b":[, \t\r\n-"
_BEGUN = bytes.maketrans(b"123456789" + _BEFORE, b"0" * 9 + b":" * len(_BEFORE))
_LONG_BEGUN = b":" + b"0" * 19
# Where suspects are denser, looking at each (0.4 µs) costs more than to search the whole text. Its beginning tells
# most often.
_BYTES_A_SUSPECT, _BEGINNING = 4096, 4096


def has_long_integer(content: bytes) -> bool:
    """Whether an integer that orjson may have rounded stands in the text."""
    if _sample(content[:_BEGINNING]).count(_SAMPLED) > _BEGINNING // _BYTES_A_SUSPECT:
        return _is_found(content)
    # From the end, where a look takes half the time.
    find = _sample(content).rfind
    at, suspects = find(_SAMPLED), 0
    while at >= 0:
        first, suspects = at * _EVERY, suspects + 1
        is_dense = suspects * _BYTES_A_SUSPECT > len(content) - first + _BEGINNING
        if is_dense or content[first + 1 : first + 17].isdigit():
            return _is_found(content)
        at = find(_SAMPLED, 0, at + len(_SAMPLED) - 1)
    return False


def _sample(content: bytes) -> bytes:
    return content[::_EVERY].translate(_AS_SAMPLED)


def _is_found(content: bytes) -> bool:
    # From the end: then what stands before a value is compared first, which is rarer than digits (a third of the time).
    return content.translate(_BEGUN).rfind(_LONG_BEGUN) >= 0 and _LONG_INTEGER.search(content) is not None
