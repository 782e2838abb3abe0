"""What Outreach's refusals mean: developers.outreach.io/api/making-requests, and answers recorded from the live API."""

from __future__ import annotations

import re

from source_kit.rules import Action, Rejected, Rule

RULES = (
    Rule((401,), Action.DENIED, "Outreach refused the access token. Authorise the connection again."),
    # Streams name the scope that is missing.
    Rule((403,), Action.REJECT, "The authorisation does not cover this."),
    Rule((404,), Action.UNAVAILABLE, "Outreach has no such resource for the account. Remove the stream from the sync."),
)

_SCOPE = re.compile(r"'([A-Za-z]+\.[a-z]+)'")


def missing_scope(rejected: Rejected) -> str | None:
    """The scope in "Your authorization does not include the required scope 'calls.read'.", None for other refusals."""
    found = _SCOPE.search(rejected.text) if "unauthorizedOauthScope" in rejected.text else None
    return found[1] if found else None
