"""What becomes of the states of airbyte/source-outreach (1.0.30 to 1.1.24) and singer-io/tap-outreach (1.2.2)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from source_kit.foreign_state import ForeignRule
from source_outreach.collections import table

# Read whole in every sync: an old bookmark means nothing there.
IGNORED_STATES = frozenset(name for name, collection in table().items() if collection.cursor is None)


def rules_for(lookback: timedelta) -> Sequence[ForeignRule]:
    """Both followed `updatedAt`; they are read again from `lookback` before their bookmark, since both went up to the
    present, which the API does not show at once."""
    taken = [
        ForeignRule(name, take=True, cursor_from="updatedAt", minus=lookback)
        for name, collection in table().items()
        if collection.cursor == "updatedAt"
    ]
    events = ForeignRule(
        "events",
        take=False,
        cursor_from="eventAt",
        cursor_to="createdAt",
        singer=True,
        reason="which followed eventAt, so that events recorded late are missing",
    )
    return (*taken, events)
