"""Searchable collections whose records stay, flagged, when they are deleted."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from emulators.kustomer import shapes
from emulators.kustomer.flat import flat
from emulators.records import Collection, Ids
from emulators.templates import Projection, Shape, Shapes, Values

Link = Callable[[int], tuple[bytes, bytes, bytes]]


class Records(Collection):
    """One of them; `link` gives what ties a record to others."""

    def __init__(self, name: str, ids: Ids, forms: list[Shape], link: Link) -> None:
        def values(number: int, created: int, updated: int, revision: int) -> Values:
            a, b, c = link(number)
            return (
                shapes.key(number),
                b"%d" % number,
                shapes.stamp(created),
                shapes.stamp(updated),
                b"%d" % (1 + revision),
                a,
                b,
                c,
            )

        flagged = [shapes.deleted(form) for form in forms]
        super().__init__(name, ids, Shapes(forms + flagged, shapes.SLOTS), values)
        self.pattern = len(forms)
        self.flat = Shapes([flat(form) for form in forms + flagged], shapes.SLOTS).projection(None)
        self.vendor = self.shapes.projection(None)

    def delete(self, number: int, now: int) -> None:
        """The record is flagged, which changes it."""
        self.update(number, now)
        self.flag(number)

    def flag(self, number: int) -> None:
        """Show it as deleted."""
        self.variants[number] = number % self.pattern + self.pattern

    def render_searched(self, numbers: list[int]) -> list[bytes]:
        """Records as the search index knows them."""
        if self.index.is_behind:
            return [self.render(number, self.vendor, searched=True) for number in numbers]
        return self.render_all(numbers, self.vendor)

    def render(self, number: int, projection: Projection, *, searched: bool = False) -> bytes:
        """A record as JSON; while the search index is behind, it shows the record as before its deletion."""
        if searched and number in self.index.stale and number in self.variants:
            updated, revision = self.index.stale[number]
            return projection.render(
                number % self.pattern, self._values(number, self.created[number], updated, revision)
            )
        return super().render(number, projection, searched=searched)

    def is_deleted(self, number: int, *, searched: bool = False) -> bool:
        """Whether it is flagged; `searched`: as the search index knows it."""
        return number in self.variants and not (searched and number in self.index.stale)

    def present(self) -> Iterator[int]:
        """Numbers that lists show."""
        return (number for number in range(len(self.created)) if number not in self.variants)
