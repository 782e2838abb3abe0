"""One attempt of a job on a real connector: source, platform and destination together."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from harness.messages import Result
from harness.runner import Process, Runner
from platform_replay.catalog import Catalog, Key
from platform_replay.connection import Connection, Job
from platform_replay.tracker import StreamTrack, Tracker
from platform_replay.warehouse import Load, Message

Stop = Callable[[Tracker], bool]


@dataclass(frozen=True)
class Attempt:
    """What went into an attempt and what came of it. `killed`: the source got SIGKILL; `succeeded`: the job is done.

    `state` and `config` are what the source was given.
    """

    catalog: Catalog
    state: list[Message] | None
    config: dict[str, Any]
    tracker: Tracker
    result: Result
    killed: bool
    succeeded: bool

    @property
    def streams(self) -> dict[Key, StreamTrack]:
        return self.tracker.streams

    def records(self, key: Key) -> int:
        """How many records of a stream the source sent."""
        return self.streams[key].records


def run(
    runner: Runner,
    job: Job,
    *,
    kill_when: Stop | None = None,
    destination_fails: bool = False,
    change: Callable[[Catalog], Catalog] = lambda catalog: catalog,
) -> Attempt:
    """Runs the next attempt of a job.

    The source is killed as soon as `kill_when` holds. `destination_fails`: at the end of its input, with everything
    acknowledged. `change` alters the catalog file that the source gets, and nothing else.
    """
    connection = job.connection
    catalog = job.next_attempt()
    config, state = connection.config, connection.state_file()
    load = connection.warehouse.load(catalog)
    process = runner.start("read", config, change(catalog), state)
    tracker = Tracker(catalog, process.started_at)
    killed = False
    for _ in feed(lines_of(process), tracker, load, connection):
        if not killed and kill_when is not None and kill_when(tracker):
            process.kill()
            killed = True
    result = process.finish()
    succeeded = conclude(tracker, load, connection, result.exit_code, time.monotonic(), destination_fails)
    return Attempt(catalog, state, config, tracker, result, killed, succeeded)


def feed(lines: Iterable[tuple[bytes, float]], tracker: Tracker, load: Load, connection: Connection) -> Iterator[None]:
    """Passes on what a source says, with the times at which it came; stops after every line."""
    for line, at in lines:
        try:
            message = orjson.loads(line)
        except orjson.JSONDecodeError:
            tracker.reject(line)
            continue
        configs = len(tracker.configs)
        forwarded = tracker.accept(message, at)
        if len(tracker.configs) > configs:
            connection.persist_config(tracker.configs[-1])
        for acknowledged in load.accept(forwarded) if forwarded else []:
            tracker.acknowledge(acknowledged)
            connection.commit([acknowledged])
        yield


def conclude(
    tracker: Tracker, load: Load, connection: Connection, exit_code: int, at: float, destination_fails: bool = False
) -> bool:
    """The end of the source; whether the job is done. After a bad one the destination loses what is not safe."""
    complete = tracker.end(exit_code, at)
    if exit_code != 0 or tracker.faults:
        return False
    acknowledged = load.close([] if destination_fails else complete)
    for message in acknowledged:
        tracker.acknowledge(message)
    connection.commit(acknowledged)
    return not destination_fails


def lines_of(process: Process) -> Iterator[tuple[bytes, float]]:
    """Whole lines of stdout with the time at which they came; what follows the last newline is lost."""
    rest = b""
    for chunk in process.chunks():
        at = time.monotonic()
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line, at
