"""States of source-close-com and tap-closeio."""

from __future__ import annotations

import pytest

from source_closeio.foreign import FOREIGN_RULES, IGNORED_STATES
from source_kit.foreign_state import adopt
from source_kit.state_input import StreamState, parse_state

TAP_STATE = {
    "bookmarks": {
        "leads": {"date_updated": "2026-01-05T10:00:00Z", "offset": {"skip": 300}},
        "activities": {"date_created": "2026-01-05T10:00:00.5+00:00"},
        "tasks": {"date_updated": "2026-01-05T10:00:00Z"},
        "users": {"date_updated": "2026-01-05T10:00:00Z"},
        "custom_fields": {"date_updated": "2026-01-05T10:00:00Z"},
        "event_log": {"date_updated": "2026-01-05T10:00:00Z"},
    }
}


def own(**value: str) -> StreamState:
    return StreamState({**value, "__v": 1}, own=True)


def test_a_state_of_the_singer_tap_is_taken_over_but_for_tasks() -> None:
    states, warnings = adopt(parse_state(TAP_STATE), FOREIGN_RULES, False, ignored=IGNORED_STATES)
    assert states == {
        "leads": own(date_updated="2026-01-05T09:59:00.000000+00:00"),
        "activities": own(date_created="2026-01-05T10:00:00.500000+00:00"),
        "event_log": own(date_updated="2026-01-05T10:00:00.000000+00:00"),
    }
    assert warnings == [
        "Stream tasks starts again: its state is of another connector, which read tasks of type lead only, so that all "
        "others are missing."
    ]


@pytest.mark.parametrize("zone", ["+00:00", "+0000"])
def test_a_state_of_source_close_com_steps_back_a_day(zone: str) -> None:
    state = {
        "type": "STREAM",
        "stream": {
            "stream_descriptor": {"name": "leads"},
            "stream_state": {"date_updated": f"2020-04-26T01:02:12.081000{zone}"},
        },
    }
    states, warnings = adopt(parse_state([state]), FOREIGN_RULES, False, ignored=IGNORED_STATES)
    assert states == {"leads": own(date_updated="2020-04-25T01:02:12.081000+00:00")}
    assert warnings == []


def test_a_trusted_state_of_tasks_is_taken_over() -> None:
    states, _ = adopt(parse_state(TAP_STATE), FOREIGN_RULES, True, ignored=IGNORED_STATES)
    assert states["tasks"] == own(date_updated="2026-01-05T10:00:00.000000+00:00")
