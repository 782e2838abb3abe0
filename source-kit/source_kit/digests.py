"""What a walk knows of each row, in little memory: a digest by key.

The first rows lie in a dictionary, those behind them in four arrays, in which a page takes three times as long: in the
order of their coming, chained by the lowest bits of their keys, in 24 bytes a row and at most as many to spare. Where
these must grow, they take the rows of the dictionary, too: it needs 110 bytes a row.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from itertools import compress, islice
from typing import Any

from source_kit import memory
from source_kit.rows import USUAL_IDS

# In 8 MB, and in 0.8 MB. With more than 87,381 rows, dictionaries of this kind double their table.
MOST_IN_DICTIONARY = 84 * 1024
FIRST_SLOTS = 32 * 1024


class Digests:
    """Digests by key; both are integers of 64 bits with a sign, as `hash` gives them. Nothing is ever removed."""

    def __init__(self, most_in_dictionary: int = MOST_IN_DICTIONARY, first_slots: int = FIRST_SLOTS) -> None:
        self._most = most_in_dictionary
        self._slots = first_slots
        self._first: dict[int, int] = {}
        self._others: _Arrays | None = None

    def get(self, key: int) -> int | None:
        """The digest of a key; None for one that is unknown."""
        digest = self._first.get(key)
        return self._others.get(key) if digest is None and self._others is not None else digest

    def put(self, key: int, digest: int) -> None:
        """Keep the digest of a key, in the place of the one that it has."""
        if key in self._first:
            self._first[key] = digest
        elif not self.are_new([key], [digest]) and self._others is not None:
            self._others.put(key, digest)

    def are_new(self, keys: Sequence[int], digests: Sequence[int]) -> bool:
        """Whether all keys of a page are unknown and differ, as they nearly always do; then they are known now, with
        their digests (0.3 µs a row in the dictionary, 0.8 in arrays, of which the processor's cache has nothing)."""
        if len(set(keys)) != len(keys) or not self._first.keys().isdisjoint(keys):
            return False
        if self._others is None:
            self._first.update(zip(keys, digests, strict=True))
            if len(self._first) > self._most:
                self._others = _Arrays(self._slots)
            return True
        if not self._others.are_new(keys, digests):
            return False
        if self._first and self._others.has_grown(self._slots):
            self._others.extend(self._first.keys(), self._first.values())
            self._first = {}
        return True


class _Arrays:
    """Rows in arrays; callers know which of them are there. With room for as many rows as slots, since arrays that grow
    row by row leave holes in memory."""

    def __init__(self, slots: int) -> None:
        # Row 0 is none.
        self._end = 1
        self._keys = array("q", [0]) * slots
        self._digests = array("q", [0]) * slots
        self._index(slots)

    def has_grown(self, slots: int) -> bool:
        """Whether there are more than these slots now."""
        return len(self._heads) > slots

    def get(self, key: int) -> int | None:
        row = self._row(key)
        return self._digests[row] if row else None

    def put(self, key: int, digest: int) -> None:
        """Another digest for a key that is there."""
        self._digests[self._row(key)] = digest

    def are_new(self, keys: Sequence[int], digests: Sequence[int]) -> bool:
        """As `Digests`, for keys that differ."""
        heads, before, known, mask = self._heads, self._before, self._keys, len(self._heads) - 1
        rows = [heads[key & mask] for key in keys]
        for key, first in compress(zip(keys, rows, strict=True), rows):
            row = first
            while row:
                if known[row] == key:
                    return False
                row = before[row]
        self.extend(keys, digests)
        return True

    def _row(self, key: int) -> int:
        row = self._heads[key & (len(self._heads) - 1)]
        while row and self._keys[row] != key:
            row = self._before[row]
        return row

    def extend(self, keys: Iterable[int], digests: Iterable[int]) -> None:
        """Add rows whose keys are unknown."""
        new, slots = array("q", keys), len(self._heads)
        first, self._end = self._end, self._end + len(new)
        if self._end > slots:
            # All rows are chained anew, so the old index need not stand beside the new one.
            del self._heads, self._before
            while self._end > slots:
                slots *= 2
                # In place, with nothing to copy from beside them: what lies beyond the last row is never looked at.
                self._keys *= 2
                self._digests *= 2
            self._index(slots)
            self._chain(1, islice(self._keys, 1, first))
            # The old ones leave holes of megabytes: with a million rows a tenth of all memory.
            memory.give_back()
        self._keys[first : self._end] = new
        self._digests[first : self._end] = array("q", digests)
        self._chain(first, new)

    def _index(self, slots: int) -> None:
        """Begin an index. Of each slot it has the row that came last, of each row the one before it in its slot."""
        self._heads = array("I", [0]) * slots
        self._before = array("I", [0]) * slots

    def _chain(self, first: int, keys: Iterable[int]) -> None:
        """Put rows into the index, from this one on."""
        heads, before, mask = self._heads, self._before, len(self._heads) - 1
        for row, key in enumerate(keys, first):
            slot = key & mask
            before[row] = heads[slot]
            heads[slot] = row


def keys(records: Sequence[dict[str, Any]], digests: Sequence[int]) -> list[int]:
    """What tells rows apart: the hash of their ids, or the digest of those that have none."""
    found = [record.get("id") for record in records]
    if USUAL_IDS.issuperset(map(type, found)):
        return list(map(hash, found))
    return [hash(key) if isinstance(key, str | int) else digest for key, digest in zip(found, digests, strict=True)]
