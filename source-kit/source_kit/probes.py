"""Which streams cannot be read: one small request each, side by side, within a bounded time."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence

from source_kit.errors import SourceError
from source_kit.rules import Denied
from source_kit.stream import KitStream

PROBE_SECONDS = 8.0
NO_ANSWER = "it did not answer in time. Whether it can be read shows in the sync."


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
            answers[stream.name] = _problem_of(stream)

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


def _problem_of(stream: KitStream) -> Exception | None:
    try:
        stream.probe()
    except Exception as error:  # also a fault of ours: the sync will tell it with its details
        return error
    return None
