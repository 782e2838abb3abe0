"""Runs a mistake through the connector in this process: quick enough for unit tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from bad_inputs import BadInput, Outcome
from source_kit import commands, run
from source_kit.clock import Clock
from source_kit.output import Output


def offline(cases: Sequence[BadInput]) -> list[BadInput]:
    """The mistakes in files that show before the first request."""
    return [case for case in cases if case.outcome is not Outcome.USAGE and not case.online]


def in_arguments(cases: Sequence[BadInput]) -> list[BadInput]:
    """The mistakes in the arguments."""
    return [case for case in cases if case.outcome is Outcome.USAGE]


def file_problems(
    case: BadInput,
    package: str,
    config: Mapping[str, Any],
    directory: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> list[str]:
    """What is wrong with how the connector of `package` takes a mistake in a file."""
    monkeypatch.chdir(directory)
    monkeypatch.setattr(commands, "route_logs", lambda output: None)  # pytest has its own
    arguments = run.parser(package.replace("_", "-")).parse_args(case.place(directory, config))
    written = bytearray()

    def sink(data: bytes) -> None:
        written.extend(data)

    exit_code = commands.run(package, arguments, run.load_spec(package), Output(sink, Clock()))
    return case.problems(exit_code, bytes(written), capfd.readouterr().err)


def argument_problems(
    case: BadInput, package: str, config: Mapping[str, Any], directory: Path, capfd: pytest.CaptureFixture[str]
) -> list[str]:
    """The same of a mistake in the arguments."""
    exit_code = run.main(package, list(case.place(directory, config)))
    captured = capfd.readouterr()
    return case.problems(exit_code, captured.out.encode(), captured.err)
