"""What is said when something is wrong: one clear message, the right exit code, no traceback, no secret."""

from __future__ import annotations

import importlib
import re

import pytest

from bad_inputs import BadInput
from harness.connector import Connector
from harness.messages import Result
from harness.secrets import leaks
from harness.trial import NewTrial, Trial, in_parallel
from harness.truth import all_differences


def bad_inputs_of(connector: Connector) -> list[BadInput]:
    """The connector's table of bad inputs."""
    return list(importlib.import_module(f"bad_inputs.{connector.name}").CASES)


def failure_problems(result: Result, stream: str, kind: str) -> list[str]:
    """Problems unless the run failed on that stream alone, with one error that names it."""
    errors = [error for error in result.errors if (error.get("stream_descriptor") or {}).get("name") == stream]
    problems = [] if result.exit_code == 1 else [f"exit code {result.exit_code}"]
    problems += (
        [] if result.statuses.get(stream, [])[-1:] == ["INCOMPLETE"] else [f"statuses {result.statuses.get(stream)}"]
    )
    if len(errors) != 1:
        return [*problems, f"{len(errors)} errors for {stream}"]
    problems += [] if errors[0]["failure_type"] == kind else [f"failure type {errors[0]['failure_type']}"]
    problems += [] if stream in errors[0]["message"] else ["the message does not name the stream"]
    return problems + (["traceback on stderr"] if "Traceback" in result.stderr else [])


@pytest.mark.engine
def test_a_refused_stream_is_reported_and_the_others_are_complete(connector: Connector, new_trial: NewTrial) -> None:
    stream, group = connector.refusable
    trial = new_trial(refuse={group: 403})
    result = trial.start().finish()
    others = [name for name in connector.stream_names if name not in (stream, *connector.refused_with_it)]
    problems = failure_problems(result, stream, "config_error")
    problems += all_differences(connector, trial.truth(others), result.records)
    problems += [f"{name}: {result.statuses[name][-1]}" for name in others if result.statuses[name][-1] != "COMPLETE"]
    problems += leaks(result, trial.secrets)
    assert not problems, "\n".join(problems)


def test_check_names_a_refused_stream_and_succeeds(connector: Connector, new_trial: NewTrial) -> None:
    stream, group = connector.refusable
    trial = new_trial(refuse={group: 403})
    result = trial.runner.run("check", trial.config)
    (status,) = result.of_type("CONNECTION_STATUS")
    assert status["connectionStatus"]["status"] == "SUCCEEDED"
    assert any(stream in line for line in result.logs), "no log line names the stream that cannot be read"


@pytest.mark.thorough
def test_check_ends_in_time_while_an_endpoint_is_in_trouble(connector: Connector, new_trial: NewTrial) -> None:
    """All attempts at one request take two minutes; `check` has 10 s, and a busy machine some more for its start."""
    stream, group = connector.refusable
    trial = new_trial(refuse={group: 503})
    result = trial.runner.run("check", trial.config)
    (status,) = result.of_type("CONNECTION_STATUS")
    assert (status["connectionStatus"]["status"], result.exit_code) == ("SUCCEEDED", 0)
    said = [line for line in result.logs if line.startswith("WARN") and f"stream {stream} " in line.lower()]
    assert any("did not answer in time" in line or re.search(r"failed \d+ times: ", line) for line in said), said
    assert result.seconds < 15


def test_a_wrong_key_fails_check_with_exit_code_0(shared: Trial, connector: Connector) -> None:
    result = shared.runner.run("check", shared.config | dict(connector.invalid_config))
    (status,) = result.of_type("CONNECTION_STATUS")
    assert (status["connectionStatus"]["status"], result.exit_code) == ("FAILED", 0)
    assert "Traceback" not in result.stderr


def test_a_wrong_key_fails_a_read_with_one_config_error(shared: Trial, connector: Connector) -> None:
    config = shared.config | dict(connector.invalid_config)
    result = shared.runner.run("read", config, shared.configured())
    assert result.exit_code == 1
    assert {error["failure_type"] for error in result.errors} == {"config_error"}
    assert all(statuses[-1] == "INCOMPLETE" for statuses in result.statuses.values())
    assert "Traceback" not in result.stderr


def test_a_stream_that_is_not_there_is_an_error(shared: Trial) -> None:
    catalog = shared.configured([shared.connector.stream_names[0]])
    catalog["streams"][0]["stream"] = {**catalog["streams"][0]["stream"], "name": "no_such_stream"}
    result = shared.runner.run("read", shared.config, catalog)
    assert result.exit_code == 1
    assert any("no_such_stream" in error["message"] for error in result.errors)


@pytest.fixture(scope="module")
def bad_input_results(shared: Trial, connector: Connector) -> dict[str, Result]:
    """All bad inputs at once, side by side: each is a process that lives for half a second."""

    def run(case: BadInput) -> Result:
        directory = shared.runner.new_directory()
        return shared.runner.run_in(directory, case.place(directory, shared.config))

    cases = bad_inputs_of(connector)
    return dict(zip([case.name for case in cases], in_parallel(run, cases), strict=True))


@pytest.mark.thorough
def test_there_are_forty_kinds_of_bad_input(connector: Connector) -> None:
    assert len(bad_inputs_of(connector)) >= 40


@pytest.mark.thorough
def test_every_bad_input_is_explained(
    connector: Connector, shared: Trial, bad_input_results: dict[str, Result]
) -> None:
    """The right exit code and message, the fragment in it, no traceback, no secret; all problems at once."""
    problems = []
    for case in bad_inputs_of(connector):
        result = bad_input_results[case.name]
        # In a container the files lie under /secrets.
        stdout = (b"".join(line + b"\n" for line in result.lines) + result.tail).replace(b"/secrets/", b"")
        found = [*case.problems(result.exit_code, stdout, result.stderr), *leaks(result, shared.secrets)]
        problems += [f"{case.name}: {problem}" for problem in found]
    assert not problems, "\n".join(problems)
