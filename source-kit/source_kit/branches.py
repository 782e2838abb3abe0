"""The plan of one stream while it is read: its branches in order, and how far everything before has been read. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from source_kit.work import Fork, Plan

# A fork at `(..., n)` has its plans at `(..., n, 0, 0)`, `(..., n, 1, 0)` and so on, and goes on at `(..., n + 1)`.
Order = tuple[int, ...]


@dataclass(frozen=True)
class Reached:
    """What a page says of the state, in its place of the plan: see `work.Page`."""

    checkpoint: Mapping[str, Any] | None
    holds: bool = False


@dataclass
class Branch:
    """A plan, or the part of one between two forks, in its place."""

    order: Order
    plan: Plan
    # Starts when everything before it has ended.
    waits: bool = False
    reached: list[Reached] = field(default_factory=list)
    has_ended: bool = False
    error: BaseException | None = None

    def __lt__(self, other: Branch) -> bool:
        return self.order < other.order


class Branches:
    """All branches of a stream that have not been passed: from the first that has not ended to the last known one."""

    def __init__(self, root: Plan) -> None:
        first = Branch((0,), root)
        self._line = [first]
        self._ready = [first]
        # Where a step failed first: nothing behind it is started any more.
        self._broken_at: Order | None = None

    @property
    def next(self) -> Branch | None:
        """The branch to take next, if any may be taken."""
        if not self._ready or (self._broken_at is not None and self._ready[0].order > self._broken_at):
            return None
        return self._ready[0]

    @property
    def is_head_next(self) -> bool:
        """Whether everything waits for the branch to take next."""
        return bool(self._ready) and self._ready[0] is self._line[0]

    @property
    def has_ended(self) -> bool:
        """Whether the whole plan has been read."""
        return not self._line

    @property
    def error(self) -> BaseException | None:
        """Why the plan goes no further: all before it has been read, and it failed."""
        return self._line[0].error if self._line else None

    def take(self) -> Branch:
        """The branch to take next; it is given back by `again`, `fork`, `end` or `broke`."""
        return heapq.heappop(self._ready)

    def again(self, branch: Branch) -> None:
        """A branch has taken a step and goes on."""
        heapq.heappush(self._ready, branch)

    def fork(self, branch: Branch, fork: Fork) -> int:
        """A branch has forked; how many branches may be taken now."""
        *base, last = branch.order
        branch.has_ended = True
        for index, plan in enumerate(fork.plans):
            self._add(Branch((*branch.order, index, 0), plan))
        self._add(Branch((*base, last + 1), branch.plan, waits=not fork.goes_on))
        return len(fork.plans) + fork.goes_on

    def _add(self, branch: Branch) -> None:
        heapq.heappush(self._line, branch)
        if not branch.waits:
            heapq.heappush(self._ready, branch)

    def end(self, branch: Branch) -> None:
        """A branch has come to its end."""
        branch.has_ended = True

    def broke(self, branch: Branch, error: BaseException) -> None:
        """A step of a branch has raised."""
        branch.error = error
        self._broken_at = branch.order if self._broken_at is None else min(self._broken_at, branch.order)

    def pass_on(self) -> list[Reached]:
        """Pass what has ended; what it says of the state, in order. A branch that waited for that becomes ready."""
        reached: list[Reached] = []
        while self._line:
            head = self._line[0]
            reached += head.reached
            head.reached.clear()
            if not head.has_ended:
                if head.waits:
                    head.waits = False
                    heapq.heappush(self._ready, head)
                break
            heapq.heappop(self._line)
        return reached
