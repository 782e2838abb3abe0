"""Whatever ends a read, and wherever, nothing is lost: the next read from the last STATE completes it."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from itertools import chain
from typing import Any

import pytest

from harness import read_checks
from harness.catalog import FULL_REFRESH, INCREMENTAL
from harness.connector import Connector
from harness.messages import Message, Result, records_by_stream, states_at
from harness.read_checks import Read
from harness.runner import Process, ScriptProcess
from harness.secrets import leaks
from harness.trial import NewTrial, Trial, in_parallel, sample
from harness.truth import covers

pytestmark = pytest.mark.engine

QUICK_RESUMES, SMALL_RESUMES, FULL_RESUMES = 3, 6, 20
SMALL_KILLS, FULL_KILLS = 4, 20
STATES_A_STREAM = 5
EXIT_SECONDS = 10
SMALL_SLEEP_SECONDS, FULL_SLEEP_SECONDS = 3, 45
TERMINATED = {0, 143}


@pytest.fixture(scope="module")
def account(connector: Connector, shared: Trial, full_size: bool) -> Any:
    """An account whose reads emit several STATEs a stream, and take long enough to be interrupted."""
    from emulators import start

    options = dict(connector.full if full_size else connector.small) | dict(connector.many_states)
    trial = Trial(connector, shared.runner, start(connector.emulator, **options), shared.spec, shared.catalog)
    yield trial
    trial.stop()


@pytest.fixture
def resumes(request: pytest.FixtureRequest, full_size: bool) -> int:
    """From how many of the states a read is gone on with."""
    if full_size:
        return FULL_RESUMES
    return SMALL_RESUMES if request.config.getoption("--thorough") else QUICK_RESUMES


@pytest.fixture(scope="module")
def whole(account: Trial) -> Read:
    return account.read()


@pytest.fixture(scope="module")
def truth(account: Trial) -> dict[str, list[dict[str, Any]]]:
    return account.truth()


def union_problems(
    account: Trial,
    truth: dict[str, list[dict[str, Any]]],
    before: list[Message],
    state: list[Message],
    where: str,
    mode: str = INCREMENTAL,
) -> list[str]:
    """Problems unless the records `before` and a read from `state` together are the truth."""
    resumed = account.read(state=state or None, mode=mode)
    first, second = records_by_stream(before), resumed.result.records
    return [
        f"{where}: {problem}"
        for name, records in truth.items()
        for problem in covers(account.connector.stream(name), records, first.get(name, []) + second.get(name, []))
    ]


def test_streams_that_checkpoint_emit_several_states(whole: Read, account: Trial) -> None:
    few = {
        stream.name: len(whole.result.states[stream.name])
        for stream in account.connector.streams
        if stream.cursor and stream.checkpoints_inside and len(whole.result.states[stream.name]) < STATES_A_STREAM
    }
    assert not few, f"fewer than {STATES_A_STREAM} STATEs: {few}"


def test_resuming_from_every_state_completes_the_read(
    whole: Read, account: Trial, truth: dict[str, list[dict[str, Any]]], resumes: int
) -> None:
    messages = whole.result.messages
    positions = [index + 1 for index, message in enumerate(messages) if message["type"] == "STATE"]
    chosen = sample(positions, resumes)
    problems = in_parallel(
        lambda cut: union_problems(account, truth, messages[:cut], states_at(messages, cut), f"after message {cut}"),
        chosen,
    )
    assert not any(problems), "\n".join(chain.from_iterable(problems))


def test_a_full_refresh_resumes_from_its_states_too(
    account: Trial, truth: dict[str, list[dict[str, Any]]], full_size: bool
) -> None:
    """Within one job the platform hands a full refresh its own states; a stream that was complete stays so."""
    messages = account.read(mode=FULL_REFRESH).result.messages
    positions = [index + 1 for index, message in enumerate(messages) if message["type"] == "STATE"]
    chosen = sample(positions, SMALL_RESUMES if full_size else 3)
    problems = in_parallel(
        lambda cut: union_problems(
            account, truth, messages[:cut], states_at(messages, cut), f"after message {cut}", FULL_REFRESH
        ),
        chosen,
    )
    assert not any(problems), "\n".join(chain.from_iterable(problems))


def test_resuming_from_the_last_state_gives_only_the_declared_overlap(whole: Read, account: Trial) -> None:
    again = account.read(state=whole.result.final_states())
    problems = []
    for stream in account.connector.streams:
        if stream.cursor is None or stream.name not in account.incremental_names:
            continue
        final = read_checks.instant(whole.result.states[stream.name][-1][stream.cursor])
        records = again.result.records.get(stream.name, [])
        old = [record for record in records if read_checks.instant(record[stream.cursor]) < final - stream.overlap]
        problems += [f"{stream.name}: {len(old)} of {len(records)} records are older than the overlap"] if old else []
    assert not problems, "\n".join(problems)


def interrupted(process: Process, share: float, total: int) -> None:
    """Reads that share of the output and kills the connector there."""
    process.read_until(lambda output: len(output) >= share * total)
    process.kill()


@pytest.mark.thorough
def test_kill_9_anywhere_loses_nothing(
    whole: Read, account: Trial, truth: dict[str, list[dict[str, Any]]], full_size: bool
) -> None:
    kills = FULL_KILLS if full_size else SMALL_KILLS
    total = sum(len(line) + 1 for line in whole.result.lines)

    def kill_and_resume(number: int) -> list[str]:
        process = account.start()
        interrupted(process, number / (kills + 1), total)
        said = process.finish().messages
        return union_problems(account, truth, said, states_at(said), f"killed at {number}/{kills + 1}")

    problems = in_parallel(kill_and_resume, range(1, kills + 1))
    assert not any(problems), "\n".join(chain.from_iterable(problems))


def test_sigterm_ends_with_whole_lines_and_a_safe_state(account: Trial, truth: dict[str, list[dict[str, Any]]]) -> None:
    process = account.start()
    assert process.read_until(lambda output: b'"STATE"' in output), "no STATE to be interrupted after"
    process.terminate()
    asked = time.monotonic()
    result = process.finish()
    assert time.monotonic() - asked <= EXIT_SECONDS
    assert result.exit_code in TERMINATED, result.describe()
    assert (result.tail, "Traceback" in result.stderr) == (b"", False)
    for check in (read_checks.record_counts_are_true, read_checks.no_record_is_older_than_a_state_before_it):
        assert not check(Read(result, account.configured(), datetime.now(UTC)))
    problems = union_problems(account, truth, result.messages, states_at(result.messages), "after SIGTERM")
    assert not problems, "\n".join(problems)


def test_sigterm_while_nobody_reads_stdout_ends_in_time(account: Trial) -> None:
    process = account.start()
    process.read_until(lambda output: b'"RECORD"' in output)
    time.sleep(1)  # the pipe fills up meanwhile
    process.terminate()
    asked = time.monotonic()
    result = process.finish()
    assert time.monotonic() - asked <= EXIT_SECONDS
    assert (result.exit_code in TERMINATED, result.tail) == (True, b""), result.describe()


@pytest.mark.script  # closing the reader of a container's output does not close the container's own pipe
def test_a_closed_pipe_ends_the_run_quietly(account: Trial) -> None:
    process = account.start()
    assert isinstance(process, ScriptProcess)
    process.read_until(lambda output: b'"RECORD"' in output)
    process.close_stdout()
    result: Result = process.finish()
    assert result.exit_code != 0
    assert (len(result.stderr.splitlines()) <= 1, "Traceback" in result.stderr) == (True, False), result.stderr
    assert not leaks(result, account.secrets)


def test_a_slow_reader_of_stdout_gets_everything(connector: Connector, new_trial: NewTrial, full_size: bool) -> None:
    """The reader sleeps longer than the vendor's cursors live (which the small size shortens)."""
    trial = new_trial() if full_size else new_trial(**connector.slow_reader)
    started = datetime.now(UTC)
    process = trial.start()
    process.read_until(lambda output: b'"RECORD"' in output)
    time.sleep(FULL_SLEEP_SECONDS if full_size else SMALL_SLEEP_SECONDS)
    read = trial.judge(process.finish(), started)
    problems = [
        problem
        for name, records in trial.truth().items()
        for problem in covers(connector.stream(name), records, read.result.records.get(name, []))
    ]
    assert not problems, "\n".join(problems)
