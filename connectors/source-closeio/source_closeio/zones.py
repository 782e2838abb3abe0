"""Date-times inside records: Close's newer services leave their zone out; they are UTC.

Those at the top of a record are found by its schema (`timestamps.fix_zones`). What lies deeper is often of no fixed
shape, as the objects in events are, so there the name decides; custom values, whose names say nothing, stay as they
come.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from source_kit import timestamps
from source_kit.work import Record

# date_created, user_note_date_updated, created_at, start_date. `date` and `due_date` of tasks are local days.
_is_time = re.compile(r"(?:\w+_)?date_\w+|\w+_at|start_date").fullmatch
# Their names are chosen by the account's users.
NAMED_BY_USERS = frozenset(["custom", "values_by_name"])
ZONELESS_LENGTHS = range(len("2024-01-31T10:00:00"), len("2024-01-31T10:00:00.123456") + 1)


def fix_nested(records: Iterable[Record], fields: Sequence[str]) -> None:
    """Give the zone-less date-times below these fields a `Z`, in place, at any depth.

    14 µs for an event whose object has 100 values: 1.4 s for the 100,000 events that take 2,000 requests.
    """
    left: list[Any] = [part for record in records for name in fields if (part := record.get(name))]
    while left:
        part = left.pop()
        if isinstance(part, dict):
            for name, value in part.items():
                if isinstance(value, str):
                    if len(value) in ZONELESS_LENGTHS and value[10] == "T" and _is_time(name):
                        part[name] = timestamps.with_zone(value)
                elif isinstance(value, dict | list) and name not in NAMED_BY_USERS:
                    left.append(value)
        elif isinstance(part, list):
            left.extend(part)
