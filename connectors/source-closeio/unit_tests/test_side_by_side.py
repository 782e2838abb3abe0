"""Whole streams whose pieces are read at once, in turns of chance: what the account holds, each record once."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest

from source_kit.testing import SideBySide
from source_kit.timestamps import parse
from source_kit.work import Start
from unit_tests.closeio_account import Account

# Long enough to be cut into windows.
LONG: dict[str, Any] = {
    "leads": 3_000,
    "contacts": 2_500,
    "opportunities": 1_500,
    "activities": 2_500,
    "tasks": 2_000,
    "events": 600,
}
STREAMS = {
    "leads": "date_updated",
    "contacts": "date_updated",
    "opportunities": "date_updated",
    "activities": "date_created",
    "call_activities": "date_created",
    "user_posts": "date_created",
    "tasks": "date_updated",
    "lead_tasks": "date_updated",
    "event_log": "date_updated",
    "deleted_records": "deleted_at",
    "sequence_subscriptions": "",
}


@pytest.fixture(scope="module")
def account() -> Account:
    return Account(subscriptions=600, **LONG)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("name", STREAMS)
def test_however_pieces_overtake_each_other_each_record_comes_once_and_states_are_safe(
    account: Account, name: str, seed: int
) -> None:
    connection, _ = account.connection()
    stream: Any = next(each for each in connection.streams() if each.name == name)
    cursor = STREAMS[name]
    plan = SideBySide(stream.work(Start(incremental=bool(cursor))), random.Random(seed).choice).run()
    assert plan.error is None
    expected = {row["id"]: row for row in account.truth(name)}
    given: list[str] = []
    for page in plan.pages:
        given += [row["id"] for row in page.records]
        until = (page.checkpoint or {}).get(cursor)
        if until is not None:
            before = {key for key, row in expected.items() if parse(row[cursor]) < parse(until)}
            assert before <= set(given), f"the state {until} is past records that are not out"
    assert Counter(given) == dict.fromkeys(expected, 1)
