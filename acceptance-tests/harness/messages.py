"""What one run of a connector said, parsed once and sorted by what tests ask for."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from harness import exact_json

Message = dict[str, Any]
Record = dict[str, Any]
State = dict[str, Any]


@dataclass(frozen=True)
class Result:
    """The outcome of one command.

    `lines` are the whole lines of stdout; `tail` is what followed the last newline (empty unless the run was cut).
    """

    exit_code: int
    lines: list[bytes]
    tail: bytes
    stderr: str
    seconds: float
    directory: Path
    arguments: tuple[str, ...] = field(default=())

    @cached_property
    def messages(self) -> list[Message]:
        """Every line as a message; a line that is no JSON object raises ValueError."""
        return [exact_json.loads(line) for line in self.lines]

    def of_type(self, kind: str) -> list[Message]:
        return [message for message in self.messages if message["type"] == kind]

    @cached_property
    def records(self) -> dict[str, list[Record]]:
        """Record data by stream, in the order of emission."""
        found: dict[str, list[Record]] = {}
        for message in self.of_type("RECORD"):
            found.setdefault(message["record"]["stream"], []).append(message["record"]["data"])
        return found

    @cached_property
    def states(self) -> dict[str, list[State]]:
        """The `stream_state` of every STATE by stream, in the order of emission."""
        found: dict[str, list[State]] = {}
        for message in self.of_type("STATE"):
            found.setdefault(state_stream(message), []).append(message["state"]["stream"]["stream_state"])
        return found

    @cached_property
    def statuses(self) -> dict[str, list[str]]:
        """STREAM_STATUS values by stream; one that carries RATE_LIMITED is reported as that."""
        found: dict[str, list[str]] = {}
        for trace in self.traces("STREAM_STATUS"):
            status = trace["stream_status"]
            reasons = [reason["type"] for reason in status.get("reasons") or []]
            name = status["stream_descriptor"]["name"]
            found.setdefault(name, []).append("RATE_LIMITED" if "RATE_LIMITED" in reasons else status["status"])
        return found

    def traces(self, kind: str) -> list[Message]:
        return [message["trace"] for message in self.of_type("TRACE") if message["trace"]["type"] == kind]

    @property
    def errors(self) -> list[Message]:
        """The `error` part of every TRACE ERROR."""
        return [trace["error"] for trace in self.traces("ERROR")]

    @property
    def logs(self) -> list[str]:
        return [f"{message['log']['level']} {message['log']['message']}" for message in self.of_type("LOG")]

    @property
    def catalog(self) -> dict[str, Any]:
        (message,) = self.of_type("CATALOG")
        catalog: dict[str, Any] = message["catalog"]
        return catalog

    @property
    def controls(self) -> list[dict[str, Any]]:
        """The whole config of every CONTROL message."""
        return [message["control"]["connectorConfig"]["config"] for message in self.of_type("CONTROL")]

    def final_states(self) -> list[Message]:
        """The last STATE of each stream, as a `--state` file holds them."""
        return states_at(self.messages)

    def describe(self) -> str:
        """A short account for assertion messages: exit code, errors, the end of stderr."""
        errors = [f"{error.get('message')} / {error.get('internal_message')}" for error in self.errors]
        return f"exit {self.exit_code} after {self.seconds:.1f} s; errors: {errors}; stderr: {self.stderr[-2000:]}"


def state_stream(message: Message) -> str:
    """The stream that a STATE message speaks of."""
    name: str = message["state"]["stream"]["stream_descriptor"]["name"]
    return name


def states_at(messages: list[Message], position: int | None = None) -> list[Message]:
    """The last STATE of each stream among the messages before `position`: the state file of a run cut off there."""
    last: dict[str, Message] = {}
    for message in messages[:position]:
        if message["type"] == "STATE":
            last[state_stream(message)] = {"type": "STREAM", "stream": message["state"]["stream"]}
    return list(last.values())


def records_by_stream(messages: list[Message]) -> dict[str, list[Record]]:
    """Record data by stream of a part of a run."""
    found: dict[str, list[Record]] = {}
    for message in messages:
        if message["type"] == "RECORD":
            found.setdefault(message["record"]["stream"], []).append(message["record"]["data"])
    return found
