"""What an answer that is no success means: a table of rules, and the exceptions that they lead to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from source_kit import json_text
from source_kit.errors import ConfigError, ConnectorFault, SourceError, StreamUnavailable
from source_kit.transport import MAX_ATTEMPTS


class Action(Enum):
    """What follows from an answer that is not a success."""

    RETRY = "retry"
    SHRINK = "shrink"  # a page is asked for again with fewer rows; other requests as they are
    REJECT = "reject"  # raise Rejected: the reading plan may know what to do
    BLOCKED = "blocked"  # not the API, but something on the way to it: the stream ends, and no plan takes another way
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


def is_web_page(body: Any) -> bool:
    """HTML: what firewalls and proxies answer, and no API."""
    return isinstance(body, str) and body.lstrip()[:9].lower().startswith(("<!doctype", "<html"))


# Of whatever stands between the connector and the API: before the connector's own rows.
BETWEEN_RULES = (
    Rule(
        (407,),
        Action.BLOCKED,
        "The proxy wants a user and a password (407). Put them into HTTPS_PROXY (or HTTP_PROXY).",
    ),
    Rule(
        (403,),
        Action.RETRY,
        "A firewall or proxy on the way refused the request with a web page (403): that is no answer of the API. Let "
        "the connector through.",
        matches=is_web_page,
        attempts=3,
    ),
)
DEFAULT_RULES = (
    Rule((304,), Action.RETRY, "A cache on the way answered that nothing has changed (304).", attempts=3),
    # No plan may take it for a refusal of the API's.
    Rule(
        range(300, 400),
        Action.RETRY,
        "The API's address leads elsewhere, and redirects are not followed. Check api_url, region or organisation.",
        attempts=3,
    ),
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
    # A gateway that gave up: perhaps on a page that takes too long to put together.
    Rule((502, 504), Action.SHRINK, "A gateway of the API gave up on the request."),
    Rule(range(500, 600), Action.RETRY, "The API had a server error."),
    Rule(range(400, 500), Action.REJECT, "The API refused the request."),
)
UNKNOWN_RULE = Rule((), Action.REJECT, "The API gave an answer that was not expected.")


class Rejected(ConnectorFault):
    """An answer that no rule settled; reading plans catch it where the vendor's answer tells how to go on."""

    def __init__(self, message: str, *, status: int, body: Any, internal_message: str) -> None:
        super().__init__(message, internal_message=internal_message)
        self.status = status
        self.body = body

    @property
    def text(self) -> str:
        """The body as text, for looking for the vendor's phrases; never shown."""
        return self.body if isinstance(self.body, str) else json_text.dumps(self.body).decode()


class Unavailable(StreamUnavailable):
    """This stream cannot be read with this account; `status` is what the API answered."""

    def __init__(self, message: str, *, status: int = 0, internal_message: str | None = None) -> None:
        super().__init__(message, internal_message=internal_message)
        self.status = status


class Denied(ConfigError):
    """The credentials are refused: no other stream can work either."""


class TooHeavy(Exception):
    """A gateway gave up on a page: fewer rows may do. `internal_message` as that of errors."""

    def __init__(self, text: str, *, internal_message: str) -> None:
        super().__init__(text)
        self.text = text
        self.internal_message = internal_message


def rule_for(rules: Sequence[Rule], status: int, body: Any) -> Rule:
    """The first row that matches."""
    return next((rule for rule in rules if status in rule.statuses and rule.matches(body)), UNKNOWN_RULE)


def failure(rule: Rule, what: str, status: int, body: Any, internal: str) -> SourceError:
    """The error that a rule leads to where nothing is tried again; `what` could not be read."""
    text = f"Reading {what} failed: {rule.text}"
    if rule.action is Action.REJECT:
        return Rejected(f"{text} (status {status})", status=status, body=body, internal_message=internal)
    if rule.action is Action.BLOCKED:
        return ConfigError(text, internal_message=internal)
    if rule.action is Action.DENIED:
        return Denied(text, internal_message=internal)
    return Unavailable(text, status=status, internal_message=internal)
