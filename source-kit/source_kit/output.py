"""Where messages leave the process: whole lines, in order, from any thread.

Records come as finished bytes from the main thread; LOG, CONTROL and status messages may come from workers. A partial
write is continued, never restarted, so a line is never torn; a closed pipe raises `OutputClosed`.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from typing import Any

from source_kit import protocol
from source_kit.clock import Clock

FLUSH_BYTES = 256 * 1024
LARGE_BYTES = 64 * 1024
FLUSH_SECONDS = 1.0


class OutputClosed(Exception):
    """The reader of stdout has gone."""


Sink = Callable[[bytes], None]
"""Takes bytes; may block as long as its reader is slow."""


def file_descriptor_sink(fd: int) -> Sink:
    """Writes everything to a file descriptor, however many system calls it takes."""

    def write(data: bytes) -> None:
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(fd, view) :]
            except BrokenPipeError as gone:
                raise OutputClosed from gone

    return write


class Output:
    """A buffered, thread-safe writer of protocol messages."""

    def __init__(self, sink: Sink, clock: Clock, clean: Callable[[str], str] = str) -> None:
        self._sink = sink
        self._clock = clock
        self._lock = threading.RLock()
        self._parts: list[bytes] = []
        self._size = 0
        self._flushed_at = clock.monotonic()
        self.clean = clean
        self.debug = False

    def now_ms(self) -> int:
        """Epoch milliseconds, as the protocol wants them."""
        return int(self._clock.now().timestamp() * 1000)

    def write(self, data: bytes) -> None:
        """Append whole lines; they leave when the buffer is full, a second old, or flushed."""
        with self._lock:
            self._parts.append(data)
            self._size += len(data)
            if self._size >= FLUSH_BYTES or self._clock.monotonic() - self._flushed_at >= FLUSH_SECONDS:
                self.flush()

    def flush(self) -> None:
        """Hand everything to the sink."""
        with self._lock:
            self._flushed_at = self._clock.monotonic()
            if not self._parts:
                return
            parts, size, self._parts, self._size = self._parts, self._size, [], 0
            # Joining many small ones saves calls of the system, joining large ones only copies them.
            for data in parts if size > LARGE_BYTES * len(parts) else [b"".join(parts)]:
                self._sink(data)

    def message(self, message: Mapping[str, Any], *, flush: bool = False) -> None:
        """Write one message."""
        with self._lock:
            self.write(protocol.line(message))
            if flush:
                self.flush()

    def log(self, level: str, text: str) -> None:
        """Write a LOG message with secrets masked; DEBUG only with --debug."""
        if level != "DEBUG" or self.debug:
            self.message(protocol.log(level, self.clean(text)))

    def control(self, config: Mapping[str, Any]) -> None:
        """Write the whole config and flush, so that a rotated token is safe before it is used."""
        self.message(protocol.control(config, self.now_ms()), flush=True)

    def error(
        self,
        message: str,
        failure_type: str,
        *,
        internal_message: str | None = None,
        stack_trace: str | None = None,
        stream: protocol.Message | None = None,
    ) -> None:
        """Write a TRACE ERROR with secrets masked, and flush."""
        trace = protocol.error(
            self.clean(message),
            failure_type,
            self.now_ms(),
            internal_message=None if internal_message is None else self.clean(internal_message),
            stack_trace=None if stack_trace is None else self.clean(stack_trace),
            stream=stream,
        )
        self.message(trace, flush=True)
