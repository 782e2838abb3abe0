"""What Kustomer's index shows hours late is looked for once in some hours, and not in every sync."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from harness.connector import Connector
from harness.lateness import (
    CREATED,
    LATE_SECONDS,
    SHARE,
    SHOWN_AFTER_SECONDS,
    UPDATED,
    newer,
    old_account,
    rows,
    states_of_then,
)
from harness.messages import Message
from harness.trial import NewTrial
from harness.truth import missing
from source_kit.lookback import LOOKED_BACK_KEY

pytestmark = [pytest.mark.only("kustomer"), pytest.mark.thorough]

STREAM = "messages"
INTERVAL = timedelta(hours=6)


def aged(states: list[Message]) -> list[Message]:
    """The same states as if they had looked back longer ago than the interval."""
    then = (datetime.now(UTC) - INTERVAL - timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M:%SZ")

    def older(state: dict[str, Any]) -> dict[str, Any]:
        assert LOOKED_BACK_KEY in state, "the state does not say when it looked back"
        return {**state, LOOKED_BACK_KEY: then}

    return [
        {**each, "stream": {**each["stream"], "stream_state": older(each["stream"]["stream_state"])}} for each in states
    ]


def test_a_read_looks_back_once_in_six_hours_and_finds_what_was_late(connector: Connector, new_trial: NewTrial) -> None:
    assert connector.lateness is not None
    trial = old_account(new_trial, late_share=SHARE, late_seconds=LATE_SECONDS)
    started = time.monotonic()
    ago = LATE_SECONDS - SHOWN_AFTER_SECONDS
    touched = trial.emulator.touch(STREAM, update=UPDATED, create=CREATED, ago_seconds=ago)
    newer(trial, connector.lateness)
    changed = {*touched["updated"], *touched["created"]}
    during = trial.read([STREAM], state=states_of_then(connector, (STREAM,)))
    assert time.monotonic() - started < SHOWN_AFTER_SECONDS, "the first read took too long to prove anything"
    seen = {row["id"] for row in rows(during, STREAM)}
    late = changed - seen
    assert late, "nothing was late"
    time.sleep(SHOWN_AFTER_SECONDS + 0.5 - (time.monotonic() - started))
    soon = trial.read([STREAM], state=during.result.final_states())
    assert not late & {row["id"] for row in rows(soon, STREAM)}, "every read looks back"
    later = trial.read([STREAM], state=aged(soon.result.final_states()))
    found = [row["id"] for row in rows(later, STREAM)]
    assert not missing(connector.stream(STREAM), late, found)
    assert not (changed - late) & set(found), "what has left comes again"
