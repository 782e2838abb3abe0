"""What the envelope of an answer tells beside its rows: counts, and links to the next page. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from source_kit.rows import mapping


def section(content: Any, name: str) -> Mapping[str, Any]:
    """An object of the envelope (`meta`, `links`); empty for whatever else stands there."""
    return mapping(mapping(content).get(name))


def total_of(content: Any) -> int | None:
    """How many rows the whole list or search has, where that is told."""
    return counted(section(content, "meta").get("total"))


def next_link(content: Any) -> Any:
    """What `links.next` says, as a text or as the object that JSON:API allows; None where there is no next page."""
    link = section(content, "links").get("next")
    return (link.get("href") if isinstance(link, Mapping) else link) or None


def query_of(link: Any) -> str:
    """The parameters of a link. Its host and path are never asked: the path stays the stream's own."""
    try:
        return urlsplit(link).query if isinstance(link, str) else ""
    except ValueError:
        return ""


def counted(value: Any) -> int | None:
    """A number of rows, which may come as a text; None for whatever is none."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 16:
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
