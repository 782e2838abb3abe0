"""What an answer holds as rows: objects, each once. Whatever else stands in a list is left out and counted.

Seen in the wild: `null` for a record that was deleted under the query, one object where a list belongs, the same row
twice where an index is being rebuilt.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from source_kit import json_text

Record = dict[str, Any]
_ID = itemgetter("id")
# What ids nearly always are: a look at the class of a value costs less than `isinstance` with several.
USUAL_IDS = frozenset({str, int})


@dataclass(frozen=True)
class Settled:
    """What was taken out of a list: how many rows it had, and how many of them were no objects."""

    size: int = 0
    not_objects: int = 0


def has_list(content: Any, key: str) -> bool:
    """Whether an answer holds its rows under a key: a list, or the one object that stands in a list's place."""
    if not isinstance(content, Mapping):
        return False
    rows = content.get(key)
    return isinstance(rows, list) or _is_row(rows, key)


def is_strange(content: Any, key: str, *, may_be_one: bool = False) -> bool:
    """Whether rows stand under a key, and none of them is an object; or one object in the place of a list."""
    rows = content.get(key) if isinstance(content, Mapping) else None
    if _is_row(rows, key):
        return not may_be_one
    return isinstance(rows, list) and bool(rows) and not any(isinstance(row, Mapping) for row in rows)


def settle(content: Any, key: str) -> Settled:
    """Make the rows under a key a list of objects, each once, in place."""
    if not isinstance(content, dict) or key not in content:
        return Settled()
    rows = content[key]
    if _is_row(rows, key):
        rows = content[key] = [rows]
    if not isinstance(rows, list):
        return Settled()
    if are_plain(rows):
        return Settled(len(rows))
    objects = [row for row in rows if isinstance(row, dict)]
    content[key] = list({json_text.dumps(row): row for row in objects}.values())
    return Settled(len(rows), len(rows) - len(objects))


def _is_row(value: Any, key: str) -> bool:
    """Whether an object in the place of a list is its one row, and no envelope of another list."""
    if not isinstance(value, Mapping) or all(isinstance(inner, Mapping) for inner in value.values()):
        return False  # rows by number or name, for instance
    return not any(isinstance(value.get(name), list) for name in ("data", key))


def are_plain(rows: list[Any]) -> bool:
    """Whether all rows are objects with ids of their own (10 µs for 200)."""
    try:
        return len(set(map(_ID, rows))) == len(rows)
    except (KeyError, TypeError, IndexError):  # no object, or without id; an id that is a list or an object
        return False


def mapping(value: Any) -> Mapping[str, Any]:
    """An object of an answer; empty for whatever else stands in its place."""
    return value if isinstance(value, Mapping) else {}


def objects(value: Any) -> list[Record]:
    """The objects of a list, whatever else is in it or in its place."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def unseen(records: Iterable[Record], seen: set[Any]) -> list[Record]:
    """The records that are not in `seen` yet, which has them from then on."""
    fresh = []
    for record in records:
        key = identity(record)
        if key not in seen:
            seen.add(key)
            fresh.append(record)
    return fresh


def identity(record: Mapping[str, Any]) -> Any:
    """What tells a record from others: its id, or all of it where it has none."""
    key = record.get("id")
    if key is None or isinstance(key, list | dict):
        return json_text.dumps(record)
    return key
