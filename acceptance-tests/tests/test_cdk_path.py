"""Engine and plain CDK give the same: `AbstractSource.read` in this process against the console script."""

from __future__ import annotations

import gc
import logging
import threading
import time
from dataclasses import dataclass
from typing import Any

import pytest
from airbyte_cdk.models.airbyte_protocol_serializers import ConfiguredAirbyteCatalogSerializer
from airbyte_cdk.sources import AbstractSource

from harness.messages import Record, State
from harness.read_checks import Read
from harness.trial import Trial
from harness.truth import canonical

pytestmark = [pytest.mark.script, pytest.mark.engine]
LOGGER = logging.getLogger("airbyte")
# What a state says of the read itself: when it began.
OF_THE_READ = ("__looked_back_at",)
READS = 4


def plain_read(trial: Trial, state: list[Any]) -> list[Any]:
    """The CDK's own loop over the connector's streams."""
    source = trial.connector.source_class()()
    config = source.configure(trial.config, None) if hasattr(source, "configure") else trial.config
    catalog = ConfiguredAirbyteCatalogSerializer.load(trial.configured())
    return list(AbstractSource.read(source, LOGGER, config, catalog, state))


def sorted_out(messages: list[Any]) -> tuple[dict[str, list[Record]], dict[str, State]]:
    """Records and the final state of each stream."""
    records: dict[str, list[Record]] = {}
    states: dict[str, State] = {}
    for message in messages:
        if message.type.value == "RECORD" and message.record:
            records.setdefault(message.record.stream, []).append(dict(message.record.data))
        elif message.type.value == "STATE" and message.state and message.state.stream:
            blob: Any = message.state.stream.stream_state
            states[message.state.stream.stream_descriptor.name] = dict(vars(blob))
    return records, states


def _without_times_of_reads(state: State) -> State:
    return {key: value for key, value in state.items() if key not in OF_THE_READ}


@dataclass(frozen=True)
class PlainReads:
    """Several reads, one after the other, in this process: what the first gave, and what each left behind."""

    records: dict[str, list[Record]]
    states: dict[str, State]
    threads: list[int]
    objects: list[int]


@pytest.fixture(scope="module")
def plain(shared: Trial) -> PlainReads:
    records, states = sorted_out(plain_read(shared, []))
    # Whatever starts once and for all has started now.
    threads, objects = [threading.active_count()], [live_objects()]
    for _ in range(READS - 1):
        plain_read(shared, [])
        objects.append(live_objects())
        deadline = time.monotonic() + 5
        while threading.active_count() > threads[0] and time.monotonic() < deadline:
            time.sleep(0.05)
        threads.append(threading.active_count())
    return PlainReads(records, states, threads, objects)


def live_objects() -> int:
    gc.collect()
    return len(gc.get_objects())


def test_records_and_final_states_are_equal(shared: Trial, clean: Read, plain: PlainReads) -> None:
    last = {name: found[-1] for name, found in clean.result.states.items()}
    problems = []
    for name in shared.connector.stream_names:
        ours = sorted(map(canonical, clean.result.records.get(name, [])))
        theirs = sorted(map(canonical, plain.records.get(name, [])))
        if ours != theirs:
            problems.append(f"{name}: {len(ours)} records from the engine differ from {len(theirs)} of the CDK")
        final, other = (_without_times_of_reads(each.get(name, {})) for each in (last, plain.states))
        if final != other or not final:
            problems.append(f"{name}: final state {final} differs from the CDK's {other}")
    assert not problems, "\n".join(problems)


def test_no_thread_survives_a_read(plain: PlainReads) -> None:
    assert max(plain.threads) <= plain.threads[0], [thread.name for thread in threading.enumerate()]


def test_repeated_reads_leave_no_objects_behind(plain: PlainReads) -> None:
    growth = plain.objects[-1] - plain.objects[1]
    assert growth < 5_000, f"live objects after each read: {plain.objects}"
