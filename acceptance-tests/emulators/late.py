"""A search index that sees changes later than they happen, and for a share of the records much later."""

from __future__ import annotations

import random
from collections.abc import Callable
from heapq import heappop, heappush
from typing import TYPE_CHECKING

from emulators.moments import now_ms

if TYPE_CHECKING:
    from emulators.records import View

LATE_PARTS, LATE_FACTOR = 10_007, 7_919
"""Which records the index is late for is told from their numbers, spread evenly."""

Version = tuple[int, int, bool]
"""A record as an index knows it: (created, updated, whether it is there)."""
Apply = Callable[[int, Version, Version], None]


class LateIndex:
    """What a search index has not seen yet of the records of a collection."""

    def __init__(self, now: Callable[[], int] = now_ms) -> None:
        """`now` is the vendor's clock, in milliseconds."""
        self._now = now
        self.lag_ms = 0
        """A change is seen that much later."""
        self.late_ms, self.late_share = 0, 0.0
        """For that share of the records it takes so long instead."""
        self.views: dict[frozenset[str] | None, View] = {}
        """The records as the index shows them, by the kinds asked for."""
        self.stale: dict[int, tuple[int, int]] = {}
        """Of records whose last change is unseen: (updated, revision) as the index has them."""
        self._pending: list[tuple[int, int, int, Version, Version]] = []
        """A heap of unseen changes: (when it is seen, order, number, before, after)."""
        self._changes = 0
        self._due: dict[int, int] = {}
        """When the last change of a record is seen: never before an earlier one of the same record."""

    @property
    def is_behind(self) -> bool:
        """Whether the index may show something else than there is."""
        return bool(self.lag_ms or self.late_share or self._pending)

    def configure(self, lag_ms: int, late_ms: int, late_share: float, present: Callable[[], View]) -> None:
        """From now on. What is unseen stays so until it is due."""
        if (lag_ms or (late_ms and late_share)) and not self.is_behind:
            self.views = {None: present().copy()}
        self.lag_ms, self.late_ms, self.late_share = lag_ms, late_ms, late_share if late_ms else 0.0

    def is_late(self, number: int) -> bool:
        """Whether a record is one of the share."""
        return number * LATE_FACTOR % LATE_PARTS < self.late_share * LATE_PARTS

    def is_delayed(self, number: int) -> bool:
        """Whether a change of that record is not seen at once."""
        return bool(self.lag_ms) or self.is_late(number)

    def delay_ms(self, number: int) -> int:
        """How much later than it happens a change of that record is seen."""
        return self.late_ms if self.is_late(number) else self.lag_ms

    def changed(self, number: int, before: Version, after: Version, now: int) -> None:
        """A record changes; `now` is when, in milliseconds."""
        due = self._due[number] = max(now + self.delay_ms(number), self._due.get(number, 0))
        self._changes += 1
        heappush(self._pending, (due, self._changes, number, before, after))

    def settle(self, apply: Apply, revision: Callable[[int], int]) -> None:
        """See what is due; `revision` gives the present one of a record."""
        now = self._now()
        while self._pending and self._pending[0][0] <= now:
            _, _, number, before, after = heappop(self._pending)
            apply(number, before, after)
            left = sum(1 for entry in self._pending if entry[2] == number)
            if not left:
                self._due.pop(number, None)
                self.stale.pop(number, None)
            elif number in self.stale:
                self.stale[number] = (after[1], revision(number) - left)

    def waiting(self) -> int:
        """How many records it does not show as they are."""
        return len({entry[2] for entry in self._pending})


class IndexLateByChance(LateIndex):
    """Late for a share of the changes instead of the records, and for each by another time up to `late_ms`."""

    def __init__(self, chance: random.Random, now: Callable[[], int] = now_ms) -> None:
        super().__init__(now)
        self._chance = chance

    def is_delayed(self, number: int) -> bool:
        """Any change may be."""
        return bool(self.lag_ms or self.late_share)

    def delay_ms(self, number: int) -> int:
        """By chance."""
        is_late = self.late_share and self._chance.random() < self.late_share
        return self.lag_ms + (int(self._chance.random() * self.late_ms) if is_late else 0)
