"""Which step a worker takes next, and the queue to the writer. All shared state of the engine, under one lock."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass

from source_kit import turn
from source_kit.branches import Branch, Branches, Reached
from source_kit.client import HttpClient
from source_kit.clock import Clock
from source_kit.output import FLUSH_BYTES
from source_kit.running import Batch, StreamRun
from source_kit.work import Ending, Fork

IDLE_SECONDS = 0.5
# Finished lines that may wait for the writer, over all streams: with as much, no further step is begun, and bodies of
# answers under way stay with the network for some seconds. What steps bring is taken nevertheless, so that none of them
# waits for the writer any longer.
QUEUE_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True)
class Ended:
    """A stream has been read, or goes no further; all that can be written of it is in the queue before this."""

    error: BaseException | None = None


# What the writer is given, of one stream: records as they come, and states in the order of the plan, when
# everything before them is in the queue.
Item = tuple[StreamRun, Batch | Reached | Ended]


@dataclass
class _Active:
    """A stream that is being read, and how many steps of it are under way."""

    run: StreamRun
    branches: Branches
    running: int = 0


class Scheduler:
    """Hands out steps: what everything waits for first, then what lies behind it, within the rate budget."""

    def __init__(self, client: HttpClient, clock: Clock, workers: int) -> None:
        self._client = client
        self._clock = clock
        self._workers = workers
        self._active: dict[str, _Active] = {}
        self._queue: deque[Item] = deque()
        self._queued_bytes = 0
        self._lock = threading.Lock()
        self._steps = threading.Condition(self._lock)
        self._items = threading.Condition(self._lock)
        self._is_closed = False

    def add(self, run: StreamRun) -> None:
        """Begin a stream."""
        run.began = self._clock.monotonic()
        with self._lock:
            self._active[run.name] = _Active(run, Branches(run.root()))
            self._steps.notify_all()

    def close(self) -> None:
        """Let every worker go."""
        with self._lock:
            self._is_closed = True
            self._client.room.close(False)
            self._steps.notify_all()

    def take(self, seconds: float) -> Item | None:
        """The next item of the queue; None if there is none within some seconds.

        Who waits is woken by states, ends, and as many lines as leave at once: for each page, it would be two switches
        between threads. Fewer lines wait for those seconds at the most.
        """
        with self._lock:
            if not self._queue and seconds > 0:
                self._items.wait(seconds)
            if not self._queue:
                return None
            item = self._queue.popleft()
            if isinstance(item[1], Batch):
                self._count_queued(-len(item[1].lines))
            return item

    def next_step(self) -> tuple[StreamRun, Branch] | None:
        """Block until there is a step to take; None when the engine is closed."""
        with self._lock:
            while not self._is_closed:
                wait = IDLE_SECONDS
                for active in self._candidates():
                    delay = self._client.budget.delay(active.run.bucket)
                    if delay <= 0 or delay > self._client.budget.longest_wait:
                        active.running += 1
                        return active.run, active.branches.take()
                    wait = min(wait, delay)
                turn.leave()
                self._steps.wait(wait)
            return None

    def _candidates(self) -> list[_Active]:
        """Streams with a step to take: those within their share, first those that wait for it, then the least busy."""
        if self._queued_bytes >= QUEUE_BYTES:
            return []
        able = [active for active in self._active.values() if active.branches.next is not None]
        return sorted(able, key=lambda each: (self._has_its_share(each), not each.branches.is_head_next, each.running))

    def _has_its_share(self, active: _Active) -> bool:
        """Whether a stream runs in as many workers as it may take from others."""
        return active.running >= max(1, int(self._workers * active.run.worker_share))

    def done(self, run: StreamRun, branch: Branch, outcome: Batch | Fork | None) -> None:
        """Account for a step that went well: with a page, with a fork, or at the end of its plan."""
        with self._lock:
            active = self._active.get(run.name)
            if active is None:
                return
            active.running -= 1
            if isinstance(outcome, Batch):
                if isinstance(branch.plan, Ending) and branch.plan.has_ended:
                    active.branches.end(branch)
                else:
                    active.branches.again(branch)
                if outcome.reached is not None:
                    branch.reached.append(outcome.reached)
                self._put(run, outcome)
            elif isinstance(outcome, Fork):
                # The worker that comes from here takes one of them itself.
                self._steps.notify(max(0, active.branches.fork(branch, outcome) - 1))
            else:
                active.branches.end(branch)
            self._pass_on(active)

    def broke(self, run: StreamRun, branch: Branch, error: BaseException) -> None:
        """A step raised: nothing behind it is started."""
        with self._lock:
            active = self._active.get(run.name)
            if active is not None:
                active.running -= 1
                active.branches.broke(branch, error)
                self._pass_on(active)

    def _pass_on(self, active: _Active) -> None:
        """Give the writer what has become true of the state, and the end of the stream."""
        for reached in active.branches.pass_on():
            self._put(active.run, reached)
        error = active.branches.error
        if error is not None or active.branches.has_ended:
            del self._active[active.run.name]
            self._put(active.run, Ended(error))

    def _put(self, run: StreamRun, item: Batch | Reached | Ended) -> None:
        self._queue.append((run, item))
        if isinstance(item, Batch):
            self._count_queued(len(item.lines))
        if not isinstance(item, Batch) or self._queued_bytes >= FLUSH_BYTES:
            self._items.notify()

    def _count_queued(self, size: int) -> None:
        was_full = self._queued_bytes >= QUEUE_BYTES
        self._queued_bytes += size
        is_full = self._queued_bytes >= QUEUE_BYTES
        if is_full != was_full:
            self._client.room.close(is_full)
            if was_full:
                self._steps.notify_all()
