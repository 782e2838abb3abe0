"""What becomes of the states of airbyte/source-close-com (0.5.30) and singer-io/tap-closeio (1.6.6)."""

from __future__ import annotations

from datetime import timedelta

from source_kit.foreign_state import ForeignRule

FOREIGN_RULES = (
    # tap-closeio filters leads by minutes, source-close-com by days.
    ForeignRule("leads", take=True, cursor_from="date_updated", singer=True, minus=timedelta(minutes=1)),
    ForeignRule("leads", take=True, cursor_from="date_updated", singer=False, minus=timedelta(days=1)),
    ForeignRule("activities", take=True, cursor_from="date_created", singer=True),
    # The 30 days of the event log are the stream's own floor.
    ForeignRule("event_log", take=True, cursor_from="date_updated", singer=True),
    ForeignRule(
        "tasks",
        take=False,
        cursor_from="date_updated",
        singer=True,
        reason="which read tasks of type lead only, so that all others are missing",
    ),
)

# Read whole in every sync: an old bookmark means nothing there.
IGNORED_STATES = frozenset({"custom_fields", "users", "user_posts"})
