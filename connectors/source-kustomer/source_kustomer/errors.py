"""What Kustomer's refusals mean, and the client that never writes.

A 401 may mean a bad key or a missing role (documentation of different ages disagrees); whether the key is good is asked
of `users/current`, which needs no role.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import requests

from source_kit.client import HttpClient, Request
from source_kit.errors import ConnectorFault, SourceError
from source_kit.rules import Action, Denied, Rejected, Rule, Unavailable
from source_kustomer.budget import ORGANISATION
from source_kustomer.clocks import Clocks
from source_kustomer.config import PODS

# The request that any key may send.
WHO_AM_I = Request("users/current", ORGANISATION, what="the owner of the API key")
SEARCH_PATH = "customers/search"
ARCHIVE_SEARCH_PATH = "customers/archive/search"
# The only paths that may be posted to: `POST /v1/customers` and its like create records.
SEARCH_PATHS = frozenset((SEARCH_PATH, ARCHIVE_SEARCH_PATH))
WHERE = "(Settings, Security, API keys)"


def _is_of_pod(pod: str) -> Any:
    """Matches "Auth token associated with pod prod2 but request is being handled by prod1"."""
    return lambda body: f"associated with pod {pod}" in str(body)


def _is_expired(body: Any) -> bool:
    return "expired" in str(body).lower()


RULES = (
    *(
        Rule(
            (400, 401, 403),
            Action.DENIED,
            f"The API key belongs to the region {region}: set region to {region}, or give org_name.",
            matches=_is_of_pod(pod),
        )
        for pod, region in PODS.items()
    ),
    Rule((401,), Action.DENIED, f"The API key has expired: make a new one {WHERE}.", matches=_is_expired),
    Rule((401, 403), Action.UNAVAILABLE, "The API key lacks a role."),
    Rule((402,), Action.UNAVAILABLE, "The Kustomer plan does not include this. Upgrade it, or remove the stream."),
)


class ReadOnlyClient(HttpClient):
    """The client of the source: no request can create or change a record, and a 401 is told from a missing role.

    `clocks` compares the server's clock with the local one.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.clocks = Clocks()

    def meet(self) -> None:
        """Learn what the server's clock shows: one small request, where nothing was asked before. Never fails."""
        if not self.clocks.has_seen:
            with suppress(SourceError):  # whatever is wrong shows in what is asked next
                self.send(WHO_AM_I)

    def send(self, request: Request) -> requests.Response:
        """As the base. Raises `ConnectorFault` instead of sending anything but GET and searches."""
        if request.method != "GET" and not (request.method == "POST" and request.path in SEARCH_PATHS):
            raise ConnectorFault(
                f"Reading {request.what} would have sent a request that can change data; it was not sent.",
                internal_message=f"{request.method} {request.path}",
            )
        try:
            response = super().send(request)
        except Unavailable as unavailable:
            if unavailable.status not in (401, 403):
                raise
            if request.path == WHO_AM_I.path:
                raise Denied(
                    f"Kustomer refused the API key. Check that it is complete and active {WHERE}, and that region or "
                    "org_name are those of your organisation.",
                    internal_message=unavailable.internal_message,
                ) from unavailable
            if unavailable.status == 401:
                self.send(WHO_AM_I)
            raise
        self.clocks.saw(self.clock.now(), response.headers)
        return response


def is_somebody(content: Any) -> bool:
    """Whether this is what only Kustomer answers: the id of a key's owner."""
    owner = content.get("data") if isinstance(content, dict) else None
    return isinstance(owner, dict) and isinstance(owner.get("id"), str) and bool(owner["id"])


def is_refused_query(rejected: Rejected) -> bool:
    """A search that the API does not understand: unknown context or attribute, or a page too deep."""
    return rejected.status == 400
