"""What becomes of the states of tap-kustomer, singer-io's (1.1) and MeltanoLabs'."""

from __future__ import annotations

from datetime import timedelta

from source_kit.foreign_state import ForeignRule

LOOKBACK = timedelta(seconds=300)
# Both taps saved a time that the search index might not have caught up with.
_SINGER = ("customers", "conversations", "notes", "kobjects")
_MELTANO = (*_SINGER, "companies", "messages")

FOREIGN_RULES = (
    *(
        ForeignRule(stream, take=True, cursor_from="bookmark", cursor_to="updated_at", singer=True, minus=LOOKBACK)
        for stream in _SINGER
    ),
    ForeignRule(
        "messages",
        take=False,
        cursor_from="bookmark",
        cursor_to="updated_at",
        singer=True,
        reason="whose schema dropped most columns of messages",
    ),
    *(ForeignRule(stream, take=True, cursor_from="updated_at", singer=True, minus=LOOKBACK) for stream in _MELTANO),
)
