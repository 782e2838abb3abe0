"""A gateway that gave up on a request (502, 504): the same request, or for pages a smaller one, after a pause.

The client leaves these statuses to the callers, since only they know how to ask for less.
"""

from __future__ import annotations

import requests

from source_kit.client import HttpClient, Request, backoff_seconds
from source_kit.errors import TransientError
from source_kit.rules import MAX_ATTEMPTS, Rejected
from source_outreach.errors import HEAVY_STATUSES


def send(client: HttpClient, request: Request) -> requests.Response:
    """As `client.send`; a request that is not for a page cannot ask for less, so it is repeated as it is."""
    for attempt in range(1, MAX_ATTEMPTS + 1):
        try:
            return client.send(request)
        except Rejected as rejected:
            pause(client, rejected, attempt, request.what)
    raise AssertionError("unreachable: the last attempt returns or raises")


def pause(client: HttpClient, rejected: Rejected, attempt: int, what: str) -> None:
    """Wait before the next attempt; raises what is no refusal of the gateway, and `TransientError` after the last."""
    if rejected.status not in HEAVY_STATUSES:
        raise rejected
    if attempt == MAX_ATTEMPTS:
        raise TransientError(
            f"Reading {what} failed {attempt} times: Outreach's gateway gave up on every request. Run the sync "
            "again later; it goes on from the last saved state.",
            internal_message=rejected.internal_message,
        ) from rejected
    seconds = backoff_seconds(attempt)
    client.log("DEBUG", f"{rejected.internal_message}: attempt {attempt}, again in {seconds:.1f} s")
    client.clock.sleep(seconds)
