"""Records that live accounts answered (`real/*.json`), in place of made ones: option `shape` of every emulator.

A recorded record is served as it is, but for the values that the emulator must own: ids, the times of cursors, and what
ties records together. Types, nulls, missing keys, nesting and the form of every value stay as recorded.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from emulators.templates import Shape, Shapes

MADE, REAL = "made", "real"
FOLDER = Path(__file__).with_name("real")


class Owned(NamedTuple):
    """Dotted paths of the values that the emulator owns: `always`, or where the recorded record has a value."""

    always: tuple[str, ...] = ("id",)
    where_recorded: tuple[str, ...] = ()


ID_ONLY = Owned()


@cache
def recorded(system: str) -> dict[str, list[Shape]]:
    """The recorded records of a system by stream, those pieced together from an inventory last; not to be changed."""
    streams: dict[str, dict[str, list[Shape]]] = orjson.loads((FOLDER / f"{system}.json").read_bytes())["streams"]
    return {stream: [*groups["records"], *groups.get("pieced", [])] for stream, groups in streams.items()}


class Recorded:
    """The recorded records that an account is made of: those of the system with `shape` real, else none."""

    def __init__(self, system: str, shape: str) -> None:
        if shape not in (MADE, REAL):
            raise ValueError(f"Option shape is {MADE} or {REAL}, not {shape!r}.")
        self._streams = recorded(system) if shape == REAL else {}

    def of(self, stream: str) -> list[Shape]:
        """The records of a stream, to be changed at will."""
        return deepcopy(self._streams.get(stream, []))

    def instead(self, made: Sequence[Shape], streams: Sequence[str], owned: Owned) -> list[Shape]:
        """The made shapes, with recorded ones in place of those of streams that have some.

        `streams` names the stream of each. The shapes are repeated until each recorded record has had its turn.
        """
        places = {stream: streams.count(stream) for stream in streams if stream in self._streams}
        rounds = max((-(-len(self._streams[stream]) // count) for stream, count in places.items()), default=1)
        turns = dict.fromkeys(streams, 0)
        shapes = []
        for shape, stream in list(zip(made, streams, strict=True)) * rounds:
            shapes.append(self.turn(stream, turns[stream], shape, owned))
            turns[stream] += 1
        return shapes

    def dressed(self, shapes: Shapes, streams: Sequence[str] | str, owned: Owned) -> Shapes:
        """The same for the shapes of a collection; one stream may be all of it."""
        names = [streams] * len(shapes.shapes) if isinstance(streams, str) else streams
        if not self._streams.keys() & set(names):
            return shapes
        return Shapes(self.instead(shapes.shapes, names, owned), shapes.slots, shapes.optional, shapes.names)

    def turn(self, stream: str, number: int, made: Shape, owned: Owned = ID_ONLY) -> Shape:
        """The n-th record of a stream, in place of the made one."""
        records = self._streams.get(stream)
        return owning(records[number % len(records)], made, owned) if records else made

    def rows(self, stream: str, made: Iterable[Shape], owned: Owned = ID_ONLY) -> list[Shape]:
        """The same for the records of a small list, whose number stays."""
        return [self.turn(stream, number, row, owned) for number, row in enumerate(made)]


def owning(record: Shape, made: Shape, owned: Owned) -> Shape:
    """The recorded record with those values of the made one that the emulator owns."""
    result = deepcopy(record)
    for path in (*owned.always, *owned.where_recorded):
        value = _at(made, path)
        if value is not None and (path in owned.always or _at(record, path) is not None):
            *parents, last = path.split(".")
            target = result
            for parent in parents:
                target = target[parent]
            target[last] = value
    return result


def _at(record: Shape, path: str) -> Any:
    value: Any = record
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value
