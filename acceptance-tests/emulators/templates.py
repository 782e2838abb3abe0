"""Records as templates: JSON text made once per shape, with places for the few values that differ between records.

A shape is a plain dict in which a string may hold `@@name@@` (text of slot `name`) or be `@#name@#` (its raw JSON).
Rendering a record costs one bytes format, about a microsecond, and selecting fields costs nothing after the first time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

import orjson

_SLOT = re.compile(rb'"@#(\w+)@#"|@@(\w+)@@')

Shape = dict[str, Any]
Values = tuple[bytes, ...]
Compiled = tuple[bytes, Callable[[Values], tuple[bytes, ...]]]
CACHED_PROJECTIONS = 64


def compile_shape(shape: Shape, slots: Sequence[str]) -> Compiled:
    """A bytes format, and a function that picks its arguments from the values of `slots`."""
    text = orjson.dumps(shape).replace(b"%", b"%%")
    names = [(match.group(1) or match.group(2)).decode() for match in _SLOT.finditer(text)]
    places = [slots.index(name) for name in names]
    if not places:
        return _SLOT.sub(b"%b", text), _nothing
    if len(places) == 1:
        only = places[0]
        return _SLOT.sub(b"%b", text), lambda values: (values[only],)
    several: Callable[[Values], tuple[bytes, ...]] = itemgetter(*places)
    return _SLOT.sub(b"%b", text), several


def _nothing(values: Values) -> tuple[bytes, ...]:
    return ()


class Projection:
    """The shapes of a collection, cut down to some fields."""

    def __init__(
        self, shapes: Sequence[Shape], slots: Sequence[str], keep: Callable[[str], bool], first: Shape
    ) -> None:
        self.compiled: list[Compiled] = [
            compile_shape(first | {name: value for name, value in shape.items() if keep(name)}, slots)
            for shape in shapes
        ]

    def render(self, variant: int, values: Values) -> bytes:
        """A record of that shape as JSON."""
        text, pick = self.compiled[variant]
        return text % pick(values)


class Shapes:
    """All shapes of a collection, and the fields that only come when they are named."""

    def __init__(
        self,
        shapes: Sequence[Shape],
        slots: Sequence[str],
        optional: frozenset[str] = frozenset(),
        never_set: frozenset[str] = frozenset(),
    ) -> None:
        self.shapes, self.slots, self.optional = shapes, slots, optional
        self._never_set = never_set
        self._projections: dict[tuple[frozenset[str] | None, str], Projection] = {}

    @property
    def names(self) -> frozenset[str]:
        """Every field that exists, also where no record has a value for it."""
        return frozenset(name for shape in self.shapes for name in shape) | self._never_set

    def projection(self, fields: frozenset[str] | None, object_type: str = "") -> Projection:
        """With these fields (None: all but the optional ones; `_all`: all), after `__object_type` if given."""
        key = (fields, object_type)
        projection = self._projections.get(key)
        if projection is None:
            if len(self._projections) >= CACHED_PROJECTIONS:
                self._projections.clear()
            first = {"__object_type": object_type} if object_type else {}
            projection = Projection(self.shapes, self.slots, self._keeper(fields), first)
            self._projections[key] = projection
        return projection

    def _keeper(self, fields: frozenset[str] | None) -> Callable[[str], bool]:
        if fields is None:
            return lambda name: name not in self.optional
        if "_all" in fields:
            return lambda name: True
        return lambda name: name in fields
