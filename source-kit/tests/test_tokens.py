"""Walks of one query whose ties come in another order with each answer."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

import pytest

from source_kit.keyset import Keyset
from source_kit.tokens import TokenWalk
from source_kit.windows import Fetched, Window

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ROWS = [{"id": number, "updated": "2024-01-01T00:00:00.000Z"} for number in range(1_600)]
PAGE_SIZE = 500
# With an end after four walks that bring nothing to emit, 4 of these failed where all rows but one were known.
SEEDS = range(40)


@pytest.mark.parametrize("known", [0, PAGE_SIZE, len(ROWS) - 1])
def test_ties_that_come_in_another_order_each_time_are_complete(known: int) -> None:
    """However many of them were emitted before: the count knows nothing of that."""
    for seed in SEEDS:
        keyset = Keyset(_shuffling(seed), "updated", PAGE_SIZE)
        came = [
            record["id"]
            for page in TokenWalk(keyset, set(map(keyset.mark_of, ROWS[:known]))).read(Window())
            for record in page.records
        ]
        assert sorted(came) == list(range(known, len(ROWS))), seed


def _shuffling(seed: int) -> Any:
    chance = random.Random(seed)

    def fetch(window: Window, token: Any = None, *, count: bool = False, limit: int | None = None) -> Fetched:
        skip = token or 0
        rows = chance.sample(ROWS, len(ROWS))[skip : skip + PAGE_SIZE]
        more = skip + PAGE_SIZE if skip + PAGE_SIZE < len(ROWS) else None
        return Fetched(rows, NOW, more, None if skip else len(ROWS))

    return fetch
