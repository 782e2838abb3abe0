"""`spec`: what the retired connector-acceptance-test checked and the CDK's standard tests do not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness import spec_checks
from harness.connector import Connector
from harness.measure import measure
from harness.runner import Runner, find_script

SPEC_RUNS = 20


def test_the_specification_has_no_problems(spec: dict[str, Any], connector: Connector) -> None:
    problems = [f"{check.__name__}: {problem}" for check in spec_checks.ALL for problem in check(spec)]
    assert not problems, "\n".join(problems)


def test_spec_says_what_the_spec_file_says(runner: Runner, connector: Connector) -> None:
    result = runner.run("spec")
    (message,) = result.of_type("SPEC")
    assert message["spec"] == yaml.safe_load((connector.root / connector.package / "spec.yaml").read_text())
    assert (result.exit_code, len(result.lines), result.tail) == (0, 1, b"")


@pytest.mark.script
def test_spec_answers_within_150_milliseconds_and_30_megabytes(connector: Connector, tmp_path: Path) -> None:
    runs = [measure([find_script(connector.script), "spec"], tmp_path / "spec.jsonl")]
    while runs[-1].wall > 0.15 and len(runs) < SPEC_RUNS:  # the machine may be busy with other tests
        runs.append(measure([find_script(connector.script), "spec"], tmp_path / "spec.jsonl"))
    assert min(run.wall for run in runs) <= 0.15
    assert min(run.peak_megabytes for run in runs) <= 30


def test_no_option_of_an_earlier_specification_is_gone(spec: dict[str, Any], connector: Connector) -> None:
    """A config that worked must go on working: options may be added, never removed or retyped."""
    recorded = connector.root / "unit_tests" / "resources" / "options.json"
    if not recorded.exists():
        pytest.skip("no released version yet whose options could be recorded")
    now = {path: part.get("type", "") for path, part in spec_checks.walk(spec)}
    lost = {path: kind for path, kind in json.loads(recorded.read_text()).items() if now.get(path) != kind}
    assert not lost, f"options that were removed or changed their type: {lost}"
