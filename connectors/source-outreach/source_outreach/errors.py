"""What Outreach's refusals mean: developers.outreach.io/api/making-requests, and answers recorded from the live API."""

from __future__ import annotations

import re

from source_kit.rules import Action, Rejected, Rule, Unavailable

FORBIDDEN = 403
RULES = (
    Rule((401,), Action.DENIED, "Outreach refused the access token. Authorise the connection again."),
    # Streams name the scope that is missing.
    Rule((FORBIDDEN,), Action.REJECT, "The authorisation does not cover this."),
    Rule((404,), Action.UNAVAILABLE, "Outreach has no such resource for the account. Remove the stream from the sync."),
)
# Answers to a list that there is none.
NO_LIST = (400, 404, 405, 422)
# What the portal has for an app in the place of the scope that an answer names.
APP_SCOPES = {"webhooks.read": "webhooks.all"}
NO_IMPORTS = "Outreach gives imports by id only. Set import_ids, or remove imports from the sync."

_SCOPE = re.compile(r"'([A-Za-z]+\.[a-z]+)'")


def missing_scope(rejected: Rejected) -> str | None:
    """The scope in "Your authorization does not include the required scope 'calls.read'.", None for other refusals."""
    found = _SCOPE.search(rejected.text) if "unauthorizedOauthScope" in rejected.text else None
    return found[1] if found else None


def forbidden(rejected: Rejected, stream: str, plural: str, *, is_app: bool) -> Unavailable:
    """A 403 as what the user must grant: the scope that the answer names, else access to these resources."""
    scope = missing_scope(rejected)
    if scope is None:
        what = (
            f"the user who authorised the connection may not read {plural}. Change the governance profile of the user "
            "or authorise as an administrator"
        )
    elif is_app:
        what = (
            f"the app lacks the scope {APP_SCOPES.get(scope, scope)}. Add it in the Outreach developer portal (your "
            "app, feature API Access (S2S)) and install the app again"
        )
    else:
        what = f"the authorisation lacks the scope {scope}. Authorise the connection again with it"
    return _unavailable(rejected, f"Reading stream {stream} failed: {what}, or remove the stream from the sync.")


def unlisted(refused: Rejected | Unavailable) -> Unavailable:
    """Where the account has no list of imports, the only one that is asked for without being documented."""
    return _unavailable(refused, NO_IMPORTS)


def no_app_scope(stream: str, plural: str) -> Unavailable:
    """Why an app that signs in without a user does not even ask for these resources."""
    return Unavailable(
        f"Outreach has no scope for {plural} that an app can have (S2S). Remove the stream {stream} from the sync, or "
        "read it with a connection by OAuth."
    )


def no_schema(stream: str) -> Unavailable:
    """Where nothing tells which custom objects the account has."""
    return Unavailable(
        f"Stream {stream} cannot be read now, because Outreach did not give the schema with the custom objects; a "
        "warning in the log says why. Run the sync again, or remove the stream if Outreach never gives it."
    )


def _unavailable(refused: Rejected | Unavailable, text: str) -> Unavailable:
    return Unavailable(text, status=refused.status, internal_message=refused.internal_message)
