"""What becomes of the states of airbyte/source-close-com (0.5.30 to 0.6.16) and singer-io/tap-closeio (1.6.6)."""

from __future__ import annotations

from datetime import timedelta

from source_closeio.task_types import TASK_TYPES
from source_kit.foreign_state import ForeignRule

ACTIVITIES_OF_CLOSE_COM = (
    "call",
    "created",
    "email",
    "email_thread",
    "lead_status_change",
    "meeting",
    "note",
    "opportunity_status_change",
    "sms",
    "task_completed",
)

FOREIGN_RULES = (
    # tap-closeio filters leads by minutes, source-close-com by days.
    ForeignRule("leads", take=True, cursor_from="date_updated", singer=True, minus=timedelta(minutes=1)),
    ForeignRule("leads", take=True, cursor_from="date_updated", singer=False, minus=timedelta(days=1)),
    ForeignRule("activities", take=True, cursor_from="date_created", singer=True),
    # The 30 days of the event log are the stream's own floor.
    ForeignRule("event_log", take=True, cursor_from="date_updated", singer=True),
    # Safe for type `lead`, but one bookmark serves all types.
    ForeignRule(
        "tasks",
        take=False,
        cursor_from="date_updated",
        singer=True,
        reason="which read tasks of type lead only, so that all others are missing",
    ),
    ForeignRule("opportunities", take=True, cursor_from="date_updated", singer=False, minus=timedelta(days=1)),
    ForeignRule("events", take=True, cursor_from="date_updated", singer=False),
    *(
        ForeignRule(
            f"{kind}_activities",
            take=False,
            cursor_from="date_created",
            singer=False,
            reason="which missed all edits, and up to version 0.5.30 all but one page of e-mails a year",
        )
        for kind in ACTIVITIES_OF_CLOSE_COM
    ),
    *(
        ForeignRule(
            f"{kind}_tasks",
            take=False,
            cursor_from="date_created",
            cursor_to="date_updated",
            singer=False,
            reason="which went by the creation of tasks and missed their edits",
        )
        for kind in TASK_TYPES
    ),
)

# Read whole in every sync: an old bookmark means nothing there.
IGNORED_STATES = frozenset({"custom_fields", "users", "user_posts"})
