"""What users get wrong in arguments, config, catalog and state, and what they must be told.

One table per connector: `bad_inputs.<connector>.CASES`. A case places its files and judges a run; how the connector is
run (in this process, as a console script, as an image) is up to the test.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

# Stands for a secret inside files that are too broken for the connector to know its secrets.
SECRET = "api_5tayHiddenInEveryCase.00"
NAMES = {"config": "config.json", "catalog": "catalog.json", "state": "state.json"}


class Special(Enum):
    """Contents that no text can stand for."""

    MISSING = "the option names a file that does not exist"
    DIRECTORY = "the option names a directory"
    LEFT_OUT = "the option is not given"


class Outcome(Enum):
    """How the run must end."""

    FAILED_STATUS = "exactly one CONNECTION_STATUS FAILED, exit code 0"
    CONFIG_ERROR = "exactly one TRACE ERROR config_error, exit code 1"
    USAGE = "the usage and one line on stderr, nothing on stdout, exit code 2"


@dataclass(frozen=True)
class Changed:
    """The valid config with some values set and some keys taken out."""

    values: Mapping[str, Any] = field(default_factory=dict)
    without: tuple[str, ...] = ()


@dataclass(frozen=True)
class Json:
    """A file with this value."""

    value: Any


# The text or the bytes of a file, a value for it, or what is special about it.
Content = str | bytes | Json | Changed | Special


@dataclass(frozen=True)
class BadInput:
    """One mistake. `fragment` must occur in the one message; `online` cases need the emulator (they get to a request).

    `arguments` replaces the whole command line.
    """

    name: str
    command: str
    outcome: Outcome
    fragment: str
    config: Content = Changed()
    catalog: Content = Special.LEFT_OUT
    state: Content = Special.LEFT_OUT
    arguments: tuple[str, ...] | None = None
    online: bool = False

    def place(self, directory: Path, valid_config: Mapping[str, Any]) -> tuple[str, ...]:
        """Write the files into the directory; the command line, with file names relative to it."""
        line = [self.command]
        for option, content in (("config", self.config), ("catalog", self.catalog), ("state", self.state)):
            if content is Special.LEFT_OUT:
                continue
            path = directory / NAMES[option]
            line += [f"--{option}", path.name]
            if content is Special.DIRECTORY:
                path.mkdir()
            elif content is not Special.MISSING:
                path.write_bytes(_data(content, valid_config))
        return tuple(line) if self.arguments is None else self.arguments

    def problems(self, exit_code: int, stdout: bytes, stderr: str) -> list[str]:
        """What is wrong with a run's outcome; empty if it is as it must be."""
        if self.outcome is Outcome.USAGE:
            return list(_usage_problems(self.fragment, exit_code, stdout, stderr))
        return list(self._message_problems(exit_code, [json.loads(line) for line in stdout.splitlines()], stderr))

    def _message_problems(self, exit_code: int, messages: list[dict[str, Any]], stderr: str) -> Iterator[str]:
        statuses = [message["connectionStatus"] for message in messages if message["type"] == "CONNECTION_STATUS"]
        traces = [message["trace"] for message in messages if message["type"] == "TRACE"]
        errors = [trace["error"] for trace in traces if trace["type"] == "ERROR"]
        if self.outcome is Outcome.FAILED_STATUS:
            told = [status["message"] for status in statuses if status["status"] == "FAILED"]
            wrong = [*errors, *(status for status in statuses if status["status"] != "FAILED")]
        else:
            told = [error["message"] for error in errors if error["failure_type"] == "config_error"]
            wrong = [*statuses, *(error for error in errors if error["failure_type"] != "config_error")]
        if exit_code != (0 if self.outcome is Outcome.FAILED_STATUS else 1):
            yield f"exit code {exit_code}"
        if len(told) != 1 or wrong:
            yield f"not {self.outcome.value}: {told} {wrong}"
        elif self.fragment not in told[0]:
            yield f"{self.fragment!r} is not in {told[0]!r}"
        if any(message["type"] == "RECORD" for message in messages):
            yield "there are records"
        if stderr:
            yield f"stderr is not empty: {stderr[:200]!r}"
        if SECRET in json.dumps(messages):
            yield "a secret is in the output"


def _usage_problems(fragment: str, exit_code: int, stdout: bytes, stderr: str) -> Iterator[str]:
    lines = stderr.splitlines()
    if exit_code != 2:
        yield f"exit code {exit_code}"
    if stdout:
        yield "stdout is not empty"
    if not lines or not lines[0].startswith("usage: ") or fragment not in lines[-1]:
        yield f"{fragment!r} is not in the last line of {stderr!r}"
    if "Traceback" in stderr:
        yield "there is a traceback"


def _data(content: Content, valid_config: Mapping[str, Any]) -> bytes:
    if isinstance(content, bytes):
        return content
    if isinstance(content, str):
        return content.encode()
    if isinstance(content, Json):
        return json.dumps(content.value).encode()
    changes = content.values if isinstance(content, Changed) else {}
    without = content.without if isinstance(content, Changed) else ()
    kept = {key: value for key, value in valid_config.items() if key not in without}
    return json.dumps({**kept, **changes}).encode()
