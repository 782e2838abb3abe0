"""Answers that are none: one clear failure of one stream, or no failure at all; never a fault of the connector."""

from __future__ import annotations

import os
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from harness import oddities, read_checks
from harness.connector import Connector
from harness.messages import Result
from harness.runner import ScriptRunner
from harness.trial import NewTrial, Trial
from harness.truth import all_differences

pytestmark = pytest.mark.thorough

FAILING = (
    "redirect_nowhere", "redirect_bytes", "redirect_elsewhere", "redirect_loop", "304", "407", "418", "html_403",
)  # fmt: skip
NEVER_SAID = ("fault in the connector", "UnicodeDecodeError", "Traceback")
NO_IDENTITY = ("{}", "null", '{"error": "who are you?"}', "[]", '"me"', "7", "")
CHECK_SECONDS = 15
PATIENT_SECONDS = 900.0
# The connector, with these seconds for an answer, and for its next byte, in the place of 240 and 90.
HASTY = """#!{python}
from {package}.run import run
from source_kit.transport import PATIENT
object.__setattr__(PATIENT, "answer_seconds", 6.0)
object.__setattr__(PATIENT, "read_seconds", 3.0)
raise SystemExit(run())
"""
ONE_PAGE: dict[str, dict[str, Any]] = {"closeio": {"tasks": 40}, "outreach": {"sizes": {"calls": 40}}}


def problems_of_failure(result: Result, stream: str) -> list[str]:
    """Problems unless the run failed on that stream, with one error for it, in words of its own."""
    said = [error for error in result.errors if (error.get("stream_descriptor") or {}).get("name") == stream]
    problems = [] if result.exit_code == 1 else [f"exit code {result.exit_code}"]
    problems += [] if result.statuses.get(stream, [])[-1:] == ["INCOMPLETE"] else ["not INCOMPLETE"]
    problems += [] if len(said) == 1 else [f"{len(said)} errors"]
    whole = b"\n".join(result.lines).decode() + result.stderr
    return problems + [f"says {words!r}" for words in NEVER_SAID if words in whole]


def message_of(result: Result) -> str:
    (error,) = result.errors
    return str(error["message"])


@pytest.mark.parametrize("answer", FAILING)
def test_an_odd_answer_fails_its_stream_in_a_sentence(answer: str, connector: Connector, new_trial: NewTrial) -> None:
    stream, group = connector.refusable
    trial = new_trial(odd_answers={group: answer})
    result = trial.start([stream]).finish()
    problems = problems_of_failure(result, stream) + oddities.sent(answer)(trial.emulator.stats())
    assert not problems, "\n".join(problems)


def test_a_page_of_a_firewall_is_not_taken_for_a_missing_permission(connector: Connector, new_trial: NewTrial) -> None:
    stream, group = connector.refusable
    blocked = new_trial(odd_answers={group: "html_403"}).start([stream]).finish()
    refused = new_trial(refuse={group: 403}).start([stream]).finish()
    assert message_of(blocked) != message_of(refused)


def test_a_proxy_that_wants_credentials_is_named(connector: Connector, new_trial: NewTrial) -> None:
    stream, group = connector.refusable
    result = new_trial(odd_answers={group: "407"}).start([stream]).finish()
    assert "proxy" in message_of(result).lower()


def test_a_redirect_within_the_host_is_followed(connector: Connector, new_trial: NewTrial) -> None:
    stream, group = connector.refusable
    trial = new_trial(odd_answers={group: "redirect_relative"})
    read = trial.read([stream])
    problems = all_differences(connector, trial.truth([stream]), read.result.records)
    problems += oddities.sent("redirect_relative")(trial.emulator.stats())
    assert not problems, "\n".join(problems)


def test_no_content_is_the_empty_list_that_it_says_it_is(connector: Connector, new_trial: NewTrial) -> None:
    stream, group = connector.refusable
    trial = new_trial(odd_answers={group: "no_content"})
    assert trial.read([stream]).result.records == {}
    assert trial.emulator.stats()["odd"]["no_content"] >= 2, "it was not asked again"


def test_a_walk_that_leads_to_itself_ends_in_an_error(connector: Connector, new_trial: NewTrial) -> None:
    stream, _ = connector.refusable
    trial = new_trial(odd={"loop": 1.0})
    result = trial.start([stream]).finish()
    problems = problems_of_failure(result, stream) + oddities.sent("loop")(trial.emulator.stats())
    assert not problems, "\n".join(problems)


def test_a_list_that_never_comes_to_rest_ends_with_a_warning(connector: Connector, new_trial: NewTrial) -> None:
    """Each request finds a record more at the front of a list that is read by pages."""
    name = {"closeio": "lead_statuses", "outreach": "users"}.get(connector.name, "tags")
    if connector.name in ("closeio", "outreach"):
        pytest.skip(f"{connector.name}: no list that is read by pages can grow here")
    size = {"persistiq": {"tags": 250}, "kustomer": {"small": 250}}[connector.name]
    trial = new_trial(**size, drift=[{"stream": name, "every": 1, "create": 1}])
    before = {record["id"] for record in trial.truth([name])[name]}
    read = trial.read([name])
    assert before <= {record["id"] for record in read.result.records[name]}
    assert any(line.startswith("WARN") and name in line for line in read.result.logs)


@pytest.mark.parametrize("body", NO_IDENTITY)
def test_check_fails_where_the_identity_is_none(body: str, connector: Connector, new_trial: NewTrial) -> None:
    trial = new_trial(identity_body=body or " ")
    result = trial.runner.run("check", trial.config)
    (message,) = result.of_type("CONNECTION_STATUS")
    status = message["connectionStatus"]
    assert (status["status"], result.exit_code) == ("FAILED", 0), status
    assert trial.emulator.stats()["odd"].get("identity"), "nobody asked"
    assert result.seconds < CHECK_SECONDS
    assert not [words for words in NEVER_SAID if words in status["message"] + result.stderr]


def hasty(connector: Connector, folder: Path) -> Path:
    """A script that runs the connector with short deadlines."""
    script = folder / f"hasty-{connector.script}"
    script.write_text(HASTY.format(python=sys.executable, package=connector.package))
    script.chmod(0o755)
    return script


@pytest.mark.parametrize("kind", ["drip", "no_head"])
def test_an_answer_that_never_ends_is_given_up_and_asked_again(
    kind: str, connector: Connector, new_trial: NewTrial, tmp_path: Path, full_size: bool
) -> None:
    """The full size waits as long as the connector does, which is minutes; the small one has a deadline of seconds."""
    stream, _ = connector.refusable
    # Each page costs the deadline of a request: one is enough.
    trial = new_trial(odd={kind: 1.0}, **ONE_PAGE.get(connector.name, {}))
    script = connector.script if full_size else str(hasty(connector, tmp_path))
    trial.runner = ScriptRunner(tmp_path, script, PATIENT_SECONDS)
    read = trial.read([stream])
    problems = all_differences(connector, trial.truth([stream]), read.result.records)
    problems += oddities.sent(kind)(trial.emulator.stats())
    assert not problems, "\n".join(problems)


def only(connector: Connector, name: str) -> None:
    if connector.name != name:
        pytest.skip(f"of {name} alone")


def test_a_search_that_times_out_for_ever_fails(connector: Connector, new_trial: NewTrial) -> None:
    only(connector, "kustomer")
    trial = new_trial(odd={"timed_out_always": 1.0})
    result = trial.start(["messages"]).finish()
    assert not problems_of_failure(result, "messages")
    emitted = {record["id"] for record in result.records.get("messages", [])}
    lost = [record["updated_at"] for record in trial.truth(["messages"])["messages"] if record["id"] not in emitted]
    said = [state["updated_at"] for state in result.states.get("messages", []) if state.get("updated_at")]
    assert not said or read_checks.instant(max(said)) <= read_checks.instant(min(lost))


@pytest.mark.parametrize("status", [401, 403])
def test_refused_notes_are_a_missing_permission(status: int, connector: Connector, new_trial: NewTrial) -> None:
    only(connector, "kustomer")
    trial = new_trial(refuse={"GET /notes": 403}, role_status=status, deleted_share=0.0)
    result = trial.start(["notes"]).finish()
    assert not problems_of_failure(result, "notes")
    assert result.errors[0]["failure_type"] == "config_error"


def test_a_state_stays_before_records_that_are_counted_but_not_there(connector: Connector, new_trial: NewTrial) -> None:
    """An index that lags behind deletions counts them; one that lags behind creations shows them later."""
    name = {"closeio": "leads", "kustomer": "messages", "outreach": "prospects"}.get(connector.name)
    if name is None:
        pytest.skip(f"{connector.name} counts nothing")
    stream = connector.stream(name)
    trial = new_trial(phantoms=234)
    read = trial.read([name])
    truth = trial.truth([name])[name]
    assert not all_differences(connector, {name: truth}, read.result.records)
    assert any(line.startswith("WARN") and "234" in line for line in read.result.logs)
    assert stream.cursor is not None
    moments = sorted(read_checks.instant(record[stream.cursor]) for record in truth)
    final = read.result.states[name][-1].get(stream.cursor)
    assert final is None or read_checks.instant(final) <= moments[len(moments) // 2]


def with_oauth(trial: Trial) -> Trial:
    if trial.connector.oauth is None:
        pytest.skip(f"{trial.connector.name} has no OAuth")
    trial.config = trial.connector.oauth.config(trial.emulator)
    return trial


def test_a_token_answer_of_201_is_one(connector: Connector, new_trial: NewTrial) -> None:
    if connector.oauth is None:
        pytest.skip(f"{connector.name} has no OAuth")
    trial = with_oauth(new_trial(token_status=201))
    stream, _ = connector.refusable
    read = trial.read([stream])
    assert not all_differences(connector, trial.truth([stream]), read.result.records)


@pytest.mark.script
def test_a_token_that_another_run_has_rotated_is_read_from_the_file(connector: Connector, new_trial: NewTrial) -> None:
    """While the mint is under way, another process rotates the token and writes the file that both share."""
    if connector.oauth is None:
        pytest.skip(f"{connector.name} has no OAuth")
    trial = with_oauth(new_trial(token_refusals=1, token_hold_seconds=1.5))
    stream, _ = connector.refusable
    started = datetime.now(UTC)
    process = trial.start([stream])
    writer = threading.Thread(target=rotate_file, args=(process.directory / "config.json", trial))
    writer.start()
    read = trial.judge(process.finish(), started, [stream])
    writer.join()
    assert not all_differences(connector, trial.truth([stream]), read.result.records)
    assert trial.emulator.stats()["token_refusals"] == ["invalid_grant"]


def rotate_file(path: Path, trial: Trial) -> None:
    """Waits for the mint that is refused, and writes the token of the other process meanwhile."""
    deadline = time.monotonic() + 30
    while not trial.emulator.stats()["token_refusals"] and time.monotonic() < deadline:
        time.sleep(0.05)
    config: dict[str, Any] = orjson.loads(path.read_bytes())
    (config.get("credentials") or config)["refresh_token"] = "refresh-of-another-process"
    other = path.with_suffix(".other")
    other.write_bytes(orjson.dumps(config))
    os.replace(other, path)
