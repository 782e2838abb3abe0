"""Bodies of answers: read in one go, parsed once."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import requests

from source_kit import pieces, timestamps
from source_kit.connections import prolong
from source_kit.headers import plausible_wait
from source_kit.room import Room

# Of a body whose length is not told, or is told as more than anybody sends. `content` would read 10 kB at a time.
READ_BYTES = 1024 * 1024
MOST_BYTES_AT_ONCE = 128 * READ_BYTES


def read(response: requests.Response, room: Room | None = None) -> None:
    """Take the body off the network, as soon as there is room for it; raises what `requests` raises for a broken
    transport.

    A body of known length goes straight from the socket into its place: in pieces it would be copied twice.
    """
    holder: Any = response
    length = getattr(response.raw, "length_remaining", None)
    is_known = length is not None and length <= MOST_BYTES_AT_ONCE
    # Of a compressed body the length is told that it has on the network.
    is_told = is_known and "content-encoding" not in response.headers
    if room is not None:
        prolong(response, room.take(length if is_told else None))
    holder.kit_content = b"".join(response.iter_content(None if is_known else READ_BYTES))
    if room is not None:
        room.read(len(holder.kit_content), was_told=is_told)


def taken(response: requests.Response) -> bytes:
    """The body as it came, which the response does not hold any more."""
    holder: Any = response
    if not hasattr(holder, "kit_content"):
        read(response)
    content: bytes = holder.kit_content
    del holder.kit_content
    return content


def parse(response: requests.Response, parses: Callable[[bytes], Any] = pieces.loads) -> str | None:
    """Parse the body and keep it on the response in the text's place; what is wrong with it, if it should be JSON."""
    holder: Any = response
    content = taken(response)
    damage = None
    try:
        holder.kit_body = parses(content)
    except ValueError:
        holder.kit_body = content.decode("utf-8", "replace")
        damage = "The answer was not JSON." if content.strip() else "The answer was empty."
    return damage


def replace_body(response: requests.Response, value: Any) -> None:
    """Let `body` give this value from now on."""
    holder: Any = response
    holder.kit_body = value


def body(response: requests.Response) -> Any:
    """The parsed JSON body of an answer, or its text where it is not JSON."""
    holder: Any = response
    if not hasattr(holder, "kit_body"):
        parse(response)
    return holder.kit_body


def body_wait(content: Any, now: datetime | None = None) -> float | None:
    """Seconds to wait that a 429's body names, else None.

    Either `rate_reset`, at the top level or under `error`; or, if `now` is given, a moment in the text of `message`
    ("Limit will be reseted at 1450200216.") or of the `detail` of an error ("try again at 2017-01-01T00:00:00", UTC).
    """
    if not isinstance(content, dict):
        return None
    errors = content.get("errors")
    for holder in (content, content.get("error"), *(errors if isinstance(errors, list) else ())):
        if not isinstance(holder, dict):
            continue
        if isinstance(holder.get("rate_reset"), int | float):
            return plausible_wait(float(holder["rate_reset"]))
        told = _moment(f"{holder.get('message', '')} {holder.get('detail', '')}")
        if told is not None and now is not None:
            return plausible_wait(told - now.timestamp())
    return None


def _moment(text: str) -> float | None:
    """Seconds since the epoch of the first moment in a text."""
    epoch = re.search(r"\b[12]\d{9}\b", text)
    if epoch:
        return float(epoch[0])
    written = re.search(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)?", text)
    try:
        return timestamps.parse(written[0].replace(" ", "T")).timestamp() if written else None
    except ValueError:
        return None
