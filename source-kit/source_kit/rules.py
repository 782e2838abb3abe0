"""What an answer that is no success means: a table of rules, and the exceptions that they lead to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import orjson

from source_kit.errors import ConfigError, ConnectorFault, StreamUnavailable

MAX_ATTEMPTS = 10


class Action(Enum):
    """What follows from an answer that is not a success."""

    RETRY = "retry"
    REJECT = "reject"  # raise Rejected: the reading plan may know what to do
    UNAVAILABLE = "unavailable"  # this stream cannot be read with this account
    DENIED = "denied"  # nothing can be read with these credentials: the sync ends


@dataclass(frozen=True)
class Rule:
    """One row of an error table: the first row that matches decides."""

    statuses: range | tuple[int, ...]
    action: Action
    text: str = ""
    matches: Callable[[Any], bool] = field(default=lambda body: True)
    attempts: int = MAX_ATTEMPTS


DEFAULT_RULES = (
    Rule(
        (401,),
        Action.DENIED,
        "The credentials were refused. Check that the key or token is complete, active and of this account.",
    ),
    Rule(
        (402,),
        Action.UNAVAILABLE,
        "The account's plan does not include this. Remove the stream from the sync or upgrade the plan.",
    ),
    Rule(
        (403,),
        Action.UNAVAILABLE,
        "The credentials lack the permission to read this. Grant it or remove the stream from the sync.",
    ),
    Rule(
        (404,),
        Action.UNAVAILABLE,
        "The API does not have this resource for the account. Remove the stream from the sync.",
    ),
    Rule((408, 425), Action.RETRY, "The API did not answer in time."),
    Rule(range(500, 600), Action.RETRY, "The API had a server error."),
    Rule(range(400, 500), Action.REJECT, "The API refused the request."),
)


class Rejected(ConnectorFault):
    """A 4xx that no rule settled; reading plans catch it where the vendor's answer tells how to go on."""

    def __init__(self, message: str, *, status: int, body: Any, internal_message: str) -> None:
        super().__init__(message, internal_message=internal_message)
        self.status = status
        self.body = body

    @property
    def text(self) -> str:
        """The body as text, for looking for the vendor's phrases; never shown."""
        return self.body if isinstance(self.body, str) else orjson.dumps(self.body).decode()


class Unavailable(StreamUnavailable):
    """This stream cannot be read with this account; `status` is what the API answered."""

    status: int = 0


class Denied(ConfigError):
    """The credentials are refused: no other stream can work either."""
