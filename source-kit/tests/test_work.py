"""Plans: what a fork holds comes in its place."""

from __future__ import annotations

import weakref
from typing import cast

from source_kit.work import Fork, Page, Plan, Start, in_order, parted


def plan(name: str, *steps: Fork, pages: int = 1) -> Plan:
    for number in range(pages):
        yield Page([{"id": f"{name}{number}"}])
    for step in steps:
        yield step
        yield Page([{"id": f"{name}+"}])


def ids(plan: Plan) -> list[str]:
    return [record["id"] for page in in_order(plan) for record in page.records]


def test_pages_come_in_the_order_of_the_plan_through_all_depths() -> None:
    inner = plan("b", Fork([plan("b1"), plan("b2")]), pages=2)
    assert ids(plan("a", Fork([inner]), Fork(), Fork([plan("c")], goes_on=True))) == [
        "a0", "b0", "b1", "b10", "b20", "b+", "a+", "a+", "c0", "a+",
    ]  # fmt: skip


def test_parts_come_before_the_rest() -> None:
    assert ids(parted([plan("a"), plan("b")], plan("c"))) == ["a0", "b0", "c0"]
    assert ids(parted([plan("a")], None)) == ["a0"]


def test_a_start_has_no_position_unless_one_was_given() -> None:
    assert Start(incremental=True).position == {}


class Row(dict[str, str]):
    """A record of which it can be told whether it is still in memory."""


def test_a_plan_that_waits_for_its_turn_holds_no_record_that_has_left() -> None:
    def pages() -> Plan:
        yield Page([Row(id="a")])
        yield Page([Row(id="b")])

    steps = in_order(pages())
    left = [weakref.ref(cast(Row, next(steps).records[0])) for _ in range(2)]
    assert [each() for each in left] == [None, None]
