"""Records that were written as JSON on their way, and leave as they were written.

Some to tell their versions apart: to write a record costs half as much as to read it (0.8 µs for one of 450 bytes).
Others so that they need not stay in memory as objects, of which plans look at little: see `pieces`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat
from operator import itemgetter
from typing import Any, NoReturn

import orjson

from source_kit.rows import USUAL_IDS
from source_kit.work import Record


class Written(list[Record]):
    """Records and their `texts`, one for each. Whoever changes a record, or leaves one out, makes a plain list."""

    def __init__(self, records: Sequence[Record], texts: Sequence[bytes]) -> None:
        super().__init__(records)
        self.texts = texts


def stamped(records: list[Record], name: str, moment: str) -> list[Record]:
    """The records, changed in place, with a moment under a name where they have nothing there. No record may hold this
    very object before: what has it afterwards got it here."""
    values = [record.setdefault(name, moment) for record in records]
    if not isinstance(records, Written) or b"{}" in records.texts or {*map(id, values)} != {id(moment)}:
        for record in records:
            record[name] = record[name] or moment
        return list(records)
    tail = b',"%b":"%b"}' % (name.encode(), moment.encode())
    return Written(records, [text[:-1] + tail for text in records.texts])


def _refused(self: Outline, *arguments: Any, **options: Any) -> NoReturn:
    raise TypeError("an outline is not a record: ask for whole ones")


class Outline(Record):
    """What plans look at of a record; the record itself is its `text`.

    Whoever looks at anything else (`KeyError`), or makes another record of it (`TypeError`), has asked for outlines by
    mistake: what they believe would not be true, or be lost.
    """

    __slots__ = ("text",)
    text: bytes

    def get(self, key: str, default: Any = None) -> Any:
        """What is under a name that outlines have."""
        return self[key]

    def __contains__(self, key: object) -> bool:
        return super().__contains__(key) or self[str(key)]

    __iter__ = keys = values = items = copy = _refused
    __or__ = __ror__ = __ior__ = __setitem__ = __delitem__ = _refused
    setdefault = update = pop = popitem = clear = _refused


def outlines(records: Sequence[Record], names: Sequence[str]) -> list[Record]:
    """The records written: as outlines that have what is under several names, of which `id` is the first and that of a
    time the second one (1 µs a record of 2 kB). What cannot be written as it stands stays whole.

    `ValueError` where the id and time of one do not tell it from others.
    """
    try:
        kept = list(map(itemgetter(*names), records))
    except KeyError as odd:
        raise ValueError("a record without id or time") from odd
    if not {type(values[0]) for values in kept} <= USUAL_IDS or not {type(values[1]) for values in kept} <= {str}:
        raise ValueError("a record without id or time")
    try:
        return list(map(_outline, records, kept, repeat(names)))
    except TypeError:
        return [_outline_or_whole(record, values, names) for record, values in zip(records, kept, strict=True)]


def _outline(record: Record, values: tuple[Any, ...], names: Sequence[str]) -> Record:
    outline = Outline(zip(names, values, strict=True))
    # A copy: what orjson returns lies in a place of up to sixteen times its length, and keeps it while the page is
    # read. In a read by eight workers that was 30 MB.
    outline.text = bytes(memoryview(orjson.dumps(record)))
    return outline


def _outline_or_whole(record: Record, values: tuple[Any, ...], names: Sequence[str]) -> Record:
    try:
        return _outline(record, values, names)
    except TypeError:
        return record


def texts_of(records: Sequence[Record]) -> Sequence[bytes] | None:
    """The texts of records that were all written; None where they are not."""
    if isinstance(records, Written):
        return records.texts
    if {*map(type, records)} == {Outline}:
        return [record.text for record in records]  # type: ignore[attr-defined]  # each is an outline
    return None


def whole_of(records: Sequence[Record]) -> list[Record]:
    """All of each record, also of those that were written."""
    return list(map(whole, records)) if Outline in {*map(type, records)} else list(records)


def whole(record: Record) -> Record:
    """All of a record."""
    if isinstance(record, Outline):
        found: Record = orjson.loads(record.text)
        return found
    return record
