"""What the envelope of a list says of its next page and its count, and how a window of time is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from source_kit import timestamps
from source_kit.windows import Window
from source_kit.work import Record
from source_outreach.timeline import Timeless

# Bounds are inclusive, and times have milliseconds at the most.
STEP = timedelta(milliseconds=1)
# There is a next page, and its link does not say how to ask for it.
LOST = ""
# What stands in the place of the links, or of the next one, is no link.
ODD = "?"


def next_cursor(content: Mapping[str, Any]) -> str | None:
    """The cursor in `links.next`, a text or an object with `href`; None at the end: an empty result has no links.

    The address itself is never followed.
    """
    links = content.get("links")
    if not isinstance(links, Mapping):
        return None if links is None else ODD
    address = links.get("next")
    if isinstance(address, Mapping):
        address = address.get("href", ODD)
    if address is None:
        return None
    if not isinstance(address, str) or address in ("", ODD):
        return ODD
    try:
        cursors = parse_qs(urlsplit(address).query).get("page[after]")
    except ValueError:  # `//[`
        cursors = None
    return cursors[0] if cursors else LOST


def counted(content: Mapping[str, Any]) -> int | None:
    """The number of rows of the query; None where it was not asked for, or given up under load."""
    meta = content.get("meta")
    if not isinstance(meta, Mapping):
        return None
    count = meta.get("count")
    if not isinstance(count, int) or isinstance(count, bool) or count < 0:
        return None
    return None if count == 0 and meta.get("count_truncated") else count


def range_of(window: Window, end: datetime | None = None) -> str | None:
    """`2026-01-01T00:00:00.000Z..inf`: a bare date would be compared for equality. None where all is wanted.

    An open window ends before `end`.
    """
    if isinstance(window, Timeless):
        return "__null__"
    upper = window.upper
    if upper is None and end is not None:
        upper = end - STEP
    if window.lower is None and upper is None:
        return None
    lower_text = "neginf" if window.lower is None else timestamps.milliseconds_z(window.lower)
    return f"{lower_text}..{'inf' if upper is None else timestamps.milliseconds_z(upper)}"


def before(records: list[Record], field: str, end: datetime | None) -> list[Record]:
    """The rows whose time lies before `end`, and those that have none: Outreach gives rows beyond a bound, too."""
    if end is None:
        return records
    instants = timestamps.instants([record.get(field) for record in records])
    return [record for record, at in zip(records, instants, strict=True) if at is None or at < end]
