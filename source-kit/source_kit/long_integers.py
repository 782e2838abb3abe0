"""Integers beyond 64 bits in a JSON text, which orjson reads as floats without a word.

Every page is searched for them, so this is on the hot path. A pattern over the whole text takes 2.6 ms for 240 kB, half
of what is done with a page. But one that is there shows in every fourth character, which are compared in 0.07 ms; only
what looks like one in this sample is looked at in the text: dates do not, of random ids one in a thousand.
"""

from __future__ import annotations

import re

# From -2**63 to 2**64 - 1 orjson is exact. So what it may have rounded has 20 characters, and digits behind the first.
_LONG_INTEGER = re.compile(rb"[:\[,]\s*(?:-[0-9]{19}|[0-9]{20})[0-9]*\s*[,\]}]")
_DIGITS = b"0123456789"
_EVERY = 4
# What twenty characters leave in the sample, where digits and signs look alike.
_SAMPLED = b"0" * 5
_AS_SAMPLED = bytes.maketrans(b"-123456789", b"0000000000")
# What stands before a value; signs, too, in the search of the whole text.
_BEFORE = b":[, \t\r\n-"
_BEGUN = bytes.maketrans(b"123456789" + _BEFORE, b"0" * 9 + b":" * len(_BEFORE))
_LONG_BEGUN = b":" + b"0" * 19
# Where there are more of them, looking at each costs more than to search the whole text.
_FEW_SUSPECTS, _BYTES_A_SUSPECT = 64, 512


def has_long_integer(content: bytes) -> bool:
    """Whether an integer that orjson may have rounded stands in the text."""
    find = content[::_EVERY].translate(_AS_SAMPLED).find
    at, suspects = find(_SAMPLED), 0
    while at >= 0:
        first, suspects = at * _EVERY, suspects + 1
        if suspects > _FEW_SUSPECTS + first // _BYTES_A_SUSPECT:
            return _is_found(content)
        digits = content[first + 1 : first + 17]
        passed = len(digits.rstrip(_DIGITS))
        if not passed:
            # Many digits in a row; they begin at `first` or up to three places before, else they had been found there.
            if content[max(0, first - 4) : first + 1].rstrip(_DIGITS)[-1:] in _BEFORE:
                return _is_found(content)
            passed = len(digits)  # in a text, between letters or quotes
        at = find(_SAMPLED, at + (passed + _EVERY - 1) // _EVERY)
    return False


def _is_found(content: bytes) -> bool:
    return _LONG_BEGUN in content.translate(_BEGUN) and _LONG_INTEGER.search(content) is not None
