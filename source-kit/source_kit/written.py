"""Records that were written as JSON on their way, to tell their versions apart: what was written is what leaves.

To write a record costs half as much as to read it (0.8 µs for one of 450 bytes).
"""

from __future__ import annotations

from collections.abc import Sequence

from source_kit.work import Record


class Written(list[Record]):
    """Records and their `texts`, one for each. Whoever changes a record, or leaves one out, makes a plain list."""

    def __init__(self, records: Sequence[Record], texts: Sequence[bytes]) -> None:
        super().__init__(records)
        self.texts = texts


def stamped(records: list[Record], name: str, moment: str) -> list[Record]:
    """The records, changed in place, with a moment under a name where they have nothing there."""
    if not isinstance(records, Written) or not all(records) or any([name in record for record in records]):
        for record in records:
            if not record.get(name):
                record[name] = moment
        return list(records)
    for record in records:
        record[name] = moment
    tail = b',"%b":"%b"}' % (name.encode(), moment.encode())
    return Written(records, [text[:-1] + tail for text in records.texts])
