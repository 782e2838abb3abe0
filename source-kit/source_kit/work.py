"""What a reading plan is made of.

A plan is an iterator, mostly a generator, of pages and forks. The engine takes one step of a plan at a time (usually
one request) in a worker thread, and steps of many plans side by side. A plan never knows about threads.

A plan that waits for its next turn holds no records, which as objects take four times their bytes. The variable of a
`for` loop holds the last page while the next one is asked for: `map` does not, nor a list that is emptied by `pop`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

Record = dict[str, Any]

Plan: TypeAlias = "Iterator[Page | Fork]"


@dataclass(frozen=True)
class Page:
    """Records to emit, and the state that holds once they and everything before them in the plan have been emitted.

    `holds`: rows are missing here, so from now on the state of the stream stays where it is, and the next read looks
    again. `warning` is a sentence about that for the log. `is_timed`: its plan knows that every record has a time.
    """

    records: Sequence[Record] = ()
    checkpoint: Mapping[str, Any] | None = None
    estimate: int | None = None
    holds: bool = False
    warning: str | None = None
    is_timed: bool = False


@dataclass(frozen=True)
class Fork:
    """Plans to read side by side; their place is here.

    The plan that yields it goes on when they, and everything else before this place, are out: so whatever may see a
    record again comes after a fork, and an empty one waits for what is before. With `goes_on` it goes on at once, as
    one more plan behind them.
    """

    plans: Sequence[Plan] = ()
    goes_on: bool = False


class Ending(Iterator[Page | Fork]):
    """A plan that knows with its last page that it has ended, which spares the engine the step that only finds out."""

    has_ended = False


@dataclass(frozen=True)
class Start:
    """Where a read of a stream begins."""

    incremental: bool
    position: Mapping[str, Any] = field(default_factory=dict)


def parted(parts: Sequence[Plan], rest: Plan | None) -> Plan:
    """Parts side by side, then the rest, where there is one."""
    yield Fork(parts)
    if rest is not None:
        yield from rest


def mapped(plan: Plan, change: Callable[[Page], Page]) -> Plan:
    """The plan with each of its pages changed, wherever it stands."""

    def changed(step: Page | Fork) -> Page | Fork:
        if isinstance(step, Fork):
            return replace(step, plans=[mapped(each, change) for each in step.plans])
        return change(step)

    return map(changed, plan)


def in_order(plan: Plan) -> Iterator[Page]:
    """All pages of a plan, read one after the other in this thread."""
    for step in plan:
        if isinstance(step, Fork):
            for each in step.plans:
                yield from in_order(each)
        else:
            ready = [step]
            del step
            yield ready.pop()
