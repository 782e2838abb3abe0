"""A collection whose index shows some changes late: all of them by the same time, or a share of them by up to hours.

Until then a changed record is listed as it was, a new one not at all, a deleted one still. The newest change that the
index knows counts, in whatever order they arrive.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from heapq import heappop, heappush
from typing import NamedTuple

from emulators.records import Collection, Ids, View
from emulators.templates import Shapes, Values


class Version(NamedTuple):
    """A record at one time; the first three are its row in a view."""

    created: int
    updated: int
    alive: bool
    revision: int


class LateCollection(Collection):
    """`clock` gives the vendor's time in milliseconds; `chance` picks what is late, and how late."""

    def __init__(
        self,
        name: str,
        ids: Ids,
        shapes: Shapes,
        values: Callable[[int, int, int, int], Values],
        *,
        clock: Callable[[], int],
        chance: random.Random,
    ) -> None:
        super().__init__(name, ids, shapes, values)
        self._clock, self._chance = clock, chance
        self._always_ms = self._late_ms = 0
        self._late_share = 0.0
        self._due: list[tuple[int, int, int, Version]] = []
        self._changes = 0
        self._waiting: Counter[int] = Counter()
        self._known: dict[int, tuple[int, Version]] = {}
        """What the index shows of the records that have changes waiting, and the number of that change."""

    @property
    def is_late(self) -> bool:
        """Whether the index may differ from the records."""
        return bool(self._always_ms or self._late_share or self._due)

    def set_lateness(self, always_ms: int, share: float, late_ms: int) -> None:
        """From now on the index sees each change after `always_ms`, and a share of them up to `late_ms` later."""
        self._settle()
        if not self._due:
            self._lagged = {None: self._copy(self.view())}
        self._always_ms, self._late_share, self._late_ms = always_ms, share, late_ms

    def search_view(self, kinds: frozenset[str] | None = None) -> View:
        """The records as the index shows them now."""
        self._settle()
        return self._view(self._lagged, kinds) if self.is_late else self.view(kinds)

    def _changed(self, number: int, before: tuple[int, int, bool], after: tuple[int, int, bool], now: int) -> None:
        self._apply(self._views, number, before, after)
        if not self.is_late:
            return
        revision = self.revisions.get(number, 0)
        if number not in self._known:
            self._show(number, -1, Version(*before, revision - (before[2] and after[2])))
        self._changes += 1
        self._waiting[number] += 1
        heappush(self._due, (now + self._delay(), self._changes, number, Version(*after, revision)))

    def _delay(self) -> int:
        is_late = self._late_share and self._chance.random() < self._late_share
        return self._always_ms + (int(self._chance.random() * self._late_ms) if is_late else 0)

    def _settle(self) -> None:
        """Let the index see what is due."""
        now = self._clock()
        while self._due and self._due[0][0] <= now:
            _, change, number, version = heappop(self._due)
            self._waiting[number] -= 1
            shown, known = self._known[number]
            if change > shown:  # else something newer is shown already
                self._apply(self._lagged, number, known[:3], version[:3])
                self._show(number, change, version)
            if not self._waiting[number]:
                del self._waiting[number], self._known[number], self._stale[number]

    def _show(self, number: int, change: int, version: Version) -> None:
        self._known[number] = (change, version)
        self._stale[number] = (version.updated, version.revision)
