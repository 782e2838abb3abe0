"""Lists by page number: complete in every order, whatever moves, and never endless."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from source_kit.errors import TransientError
from source_kit.numbered import Listed, NumberedList, _PageAhead
from source_kit.rules import Rejected, Unavailable
from source_kit.testing import SideBySide
from source_kit.work import Record, in_order

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Rows:
    """A list on a server: pages of three rows; `moves` change it after so many requests."""

    def __init__(self, count: int, *, moves: dict[int, Callable[[list[Record]], object]] | None = None) -> None:
        self.rows: list[Record] = [{"id": number} for number in range(count)]
        self.asked: list[int] = []
        self.moves = moves or {}

    def fetch(self, number: int) -> Listed:
        self.asked.append(number)
        part = [dict(row) for row in self.rows[(number - 1) * 3 : number * 3]]
        listed = Listed(part, number * 3 < len(self.rows), NOON + timedelta(seconds=len(self.asked)))
        if len(self.asked) in self.moves:
            self.moves[len(self.asked)](self.rows)
        return listed


def ids(walk: NumberedList) -> list[Any]:
    return [record["id"] for page in in_order(walk.read()) for record in page.records]


def test_a_list_of_one_page_costs_one_request() -> None:
    rows = Rows(3)
    assert (ids(NumberedList(rows.fetch)), rows.asked) == ([0, 1, 2], [1])


def test_a_list_of_many_pages_is_read_whole() -> None:
    assert ids(NumberedList(Rows(200).fetch)) == list(range(200))


def test_an_empty_list_gives_its_checkpoint_and_no_row() -> None:
    walk = NumberedList(Rows(0).fetch, checkpoint=lambda began: {"at": began.isoformat()})
    pages = list(in_order(walk.read()))
    assert [len(page.records) for page in pages] == [0, 0]
    assert [page.checkpoint for page in pages] == [None, {"at": "2026-01-01T12:00:01+00:00"}]


def test_the_pages_of_a_quiet_list_are_probed_once_more() -> None:
    rows = Rows(11)
    assert ids(NumberedList(rows.fetch)) == list(range(11))
    assert rows.asked == [1, 2, 3, 4, 1, 2, 3]


def test_a_closed_list_is_not_probed() -> None:
    rows = Rows(11)
    assert ids(NumberedList(rows.fetch, is_closed=True)) == list(range(11))
    assert rows.asked == [1, 2, 3, 4]


def test_a_row_that_a_deletion_pushed_across_a_page_edge_is_found_backwards() -> None:
    rows = Rows(9, moves={1: lambda rows: rows.pop(0)})
    assert ids(NumberedList(rows.fetch)) == [0, 1, 2, 4, 5, 6, 7, 8, 3]
    assert rows.asked == [1, 2, 3, 1, 3, 2, 1, 1, 2, 3]


def test_a_changed_row_leaves_again_and_an_unchanged_one_does_not() -> None:
    rows = Rows(5, moves={2: lambda rows: rows.append(rows.pop(0) | {"name": "new"})})
    found = [record for page in in_order(NumberedList(rows.fetch).read()) for record in page.records]
    assert found == [{"id": 0}, {"id": 1}, {"id": 2}, {"id": 3}, {"id": 4}, {"id": 0, "name": "new"}]


def test_what_changed_meanwhile_is_asked_for_since_the_first_answer() -> None:
    rows, since = Rows(5), []

    def changed_since(began: datetime) -> Callable[[int], Listed]:
        since.append(began)
        return lambda number: Listed([{"id": 9}], False, NOON)

    assert ids(NumberedList(rows.fetch, changed_since=changed_since)) == [0, 1, 2, 3, 4, 9]
    assert since == [NOON + timedelta(seconds=1)]


def test_the_stamp_is_the_time_at_which_the_walk_began_unless_the_row_has_one() -> None:
    listed = Listed([{"id": 1}, {"id": 2, "at": None}, {"id": 3, "at": "then"}], False, NOON)
    walk = NumberedList(lambda number: listed, stamp="at")
    assert [record["at"] for page in in_order(walk.read()) for record in page.records] == [
        "2026-01-01T12:00:00Z",
        "2026-01-01T12:00:00Z",
        "then",
    ]


def test_pages_are_read_ahead_and_those_beyond_the_end_are_not_asked_for() -> None:
    rows = Rows(40)
    walk = NumberedList(rows.fetch, changed_since=lambda began: lambda number: Listed([], False, NOON))
    assert ids(walk) == list(range(40))
    assert rows.asked == [*range(1, 15), 3, 7, 10]


def test_a_list_of_several_rounds_of_pages_ahead_is_asked_for_each_page_once() -> None:
    rows = Rows(200)
    walk = NumberedList(rows.fetch, changed_since=lambda began: lambda number: Listed([], False, NOON))
    assert ids(walk) == list(range(200))
    assert rows.asked[:67] == list(range(1, 68))
    assert len(rows.asked) == 67 + 3


def test_a_refused_page_beyond_the_end_is_no_failure_but_one_before_it_is() -> None:
    rows, refused = Rows(40), [15]

    def fetch(number: int) -> Listed:
        if number in refused:
            raise Rejected("no", status=400, body={}, internal_message="")
        return rows.fetch(number)

    walk = NumberedList(fetch, changed_since=lambda began: lambda number: Listed([], False, NOON))
    plans = [_PageAhead(walk, number) for number in range(1, 17)]  # as if 16 pages were asked for side by side
    assert sorted(r["id"] for plan in plans for page in in_order(plan) for r in page.records) == [*range(40)]
    refused[:] = [7]
    with pytest.raises(Rejected):
        ids(NumberedList(fetch, changed_since=lambda began: fetch))


def test_a_server_that_goes_round_in_circles_is_a_fault() -> None:
    with pytest.raises(TransientError, match="gives none that are new"):
        ids(NumberedList(lambda number: Listed([{"id": 1}], True, NOON)))


def test_rows_without_ids_are_told_apart_by_their_content() -> None:
    listed = Listed([{"name": "a"}, {"name": "b"}, {"name": "a"}], False, NOON)
    walk = NumberedList(lambda number: listed)
    assert [record["name"] for page in in_order(walk.read()) for record in page.records] == ["a", "b"]


IDS = st.sampled_from([1, 2, 3, "1", "a", True, 1.0, None, [1]])
PAGES = st.lists(st.lists(st.tuples(IDS, st.integers(0, 1)), min_size=1, max_size=4), min_size=1, max_size=4)


@given(PAGES)
def test_of_each_row_every_version_leaves_once_in_a_row_whatever_stands_beside_it(pages: list[list[Any]]) -> None:
    listed = [[{"id": key, "version": version} for key, version in page] for page in pages]
    known: dict[Any, Record] = {}
    expected = []
    for record in (record for page in listed for record in page):
        key = record["id"] if isinstance(record["id"], str | int) else repr(record)
        if key not in known or repr(known[key]) != repr(record):
            expected.append(record)
        known[key] = record
    walk = NumberedList(lambda number: Listed(listed[number - 1], number < len(listed), NOON), is_closed=True)
    assert [record for page in in_order(walk.read()) for record in page.records] == expected


def test_unwanted_rows_count_but_do_not_leave() -> None:
    walk = NumberedList(Rows(40).fetch, keep=lambda record: bool(record["id"] == 39), is_closed=True)
    assert ids(walk) == [39]


@settings(max_examples=60)
@given(
    st.integers(0, 30), st.lists(st.tuples(st.integers(1, 25), st.sampled_from(["end", "front", "gone"])), max_size=3)
)
def test_nothing_is_lost_however_rows_move(count: int, plan: list[tuple[int, str]]) -> None:
    """A few moves at any time in a list of up to ten pages: every row that stays leaves, unchanged ones once."""
    chance = random.Random(count)
    moved: set[int] = set()

    def move(kind: str) -> Callable[[list[Record]], None]:
        def act(rows: list[Record]) -> None:
            if rows:
                row = rows.pop(chance.randrange(len(rows)))
                moved.add(row["id"])
                if kind != "gone":
                    rows.insert(len(rows) if kind == "end" else 0, row | {"moved": True})

        return act

    server = Rows(count, moves={at: move(kind) for at, kind in plan})
    found = ids(NumberedList(server.fetch))
    kept = {row["id"] for row in server.rows}
    assert kept - moved <= set(found)
    assert all(found.count(number) == 1 for number in kept - moved)


def imported(rows: list[Record]) -> None:
    rows[:0] = [{"id": -number} for number in range(2, 62)]  # -1 and -2 have the same hash


def test_a_bulk_import_that_shifts_twenty_pages_is_no_endless_list() -> None:
    rows = Rows(90, moves={10: imported})
    assert sorted(ids(NumberedList(rows.fetch))) == [*range(-61, -1), *range(90)]


def test_a_list_that_goes_round_in_ever_other_orders_is_endless() -> None:
    chance = random.Random(1)

    def fetch(number: int) -> Listed:
        return Listed([{"id": row} for row in chance.sample(range(40), 3)], True, NOON)

    with pytest.raises(TransientError, match="gives none that are new"):
        ids(NumberedList(fetch))


def test_a_page_beyond_the_end_may_fail_in_any_way() -> None:
    rows = Rows(17)

    def fetch(number: int) -> Listed:
        if number > 6:
            raise TransientError("The answer lacked its list.")
        return rows.fetch(number)

    assert ids(NumberedList(fetch, changed_since=lambda began: Rows(0).fetch)) == list(range(17))


def test_a_list_that_became_shorter_may_refuse_its_old_pages() -> None:
    rows = Rows(30, moves={10: lambda rows: rows.__delitem__(slice(4, None))})

    def fetch(number: int) -> Listed:
        if number > 1 and (number - 1) * 3 >= len(rows.rows):
            raise Unavailable("Gone.")
        return rows.fetch(number)

    assert ids(NumberedList(fetch)) == list(range(30))


def odd(rows: Rows, answers: dict[int, Listed]) -> Callable[[int], Listed]:
    """The list of `rows`, whose n-th request is answered otherwise."""

    def fetch(number: int) -> Listed:
        listed = rows.fetch(number)
        return answers.get(len(rows.asked), listed)

    return fetch


def nothing_changed(began: datetime) -> Callable[[int], Listed]:
    return lambda number: Listed([], False, NOON)


@pytest.mark.parametrize("request_number", [1, 2, 3, 6])
@pytest.mark.parametrize("since", [None, nothing_changed])
def test_a_page_that_is_empty_once_although_more_is_announced_is_asked_for_again(
    request_number: int, since: Callable[[datetime], Callable[[int], Listed]] | None
) -> None:
    rows = Rows(24)
    fetch = odd(rows, {request_number: Listed([], True, NOON)})
    assert ids(NumberedList(fetch, changed_since=since)) == list(range(24))
    assert rows.asked[request_number - 1] == rows.asked[request_number]


@pytest.mark.parametrize("request_number", [2, 3, 6, 8])
@pytest.mark.parametrize("since", [None, nothing_changed])
def test_a_page_that_was_announced_and_comes_empty_once_is_no_end(
    request_number: int, since: Callable[[datetime], Callable[[int], Listed]] | None
) -> None:
    rows = Rows(24)
    fetch = odd(rows, {request_number: Listed([], False, NOON)})
    assert ids(NumberedList(fetch, changed_since=since)) == list(range(24))


def test_pages_that_stay_empty_are_passed_and_a_walk_more_is_not_made_for_them() -> None:
    rows = Rows(60)
    hidden = {2, 3, 5, 8, 9, 11, 13}

    def fetch(number: int) -> Listed:
        listed = rows.fetch(number)
        return Listed([], listed.has_more, NOON) if number in hidden else listed

    seen = [row for row in range(60) if row // 3 + 1 not in hidden]
    assert ids(NumberedList(fetch)) == seen
    assert len(rows.asked) == 20 + 7 + 9 + 2  # pages, the empty ones again, probes, the empty ones of them again


def test_a_page_of_those_ahead_that_says_it_is_the_last_is_not_believed_where_later_ones_have_rows() -> None:
    rows = Rows(90)
    fetch = odd(rows, {8: Listed([{"id": 18}, {"id": 19}, {"id": 20}], False, NOON)})
    walk = NumberedList(fetch, changed_since=nothing_changed)
    found = []
    for number in (1, 2, 3, 4, 5, 6, 8, 7):  # eight pages on their way side by side
        found += [row["id"] for page in in_order(_PageAhead(walk, number)) for row in page.records]
    found += [row["id"] for page in walk._settle() for row in page.records]
    assert sorted(found) == list(range(90))


def test_a_list_that_announces_rows_for_ever_and_has_none_is_an_error() -> None:
    with pytest.raises(TransientError, match="gives none that are new"):
        ids(NumberedList(lambda number: Listed([], True, NOON)))


def test_a_second_walk_that_never_ends_is_left_with_a_warning() -> None:
    warnings: list[str] = []
    rows = Rows(7)

    def changed_since(began: datetime) -> Callable[[int], Listed]:
        return lambda number: Listed([{"id": 1}], True, NOON)

    assert ids(NumberedList(rows.fetch, changed_since=changed_since, warn=warnings.append)) == list(range(7))
    assert [warning[:16] for warning in warnings] == ["rows kept moving"]


def last_versions(walk: NumberedList, choose: Callable[[Any], Any]) -> dict[str, dict[int, Any]]:
    """What a warehouse holds of each row after a read whose pages are on their way side by side: written in the order
    of the plan, and as they come."""
    plan = SideBySide(walk.read(), choose, at_once=4).run()
    assert plan.error is None
    orders = {"planned": plan.pages, "arrived": plan.arrived}
    return {name: {row["id"]: row for page in pages for row in page.records} for name, pages in orders.items()}


def test_an_older_version_of_a_row_is_never_the_last_to_be_written_though_page_8_comes_before_page_6() -> None:
    """Row 22 is on page 8 when that is read. Then it changes and goes to page 6, which is read later, written first."""
    rows = Rows(45)

    def fetch(number: int) -> Listed:
        listed = rows.fetch(number)
        if number == 8:
            rows.rows.insert(16, rows.rows.pop(22) | {"name": "new"})
        return listed

    def changed_since(began: datetime) -> Callable[[int], Listed]:
        return lambda number: Listed([{"id": 22, "name": "new"}], False, NOON)

    written = last_versions(NumberedList(fetch, changed_since=changed_since), lambda able: able[-1])
    assert rows.asked[4] == 8
    assert {name: versions[22] for name, versions in written.items()} == {
        "planned": {"id": 22, "name": "new"},
        "arrived": {"id": 22, "name": "new"},
    }
    assert sorted(written["planned"]) == list(range(45))


@settings(max_examples=60)
@given(st.integers(13, 60), st.lists(st.integers(1, 30), max_size=3), st.integers(0, 10**6))
def test_however_pages_overtake_each_other_the_last_version_that_is_written_is_what_the_list_holds(
    count: int, plan: list[int], seed: int
) -> None:
    chance = random.Random(seed)
    changed: list[Record] = []

    def move(rows: list[Record]) -> None:
        row = rows.pop(chance.randrange(len(rows))) | {"version": len(changed)}
        rows.insert(chance.randrange(len(rows)), row)
        changed.append(row)

    rows = Rows(count, moves=dict.fromkeys(plan, move))

    def changed_since(began: datetime) -> Callable[[int], Listed]:
        return lambda number: Listed([dict(row) for row in rows.rows if "version" in row], False, NOON)

    written = last_versions(NumberedList(rows.fetch, changed_since=changed_since), chance.choice)
    held = {row["id"]: row for row in rows.rows}
    for versions in written.values():
        # What changed after the look for changes comes with the next read.
        if max(plan, default=0) < count // 3:
            assert {key: row for key, row in versions.items() if row != held[key]} == {}
        # A move that nothing shows may hide one row: where its row was met at its new place only, and no probe hit it.
        assert len(set(held) - set(versions)) <= len(changed)


def test_a_changed_row_that_is_met_again_shows_that_others_were_pushed_across_a_page_edge() -> None:
    """Row 2 goes from page 1 to page 4 when page 2 has been read, so that row 6 comes to stand on page 2."""
    rows = Rows(41, moves={2: lambda rows: rows.insert(11, rows.pop(2) | {"name": "new"})})

    def changed_since(began: datetime) -> Callable[[int], Listed]:
        return lambda number: Listed([{"id": 2, "name": "new"}], False, NOON)

    assert set(ids(NumberedList(rows.fetch, changed_since=changed_since))) == set(range(41))


# Of these two numbers Python has the same hash.
ALIKE = (1, 2**61)


def test_rows_whose_ids_have_the_same_hash_leave_both() -> None:
    assert hash(ALIKE[0]) == hash(ALIKE[1])
    listed = Listed([{"id": key} for key in (*ALIKE, 2)], False, NOON)
    assert ids(NumberedList(lambda number: listed)) == [1, 2**61, 2]


def test_a_row_with_the_hash_of_another_that_comes_on_a_page_ahead_leaves_with_the_walk_again() -> None:
    rows = Rows(40)
    rows.rows[1]["id"], rows.rows[30]["id"] = 100, 100 + 2**61 - 1
    walk = NumberedList(rows.fetch, changed_since=lambda began: lambda number: Listed([], False, NOON))
    found = ids(walk)
    assert set(found) == {row["id"] for row in rows.rows}
    assert [number for number in set(found) if found.count(number) > 1] in ([], [100])
