"""Every mistake of the table `bad_inputs.kustomer` that shows before the first request, in this process."""

from __future__ import annotations

from pathlib import Path

import pytest

from bad_inputs import BadInput, Outcome
from bad_inputs.kustomer import CASES
from source_kit import commands, run
from source_kit.clock import Clock
from source_kit.output import Output

CONFIG = {"api_key": "eyJvalid.0123456789", "api_url": "http://127.0.0.1:9/v1/"}
OFFLINE = [case for case in CASES if case.outcome is not Outcome.USAGE and not case.online]


def test_the_table_has_more_than_forty_mistakes_with_names_of_their_own() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 40


@pytest.mark.parametrize("case", OFFLINE, ids=lambda case: case.name)
def test_a_mistake_in_a_file_gets_one_clear_message(
    case: BadInput, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(commands, "route_logs", lambda output: None)  # pytest has its own
    arguments = run.parser("source-kustomer").parse_args(case.place(tmp_path, CONFIG))
    written = bytearray()

    def sink(data: bytes) -> None:
        written.extend(data)

    exit_code = commands.run("source_kustomer", arguments, run.load_spec("source_kustomer"), Output(sink, Clock()))
    assert case.problems(exit_code, bytes(written), capfd.readouterr().err) == []


@pytest.mark.parametrize("case", [case for case in CASES if case.outcome is Outcome.USAGE], ids=lambda case: case.name)
def test_a_mistake_in_the_arguments_gets_the_usage_and_one_line(
    case: BadInput, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    exit_code = run.main("source_kustomer", list(case.place(tmp_path, CONFIG)))
    captured = capfd.readouterr()
    assert case.problems(exit_code, captured.out.encode(), captured.err) == []
