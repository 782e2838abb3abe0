"""What a walk knows of each row, in little memory: a digest by key, 20 bytes of numbers and 4 to 16 of index a row.

A dictionary of a million texts and numbers takes 170 MB. Here are four arrays instead: rows in the order of their
coming, chained by the lowest bits of their keys.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from itertools import compress
from typing import Any

from source_kit.rows import USUAL_IDS

FIRST_SLOTS = 64
# To chain all rows anew costs as much as to take them: so it is done seldom, at the price of slots without a row, up to
# as many slots as are small beside a process.
FEW_SLOTS, MANY_SLOTS = 32 * 1024, 512 * 1024


class Digests:
    """Digests by key; both are integers of 64 bits with a sign, as `hash` gives them. Nothing is ever removed."""

    def __init__(self) -> None:
        # Of each slot the row that came last, and of each row the one before it in its slot; 0 is none.
        self._heads = array("I", bytes(4 * FIRST_SLOTS))
        self._before = array("I", [0])
        self._keys = array("q", [0])
        self._digests = array("q", [0])

    def get(self, key: int) -> int | None:
        """The digest of a key; None for one that is unknown."""
        row = self._row(key)
        return self._digests[row] if row else None

    def put(self, key: int, digest: int) -> None:
        """Keep the digest of a key, in the place of the one that it has."""
        row = self._row(key)
        if row:
            self._digests[row] = digest
        else:
            self._append([key], [digest])

    def are_new(self, keys: Sequence[int], digests: Sequence[int]) -> bool:
        """Whether all keys of a page are unknown and differ, as they nearly always do; then they are known now, with
        their digests (0.35 µs a row)."""
        if len(set(keys)) != len(keys):
            return False
        heads, before, known, mask = self._heads, self._before, self._keys, len(self._heads) - 1
        rows = [heads[key & mask] for key in keys]
        for key, first in compress(zip(keys, rows, strict=True), rows):
            row = first
            while row:
                if known[row] == key:
                    return False
                row = before[row]
        self._append(keys, digests)
        return True

    def _row(self, key: int) -> int:
        row = self._heads[key & (len(self._heads) - 1)]
        while row and self._keys[row] != key:
            row = self._before[row]
        return row

    def _append(self, keys: Sequence[int], digests: Sequence[int]) -> None:
        self._keys.extend(array("q", keys))
        self._digests.extend(array("q", digests))
        size = len(self._heads)
        if len(self._keys) > size:
            while len(self._keys) > size:
                size *= 8 if size < FEW_SLOTS else 4 if size < MANY_SLOTS else 2
            # All rows are chained anew, so the old index need not stand beside the new one.
            del self._heads, self._before
            self._heads, self._before, keys = array("I", bytes(4 * size)), array("I", [0]), self._keys[1:]
        heads, mask, append = self._heads, size - 1, self._before.append
        for row, key in enumerate(keys, len(self._before)):
            slot = key & mask
            append(heads[slot])
            heads[slot] = row


def keys(records: Sequence[dict[str, Any]], digests: Sequence[int]) -> list[int]:
    """What tells rows apart: the hash of their ids, or the digest of those that have none."""
    found = [record.get("id") for record in records]
    if USUAL_IDS.issuperset(map(type, found)):
        return list(map(hash, found))
    return [hash(key) if isinstance(key, str | int) else digest for key, digest in zip(found, digests, strict=True)]
