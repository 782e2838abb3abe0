"""Changes that the search index shows hours late: looked for once in a while, and each leaves once."""

from __future__ import annotations

from typing import Any

from source_kit.timestamps import milliseconds_z
from source_kit.work import Record, Start, in_order
from source_kustomer.streams import build
from unit_tests.kustomer_account import Account, Answer, page, row, search


class Index:
    """Rows by the hours after which a search shows them."""

    def __init__(self, account_hours: dict[int, float]) -> None:
        self.account: Account | None = None
        self.rows: list[tuple[float, Record]] = []
        self.hours = account_hours

    def __call__(self, method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        if path == "users/current":
            return page(row(1, "2025-01-01T00:00:00.000Z"))
        if path.endswith("/events"):
            return page(row(int(path.split("/")[1], 16) + 100, "2025-12-31T00:00:00.000Z"))
        assert self.account is not None
        now = self.account.clock.monotonic()
        return search([one for seen_at, one in self.rows if seen_at <= now], params, body)


def opened(**config: Any) -> tuple[Account, Index]:
    index = Index({})
    account = Account(index, start_date="2025-12-01", deep_lookback_hours=6, **config)
    index.account = account
    return account, index


def change(account: Account, index: Index, number: int, *, late_hours: float = 0.0) -> None:
    """A row changes now, and is searchable so much later."""
    seen_at = account.clock.monotonic() + late_hours * 3600
    index.rows.append((seen_at, row(number, milliseconds_z(account.clock.now()))))


def read(account: Account, name: str, state: dict[str, Any]) -> tuple[list[int], dict[str, Any]]:
    """The numbers that leave, and the state then."""
    stream = next(each for each in build(account.client, account.settings) if each.name == name)
    records, states = account.read(stream, state)
    for each in states:
        state = {**state, **each}
    return [int(record["id"], 16) for record in records], state


def hours(account: Account, count: float) -> None:
    account.clock.sleep(count * 3600)


def test_a_change_that_is_two_hours_late_leaves_with_the_next_look_back_and_nothing_leaves_twice() -> None:
    account, index = opened()
    for number in (1, 2, 3):
        change(account, index, number, late_hours=2 if number == 2 else 0)
        hours(account, 0.2)
    left, state = read(account, "customers", {})
    assert left == [1, 3]
    hours(account, 2.5)
    change(account, index, 4)
    hours(account, 1)
    left, state = read(account, "customers", state)
    assert left == [4]
    hours(account, 3)
    left, state = read(account, "customers", state)
    assert left == [2]
    hours(account, 7)
    assert read(account, "customers", state)[0] == []


def test_a_look_back_in_every_sync_finds_it_with_the_next_one() -> None:
    account, index = opened(lookback_interval_hours=0)
    change(account, index, 1, late_hours=2)
    change(account, index, 2)
    hours(account, 1)
    left, state = read(account, "customers", {})
    assert left == [2]
    hours(account, 1.5)
    assert read(account, "customers", state)[0] == [1]


def test_between_look_backs_a_read_begins_where_the_last_one_ended() -> None:
    account, index = opened()
    change(account, index, 1)
    hours(account, 1)
    _, state = read(account, "customers", {})
    del account.asked[:]
    hours(account, 1)
    read(account, "customers", state)
    searches = [body["and"][0]["customer_updated_at"]["gte"] for _, _, _, body in account.asked if body]
    assert searches == [index.rows[0][1]["attributes"]["updatedAt"]]


def test_whoever_reads_the_state_by_its_cursor_alone_loses_nothing() -> None:
    account, index = opened()
    change(account, index, 1, late_hours=2)
    change(account, index, 2)
    hours(account, 0.5)
    _, state = read(account, "customers", {})
    hours(account, 2)
    assert sorted(read(account, "customers", {"updated_at": state["updated_at"]})[0]) == [1, 2]


def test_the_children_of_a_conversation_that_is_late_are_asked_for() -> None:
    account, index = opened(lookback_interval_hours=0)
    change(account, index, 1, late_hours=2)
    change(account, index, 2)
    hours(account, 1)
    left, state = read(account, "conversation_events", {})
    assert left == [102]
    hours(account, 1.5)
    assert read(account, "conversation_events", state)[0] == [101]


def test_a_full_refresh_and_a_read_without_look_backs_have_states_of_the_cursor_alone() -> None:
    account, index = opened()
    change(account, index, 1)
    hours(account, 1)
    customers = next(each for each in build(account.client, account.settings) if each.name == "customers")
    pages = list(in_order(customers.work(Start(incremental=False))))
    assert [set(page.checkpoint) for page in pages if page.checkpoint is not None] == [{"updated_at"}]
    index.account = off = Account(index, start_date="2025-12-01", deep_lookback_hours=0)
    hours(off, 1)
    assert list(read(off, "customers", {})[1]) == ["updated_at"]
