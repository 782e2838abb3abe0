"""One page at a time, and nobody waits for ever."""

from __future__ import annotations

import threading
import time

from source_kit.turn import Turn


def work_side_by_side(turn: Turn, *, joins: bool, threads: int = 4) -> int:
    """The most threads that were between take and leave at once."""
    inside, most, lock = 0, 0, threading.Lock()

    def work() -> None:
        nonlocal inside, most
        if joins:
            turn.join()
        for _ in range(5):
            turn.take()
            with lock:
                inside += 1
                most = max(most, inside)
            time.sleep(0.002)
            with lock:
                inside -= 1
            turn.leave()

    started = [threading.Thread(target=work) for _ in range(threads)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()
    return most


def test_threads_that_joined_work_one_at_a_time() -> None:
    assert work_side_by_side(Turn(patience_seconds=10), joins=True) == 1


def test_a_thread_that_never_joined_does_not_wait() -> None:
    assert work_side_by_side(Turn(patience_seconds=10), joins=False) > 1


def test_taking_twice_and_leaving_twice_is_as_good_as_once() -> None:
    turn = Turn(patience_seconds=10)
    turn.join()
    turn.take()
    turn.take()
    turn.leave()
    turn.leave()
    assert work_side_by_side(turn, joins=True, threads=1) == 1


def test_whoever_waits_is_patient_as_long_as_the_turn_passes_on() -> None:
    # Each holds it for 2 ms five times, so that some wait for several times the patience.
    assert work_side_by_side(Turn(patience_seconds=0.3), joins=True, threads=100) == 1


def test_whoever_waits_takes_it_when_it_is_left() -> None:
    turn, taken = Turn(patience_seconds=10), threading.Event()
    turn.join()
    turn.take()

    def wait() -> None:
        turn.join()
        turn.take()
        taken.set()

    thread = threading.Thread(target=wait)
    thread.start()
    assert not taken.wait(0.05)
    turn.leave()
    assert taken.wait(5)
    thread.join()


def test_a_turn_that_is_never_left_keeps_nobody_for_ever() -> None:
    turn = Turn(patience_seconds=0.01)
    turn.join()
    turn.take()
    assert work_side_by_side(turn, joins=True, threads=1) == 1


def test_a_turn_whose_holder_works_is_waited_for() -> None:
    turn, ends, took = Turn(patience_seconds=0.05), threading.Event(), list[float]()

    def hold() -> None:
        turn.join()
        turn.take()
        ends.set()
        while time.thread_time() < 0.4:
            pass
        took.append(time.monotonic())
        turn.leave()

    holder = threading.Thread(target=hold)
    holder.start()
    assert ends.wait(5)
    turn.join()
    turn.take()
    assert took
    assert took[0] <= time.monotonic()
    turn.leave()
    holder.join()
