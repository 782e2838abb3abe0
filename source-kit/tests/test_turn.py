"""One page at a time, whoever's answer has come, and nobody waits for ever."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from source_kit import turn
from source_kit.turn import Turn
from tests.turn_bench import Pairs


@contextmanager
def threads(shared: Turn | None, *works: Callable[[], Any]) -> Iterator[None]:
    """Each work in a thread that has joined the turn, if there is one; all have ended at the end."""

    def run(work: Callable[[], Any]) -> None:
        with ExitStack() as stack:
            if shared is not None:
                stack.enter_context(shared.joined())
            work()

    started = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in started:
        thread.start()
    yield
    for thread in started:
        thread.join(20)
        assert not thread.is_alive()


class Inside:
    """Counts the threads that work at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now = self.most = 0

    def work(self, seconds: float = 0.002) -> None:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        time.sleep(seconds)
        with self._lock:
            self._now -= 1


def most_side_by_side(shared: Turn | None, number: int = 4) -> int:
    """The most threads that were between take and leave at once."""
    inside = Inside()

    def work() -> None:
        for _ in range(5):
            turn.take()
            inside.work()
            turn.leave()

    with threads(shared, *[work] * number):
        pass
    return inside.most


def test_threads_that_joined_work_one_at_a_time() -> None:
    assert most_side_by_side(Turn(patience_seconds=10)) == 1


def test_a_thread_that_never_joined_does_not_wait() -> None:
    assert most_side_by_side(None) > 1


def test_taking_twice_and_leaving_twice_is_as_good_as_once() -> None:
    shared = Turn(patience_seconds=10)
    with shared.joined():
        turn.take()
        turn.take()
        turn.leave()
        turn.leave()
        assert most_side_by_side(shared, 1) == 1


def test_whoever_waits_is_patient_as_long_as_the_turn_passes_on() -> None:
    # Each holds it for 2 ms five times, so that some wait for several times the patience.
    assert most_side_by_side(Turn(patience_seconds=0.3), 100) == 1


def test_whoever_waits_takes_it_when_it_is_left_or_its_holder_ends() -> None:
    for leaves in (True, False):
        shared, taken = Turn(patience_seconds=10), threading.Event()

        def wait(taken: threading.Event = taken) -> None:
            turn.take()
            taken.set()

        with ExitStack() as stack:
            with shared.joined():
                turn.take()
                stack.enter_context(threads(shared, wait))
                assert not taken.wait(0.05)
                if leaves:
                    turn.leave()
                    assert taken.wait(5)
            assert taken.wait(5)


def test_a_turn_that_is_never_left_keeps_nobody_for_ever() -> None:
    shared = Turn(patience_seconds=0.01)
    with shared.joined():
        turn.take()
        assert most_side_by_side(shared, 1) == 1


def test_a_turn_whose_holder_works_is_waited_for() -> None:
    shared, begins, took = Turn(patience_seconds=0.25), threading.Event(), list[float]()

    def hold() -> None:
        turn.take()
        begins.set()
        while time.thread_time() < 1:
            pass
        took.append(time.monotonic())
        turn.leave()

    with threads(shared, hold):
        assert begins.wait(5)
        with shared.joined():
            turn.take()
            assert took
            assert took[0] <= time.monotonic()


@pytest.fixture
def pairs() -> Iterator[Pairs]:
    with Pairs(4) as made:
        yield made


@pytest.mark.usefixtures("epoll")
def test_answers_are_worked_on_one_at_a_time_and_none_is_forgotten(pairs: Pairs) -> None:
    shared, inside, read = Turn(patience_seconds=10), Inside(), [0] * 4

    def reader(number: int) -> Callable[[], None]:
        def work() -> None:
            sock = pairs.near(number)
            for _ in range(50):
                assert turn.wait_for(sock, 10)
                sock.recv(1)
                turn.take()
                inside.work(0.0005)
                read[number] += 1

        return work

    with threads(shared, *map(reader, range(4))):
        for n in range(200):
            pairs.answer(n * 7 % 4)
            time.sleep(0.0003 * (n % 5))
    assert (inside.most, read) == (1, [50] * 4)


@pytest.mark.usefixtures("epoll")
def test_nothing_within_the_time_is_told_in_time(pairs: Pairs) -> None:
    shared = Turn(patience_seconds=0.05)
    with threads(shared, lambda: turn.wait_for(pairs.near(1), 0.6)), shared.joined():
        began = time.monotonic()
        assert not turn.wait_for(pairs.near(0), 0.2)
        assert 0.2 <= time.monotonic() - began < 0.5


@pytest.mark.usefixtures("epoll")
def test_one_that_gives_up_leaves_the_sockets_to_another(pairs: Pairs) -> None:
    shared, came = Turn(patience_seconds=10), threading.Event()

    def wait_long() -> None:
        assert turn.wait_for(pairs.near(1), 10)
        came.set()

    with threads(shared, lambda: turn.wait_for(pairs.near(0), 0.1)):
        time.sleep(0.02)
        with threads(shared, wait_long):
            time.sleep(0.2)
            pairs.answer(1)
            assert came.wait(2)


@pytest.mark.usefixtures("epoll")
def test_an_answer_is_not_kept_waiting_by_a_holder_that_does_nothing(pairs: Pairs) -> None:
    shared, came = Turn(patience_seconds=0.05), threading.Event()

    def wait() -> None:
        assert turn.wait_for(pairs.near(0), 10)
        came.set()

    with shared.joined():
        with threads(shared, wait):
            turn.take()
            pairs.answer(0)
            assert came.wait(2)
        turn.leave()


def test_whoever_waits_for_a_lock_has_left_its_turn() -> None:
    shared, lock, taken, waits = Turn(patience_seconds=10), turn.Lock(), threading.Event(), threading.Event()

    def ask() -> None:
        with lock:
            taken.set()
            assert waits.wait(5)
            time.sleep(0.05)
            turn.take()  # as an answer would

    with threads(shared, ask):
        assert taken.wait(5)
        with shared.joined():
            turn.take()
            waits.set()
            began = time.monotonic()
            with lock, lock:
                assert time.monotonic() - began < 5


def test_only_who_has_nothing_to_read_leaves(pairs: Pairs) -> None:
    shared = Turn(patience_seconds=10)
    with shared.joined():
        turn.take()
        pairs.answer(0)
        turn.leave_for(pairs.near(0))
        taken = threading.Event()

        def take() -> None:
            turn.take()
            taken.set()

        with threads(shared, take):
            assert not taken.wait(0.05)
            turn.leave_for(pairs.near(1))
            assert taken.wait(5)
