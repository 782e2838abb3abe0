"""Records that were written as JSON on their way, and leave as they were written.

Some to tell their versions apart: to write a record costs half as much as to read it (0.8 µs for one of 450 bytes).
Others so that they need not stay in memory as objects, of which plans look at little: see `pieces`.
"""

from __future__ import annotations

from collections.abc import Sequence
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
    """The records, changed in place, with a moment under a name where they have nothing there."""
    values = [record.setdefault(name, moment) for record in records]
    if not isinstance(records, Written) or b"{}" in records.texts or {*map(id, values)} != {id(moment)}:
        for record in records:
            record[name] = record[name] or moment
        return list(records)
    tail = b',"%b":"%b"}' % (name.encode(), moment.encode())
    return Written(records, [text[:-1] + tail for text in records.texts])


class Outline(Record):
    """What plans look at of a record; the record itself is its `text`.

    Whoever looks at anything else (`KeyError`) or changes it (`TypeError`) has asked for outlines by mistake: what they
    believe would not be true, or be lost.
    """

    __slots__ = ("text",)
    text: bytes

    def get(self, key: str, default: Any = None) -> Any:
        """What is under a name that outlines have."""
        return self[key]

    def __setitem__(self, key: str, value: Any) -> NoReturn:
        raise TypeError(f"{key} of a record that is written")


def outlines(records: Sequence[Record], names: Sequence[str]) -> list[Outline]:
    """The records written, with what they have under several names, of which `id` is the first and that of a time the
    second one (1 µs a record of 2 kB). `ValueError` where one is odd: it cannot be written as it stands, or its id and
    time do not tell it from others."""
    try:
        texts = list(map(orjson.dumps, records))
        kept = list(map(itemgetter(*names), records))
    except (TypeError, KeyError) as odd:
        raise ValueError("an odd record") from odd
    if not {type(values[0]) for values in kept} <= USUAL_IDS or not {type(values[1]) for values in kept} <= {str}:
        raise ValueError("an odd record")
    found = [Outline(zip(names, values, strict=True)) for values in kept]
    for outline, text in zip(found, texts, strict=True):
        # A copy: what orjson returns lies in a place of up to twice its size, and keeps it while the page is read. In
        # a read by eight workers that was 30 MB.
        outline.text = bytes(memoryview(text))
    return found


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
