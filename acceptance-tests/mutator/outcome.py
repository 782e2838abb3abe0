"""What one run said, also where it holds what strict readers of JSON refuse."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

import orjson

from harness.messages import Message, Result
from harness.read_checks import (
    Read,
    every_record_is_followed_by_a_state,
    no_equal_states_in_succession,
    only_configured_streams,
    record_counts_are_true,
    states_are_not_in_the_future,
    states_never_go_backwards,
)

CHECKS = (
    only_configured_streams,
    every_record_is_followed_by_a_state,
    record_counts_are_true,
    no_equal_states_in_succession,
    states_never_go_backwards,
    states_are_not_in_the_future,
)


@dataclass(frozen=True)
class Outcome:
    """A run whose lines can all be read; `damaged` says which could not be, and why."""

    result: Result
    damaged: tuple[str, ...]

    def status(self, stream: str) -> str:
        """The last STREAM_STATUS; empty if there was none."""
        return (self.result.statuses.get(stream) or [""])[-1]

    def errors(self, stream: str | None) -> list[Message]:
        """The TRACE ERRORs of a stream; None: those of no stream."""
        found = []
        for error in self.result.errors:
            descriptor = error.get("stream_descriptor")
            if (descriptor["name"] if descriptor else None) == stream:
                found.append(error)
        return found

    def shows(self, text: str) -> bool:
        """Whether any line of stdout holds this text."""
        return any(text.encode() in line for line in self.result.lines)


def read_outcome(result: Result) -> Outcome:
    """The run with lines that orjson reads: lone surrogates, which may stay escaped, become U+FFFD."""
    damaged, lines = [], []
    for number, line in enumerate(result.lines, start=1):
        try:
            orjson.loads(line)
        except orjson.JSONDecodeError:
            readable = repaired(line)
            if readable is None:
                damaged.append(f"line {number} of stdout is no JSON: {line[:120].decode('utf-8', 'replace')}")
                continue
            lines.append(readable)
        else:
            lines.append(line)
    return Outcome(replace(result, lines=lines), tuple(damaged))


def repaired(line: bytes) -> bytes | None:
    """The line for strict readers; None if nobody can read it (NaN is not JSON)."""
    try:
        value = json.loads(line, parse_constant=_refuse)
        return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
    except (ValueError, RecursionError):
        return None


def _refuse(name: str) -> Any:
    raise ValueError(name)


def broken_promises(read: Read, complete: set[str]) -> list[str]:
    """What the read's STATEs do wrong, for the streams that were read to their end."""
    problems = []
    for check in CHECKS:
        try:
            found = check(read)
        except (ValueError, TypeError, KeyError) as error:
            found = [f"state: {check.__name__} cannot read a STATE: {error}"]
        problems += [problem for problem in found if problem.partition(":")[0] in complete | {"state"}]
    return problems
