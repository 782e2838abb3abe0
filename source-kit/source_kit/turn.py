"""Whose page is being worked on: one thread at a time, from a whole answer to its finished lines.

Python runs one thread at a time anyway. Left alone it switches between pages halfway: their objects push each other out
of the processor's caches, and all of them are in memory at once: eight pages of 7 MB took 500 MB instead of 160. In
turn, 100,000 leads cost 12 % less processor time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress

# A turn saves time and is no lock: who holds it may wait for another thread (for an account's fields, say, which are
# read by the first that needs them). So nobody waits on while it stays for so long with one holder that does nothing.
# On a loaded machine a page may take longer, and two at a time leave memory ragged for good.
PATIENCE_SECONDS = 0.5
# Of the processor's time, what whoever works has had of it by then, however busy the machine is.
LEAST_WORK_SECONDS = 0.002


class Turn:
    """Taken by workers between their waits for the network; a thread that never joined takes none."""

    def __init__(self, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._free = threading.Condition()
        self._is_held = False
        # How many threads have had it.
        self._count = 0
        self._worked: Callable[[], float] = float
        self._local = threading.local()
        self._patience_seconds = patience_seconds

    def join(self) -> None:
        """This thread takes turns from now on, and always leaves at the end of a step."""
        self._local.holds = False
        self._local.worked = _processor_time()

    def take(self) -> None:
        """Wait for the turn, as long as it passes from thread to thread."""
        if getattr(self._local, "holds", None) is not False:
            return
        with self._free:
            count, worked, patient_until = self._now()
            while self._is_held:
                self._free.wait(max(0.0, patient_until - time.monotonic()))
                is_over = time.monotonic() >= patient_until
                if self._count != count or (is_over and self._worked() - worked >= LEAST_WORK_SECONDS):
                    count, worked, patient_until = self._now()
                elif self._is_held and is_over:
                    return
            self._is_held = self._local.holds = True
            self._worked = self._local.worked
            self._count += 1

    def _now(self) -> tuple[int, float, float]:
        """How often it was taken, what its holder has worked, and until when that is worth waiting for."""
        return self._count, self._worked(), time.monotonic() + self._patience_seconds

    def leave(self) -> None:
        """Give the turn to the next thread, if this one holds it."""
        if getattr(self._local, "holds", False):
            self._local.holds = False
            with self._free:
                self._is_held = False
                self._free.notify()


def _processor_time() -> Callable[[], float]:
    """What this thread has had of the processor, in seconds, asked from any thread; always 0 where nobody can tell."""
    clock_of = getattr(time, "pthread_getcpuclockid", None)
    if clock_of is None:  # macOS
        return float
    clock = clock_of(threading.get_ident())

    def seconds() -> float:
        with suppress(OSError):  # the thread has ended
            return time.clock_gettime(clock)
        return 0.0

    return seconds
