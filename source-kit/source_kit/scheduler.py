"""Which step a worker takes next, and what is ready to be written. All shared state of the engine, under one lock."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from source_kit.client import HttpClient
from source_kit.clock import Clock
from source_kit.running import Batch, Node, Order, StreamRun
from source_kit.work import AHEAD_BYTES, Piece

IDLE_SECONDS = 0.5


@dataclass
class _Lane:
    """The pieces of one active stream. `stack` holds them in order, the head last; `ready` those a worker may take.

    `page_bytes` is the size of its largest page so far, which is what a step under way may bring.
    """

    run: StreamRun
    stack: list[Node]
    ready: list[Node] = field(default_factory=list)
    running: int = 0
    page_bytes: int = 0
    # Where a step failed first: nothing behind it is started any more.
    broken_at: Order | None = None

    @property
    def head(self) -> Node | None:
        return self.stack[-1] if self.stack else None


class Scheduler:
    """Hands out steps: heads of streams first, then what lies ahead, within the byte budget and the rate budget."""

    def __init__(self, client: HttpClient, clock: Clock, workers: int) -> None:
        self._client = client
        self._clock = clock
        self._workers = workers
        self._lanes: dict[str, _Lane] = {}
        self._ahead = 0
        self._lock = threading.Lock()
        self._steps = threading.Condition(self._lock)
        self._pages = threading.Condition(self._lock)
        self._is_closed = False

    def add(self, run: StreamRun) -> None:
        """Begin a stream."""
        run.began = self._clock.monotonic()
        node = Node((0,), run.first_piece())
        with self._lock:
            self._lanes[run.name] = _Lane(run, [node], [node])
            self._steps.notify_all()

    def remove(self, run: StreamRun) -> None:
        """Forget a stream; what it had ready is dropped."""
        with self._lock:
            lane = self._lanes.pop(run.name, None)
            if lane is not None:
                self._ahead -= sum(len(batch.lines) for node in lane.stack for batch in node.batches)
                self._steps.notify_all()

    def close(self) -> None:
        """Let every worker go."""
        with self._lock:
            self._is_closed = True
            self._steps.notify_all()

    def take(self, run: StreamRun) -> tuple[Batch | None, Node | None]:
        """The next batch of a stream, or its head node if that is finished or broken, or neither yet."""
        with self._lock:
            lane = self._lanes[run.name]
            head = lane.head
            if head is None:
                return None, None
            if head.batches:
                batch = head.batches.popleft()
                self._ahead -= len(batch.lines)
                self._steps.notify()
                return batch, None
            return None, head if head.is_done or head.error is not None else None

    def pop(self, run: StreamRun) -> bool:
        """Replace the finished head by the pieces that follow it; False at the end of the stream."""
        with self._lock:
            lane = self._lanes[run.name]
            done = lane.stack.pop()
            lane.stack.extend(reversed(done.followers))
            head = lane.head
            if head is not None and head.piece.last:
                heapq.heappush(lane.ready, head)
            self._steps.notify_all()
            return head is not None

    def wait_for_output(self, active: Sequence[StreamRun], seconds: float) -> None:
        """Sleep until a head has something, at most `seconds`."""
        with self._lock:
            if not any(self._has_output(run) for run in active):
                self._pages.wait(seconds)

    def _has_output(self, run: StreamRun) -> bool:
        lane = self._lanes.get(run.name)
        head = lane.head if lane is not None else None
        return head is not None and (bool(head.batches) or head.is_done or head.error is not None)

    def next_step(self) -> tuple[StreamRun, Node] | None:
        """Block until there is a step to take; None when the engine is closed."""
        with self._lock:
            while not self._is_closed:
                wait = IDLE_SECONDS
                for lane in self._candidates():
                    delay = self._client.budget.delay(lane.run.bucket)
                    if delay <= 0 or delay > self._client.budget.longest_wait:
                        return lane.run, self._start(lane)
                    wait = min(wait, delay)
                self._steps.wait(wait)
            return None

    def _start(self, lane: _Lane) -> Node:
        lane.running += 1
        return heapq.heappop(lane.ready)

    def _candidates(self) -> list[_Lane]:
        """Lanes with a step to take: those within their share, first those whose head waits, then the least busy."""
        able = [lane for lane in self._lanes.values() if self._may_run(lane)]
        return sorted(able, key=lambda lane: (self._has_its_share(lane), lane.ready[0] is not lane.head, lane.running))

    def _has_its_share(self, lane: _Lane) -> bool:
        """Whether a lane runs in as many workers as it may take from others."""
        return lane.running >= max(1, int(self._workers * lane.run.worker_share))

    def _may_run(self, lane: _Lane) -> bool:
        if not lane.ready:
            return False
        node = lane.ready[0]
        if lane.broken_at is not None and node.order > lane.broken_at:
            return False
        return self._room() > 0 or (node is lane.head and not node.batches)

    def _room(self) -> int:
        """What may still be read ahead, when all steps under way have brought their pages."""
        return AHEAD_BYTES - self._ahead - sum(lane.running * lane.page_bytes for lane in self._lanes.values())

    def done(self, run: StreamRun, node: Node, batch: Batch | None, followers: Sequence[Piece] | None) -> None:
        """Account for a step that went well."""
        with self._lock:
            lane = self._lanes.get(run.name)
            if lane is None:
                return
            lane.running -= 1
            if batch is not None:
                node.batches.append(batch)
                self._ahead += len(batch.lines)
                lane.page_bytes = max(lane.page_bytes, len(batch.lines))
            if followers is None:
                heapq.heappush(lane.ready, node)
            else:
                node.is_done = True
                node.followers = [Node((*node.order, index), piece) for index, piece in enumerate(followers)]
                for follower in node.followers:
                    if not follower.piece.last:
                        heapq.heappush(lane.ready, follower)
            self._steps.notify_all()
            if node is lane.head:
                self._pages.notify()

    def broke(self, run: StreamRun, node: Node, error: BaseException) -> None:
        """A step raised: nothing behind it will be written, so nothing behind it is started."""
        with self._lock:
            lane = self._lanes.get(run.name)
            if lane is None:
                return
            lane.running -= 1
            lane.broken_at = node.order if lane.broken_at is None else min(lane.broken_at, node.order)
            node.error = error
            self._steps.notify_all()
            self._pages.notify()
