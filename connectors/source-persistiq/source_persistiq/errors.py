"""What PersistIQ's refusals mean. The 401's text echoes the key that was sent: no text of the API is ever shown."""

from __future__ import annotations

from source_kit.rules import Action, Rule

RULES = (
    Rule(
        (400,), Action.REJECT, "PersistIQ refused the parameters (400). Check start_date, or clear the stream's state."
    ),
    Rule(
        (401,), Action.DENIED, "PersistIQ does not know the API key (401). Copy it again from Settings, Integrations."
    ),
    Rule(
        (403,), Action.UNAVAILABLE, "PersistIQ forbids this with the API key (403). Remove the stream or ask PersistIQ."
    ),
    Rule((404,), Action.UNAVAILABLE, "PersistIQ does not have this for the account (404). Remove the stream."),
    Rule(range(500, 600), Action.RETRY, "PersistIQ had a problem with its own server (5xx)."),
)
