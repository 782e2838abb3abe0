"""An account whose index is hours late for some records, and the states of a read before that.

The clock is the true one: records are touched as if two hours ago, which the emulated index shows in a few seconds for
a third of them, and at once for the others.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from harness.connector import Connector, Lateness
from harness.messages import Message
from harness.read_checks import Read
from harness.trial import NewTrial, Trial

LATE_SECONDS, SHARE = 7_200.0, 1 / 3
SHOWN_AFTER_SECONDS, NEWER_SECONDS = 12.0, 1_800.0
UPDATED, CREATED = 40, 20
DATA_ENDED, LAST_READ = timedelta(hours=12), timedelta(hours=3)


def states_of_then(connector: Connector, names: tuple[str, ...]) -> list[Message]:
    """The states of a read three hours ago."""
    then = (datetime.now(UTC) - LAST_READ).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return [
        {
            "type": "STREAM",
            "stream": {
                "stream_descriptor": {"name": name},
                "stream_state": {connector.stream(name).cursor: then, "__v": 1},
            },
        }
        for name in names
    ]


def old_account(new_trial: NewTrial, **options: Any) -> Trial:
    """An account in which nothing has happened for hours."""
    ended = datetime.now(UTC) - DATA_ENDED
    return new_trial(now=ended.strftime("%Y-%m-%dT%H:%M:%SZ"), **options)


def newer(trial: Trial, late: Lateness) -> None:
    """Records of half an hour ago, which the index shows: the states go on to them."""
    trial.emulator.options(late_share=0.0)
    for collection in dict.fromkeys(late.streams.values()):
        trial.emulator.touch(collection, create=CREATED, ago_seconds=NEWER_SECONDS)


def rows(read: Read, name: str) -> list[dict[str, Any]]:
    return read.result.records.get(name, [])
