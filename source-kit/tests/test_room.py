"""Bodies in memory stay below a bound, everybody gets through, and a slow network is no reason to wait."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from source_kit.room import Room

STRICT = 60.0
WAIT_SECONDS = 5.0


class Worker:
    """A thread that does what it is told, one after the other."""

    def __init__(self, *steps: Callable[[], object], room: Room | None = None) -> None:
        self.done = threading.Event()

        def work() -> None:
            if room is not None:
                room.join()
            for step in steps:
                step()
            self.done.set()

        self.thread = threading.Thread(target=work, daemon=True)
        self.thread.start()

    def waits(self) -> bool:
        """Whether it is still at it after a while."""
        return not self.done.wait(0.05)

    def ends(self) -> bool:
        """Whether it comes to its end."""
        return self.done.wait(WAIT_SECONDS)


def test_a_body_waits_for_room_and_is_told_how_long() -> None:
    room, waited = Room(100, STRICT), []
    room.join()
    assert room.take(60) == pytest.approx(0, abs=0.01)
    other = Worker(lambda: waited.append(room.take(50)), room=room)
    assert other.waits()
    room.leave()
    assert other.ends()
    assert waited[0] >= 0.05
    assert room.taken == 50


def test_a_body_larger_than_all_room_is_let_in_alone() -> None:
    room = Room(100, STRICT)
    room.join()
    room.take(1)
    large = Worker(lambda: room.take(1000), room=room)
    assert large.waits()
    room.leave()
    assert large.ends()
    assert room.taken == 1000
    assert Worker(lambda: room.take(1), room=room).waits()


def test_a_small_body_does_not_pass_a_large_one_that_waits() -> None:
    room = Room(100, STRICT)
    room.join()
    room.take(60)
    large = Worker(lambda: room.take(90), room.leave, room=room)
    assert large.waits()
    small = Worker(lambda: room.take(10), room=room)
    assert small.waits()
    room.leave()
    assert large.ends()
    assert small.ends()


def test_whoever_takes_again_has_left_what_it_had() -> None:
    room = Room(100, STRICT)
    room.join()
    room.take(80)
    room.take(90)
    assert room.taken == 90
    room.leave()
    room.leave()
    assert room.taken == 0


def test_what_was_read_counts_as_it_is() -> None:
    room = Room(100, STRICT)
    room.join()
    room.take(10)
    room.read(95, was_told=True)
    assert room.taken == 95
    assert Worker(lambda: room.take(10), room=room).waits()


def test_a_body_of_unknown_length_counts_as_the_largest_of_late() -> None:
    room = Room(10**9, STRICT)
    room.join()
    room.take(None)
    assert room.taken == 1024 * 1024
    room.read(8_000_000, was_told=False)
    room.take(None)
    assert room.taken == 8_000_000
    room.read(1_000, was_told=False)
    room.take(None)
    assert room.taken == 7_000_000


def test_a_length_that_was_told_teaches_nothing_of_others() -> None:
    room = Room(10**9, STRICT)
    room.join()
    room.take(8_000_000)
    room.read(8_000_000, was_told=True)
    room.take(None)
    assert room.taken == 1024 * 1024


def test_a_thread_that_never_joined_takes_no_room_and_does_not_wait() -> None:
    room = Room(100, STRICT)
    room.join()
    room.take(100)
    stranger = Worker(lambda: room.take(100), lambda: room.read(100, was_told=True), room.leave)
    assert stranger.ends()
    assert room.taken == 100


def test_one_more_is_read_where_nothing_waits_but_for_a_slow_network() -> None:
    room = Room(100, 0.01)
    room.join()
    room.take(100)
    others = [Worker(lambda: room.take(100), room=room) for _ in range(3)]
    assert all(other.ends() for other in others)
    assert room.taken == 400


def test_nothing_more_is_read_while_a_body_that_was_read_waits() -> None:
    room = Room(100, 0.01)
    room.join()
    room.take(100)
    room.read(100, was_told=True)
    other = Worker(lambda: room.take(100), room=room)
    assert other.waits()
    room.leave()
    assert other.ends()


def test_nobody_is_let_in_while_the_room_is_closed() -> None:
    room = Room(100, STRICT, closed_seconds=STRICT)
    room.close(True)
    other = Worker(lambda: room.take(1), room=room)
    assert other.waits()
    room.close(False)
    assert other.ends()


def test_a_room_that_stays_closed_keeps_a_connection_for_a_while_only() -> None:
    room, waited = Room(100, 0.01, closed_seconds=0.1), list[float]()
    room.close(True)
    assert Worker(lambda: waited.append(room.take(1)), room=room).ends()
    assert waited[0] >= 0.1


sizes = st.lists(st.lists(st.integers(0, 150) | st.none(), max_size=6), min_size=1, max_size=8)


@settings(max_examples=60)
@given(sizes)
def test_everybody_gets_through_and_only_one_body_is_ever_above_the_bound(plans: list[list[int | None]]) -> None:
    room, guard, inside, above = Room(100, STRICT), threading.Lock(), dict[int, int](), list[dict[int, int]]()
    room._usual = 30

    def step(size: int | None) -> None:
        room.take(size)
        with guard:
            inside[threading.get_ident()] = 30 if size is None else size
            if sum(inside.values()) > 100 and sum(map(bool, inside.values())) > 1:
                above.append(dict(inside))
        time.sleep(0)
        # The length was told, else it was what is usual: nothing grows.
        room.read(30 if size is None else size, was_told=True)
        with guard:
            del inside[threading.get_ident()]
        room.leave()

    workers = [Worker(*[lambda size=size: step(size) for size in plan], room=room) for plan in plans]
    assert all(worker.ends() for worker in workers)
    assert above == []
    assert room.taken == 0
