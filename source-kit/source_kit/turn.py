"""Whose page is being worked on: one thread at a time, from the head of an answer to the next wait for the network.

Python runs one thread at a time anyway. Left alone it switches between pages halfway: their objects push each other out
of the processor's caches, and all of them are in memory at once: eight pages of 7 MB took 500 MB instead of 160.

Nor does a thread wake up as soon as its answer is there, to wait for the one that works. That one looks, when it has
nothing more to do, whose answer has come, and wakes that thread alone: 100,000 leads cost 10 % less processor time than
with threads that wait for their sockets themselves, and are woken on whatever core is idle.
"""

from __future__ import annotations

import select
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

from urllib3.util.wait import wait_for_read

# A turn saves time and is no lock: who holds it may wait for something that another thread has. So nobody waits on
# while it stays for twice as long with one holder that does nothing. On a loaded machine a page may take longer, and
# two at a time leave memory ragged for good.
PATIENCE_SECONDS = 0.5
# Of the processor's time, what whoever works has had of it by then, however busy the machine is.
LEAST_WORK_SECONDS = 0.002

_here = threading.local()


def take() -> None:
    """Wait for the turn, as long as it passes from thread to thread."""
    if (member := _member()) is not None:
        member.turn.take(member)


def leave() -> None:
    """Give the turn to the next thread, if this one has it: before anything that may take long."""
    if (member := _member()) is not None:
        member.turn.leave(member)


def is_joined() -> bool:
    """Whether this thread takes turns."""
    return _member() is not None


def wait_for(sock: socket.socket, seconds: float) -> bool:
    """Leave the turn until there is something to read, then take it; False if nothing came within these seconds.

    In a thread that takes no turns this is True at once: it reads, and waits for that.
    """
    member = _member()
    return member is None or _is_buffered(sock) or member.turn.wait(member, sock, seconds)


def leave_for(sock: socket.socket) -> None:
    """Leave the turn if there is nothing to read now."""
    member = _member()
    if member is not None and member.turn.has(member) and not _is_buffered(sock) and not wait_for_read(sock, 0):
        member.turn.leave(member)


class Lock:
    """A lock for what one thread asks for and others need: who waits for it leaves the turn. Reentrant."""

    def __init__(self) -> None:
        self._lock = threading.RLock()

    def __enter__(self) -> None:
        if not self._lock.acquire(blocking=False):
            leave()
            self._lock.acquire()
            take()

    def __exit__(self, *raised: object) -> None:
        self._lock.release()


class Turn:
    """Shared by the threads that join it; for each of them, the functions of this module act."""

    def __init__(self, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._patience_seconds = patience_seconds
        self._lock = threading.Lock()
        self._holder: _Member | None = None
        # How many threads have had it.
        self._count = 0
        # Who can go on; who waits for a socket, by its descriptor; and which of these looks after all their sockets
        # while nobody has the turn.
        self._ready: deque[_Member] = deque()
        self._waiting: dict[int, _Member] = {}
        self._watcher: _Member | None = None
        self._sockets: Any = select.epoll() if hasattr(select, "epoll") else None  # macOS

    @contextmanager
    def joined(self) -> Iterator[None]:
        """This thread takes turns from here on, and leaves at the end."""
        member = _here.member = _Member(self, self._patience_seconds)
        try:
            yield
        finally:
            self.leave(member)
            _here.member = None

    def has(self, member: _Member) -> bool:
        """Whether it is this thread's."""
        return self._holder is member

    def take(self, member: _Member) -> None:
        """As the function, for this thread."""
        if self.has(member):
            return
        with self._lock:
            self._ready.append(member)
            if self._holder is None:
                self._pass_on()
        self._await(member, float("inf"))

    def leave(self, member: _Member) -> None:
        """As the function, for this thread."""
        if self.has(member):
            with self._lock:
                self._pass_on()

    def _go_on(self) -> None:
        """Pass the turn on if nobody has it."""
        with self._lock:
            if self._holder is None:
                self._pass_on()

    def wait(self, member: _Member, sock: socket.socket, seconds: float) -> bool:
        """As the function `wait_for`, for this thread; without the turn where its holder does nothing for too long."""
        until = time.monotonic() + seconds
        if self._sockets is None:
            self.leave(member)
            return wait_for_read(sock, seconds)
        with self._lock:
            self._look_after(sock.fileno())
            self._waiting[sock.fileno()] = member
            if self._holder in (member, None):
                self._pass_on()
        return self._await(member, until) or wait_for_read(sock, max(0.0, until - time.monotonic()))

    def _look_after(self, descriptor: int) -> None:
        """Tell once when this one can be read."""
        events = select.EPOLLIN | select.EPOLLONESHOT
        try:
            self._sockets.modify(descriptor, events)
        except FileNotFoundError:
            self._sockets.register(descriptor, events)

    def _pass_on(self) -> None:
        """Give the turn to whoever can go on; or else let one that waits look after the sockets. Under the lock."""
        # What one thread sees, no other does: the watcher would sleep on while the turn is its own.
        if self._waiting and not self._ready and self._watcher is None:
            self._see(self._sockets.poll(0))
        self._holder = None
        if self._ready:
            self._holder = self._ready.popleft()
            self._count += 1
            self._holder.call()
        elif self._waiting and self._watcher is None:
            self._watcher = next(iter(self._waiting.values()))
            self._watcher.call()

    def _see(self, events: list[tuple[int, int]]) -> None:
        """Something has come for those who wait for it. Under the lock."""
        for descriptor, _ in events:
            if (member := self._waiting.pop(descriptor, None)) is not None:
                self._ready.append(member)

    def _await(self, member: _Member, until: float) -> bool:
        """Whether the turn came: not before this time, perhaps, or from a holder that does nothing."""
        progress = None
        while not self.has(member) and time.monotonic() < until:
            if self._watcher is member:
                self._watch(until)
            elif not member.is_called():
                before, progress = progress, self._progress()
                if before is not None and progress.is_none_since(before):
                    break
                self._go_on()
        return self.has(member) or self._has_given_up(member)

    def _watch(self, until: float) -> None:
        """Look after the sockets of all who wait, until one of them can be read."""
        events = self._sockets.poll(max(0.0, until - time.monotonic()))
        with self._lock:
            self._see(events)
            self._watcher = None
        self._go_on()

    def _has_given_up(self, member: _Member) -> bool:
        """Go on without the turn, unless it has come at last: whether it has."""
        with self._lock:
            if member in self._ready:
                self._ready.remove(member)
            for descriptor in [each for each, waiting in self._waiting.items() if waiting is member]:
                del self._waiting[descriptor]
                with suppress(OSError):
                    self._sockets.unregister(descriptor)
            if self._watcher is member:
                self._watcher = None
        self._go_on()
        return self.has(member)

    def _progress(self) -> _Progress:
        holder = self._holder
        return _Progress(self._count, None if holder is None else holder.worked())


class _Progress(NamedTuple):
    """How often a turn was given, and what its holder has had of the processor; None where nobody has it."""

    times: int
    worked: float | None

    def is_none_since(self, before: _Progress) -> bool:
        """Whether the same thread had it all the time, and did nothing."""
        if self.worked is None or before.worked is None or self.times != before.times:
            return False
        return self.worked - before.worked < LEAST_WORK_SECONDS


class _Member:
    """A thread that takes turns, and how others wake it."""

    def __init__(self, turn: Turn, patience_seconds: float) -> None:
        self.turn = turn
        self.worked = _processor_time()
        self._patience_seconds = patience_seconds
        self._bell, self._is_rung = threading.Lock(), False
        self._bell.acquire()

    def call(self) -> None:
        """Wake the thread; it looks why. Under the turn's lock."""
        if not self._is_rung and _member() is not self:
            self._is_rung = True
            self._bell.release()

    def is_called(self) -> bool:
        """Wait to be called, for as long as patience lasts."""
        is_called = self._bell.acquire(timeout=self._patience_seconds)
        if is_called:  # and whoever calls in between has said before why
            self._is_rung = False
        return is_called


def _member() -> _Member | None:
    return getattr(_here, "member", None)


def _is_buffered(sock: socket.socket) -> bool:
    """Whether bytes of an encrypted connection lie there that its socket does not tell of."""
    pending: Callable[[], int] | None = getattr(sock, "pending", None)
    return pending is not None and pending() > 0


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
