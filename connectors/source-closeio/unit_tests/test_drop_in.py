"""States of source-close-com: which go on, which start again and why."""

from __future__ import annotations

from typing import Any

import pytest

from source_closeio.foreign import FOREIGN_RULES, IGNORED_STATES
from source_closeio.streams import build
from source_kit.foreign_state import adopt
from source_kit.state_input import parse_state
from unit_tests.closeio_account import Account

CREATED = {"date_created": "2026-01-05T10:00:00.000000+00:00"}
UPDATED = {"date_updated": "2020-04-26T01:02:12.081000+00:00"}


def state_of(**states: Any) -> list[dict[str, Any]]:
    """As Airbyte hands it over."""
    return [
        {"type": "STREAM", "stream": {"stream_descriptor": {"name": name}, "stream_state": state}}
        for name, state in states.items()
    ]


def test_opportunities_step_back_a_day_and_events_go_on() -> None:
    given = parse_state(state_of(opportunities=UPDATED, events=UPDATED))
    states, warnings = adopt(given, FOREIGN_RULES, False, ignored=IGNORED_STATES)
    assert {name: state.value for name, state in states.items()} == {
        "opportunities": {"date_updated": "2020-04-25T01:02:12.081000+00:00", "__v": 1},
        "events": {"date_updated": "2020-04-26T01:02:12.081000+00:00", "__v": 1},
    }
    assert warnings == []


@pytest.mark.parametrize(
    ("stream", "reason"),
    [
        *(
            (
                f"{kind}_activities",
                "which missed all edits, and up to version 0.5.30 all but one page of e-mails a year",
            )
            for kind in (
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
        ),
        *(
            (f"{kind}_tasks", "which went by the creation of tasks and missed their edits")
            for kind in (
                "lead",
                "incoming_email",
                "email_followup",
                "missed_call",
                "answered_detached_call",
                "voicemail",
                "opportunity_due",
                "incoming_sms",
            )
        ),
    ],
)
def test_typed_activities_and_tasks_start_again_and_say_why(stream: str, reason: str) -> None:
    given = parse_state(state_of(**{stream: CREATED}))
    assert adopt(given, FOREIGN_RULES, False, ignored=IGNORED_STATES) == (
        {},
        [f"Stream {stream} starts again: its state is of another connector, {reason}."],
    )
    trusted, _ = adopt(given, FOREIGN_RULES, True, ignored=IGNORED_STATES)
    cursor = "date_created" if stream.endswith("activities") else "date_updated"
    assert trusted[stream].value == {cursor: "2026-01-05T10:00:00.000000+00:00", "__v": 1}


def test_every_rule_is_about_a_stream_that_there_is() -> None:
    names = {stream.name for stream in build(None, None)}  # type: ignore[arg-type]  # nothing is asked here
    assert {rule.stream for rule in FOREIGN_RULES} <= names
    assert names >= IGNORED_STATES


def test_a_stream_that_starts_again_reads_everything() -> None:
    account = Account(activities=120)
    reading = account.read("call_activities", CREATED)
    assert sorted(reading.ids) == sorted(record["id"] for record in account.truth("call_activities"))
    assert any("Stream call_activities starts again" in line for line in reading.logs)


def test_the_configuration_of_source_close_com_works_as_it_is() -> None:
    account = Account({"start_date": "2021-01-01"})
    assert account.read("contacts").exit_code == 0
