"""Every mistake of the table `bad_inputs.kustomer` that shows before the first request, in this process."""

from __future__ import annotations

from pathlib import Path

import pytest

from bad_inputs import BadInput
from bad_inputs.in_process import argument_problems, file_problems, in_arguments, offline
from bad_inputs.kustomer import CASES

PACKAGE = "source_kustomer"
CONFIG = {"api_key": "eyJvalid.0123456789", "api_url": "http://127.0.0.1:9/v1/"}


def test_the_table_has_more_than_forty_mistakes_with_names_of_their_own() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 40


@pytest.mark.parametrize("case", offline(CASES), ids=lambda case: case.name)
def test_a_mistake_in_a_file_gets_one_clear_message(
    case: BadInput, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert file_problems(case, PACKAGE, CONFIG, tmp_path, monkeypatch, capfd) == []


@pytest.mark.parametrize("case", in_arguments(CASES), ids=lambda case: case.name)
def test_a_mistake_in_the_arguments_gets_the_usage_and_one_line(
    case: BadInput, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert argument_problems(case, PACKAGE, CONFIG, tmp_path, capfd) == []
