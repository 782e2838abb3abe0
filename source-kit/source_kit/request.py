"""What is asked of an API, and what that has cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from source_kit import pieces
from source_kit.addresses import Params


@dataclass(frozen=True)
class Request:
    """One request: `path` is relative to the base URL; `bucket` names its rate-limit group.

    `accepts` tells a whole answer from one that lost its list on the way; the latter is asked for again. `can_shrink`:
    it is for a page that may be asked for with fewer rows. `empty` is what an answer without content (204) means, and
    `doubts` tells an answer that may be damaged; both are believed if they are given twice. `parses` parses a body.
    """

    path: str
    bucket: str
    method: str = "GET"
    params: Params | None = None
    json: Any = None
    what: str = "the request"
    accepts: Callable[[Any], bool] = field(default=lambda body: True)
    can_shrink: bool = False
    empty: Any = None
    doubts: Callable[[Any], bool] = field(default=lambda body: False)
    parses: Callable[[bytes], Any] = pieces.loads


@dataclass
class Usage:
    """What a stream asked of the API; `not_objects` are rows of its lists that were none."""

    requests: int = 0
    retries: int = 0
    waited_seconds: float = 0.0
    not_objects: int = 0
