"""What `check` asks: whether the credentials are good, and which streams they cannot read.

One small request for each stream, side by side, within a bounded time.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from source_kit.connection import Connection
from source_kit.errors import SourceError, TransientError
from source_kit.rules import Denied
from source_kit.stream import KitStream

# For the proof of the credentials, then for a look at every stream: with its start, `check` stays within 15 s.
CHECK_SECONDS = 9.0
LEAST_PROBE_SECONDS = 3.0
PROBE_SECONDS = 8.0
NO_ANSWER = "it did not answer in time. Whether it can be read shows in the sync."


def prove(connection: Connection[Any]) -> None:
    """Prove the credentials, then name the streams that they cannot read; those are no failure.

    Raises what is wrong with the credentials, or `TransientError` where nothing was proved in time.
    """
    began, output = connection.clock.monotonic(), connection.output
    try:
        if not within(CHECK_SECONDS, connection.probe):
            raise TransientError(
                f"The API did not prove the credentials within {CHECK_SECONDS:.0f} seconds. Try again in a minute."
            )
        left = max(LEAST_PROBE_SECONDS, CHECK_SECONDS - (connection.clock.monotonic() - began))
        if not within(left, lambda: _name_unreadable(connection, left - 1.0)):
            output.log("WARN", "Which streams cannot be read was not found out in time; the sync shows it.")
    finally:
        output.flush()


def _name_unreadable(connection: Connection[Any], seconds: float) -> None:
    for stream, problem in unreadable(connection.streams(), connection.options.num_workers, seconds):
        is_told = problem.startswith(f"Stream {stream} ")
        connection.output.log("WARN", problem if is_told else f"Stream {stream} cannot be read: {problem}")


def within(seconds: float, task: Callable[[], None]) -> bool:
    """Whether a task ended in time; raises what it raises. It runs on a daemon thread, which keeps nobody."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            task()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=run, name="check", daemon=True)
    thread.start()
    thread.join(seconds)
    if raised:
        raise raised[0]
    return not thread.is_alive()


def unreadable(streams: Sequence[KitStream], workers: int, seconds: float = PROBE_SECONDS) -> list[tuple[str, str]]:
    """Names and reasons of the streams that a small request cannot read, or that do not answer within `seconds`.

    Raises `Denied` where the credentials are refused. The threads are daemons: a request that still waits for its
    answer or its budget keeps nobody from ending the process.
    """
    deadline = time.monotonic() + seconds
    asked = [stream for stream in streams if stream.has_probe]
    waiting: queue.SimpleQueue[KitStream] = queue.SimpleQueue()
    for stream in asked:
        waiting.put(stream)
    answers: dict[str, Exception | None] = {}

    def ask() -> None:
        while time.monotonic() < deadline:
            try:
                stream = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                stream.probe()
                answers[stream.name] = None
            except Exception as error:  # also a fault of ours: the sync will tell it with its details
                answers[stream.name] = error

    threads = [threading.Thread(target=ask, name=f"probe-{number}", daemon=True) for number in range(max(2, workers))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    found = dict(answers)
    refusal = next((error for error in found.values() if isinstance(error, Denied)), None)
    if refusal is not None:
        raise refusal
    problems = {name: str(error.message) for name, error in found.items() if isinstance(error, SourceError)}
    problems |= {stream.name: NO_ANSWER for stream in asked if stream.name not in found}
    return [(stream.name, problems[stream.name]) for stream in asked if stream.name in problems]
