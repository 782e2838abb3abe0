"""Checks of one successful `read`. Each is a function that returns all the problems it finds; none quotes a record.

They hold for every connector: what the retired connector-acceptance-test asserted about a read, and this project's
promises about STATE (after every record, truthful counts, never ahead of what was emitted, never backwards).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from itertools import pairwise
from typing import Any

from jsonschema import (  # type: ignore[import-untyped] # has no types, the lock file no stubs
    Draft7Validator,
    FormatChecker,
    validators,
)

from harness.messages import Message, Result, state_stream

KNOWN_TYPES = {"RECORD", "STATE", "LOG", "TRACE", "CONTROL"}
CLOCK_TOLERANCE = timedelta(seconds=2)
SAMPLE = 3
# 1.0 is an integer to JSON schema, but not to the destinations that make columns of it.
StrictValidator = validators.extend(
    Draft7Validator,
    type_checker=Draft7Validator.TYPE_CHECKER.redefine("integer", lambda _, value: type(value) is int),
)
# The formats that Airbyte's schemas know. A date-time has a zone, as RFC 3339 wants it.
FORMATS = FormatChecker(formats=())
DATE = re.compile(r"\d{4}-\d\d-\d\d")
DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


@FORMATS.checks("date", raises=ValueError)  # type: ignore[untyped-decorator]
def is_date(value: object) -> bool:
    return not isinstance(value, str) or bool(DATE.fullmatch(value) and date.fromisoformat(value))


@FORMATS.checks("date-time", raises=ValueError)  # type: ignore[untyped-decorator]
def is_date_time(value: object) -> bool:
    return not isinstance(value, str) or bool(DATE_TIME.fullmatch(value) and datetime.fromisoformat(value))


@dataclass(frozen=True)
class Read:
    """One read to be judged: its result, the configured catalog, the states it began from, when it began."""

    result: Result
    catalog: dict[str, Any]
    started: datetime
    initial: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        return [configured["stream"]["name"] for configured in self.catalog["streams"]]

    def cursor_field(self, name: str) -> str | None:
        """The cursor of a stream that is read incrementally; None for the others."""
        for configured in self.catalog["streams"]:
            if configured["stream"]["name"] == name and configured["sync_mode"] == "incremental":
                return str(configured["cursor_field"][0])
        return None

    def of_stream(self, name: str) -> Sequence[Message]:
        """The RECORD and STATE messages of one stream in order."""
        return self._by_stream.get(name, ())

    @cached_property
    def _by_stream(self) -> dict[str, list[Message]]:
        found: dict[str, list[Message]] = {}
        for message in self.result.messages:
            if message["type"] == "RECORD":
                found.setdefault(message["record"]["stream"], []).append(message)
            elif message["type"] == "STATE":
                found.setdefault(state_stream(message), []).append(message)
        return found


def instant(value: str) -> datetime:
    """A date or date-time of any form as an instant; without a zone it is UTC."""
    parsed = datetime.fromisoformat(value)
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def usable_instant(value: Any) -> datetime | None:
    """The same of a record's cursor, which a vendor may leave empty or fill with no time at all: None then."""
    try:
        return instant(value)
    except (TypeError, ValueError):
        return None


def whole_lines_of_known_types(read: Read) -> list[str]:
    problems = [f"unknown message type {m['type']}" for m in read.result.messages if m["type"] not in KNOWN_TYPES]
    return problems + (["the last line has no newline"] if read.result.tail else [])


def only_configured_streams(read: Read) -> list[str]:
    seen = read.result.records.keys() | read.result.states.keys() | read.result.statuses.keys()
    return [f"{name}: not in the catalog, but spoken of" for name in sorted(seen - set(read.names))]


def statuses_in_order(read: Read) -> list[str]:
    """STARTED, then RUNNING (RATE_LIMITED between), then COMPLETE, for every stream."""
    problems = []
    for name in read.names:
        statuses = read.result.statuses.get(name, [])
        inner = statuses[1:-1]
        if statuses[:1] != ["STARTED"] or statuses[-1:] != ["COMPLETE"]:
            problems.append(f"{name}: statuses {statuses}")
        elif "RUNNING" not in inner or set(inner) - {"RUNNING", "RATE_LIMITED"}:
            problems.append(f"{name}: between STARTED and COMPLETE came {inner}")
    return problems


def messages_between_started_and_complete(read: Read) -> list[str]:
    problems: list[str] = []
    opened: set[str] = set()
    closed: set[str] = set()
    for message in read.result.messages:
        if message["type"] == "TRACE" and message["trace"]["type"] == "STREAM_STATUS":
            status = message["trace"]["stream_status"]
            (closed if status["status"] == "COMPLETE" else opened).add(status["stream_descriptor"]["name"])
        elif message["type"] in ("RECORD", "STATE"):
            name = message["record"]["stream"] if message["type"] == "RECORD" else state_stream(message)
            if name not in opened or name in closed:
                problems.append(f"{name}: {message['type']} outside STARTED and COMPLETE")
    return sorted(set(problems))


def state_for_every_stream(read: Read) -> list[str]:
    problems = [f"{name}: no STATE" for name in read.names if not read.result.states.get(name)]
    for message in read.result.of_type("STATE"):
        state = message["state"]
        if state.get("type") != "STREAM":
            problems.append(f"STATE of type {state.get('type')}")
        elif not state["stream"].get("stream_state"):
            problems.append(f"{state_stream(message)}: STATE without content")
    return problems


def every_record_is_followed_by_a_state(read: Read) -> list[str]:
    problems = []
    for name in read.names:
        messages = list(read.of_stream(name))
        if messages and messages[-1]["type"] == "RECORD":
            problems.append(f"{name}: records after the last STATE")
    return problems


def record_counts_are_true(read: Read) -> list[str]:
    """sourceStats.recordCount is the number of records of the stream since its previous STATE."""
    problems = []
    for name in read.names:
        since = 0
        for message in read.of_stream(name):
            if message["type"] == "RECORD":
                since += 1
                continue
            said = (message["state"].get("sourceStats") or {}).get("recordCount")
            if said != since:
                problems.append(f"{name}: STATE says {said} records, there were {since}")
            since = 0
    return problems[: SAMPLE * len(read.names)]


def no_equal_states_in_succession(read: Read) -> list[str]:
    """Two equal STATEs with records between them disable the platform's checksum."""
    problems = []
    for name, states in read.result.states.items():
        equal = sum(1 for earlier, later in pairwise(states) if earlier == later)
        if equal:
            problems.append(f"{name}: {equal} STATEs equal the one before")
    return problems


def states_never_go_backwards(read: Read) -> list[str]:
    problems = []
    for name, values in cursor_values(read).items():
        initial = read.initial.get(name, {}).get(read.cursor_field(name) or "")
        instants = [instant(value) for value in ([initial] if initial else []) + values]
        if instants != sorted(instants):
            problems.append(f"{name}: STATE goes backwards")
    return problems


def states_are_not_in_the_future(read: Read) -> list[str]:
    """No STATE is later than the end of the read, unless it came in so."""
    problems = []
    for name, values in cursor_values(read).items():
        initial = read.initial.get(name, {}).get(read.cursor_field(name) or "")
        ended = read.started + timedelta(seconds=read.result.seconds) + CLOCK_TOLERANCE
        limit = max(ended, instant(initial) if initial else ended)
        if late := [value for value in values if instant(value) > limit]:
            problems.append(f"{name}: STATE {late[0]} is later than the end of the read")
    return problems


def no_record_is_older_than_a_state_before_it(read: Read) -> list[str]:
    """A record that follows a STATE which already covers it would be lost by resuming there."""
    problems = []
    for name in cursor_values(read):
        cursor_field = read.cursor_field(name) or ""
        reached: datetime | None = None
        older = 0
        for message in read.of_stream(name):
            if message["type"] == "STATE":
                value = message["state"]["stream"]["stream_state"].get(cursor_field)
                reached = instant(value) if value else reached
            elif reached is not None:
                moment = usable_instant(message["record"]["data"].get(cursor_field))
                older += moment is not None and moment < reached
        if older:
            problems.append(f"{name}: {older} records are older than a STATE before them")
    return problems


def states_are_readable_and_versioned(read: Read) -> list[str]:
    problems = []
    for name in read.names:
        cursor_field = read.cursor_field(name)
        for state in read.result.states.get(name, []):
            if cursor_field and (state.get("__v") != 1 or not isinstance(state.get(cursor_field, ""), str)):
                problems.append(f"{name}: STATE {sorted(state)} is not {{{cursor_field}: text, __v: 1}}")
                break
    return problems


def records_match_the_schema(read: Read) -> list[str]:
    """Draft 7 with strict integers and formats; and every record shares a field with its schema."""
    problems = []
    for configured in read.catalog["streams"]:
        name, schema = configured["stream"]["name"], configured["stream"]["json_schema"]
        validator = StrictValidator(schema, format_checker=FORMATS)
        wrong: dict[str, int] = {}
        for record in read.result.records.get(name, []):
            for error in validator.iter_errors(record):
                where = ".".join("[]" if isinstance(part, int) else str(part) for part in error.absolute_path)
                key = f"{name}: {where or 'record'} fails {error.validator} {error.validator_value}"
                wrong[key] = wrong.get(key, 0) + 1
            if not record.keys() & schema["properties"].keys():
                wrong[f"{name}: shares no field with its schema"] = 1
        problems += [f"{text[:200]} ({count} times)" for text, count in wrong.items()]
    return problems


def declared_fields(read: Read) -> list[str]:
    """Every key that the records hold is declared (destinations may drop columns that are not)."""
    problems = []
    for configured in read.catalog["streams"]:
        name = configured["stream"]["name"]
        declared = configured["stream"]["json_schema"]["properties"].keys()
        seen = {key for record in read.result.records.get(name, []) for key in record}
        if undeclared := sorted(seen - declared):
            problems.append(f"{name}: fields without declaration: {undeclared}")
    return problems


def keys_and_cursors_are_present(read: Read) -> list[str]:
    problems = []
    for configured in read.catalog["streams"]:
        name = configured["stream"]["name"]
        needed = [path[0] for path in configured["primary_key"]]
        needed += configured["cursor_field"] if configured["sync_mode"] == "incremental" else []
        records = read.result.records.get(name, [])
        for field_name in needed:
            lacking = sum(1 for record in records if record.get(field_name) is None)
            if lacking:
                problems.append(f"{name}: {lacking} records without {field_name}")
    return problems


def emission_times_are_milliseconds(read: Read) -> list[str]:
    earliest = (read.started - CLOCK_TOLERANCE).timestamp() * 1000
    latest = datetime.now(UTC).timestamp() * 1000 + CLOCK_TOLERANCE.total_seconds() * 1000
    times = [message["record"]["emitted_at"] for message in read.result.of_type("RECORD")]
    wrong = [time for time in times if not isinstance(time, int) or not earliest <= time <= latest]
    return [f"{len(wrong)} records with emitted_at like {wrong[0]}"] if wrong else []


def estimates_are_per_stream(read: Read) -> list[str]:
    """One SYNC estimate makes the platform drop all estimates."""
    kinds = {trace["estimate"]["type"] for trace in read.result.traces("ESTIMATE")}
    return [f"ESTIMATE of type {kind}" for kind in sorted(kinds - {"STREAM"})]


def cursor_values(read: Read) -> dict[str, list[str]]:
    """The cursor values of the STATEs of each stream that is read incrementally."""
    values = {}
    for name in read.names:
        if cursor_field := read.cursor_field(name):
            states = read.result.states.get(name, [])
            values[name] = [state[cursor_field] for state in states if state.get(cursor_field)]
    return values


ALL: tuple[Callable[[Read], list[str]], ...] = (
    whole_lines_of_known_types,
    only_configured_streams,
    statuses_in_order,
    messages_between_started_and_complete,
    state_for_every_stream,
    every_record_is_followed_by_a_state,
    record_counts_are_true,
    no_equal_states_in_succession,
    states_never_go_backwards,
    states_are_not_in_the_future,
    no_record_is_older_than_a_state_before_it,
    states_are_readable_and_versioned,
    records_match_the_schema,
    declared_fields,
    keys_and_cursors_are_present,
    emission_times_are_milliseconds,
    estimates_are_per_stream,
)
# These say nothing about the records' content, so they are cheap enough for every read of the suite.
ORDER: tuple[Callable[[Read], list[str]], ...] = (
    whole_lines_of_known_types,
    only_configured_streams,
    statuses_in_order,
    state_for_every_stream,
    every_record_is_followed_by_a_state,
    record_counts_are_true,
    no_equal_states_in_succession,
    states_never_go_backwards,
    states_are_not_in_the_future,
    no_record_is_older_than_a_state_before_it,
)


def problems_of(read: Read, checks: tuple[Callable[[Read], list[str]], ...] = ALL) -> list[str]:
    """Every problem that any of the checks finds."""
    return [problem for check in checks for problem in check(read)]
