"""Says what a long run is at while it says nothing itself: on a terminal in one line that changes, else now and then.

It writes to stderr, so that what a command prints to a file or a pipe is its result alone.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

TERMINAL_SECONDS, PIPE_SECONDS = 0.5, 15.0
"""How often: on a terminal a line is drawn over the last, in a log each is a line more."""

CLEAR = "\r\x1b[K"


@contextmanager
def waiting(what: str, so_far: Callable[[], str] | None = None, stream: TextIO | None = None) -> Iterator[None]:
    """While the block runs, tells what is being done, for how long, and what `so_far` gives ("1,234 records")."""
    stream = stream or sys.stderr
    stop = threading.Event()
    thread = threading.Thread(target=_tell, args=(what, so_far, stream, stop), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _tell(what: str, so_far: Callable[[], str] | None, stream: TextIO, stop: threading.Event) -> None:
    is_terminal = stream.isatty()
    started = time.monotonic()
    said = False
    while not stop.wait(TERMINAL_SECONDS if is_terminal else PIPE_SECONDS):
        text = f"{what} ... {time.monotonic() - started:.0f} s{', ' + so_far() if so_far else ''}"
        stream.write(f"{CLEAR}{text}" if is_terminal else f"{text}\n")
        stream.flush()
        said = True
    if is_terminal and said:
        stream.write(CLEAR)
        stream.flush()
