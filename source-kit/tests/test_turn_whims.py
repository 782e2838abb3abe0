"""Turns among threads that do everything in random order: ask, give up early, lose their connections, end and begin."""

from __future__ import annotations

import heapq
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest

from source_kit import turn
from source_kit.turn import Turn
from tests.turn_bench import Pairs

# How long an answer is waited for that comes within milliseconds, and how late it may be noticed on a busy machine.
LONG = 15.0
LATEST = 8.0
PATIENCE = 0.25
ANSWER_BYTES = 8


@contextmanager
def threads(*works: Callable[[], object]) -> Iterator[None]:
    """Each work in a thread of its own; all have ended well at the end."""
    errors = list[BaseException]()

    def run(work: Callable[[], object]) -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)

    started = [threading.Thread(target=run, args=(work,), daemon=True) for work in works]
    for thread in started:
        thread.start()
    try:
        yield
    finally:
        for thread in started:
            thread.join(4 * LONG)
    assert not [thread for thread in started if thread.is_alive()]
    if errors:
        raise errors[0]


def joined(shared: Turn, work: Callable[[], object]) -> Callable[[], None]:
    """The work, in a thread that takes turns."""

    def run() -> None:
        with shared.joined():
            work()

    return run


class One:
    """Where one thread may be at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = self.most = 0

    def __enter__(self) -> None:
        with self._lock:
            self._inside += 1
            self.most = max(self.most, self._inside)

    def __exit__(self, *raised: object) -> None:
        with self._lock:
            self._inside -= 1


class Vendor:
    """Sends what it is asked for when its time has come, from a thread that takes no turns."""

    def __init__(self) -> None:
        self.sent = dict[bytes, float]()
        self._due: list[tuple[float, int, Callable[[], object]]] = []
        self._changed = threading.Condition()
        # Nothing is sent through a descriptor that is closed meanwhile, and used again.
        self._sends = threading.Lock()
        self._count = 0
        self._is_closed = False

    def after(self, seconds: float, what: Callable[[], object]) -> None:
        """Do this so much later."""
        with self._changed:
            self._count += 1
            heapq.heappush(self._due, (time.monotonic() + seconds, self._count, what))
            self._changed.notify()

    def send(self, sock: socket.socket, data: bytes) -> None:
        """Now; nobody may be there any more."""
        with suppress(OSError), self._sends:
            sock.send(data)
        self.sent[data] = time.monotonic()

    def hang_up(self, sock: socket.socket) -> None:
        """Now."""
        with self._sends:
            sock.close()

    def work(self) -> None:
        """Until it is closed."""
        while True:
            with self._changed:
                left = self._due[0][0] - time.monotonic() if self._due else None
                if left is None or left > 0:
                    if self._is_closed:
                        return
                    self._changed.wait(left)
                    continue
                _, _, what = heapq.heappop(self._due)
            what()

    def close(self) -> None:
        """Let its thread end when nothing is due any more, or is not yet."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()


class Account:
    """What all threads of one run share."""

    def __init__(self, seed: int) -> None:
        self.turn = Turn(PATIENCE)
        self.vendor = Vendor()
        self.lock, self.locked, self.worked = turn.Lock(), One(), One()
        self.random = random.Random(seed)
        self.read = list[bytes]()
        self.asked = list[bytes]()
        # How often a thread went on without its turn, and how often not.
        self.without = self.having = 0


class Reader:
    """One thread, with one connection at a time."""

    def __init__(self, account: Account, number: int, *, is_joined: bool) -> None:
        self.account = account
        self.number = number
        self.is_joined = is_joined
        self.random = random.Random(account.random.random())
        self.count = 0
        self.near, self.far = socket.socketpair()

    def run(self) -> None:
        """Some of everything, and then the end, with the turn or without."""
        with ExitStack() as stack:
            if self.is_joined:
                stack.enter_context(self.account.turn.joined())
            self._connect()
            everything = [self._ask] * 6 + [
                self._give_up,
                self._end,
                self._reset,
                self._slow,
                self._guarded,
                self._rest,
            ]
            for _ in range(self.random.randrange(1, 25)):
                self.random.choice(everything)()
            turn.leave()
            if self.random.random() < 0.5:
                turn.take()
        self._disconnect()

    def _disconnect(self) -> None:
        self.near.close()
        self.account.vendor.hang_up(self.far)

    def _connect(self) -> None:
        """Another connection, whose descriptors were often those of another thread before."""
        self._disconnect()
        turn.leave()
        self.near, self.far = socket.socketpair()
        self.near.settimeout(LONG)

    def _request(self, delay: float) -> bytes:
        self.count += 1
        data = b"%03d-%04d" % (self.number, self.count)
        far = self.far
        self.account.vendor.after(delay, lambda: self.account.vendor.send(far, data))
        return data

    def _some_time(self) -> float:
        return self.random.choice((0.0, 0.0, 0.0005, 0.001, 0.003, 0.01)) * self.random.random()

    def _receive(self, data: bytes) -> None:
        assert self.near.recv(ANSWER_BYTES) == data
        assert time.monotonic() - self.account.vendor.sent.get(data, float("inf")) < LATEST
        self.account.read.append(data)
        self._work()

    def _work(self) -> None:
        """As on a page; only who has the turn is counted."""
        member = turn._member()
        if member is None:
            return
        if not member.turn.has(member):
            self.account.without += 1
            return
        self.account.having += 1
        with self.account.worked:
            time.sleep(self._some_time() / 4)
            assert member.turn.has(member)

    def _ask(self) -> None:
        data = self._request(self._some_time())
        self.account.asked.append(data)
        assert turn.wait_for(self.near, LONG)
        self._receive(data)
        if self.random.random() < 0.3:
            turn.leave()

    def _give_up(self) -> None:
        data = self._request(self.random.choice((0.002, 0.01, 0.03)))
        seconds = self.random.choice((0.0, 0.001, 0.002, 0.01))
        began = time.monotonic()
        if turn.wait_for(self.near, seconds):
            self.account.asked.append(data)
            self._receive(data)
        else:
            assert began + seconds <= time.monotonic() < began + seconds + LATEST
            assert self.account.vendor.sent.get(data, float("inf")) >= began + seconds
            self._connect()

    def _end(self) -> None:
        self._be_hung_up()
        assert turn.wait_for(self.near, LONG)
        assert self.near.recv(ANSWER_BYTES) == b""
        self._connect()

    def _be_hung_up(self) -> None:
        far = self.far
        self.account.vendor.after(self._some_time(), lambda: self.account.vendor.hang_up(far))

    def _reset(self) -> None:
        self.near.send(b"what nobody reads")
        self._be_hung_up()
        assert turn.wait_for(self.near, LONG)
        with pytest.raises(ConnectionResetError):
            self.near.recv(ANSWER_BYTES)
        self._connect()

    def _slow(self) -> None:
        """A body that comes some time after its head."""
        delay = self._some_time()
        head, body = self._request(delay), self._request(delay + self._some_time())
        self.account.asked += [head, body]
        assert turn.wait_for(self.near, LONG)
        self._receive(head)
        turn.leave_for(self.near)
        assert self.near.recv(ANSWER_BYTES) == body
        self.account.read.append(body)
        turn.take()
        self._work()

    def _guarded(self) -> None:
        with self.account.lock, self.account.locked:
            if self.random.random() < 0.7:
                self._ask()
            with self.account.lock:
                turn.take()
                self._work()

    def _rest(self) -> None:
        turn.leave()
        time.sleep(self._some_time())
        if self.random.random() < 0.5:
            turn.take()
            self._work()


def check(seed: int, number: int = 40, at_once: int = 6) -> None:
    """Threads that come and go, some at a time; one in five never joins."""
    account = Account(seed)
    readers = [Reader(account, n, is_joined=account.random.random() < 0.8) for n in range(number)]
    rest = iter(readers)

    def work() -> None:
        for reader in rest_of():
            with threads(reader.run):
                pass

    lock = threading.Lock()

    def rest_of() -> Iterator[Reader]:
        while True:
            with lock:
                reader = next(rest, None)
            if reader is None:
                return
            yield reader

    with threads(account.vendor.work):
        try:
            with threads(*[work] * at_once):
                pass
        finally:
            account.vendor.close()
            for reader in readers:
                reader._disconnect()
    assert sorted(account.read) == sorted(account.asked)
    assert account.locked.most <= 1
    assert account.worked.most <= 1
    assert account.turn._holder is None


@pytest.mark.usefixtures("epoll")
@pytest.mark.parametrize("seed", range(3))
def test_whatever_threads_do_every_answer_is_read_once_in_time_by_one_at_a_time(seed: int) -> None:
    check(seed)


@pytest.fixture
def pairs() -> Iterator[Pairs]:
    with Pairs(4) as made:
        yield made


class Sleepy(Turn):
    """Its watcher is slow to wake up, as on a busy machine."""

    def __init__(self) -> None:
        super().__init__()
        self.watches, self.wakes = threading.Event(), threading.Event()

    def _watch(self, until: float) -> None:
        self.watches.set()
        assert self.wakes.wait(LONG)
        super()._watch(until)


def test_the_answer_of_the_watcher_is_not_taken_from_it_by_others_that_look(pairs: Pairs) -> None:
    shared, waited = Sleepy(), list[float]()

    def wait() -> None:
        began = time.monotonic()
        assert turn.wait_for(pairs.near(0), LONG / 2)
        waited.append(time.monotonic() - began)

    with threads(joined(shared, wait)):
        assert shared.watches.wait(LONG)
        pairs.answer(0)
        with shared.joined():
            turn.take()
            turn.leave()
        shared.wakes.set()
    assert waited[0] < LONG / 3


def test_whoever_was_to_watch_and_has_its_answer_first_leaves_that_to_another(pairs: Pairs) -> None:
    shared, waited, called, wakes = Turn(), list[float](), threading.Event(), threading.Event()

    def wait_and_end() -> None:
        member = turn._member()
        assert member is not None
        is_called = member.is_called

        def sleepily() -> bool:
            was_called = is_called()
            called.set()
            assert wakes.wait(LONG)
            return was_called

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(member, "is_called", sleepily)
            assert turn.wait_for(pairs.near(0), LONG)

    def wait() -> None:
        began = time.monotonic()
        assert turn.wait_for(pairs.near(1), LONG / 2)
        waited.append(time.monotonic() - began)

    with shared.joined():
        turn.take()
        with threads(joined(shared, wait_and_end)):
            until = time.monotonic() + LONG
            while not shared._waiting and time.monotonic() < until:
                time.sleep(0.001)
            turn.leave()
            assert called.wait(LONG)
            pairs.answer(0)
            turn.take()
            turn.leave()
            wakes.set()
    with threads(joined(shared, wait)):
        time.sleep(0.2)
        pairs.answer(1)
    assert waited[0] < LONG / 3


def test_a_wait_for_a_closed_connection_harms_nobody_else(pairs: Pairs) -> None:
    shared, waited = Turn(), list[float]()
    pairs.near(0).close()

    def fail() -> None:
        with pytest.raises((OSError, ValueError)):
            turn.wait_for(pairs.near(0), LONG)

    def wait() -> None:
        began = time.monotonic()
        assert turn.wait_for(pairs.near(1), LONG / 2)
        waited.append(time.monotonic() - began)

    with threads(joined(shared, fail)):
        pass
    with threads(joined(shared, wait)):
        time.sleep(0.2)
        pairs.answer(1)
    assert waited[0] < LONG / 3


class Encrypted(socket.socket):
    """With bytes that lie decrypted in memory, of which the descriptor does not tell."""

    def pending(self) -> int:
        """So many."""
        return 5


@pytest.mark.usefixtures("epoll")
def test_what_is_decrypted_already_is_not_waited_for(pairs: Pairs) -> None:
    shared = Turn()
    with Encrypted(fileno=pairs.near(0).detach()) as sock, shared.joined():
        turn.take()
        assert turn.wait_for(sock, 0)
        turn.leave_for(sock)
        member = turn._member()
        assert member is not None
        assert shared.has(member)
