"""A sync whose messages are wanted as objects: written on one thread, taken on the caller's."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from airbyte_cdk.models import AirbyteMessage, AirbyteMessageSerializer

from source_kit import json_text
from source_kit.output import OutputClosed, Sink

# How long whoever stops iterating waits for the threads of the sync.
LEAVE_SECONDS = 15.0
TICK_SECONDS = 0.05
Item = bytes | BaseException | int


def parsed(data: bytes) -> Iterator[AirbyteMessage]:
    """The messages of some output lines."""
    for line in data.splitlines():
        yield AirbyteMessageSerializer.load(json_text.loads(line))


def messages(sync: Callable[[Sink], int]) -> Iterator[AirbyteMessage | int]:
    """The messages that `sync` writes into its sink, and then its exit code; what it raises is raised here.

    A caller that stops iterating ends the sync: its next message finds the output closed.
    """
    items: queue.Queue[Item] = queue.Queue(maxsize=64)
    left = threading.Event()

    def put(item: Item) -> None:
        while not left.is_set():
            with suppress(queue.Full):
                items.put(item, timeout=TICK_SECONDS)
                return
        raise OutputClosed

    def work() -> None:
        with suppress(OutputClosed):  # the caller has left
            try:
                put(sync(put))
            except OutputClosed:
                raise
            except BaseException as error:
                put(error)

    thread = threading.Thread(target=work, name="sync", daemon=True)
    thread.start()
    try:
        while isinstance(item := items.get(), bytes):
            yield from parsed(item)
    finally:
        left.set()
        deadline = time.monotonic() + LEAVE_SECONDS
        while thread.is_alive() and time.monotonic() < deadline:
            thread.join(TICK_SECONDS)
    if isinstance(item, BaseException):
        raise item
    yield item


def plain(message: Any) -> Any:
    """A STATE message of the CDK as what JSON has."""
    state = getattr(message, "stream", None)
    if state is None:
        return asdict(message)
    value = state.stream_state
    return {
        "type": "STREAM",
        "stream": {
            "stream_descriptor": {"name": state.stream_descriptor.name},
            "stream_state": None if value is None else dict(vars(value)),
        },
    }
