"""The history of records from the audit log is what each conversation tells of itself, in few of the requests."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from harness.exact_json import dumps
from harness.trial import NewTrial, Trial
from harness.truth import covers

pytestmark = [pytest.mark.only("kustomer"), pytest.mark.thorough]

HISTORY, EVENTS = "record_history", "conversation_events"
# All of the account's time lies within the lifetime of the log's entries.
SIZE = {"conversations": 900, "customers": 300, "days": 80}
EDITS = 25
A_PAGE = 1_000
# Of each of three types of objects the first page says how many there are; windows of thirty days end with a page.
REQUESTS_BESIDE = 20


def changes(rows: list[dict[str, Any]], identity: str) -> Counter[tuple[str, str, bytes]]:
    """Which conversation changed when, and how."""
    return Counter((row[identity], row["created_at"], dumps(row["changes"])) for row in rows)


def of_conversations(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The entries about edits of conversations; who tells of itself does not tell of its own beginning and end."""
    return [row for row in rows if (row["object_type"], row["event_verb"]) == ("conversation", "update")]


@pytest.fixture
def trial(new_trial: NewTrial) -> Trial:
    made = new_trial(**SIZE)
    made.emulator.touch("conversations", update=EDITS)
    return made


def test_the_history_of_conversations_is_the_same_from_either_side(trial: Trial) -> None:
    history = of_conversations(trial.read([HISTORY]).result.records[HISTORY])
    events = trial.read([EVENTS]).result.records[EVENTS]
    assert changes(history, "object_id") == changes(events, "conversation_id")
    assert len(events) > 900


def test_it_costs_a_request_for_a_thousand_entries(trial: Trial) -> None:
    requests = {}
    for name in (EVENTS, HISTORY):
        trial.emulator.reset_stats()
        read = trial.read([name])
        requests[name] = trial.emulator.stats()["requests"]
    entries = len(trial.emulator.truth("audit_logs"))
    print(f"{len(read.result.records[HISTORY])} of {entries} entries in {requests[HISTORY]} requests; {requests}")
    assert requests[HISTORY] <= entries / A_PAGE + REQUESTS_BESIDE
    assert requests[EVENTS] >= SIZE["conversations"]


def test_the_next_read_has_what_changed_since(trial: Trial) -> None:
    stream = trial.connector.stream(HISTORY)
    first = trial.read([HISTORY])
    edited = trial.emulator.touch("conversations", update=EDITS, create=3, delete=2)
    trial.emulator.touch("customers", update=EDITS)
    second = trial.read([HISTORY], state=first.result.final_states()).result.records[HISTORY]
    assert {row["object_id"] for row in of_conversations(second)} >= set(edited["updated"])
    emitted = first.result.records[HISTORY] + second
    assert not (problems := covers(stream, trial.emulator.truth(HISTORY), emitted)), "\n".join(problems)


def test_both_say_how_long_entries_live(trial: Trial) -> None:
    trial.emulator.touch("customers", delete=2)
    read = trial.read([HISTORY, "deleted_records"])
    for name in (HISTORY, "deleted_records"):
        assert all(row["expires_at"] for row in read.result.records[name]), name
    assert any("90 days" in line for line in read.result.logs), "the log does not say how far back entries live"
