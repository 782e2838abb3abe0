"""Plans: pieces that a plan returns at its end follow it, in order."""

from __future__ import annotations

from source_kit.work import Page, Piece, Start, Work, in_order


def plan(name: str, *following: Piece, pages: int = 1) -> Work:
    for number in range(pages):
        yield Page([{"id": f"{name}{number}"}])
    return list(following)


def test_pages_come_in_the_order_of_the_plan_through_all_depths() -> None:
    inner = plan("b", Piece(plan("b1")), Piece(plan("b2")), pages=2)
    root = plan("a", Piece(inner), Piece(plan("c"), last=True))
    assert [record["id"] for page in in_order(root) for record in page.records] == [
        "a0",
        "b0",
        "b1",
        "b10",
        "b20",
        "c0",
    ]


def test_a_plan_without_followers_ends() -> None:
    def bare() -> Work:
        yield Page()
        return None

    assert len(list(in_order(bare()))) == 1


def test_a_start_has_no_position_unless_one_was_given() -> None:
    assert Start(incremental=True).position == {}
