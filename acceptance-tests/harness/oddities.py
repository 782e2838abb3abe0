"""Compares reads of odd rows with the truth: what a vendor's mistake leaves open, both answers may be.

Open are: whether an empty cursor is null or absent; whether a null among related ids stays; and the names of two
columns that would be one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from emulators.oddities.kinds import ANSWER, ATTRIBUTE, EXTRA_ROWS, SPELLING, VALUES
from harness import truth
from harness.connector import Connector, Stream
from harness.messages import Message, Record, Result

NULLED = ("NULLED", "SOURCE_SERIALIZATION_ERROR")
# As the truth has them: values with a part that JSON cannot hold, and values that are emitted in a near form.
UNSPEAKABLE = (VALUES["nan"].true, VALUES["infinity"].true)
NEAR = (VALUES["surrogate"].true, VALUES["bad_utf8"].true)
SAMPLE = 5
Statistics = dict[str, Any]


def is_marked(record: Record) -> bool:
    """Whether this is the object without an id."""
    return bool(record.get(ATTRIBUTE) == EXTRA_ROWS["row_without_id"][ATTRIBUTE])


def open_form(stream: Stream, record: Record) -> Record:
    """A record without what is open."""
    kept: Record = {}
    spellings = []
    for name, value in record.items():
        if isinstance(value, str) and value.startswith(SPELLING):
            spellings.append(value)
        elif isinstance(value, list) and name.endswith(("Ids", "_ids")):
            kept[name] = [entry for entry in value if entry is not None]
        elif name != stream.cursor or value is not None:
            kept[name] = value
    return kept | ({"(spellings)": sorted(spellings)} if spellings else {})


def differences(connector: Connector, expected: dict[str, list[Record]], result: Result) -> list[str]:
    """Problems unless the records are those of the truth, each once, and declare what could not be emitted."""
    problems = changes_of(result)
    for name, records in expected.items():
        stream = connector.stream(name)
        emitted = [record for record in result.records.get(name, []) if not is_marked(record)]
        formed = replace(stream, comparable=_then(stream, open_form))
        problems += truth.differences(formed, [open_form(stream, record) for record in records], emitted)
    return problems


def _then(stream: Stream, form: Callable[[Stream, Record], Record]) -> Callable[[Record], Record]:
    return lambda record: form(stream, stream.comparable(record))


def nameless(connector: Connector, result: Result, statistics: Statistics) -> list[str]:
    """Problems unless every object without an id has arrived, and in no stream twice. It has no key, so that one that
    comes in two answers leaves twice; one that comes again in the same answer is the same."""
    arrived: set[str] = set()
    problems = []
    for name, records in result.records.items():
        answers = Counter(str(record.get(ANSWER)) for record in records if is_marked(record))
        arrived |= answers.keys()
        if repeated := sorted(answer for answer, count in answers.items() if count > 1):
            problems.append(f"{name}: {len(repeated)} objects without id emitted more than once: {repeated[:SAMPLE]}")
    others = tuple(ending for name in result.statuses for ending in connector.asked_for_others.get(name, ()))
    sent_in = {answer: subject for answer, subject in statistics["nameless"].items() if not subject.endswith(others)}
    lost = Counter(subject for answer, subject in sent_in.items() if answer not in arrived)
    return problems + [f"{subject}: {count} objects without id did not arrive" for subject, count in lost.items()]


def changes_of(result: Result) -> list[str]:
    """Problems unless exactly the records with values that JSON cannot hold say so in `meta.changes`."""
    silent: dict[str, int] = {}
    idle: dict[str, int] = {}
    for message in result.of_type("RECORD"):
        record = message["record"]
        if ATTRIBUTE in record["data"] and record["data"][ATTRIBUTE] in UNSPEAKABLE:
            silent[record["stream"]] = silent.get(record["stream"], 0) + (not _is_declared(record))
        elif (record.get("meta") or {}).get("changes") and record["data"].get(ATTRIBUTE) not in NEAR:
            idle[record["stream"]] = idle.get(record["stream"], 0) + 1
    return [f"{name}: {count} nulled values are not declared" for name, count in silent.items() if count] + [
        f"{name}: {count} records declare changes that there are not" for name, count in idle.items()
    ]


def _is_declared(record: Message) -> bool:
    changes = (record.get("meta") or {}).get("changes") or []
    return any(
        change["field"].split(".")[0] == ATTRIBUTE and (change["change"], change["reason"]) == NULLED
        for change in changes
    )


def sent(*kinds: str) -> Callable[[Statistics], list[str]]:
    """The scenario happened: each of these kinds was sent."""

    def judge(statistics: Statistics) -> list[str]:
        return [f"never sent: {kind}" for kind in kinds if not statistics["odd"].get(kind)]

    return judge
