"""Records as the connector promises to emit them: attributes on top in snake_case, relationships as ids."""

from __future__ import annotations

import re
from typing import Any

from emulators.templates import Shape

BORDER = re.compile(r"([a-z0-9])([A-Z])")
RESERVED = ("id", "type")


def snake(name: str) -> str:
    """`lastMessageAt` is `last_message_at`."""
    return BORDER.sub(r"\1_\2", name).replace("-", "_").lower()


def flat(record: Shape, **extra: Any) -> Shape:
    """A record of the API in the connector's form; also for shapes with slots."""
    result: Shape = {"id": record["id"], "type": record["type"]}
    for name, value in record.get("attributes", {}).items():
        result[f"attribute_{name}" if name in RESERVED else snake(name)] = value
    for name, relationship in record.get("relationships", {}).items():
        if "data" in relationship:
            data = relationship["data"]
            if isinstance(data, list):
                result[f"{snake(name)}_ids"] = [entry["id"] for entry in data]
            else:
                result[f"{snake(name)}_id"] = data["id"] if data else None
        else:
            last = (relationship.get("links") or {}).get("self", "").rpartition("/")[2]
            if "@@" in last or re.fullmatch(r"[0-9a-f]{24}", last):
                result[f"{snake(name)}_id"] = last
    return result | extra
