"""Collections of records that are numbered, ordered by two dates, and rendered when asked for.

A hundred thousand records are three arrays and two sorted lists of integers; nothing is serialised before it is served.
"""

from __future__ import annotations

import random
from array import array
from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Literal

from emulators.late import LateIndex, Version
from emulators.templates import Projection, Shapes, Values

Order = Literal["date_created", "date_updated"]
Ranges = dict[Order, tuple[int, int]]
"""Half-open ranges of milliseconds."""

NUMBER_BITS = 24
TIME_BITS = 42
NUMBER_MASK = (1 << NUMBER_BITS) - 1
FOREVER = (1 << TIME_BITS) - 1
CACHED_SELECTIONS = 16


def pack(first: int, second: int, number: int) -> int:
    """One integer that sorts like (first, second, number)."""
    return ((first << TIME_BITS) | second) << NUMBER_BITS | number


TAIL = "QvR7tXc2LmN4pZsK"
"""The end of every id: real ones are long and opaque."""


class Ids:
    """Ids that look like a vendor's, do not sort by age, and can be turned back into numbers."""

    MODULUS = 10**12
    FACTOR = 387_420_489_013

    def __init__(self, prefix: str, tail: str = TAIL) -> None:
        self.prefix, self.tail = prefix, tail
        self._format = f"{prefix}%012d{tail}".encode()
        self._inverse = pow(self.FACTOR, -1, self.MODULUS)

    def id(self, number: int) -> bytes:
        """The id of a record."""
        return self._format % (number * self.FACTOR % self.MODULUS)

    def number(self, text: str) -> int | None:
        """The number behind an id; None for something else."""
        digits = text.removeprefix(self.prefix).removesuffix(self.tail)
        if len(digits) != 12 or not digits.isdigit() or len(text) != len(self.prefix) + 12 + len(self.tail):
            return None
        return int(digits) * self._inverse % self.MODULUS


class View:
    """The records of some kinds (all, if `kinds` is None), in the order of either date."""

    def __init__(self, kinds: frozenset[str] | None) -> None:
        self.kinds = kinds
        self.version = 0
        self.by_updated: list[int] = []
        self.by_created: list[int] = []
        self._cache: dict[object, tuple[int, list[int]]] = {}

    def fill(self, rows: Iterable[tuple[int, int, int]]) -> None:
        """Take over rows of (number, created, updated)."""
        listed = list(rows)
        self.by_updated = sorted([pack(updated, created, number) for number, created, updated in listed])
        self.by_created = sorted([pack(created, 0, number) for number, created, _ in listed])

    def copy(self) -> View:
        """The same records in a view of their own."""
        copy = View(self.kinds)
        copy.by_updated, copy.by_created = self.by_updated.copy(), self.by_created.copy()
        return copy

    def add(self, number: int, created: int, updated: int) -> None:
        """A record appears."""
        self.version += 1
        insort(self.by_updated, pack(updated, created, number))
        insort(self.by_created, pack(created, 0, number))

    def remove(self, number: int, created: int, updated: int) -> None:
        """A record disappears."""
        self.version += 1
        rows = ((self.by_updated, pack(updated, created, number)), (self.by_created, pack(created, 0, number)))
        for keys, key in rows:
            place = bisect_left(keys, key)
            if place < len(keys) and keys[place] == key:
                del keys[place]

    def keys(self, order: Order) -> list[int]:
        """The sorted keys of either date."""
        return self.by_updated if order == "date_updated" else self.by_created

    def span(self, order: Order, low: int, high: int) -> tuple[int, int]:
        """Where the records of a range begin and end in `keys(order)`."""
        keys = self.keys(order)
        return bisect_left(keys, pack(max(0, low), 0, 0)), bisect_left(keys, pack(max(0, min(high, FOREVER)), 0, 0))

    def phantoms(self, number: int, low: int, high: int) -> int:
        """How many of so many records that only counts know are in a range of updates: all, or none.

        They share the time of the record in the middle.
        """
        if not number or not self.by_updated:
            return 0
        moment = self.by_updated[len(self.by_updated) // 2] >> (TIME_BITS + NUMBER_BITS)
        return number if low <= moment < high else 0

    def cached(self, key: object, make: Callable[[], list[int]]) -> list[int]:
        """What `make` gives, kept until a record changes."""
        known = self._cache.get(key)
        if known is not None and known[0] == self.version:
            return known[1]
        if len(self._cache) >= CACHED_SELECTIONS:
            self._cache.clear()
        made = make()
        self._cache[key] = (self.version, made)
        return made


class Collection:
    """Records of one resource. Subclasses of nothing: a vendor gives it shapes and a function for the slots' values."""

    def __init__(self, name: str, ids: Ids, shapes: Shapes, values: Callable[[int, int, int, int], Values]) -> None:
        self.name, self.ids, self.shapes = name, ids, shapes
        self._values = values
        """(number, created, updated, revision) to the values of the shapes' slots."""
        self.created = array("q")
        self.updated = array("q")
        self.revisions: dict[int, int] = {}
        self.pattern = len(shapes.shapes)
        """The shapes that the numbers cycle through."""
        self.variants: dict[int, int] = {}
        """The shapes of records that do not follow the pattern."""
        self.deleted: set[int] = set()
        self.kind_of: Callable[[int], str] = lambda number: ""
        self.index = LateIndex()
        """What searches see."""
        self._views: dict[frozenset[str] | None, View] = {}

    def __len__(self) -> int:
        return len(self.created) - len(self.deleted)

    def fill(self, times: Iterable[tuple[int, int]]) -> None:
        """Take over (created, updated) of each record."""
        for created, updated in times:
            self.created.append(created)
            self.updated.append(updated)

    def alive(self, number: int | None) -> bool:
        """Whether there is such a record."""
        return number is not None and number < len(self.created) and number not in self.deleted

    def numbers(self) -> Iterator[int]:
        """All that are alive."""
        return (number for number in range(len(self.created)) if number not in self.deleted)

    def render(self, number: int, projection: Projection, *, searched: bool = False) -> bytes:
        """A record as JSON; `searched`: as the search index knows it."""
        updated, revision = self.updated[number], self.revisions.get(number, 0)
        if searched:
            updated, revision = self.index.stale.get(number, (updated, revision))
        variant = self.variants.get(number, number % self.pattern)
        return projection.render(variant, self._values(number, self.created[number], updated, revision))

    def render_all(self, numbers: Iterable[int], projection: Projection) -> list[bytes]:
        """Many records."""
        created, updated, revisions, values = self.created, self.updated, self.revisions, self._values
        variants, pattern, compiled = self.variants, self.pattern, projection.compiled
        records = []
        for number in numbers:  # inlined `render`: this loop is most of what a page costs
            text, pick = compiled[variants.get(number, number % pattern) if variants else number % pattern]
            records.append(text % pick(values(number, created[number], updated[number], revisions.get(number, 0))))
        return records

    def view(self, kinds: frozenset[str] | None = None) -> View:
        """The present records of some kinds, in order."""
        return self._view(self._views, kinds)

    def search_view(self, kinds: frozenset[str] | None = None) -> View:
        """The same as the search index shows it: behind, and further behind for some records."""
        self.settle()
        return self._view(self.index.views, kinds) if self.index.is_behind else self.view(kinds)

    def set_lag(self, milliseconds: int, late_ms: int = 0, late_share: float = 0.0) -> None:
        """From now on the search index sees a change that much later; of a share of the records `late_ms` later."""
        self.settle()
        self.index.configure(milliseconds, late_ms, late_share, self.view)

    def settle(self) -> None:
        """Let the search index see what is due."""
        self.index.settle(
            lambda number, before, after: self._apply(self.index.views, number, before, after),
            lambda number: self.revisions.get(number, 0),
        )

    def waiting(self) -> int:
        """How many records the index does not show as they are."""
        self.settle()
        return self.index.waiting()

    def updated_as_searched(self, number: int) -> int:
        """When a record was last updated, as the search index knows it."""
        stale = self.index.stale.get(number)
        return self.updated[number] if stale is None else stale[0]

    def create(self, now: int, created: int | None = None) -> int:
        """A new record; its number."""
        number = len(self.created)
        self.created.append(now if created is None else created)
        self.updated.append(now)
        self._changed(number, (0, 0, False), (self.created[number], now, True), now)
        return number

    def update(self, number: int, now: int) -> None:
        """A record changes: next revision, `date_updated` is now."""
        before = (self.created[number], self.updated[number], True)
        if number not in self.index.stale and self.index.is_delayed(number):
            self.index.stale[number] = (self.updated[number], self.revisions.get(number, 0))
        self.updated[number] = now
        self.revisions[number] = self.revisions.get(number, 0) + 1
        self._changed(number, before, (before[0], now, True), now)

    def delete(self, number: int, now: int) -> None:
        """A record disappears."""
        row = (self.created[number], self.updated[number])
        self.deleted.add(number)
        self._changed(number, (*row, True), (*row, False), now)

    def touch(self, chance: random.Random, now: int, update: int, create: int, delete: int) -> dict[str, list[int]]:
        """Change so many records, chosen at random; their numbers."""
        made = [self.create(now) for _ in range(create)]
        fresh = set(made)
        chosen: list[int] = []
        seen: set[int] = set()
        for _ in range(50 * (update + delete)):
            number = chance.randrange(len(self.created)) if len(self.created) else 0
            if self.alive(number) and number not in seen and number not in fresh:
                seen.add(number)
                chosen.append(number)
            if len(chosen) == update + delete:
                break
        changed, gone = chosen[:update], chosen[update:]
        for number in changed:
            self.update(number, now)
        for number in gone:
            self.delete(number, now)
        return {"updated": changed, "created": made, "deleted": gone}

    def _view(self, views: dict[frozenset[str] | None, View], kinds: frozenset[str] | None) -> View:
        view = views.get(kinds)
        if view is None:
            view = views[kinds] = View(kinds)
            source: Sequence[int] | Iterator[int] = self.numbers()
            if views is self.index.views:
                source = [key & NUMBER_MASK for key in views[None].by_created]
            chosen = (number for number in source if kinds is None or self.kind_of(number) in kinds)
            view.fill((number, self.created[number], self._seen_updated(views, number)) for number in chosen)
        return view

    def _seen_updated(self, views: dict[frozenset[str] | None, View], number: int) -> int:
        return self.updated_as_searched(number) if views is self.index.views else self.updated[number]

    def _changed(self, number: int, before: Version, after: Version, now: int) -> None:
        self._apply(self._views, number, before, after)
        if self.index.is_behind:
            self.index.changed(number, before, after, now)

    def _apply(self, views: dict[frozenset[str] | None, View], number: int, before: Version, after: Version) -> None:
        kind = self.kind_of(number)
        for view in views.values():
            if view.kinds is None or kind in view.kinds:
                if before[2]:
                    view.remove(number, before[0], before[1])
                if after[2]:
                    view.add(number, after[0], after[1])
