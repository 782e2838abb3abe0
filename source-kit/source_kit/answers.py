"""Bodies of answers: read in one go, parsed once."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import orjson
import requests

# Larger than most pages. `content` would read 10 kB at a time: 24 calls through three layers for 240 kB.
READ_BYTES = 1024 * 1024


def read(response: requests.Response) -> None:
    """Take the body off the network; raises what `requests` raises for a broken transport."""
    holder: Any = response
    holder.kit_content = b"".join(response.iter_content(READ_BYTES))


def parse(response: requests.Response) -> str | None:
    """Parse the body and keep it on the response in the text's place; what is wrong with it, if it should be JSON."""
    holder: Any = response
    if not hasattr(holder, "kit_content"):
        read(response)
    content: bytes = holder.kit_content
    del holder.kit_content
    damage = None
    try:
        holder.kit_body = orjson.loads(content)
    except orjson.JSONDecodeError:
        holder.kit_body = content.decode("utf-8", "replace")
        damage = "The answer was not JSON." if content.strip() else "The answer was empty."
    return damage


def body(response: requests.Response) -> Any:
    """The parsed JSON body of an answer, or its text where it is not JSON."""
    holder: Any = response
    if not hasattr(holder, "kit_body"):
        parse(response)
    return holder.kit_body


def body_wait(content: Any, now: datetime | None = None) -> float | None:
    """Seconds to wait that a 429's body names, else None.

    Either `rate_reset`, at the top level or under `error`; or, if `now` is given, an epoch in the text of its `message`
    ("Limit will be reseted at 1450200216.").
    """
    for holder in (content, content.get("error") if isinstance(content, dict) else None):
        if not isinstance(holder, dict):
            continue
        if isinstance(holder.get("rate_reset"), int | float):
            return float(holder["rate_reset"])
        epoch = re.search(r"\b[12]\d{9}\b", str(holder.get("message", "")))
        if epoch and now is not None:
            return max(0.0, int(epoch[0]) - now.timestamp())
    return None
