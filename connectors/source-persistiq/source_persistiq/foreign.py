"""The states of airbyte/source-persistiq (0.2, 0.3) and tap-persistiq: both read everything in every sync.

Neither has a bookmark that could be taken over: incremental streams start at `start_date`.
"""

from __future__ import annotations

from source_kit.foreign_state import ForeignRule

FOREIGN_RULES: tuple[ForeignRule, ...] = ()
# Read whole in every sync: an old bookmark means nothing there.
IGNORED_STATES = frozenset({"users", "campaigns"})
