"""How much of answers may be in memory before they are parsed: bodies that are being read, or wait for their turn.

Workers ask side by side, but work on pages one at a time (`turn`). Where pages are large and the machine is slower than
the network, each of them would sit there with a body: eight of 9 MB took 70 MB. So a body stays with the network until
there is room for it. Where the network is the slower one, nothing waits for its turn, and bodies are read side by side.
"""

from __future__ import annotations

import threading
import time
from collections import deque

from source_kit import turn

# Two pages of 1,000 prospects of Outreach: one waits for its turn while the next one is read.
MOST_BYTES = 16 * 1024 * 1024
# Of a body whose length is not told, before any has come.
USUAL_BYTES = 1024 * 1024
# While no body that was read waits, one more may be read so long after the last one began or ended.
PATIENCE_SECONDS = 0.5
# How long a body is left with the network for the writer's sake: servers give connections up after a minute or so.
CLOSED_SECONDS = 10.0


class Room:
    """Taken before a body is read, and left when it is parsed; a thread that never joined takes none.

    In the order of asking, and more than there is room for is let in alone. While the room is closed, since the queue
    to the writer is full, nobody is let in for a while. Whoever has room waits for nothing but the network and a turn,
    and both end: nobody waits for ever.
    """

    def __init__(
        self,
        most_bytes: int = MOST_BYTES,
        patience_seconds: float = PATIENCE_SECONDS,
        closed_seconds: float = CLOSED_SECONDS,
    ) -> None:
        self._most = most_bytes
        self._patience_seconds = patience_seconds
        self._closed_seconds = closed_seconds
        self._is_closed = False
        # How many bytes are taken, and how many of them belong to bodies that were read.
        self._taken = self._whole = 0
        # What the largest body of late had that did not tell its length.
        self._usual = USUAL_BYTES
        self._line: deque[object] = deque()
        # How often anything was taken, read or left.
        self._moves = 0
        self._changed = threading.Condition()
        self._local = threading.local()

    @property
    def taken(self) -> int:
        """How many bytes are taken now."""
        return self._taken

    def join(self) -> None:
        """This thread takes room from now on, and always leaves it at the end of a step."""
        self._local.held = self._local.whole = 0

    def close(self, is_closed: bool) -> None:
        """Let nobody in from now on, or everybody again; from any thread."""
        with self._changed:
            self._is_closed = is_closed
            self._changed.notify_all()

    def take(self, size: int | None) -> float:
        """Wait for room for so many bytes (None: nobody knows); how many seconds that took. What this thread had before
        is left."""
        if not hasattr(self._local, "held"):
            return 0.0
        self.leave()
        place = object()
        with self._changed:
            self._line.append(place)
            size = self._usual if size is None else size
            try:
                waited = self._wait(place, size)
                self._hold(size, 0)
            finally:
                self._line.remove(place)
        return waited

    def read(self, size: int, *, was_told: bool) -> None:
        """The body has been read and has so many bytes; one that did not tell them teaches what is usual."""
        if not hasattr(self._local, "held"):
            return
        with self._changed:
            if not was_told:
                self._usual = max(size, self._usual * 7 // 8)
            self._hold(size, size)

    def leave(self) -> None:
        """Give back what this thread has, if it has anything."""
        if getattr(self._local, "held", 0):
            with self._changed:
                self._hold(0, 0)

    def _hold(self, held: int, whole: int) -> None:
        """This thread has so many bytes from now on."""
        local = self._local
        self._taken += held - local.held
        self._whole += whole - local.whole
        local.held, local.whole = held, whole
        self._moves += 1
        self._changed.notify_all()

    def _wait(self, place: object, size: int) -> float:
        """Until this place is the first in line, and there is room or nothing but the network to wait for."""
        began = since = now = time.monotonic()
        moves = self._moves
        while not self._may_enter(place, size, now - began, now - since):
            turn.leave()
            self._changed.wait(self._patience_seconds)
            now = time.monotonic()
            if self._moves != moves:
                moves, since = self._moves, now
        return now - began

    def _may_enter(self, place: object, size: int, waited: float, unmoved: float) -> bool:
        if self._line[0] is not place or (self._is_closed and waited < self._closed_seconds):
            return False
        has_room = not self._taken or self._taken + size <= self._most
        return has_room or (not self._whole and unmoved >= self._patience_seconds)
