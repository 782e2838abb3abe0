"""The branches of a plan: which may be taken, and what has been passed."""

from __future__ import annotations

from source_kit.branches import Branch, Branches, Reached
from source_kit.work import Fork, Page, Plan

AT_1, AT_2, AT_3 = (Reached({"at": str(number)}) for number in (1, 2, 3))


def nothing() -> Plan:
    return iter([Page()])


def forked(branches: Branches, plans: int, *, goes_on: bool = False) -> list[Branch]:
    """Take the next branch, let it fork, and take what may be taken then."""
    branch = branches.take()
    may_take = branches.fork(branch, Fork([nothing() for _ in range(plans)], goes_on=goes_on))
    branches.pass_on()
    taken = [branches.take() for _ in iter(lambda: branches.next, None)]
    assert may_take == plans + goes_on
    return taken


def test_a_stream_begins_with_its_root_and_ends_with_it() -> None:
    branches = Branches(nothing())
    root = branches.take()
    assert (root.order, branches.next, branches.has_ended) == ((0,), None, False)
    branches.end(root)
    assert branches.pass_on() == []
    assert branches.has_ended


def test_what_has_forked_goes_on_when_everything_before_has_ended() -> None:
    branches = Branches(nothing())
    first, second = forked(branches, 2)
    branches.end(second)
    branches.pass_on()
    assert branches.next is None
    branches.end(first)
    branches.pass_on()
    assert branches.next is not None
    assert branches.next.order == (1,)


def test_an_empty_fork_waits_for_what_is_before_it() -> None:
    branches = Branches(nothing())
    first, second = forked(branches, 2)
    branches.fork(second, Fork())
    branches.pass_on()
    assert branches.next is None
    branches.end(first)
    branches.pass_on()
    assert branches.next is not None
    assert branches.next.plan is second.plan


def test_what_goes_on_at_once_comes_behind_the_plans_of_its_fork() -> None:
    branches = Branches(nothing())
    orders = [branch.order for branch in forked(branches, 2, goes_on=True)]
    assert orders == [(0, 0, 0), (0, 1, 0), (1,)]


def test_forks_within_forks_keep_their_places() -> None:
    branches = Branches(nothing())
    first, second = forked(branches, 2)
    branches.fork(first, Fork([nothing(), nothing()], goes_on=True))
    orders = [branches.take().order for _ in range(3)]
    assert orders == [(0, 0, 0, 0, 0), (0, 0, 0, 1, 0), (0, 0, 1)]
    assert all(order < second.order for order in orders)


def test_the_state_is_told_in_the_order_of_the_plan() -> None:
    branches = Branches(nothing())
    first, second = forked(branches, 2)
    second.reached.append(AT_2)
    branches.end(second)
    assert branches.pass_on() == []
    first.reached.append(AT_1)
    assert branches.pass_on() == [AT_1]
    branches.end(first)
    assert branches.pass_on() == [AT_2]


def test_what_was_said_before_a_fork_is_told_before_its_plans_end() -> None:
    branches = Branches(nothing())
    root = branches.take()
    root.reached.append(AT_1)
    branches.fork(root, Fork([nothing()]))
    assert branches.pass_on() == [AT_1]


def test_nothing_behind_a_broken_branch_is_taken_and_what_is_before_it_is() -> None:
    branches = Branches(nothing())
    first, second, third = forked(branches, 3)
    error = ValueError()
    branches.broke(second, error)
    branches.again(third)
    assert (branches.next, branches.error) == (None, None)
    branches.again(first)
    assert branches.next is first
    branches.end(branches.take())
    branches.pass_on()
    assert branches.error is error


def test_the_branch_that_everything_waits_for_is_the_head() -> None:
    branches = Branches(nothing())
    first, second = forked(branches, 2)
    branches.again(second)
    assert not branches.is_head_next
    branches.again(first)
    assert branches.is_head_next
