"""Schemas against shapes that accounts have answered with, and what a warehouse makes of them."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft7Validator  # type: ignore[import-untyped]  # has no types, and the lock file no stubs

from source_kit import schemas
from source_kustomer.records import lift
from source_kustomer.streams import build
from unit_tests.kustomer_account import NOTHING, Account

WORK_ITEM = {
    "id": "5f0000000000000000000056",
    "type": "work_item",
    "attributes": {
        "resourceType": "conversation",
        "status": "completed",
        "paused": False,
        "channel": "email",
        "firstEnterQueueAt": "2021-04-01T19:48:45.069Z",
        "queuedCount": 0,
        "priority": 1,
        "itemSize": 1,
        "ivr": {},
        "handle": {"time": 893912, "businessTime": 893912, "completedAt": "2021-07-08T17:17:18.572Z"},
        "wrapUp": {"enteredAt": "2021-02-11T11:27:00.671Z"},
        "abandoned": {},
        "resourceRev": 2,
        "resourceCreatedAt": "2021-04-01T19:48:43.860Z",
        "resourceDirection": "in",
        "resourceFirstAssignTime": 640242,
        "workItemNumber": 1,
        "firstRoutedResponse": {"time": 52099, "id": "m", "createdAt": "2021-02-08T18:02:18.624Z"},
        "lastRevision": {"externalQueue": "amazon-connect", "queueTime": 639033, "timedout": True},
        "completedAt": "2021-07-08T17:17:18.572Z",
    },
    "relationships": {
        "team": {"data": {"type": "team", "id": "t"}},
        "workSession": {"data": {"type": "work_session", "id": "s"}},
        "lastRevision": {"data": {"type": "work_item_revision", "id": "v"}},
        "assignedTo": {"data": {"type": "user", "id": "u"}},
        "routedToSession": {"data": {"type": "work_session", "id": "s"}},
        "rule": {"data": {"type": "queue-rule", "id": "r"}},
    },
}
WORK_SESSION = {
    "id": "5f0000000000000000000050",
    "type": "work_session",
    "attributes": {
        "routable": False,
        "statusType": "available",
        "workItemCount": 0,
        "pausedWorkItemCount": -1,
        "signedInAt": "2021-02-11T10:59:58.814Z",
        "capacity": [{"priority": 1, "limit": 2, "remaining": 3}],
        "capacityRemaining": 3,
        "totalCapacity": 2,
        "handledItemCount": 57,
        "handledConversationCount": 56,
        "totalAvailable": {"statusAt": "2021-02-11T10:59:58.814Z"},
        "totalUnavailableNotAtCapacity": {"businessTime": 820309, "time": 820309},
        "totalTimeByStatus": {"5b698101f5320ab3dedb4101": {"statusSelectedCount": 1}},
        "capacityStatus": "idle",
        "lastAssignedItemAt": "2021-02-11T13:54:10.878Z",
        "rev": 173,
        "lastRevision": {"handledItemCount": 0},
    },
    "relationships": {
        "routingSettings": {"data": {"type": "team_routing_settings", "id": "x"}},
        "queues": {"data": [{"type": "queue", "id": "q"}]},
        "pendingItem": {"data": {"type": "work_item", "id": "i"}},
    },
}


def schema_of(name: str) -> dict[str, Any]:
    return schemas.load("source_kustomer", name)


def problems(name: str, record: dict[str, Any]) -> list[str]:
    """What the record's schema says of it, and the columns that the schema lacks."""
    schema = schema_of(name)
    wrong = [error.message for error in Draft7Validator(schema).iter_errors(record)]
    return wrong + sorted(record.keys() - schema["properties"].keys())


@pytest.mark.parametrize(("name", "record"), [("work_items", WORK_ITEM), ("work_sessions", WORK_SESSION)])
def test_what_routing_answers_is_declared(name: str, record: dict[str, Any]) -> None:
    assert problems(name, lift(record)) == []


def test_whoever_has_a_work_item_is_called_as_in_the_api() -> None:
    lifted = lift(WORK_ITEM)
    assert (lifted["assigned_to_id"], lifted["routed_to_session_id"], lifted["rule_id"]) == ("u", "s", "r")
    assert (lifted["last_revision"]["queueTime"], lifted["last_revision_id"]) == (639033, "v")


@pytest.mark.parametrize(
    ("name", "attributes"),
    [
        ("conversations", {"sentiment": {}}),
        ("conversations", {"sentiment": {"polarity": -1, "confidence": 0.97}}),
        ("conversations", {"sentiment": None, "locked": None, "totalOpen": {"timeSinceLastDone": 0}}),
        ("conversation_times", {"reopened": True, "touched": 2}),
        ("customers", {"sla": {"version": 4, "summary": {"satisfiedAt": "2019-11-25T15:19:25.038Z"}}}),
        ("snoozes", {"type": "relative", "value": 7200000}),
        ("snoozes", {"type": "dynamic", "value": {"day": {"type": "tomorrow", "value": ""}, "time": "09:00 am"}}),
    ],
)
def test_values_of_several_kinds_are_declared(name: str, attributes: dict[str, Any]) -> None:
    assert problems(name, lift({"id": "x", "type": "t", "attributes": attributes})) == []


def test_a_column_that_may_hold_an_object_or_a_list_is_one_of_json() -> None:
    """PyAirbyte makes a text column of several types, of none too, and its Postgres then refuses the object."""
    account = Account(lambda *asked: NOTHING)
    texts = [
        f"{stream.name}.{name}"
        for stream in build(account.client, account.settings)
        for name, column in stream.get_json_schema()["properties"].items()
        if _becomes_text(column) and {"object", "array"} & set(column.get("type", ["object"]))
    ]
    assert texts == []


def _becomes_text(column: dict[str, Any]) -> bool:
    kinds = set(column.get("type", [])) - {"null"}
    return column.get("airbyte_type") != "object" and len(kinds) != 1
