"""The keyset walk against a collection that moves, ties, caps and forgets: nothing is lost, or the end is loud."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from source_kit import tokens, walks
from source_kit.errors import ConnectorFault, TransientError
from source_kit.keyset import Keyset
from source_kit.stream import TimeCursor
from source_kit.testing import interleaved
from source_kit.timestamps import milliseconds_z, parse
from source_kit.windows import Fetched, WalkExpired, Window
from source_kit.work import Page, Record, in_order

START = datetime(2026, 1, 1, tzinfo=UTC)
LAG = timedelta(milliseconds=50)


@dataclass
class Collection:
    """A fake API over rows `{"id", "at", "made"}` (milliseconds since `START`). Every request takes a millisecond.

    `order`: how the server sorts: as asked, always newest first ("newest"), or by id ("none"). `tokens`: "row" goes on
    after the last row, "offset" counts rows and notices when the one before has changed. `count_cap`: None does not
    count. `early_null`: a walk by token ends after so many rows as if it were complete. `depth`: tokens expire beyond
    it. `expire`: the chance that a token has expired. `drift`: the chance that a row changes before a request.
    """

    rows: dict[int, tuple[int, int]]
    page_size: int
    seed: int = 0
    order: str = "asked"
    tokens: str = "row"
    count_cap: int | None = 10**9
    early_null: int = 0
    depth: int = 10**9
    expire: float = 0.0
    drift: float = 0.0
    now: int = 0
    requests: int = 0
    changed: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.now = max([self.now, *(at for at, _ in self.rows.values())]) + 1000

    def fetch(self, window: Window, token: Any = None, *, count: bool = False, limit: int | None = None) -> Fetched:
        self.requests += 1
        assert self.requests < 20_000, "the walk does not end"
        self._move()
        self.now += 1
        asked_at = START + timedelta(milliseconds=self.now)
        ids = self._found(window)
        begin = self._begin(ids, token)
        size = limit or self.page_size
        page = ids[begin : begin + size]
        end = begin + len(page)
        has_more = end < len(ids) and not (self.early_null and end >= self.early_null)
        following = (end, page[-1]) if has_more else None
        total = min(len(ids), self.count_cap) if count and self.count_cap is not None and token is None else None
        return Fetched([self.record(row) for row in page], asked_at, following, total)

    def record(self, row: int) -> Record:
        at, made = self.rows[row]
        return {"id": row, "at": text(at), "made": text(made)}

    def _found(self, window: Window) -> list[int]:
        which = 0 if window.within is None else 1
        ids = [row for row, times in self.rows.items() if _is_inside(times[which], window.lower, window.upper)]
        if window.within is not None:
            ids = [row for row in ids if START + timedelta(milliseconds=self.rows[row][0]) == window.within]
        if self.order == "none":
            return sorted(ids, key=lambda row: row * 7919 % 10007)
        is_descending = window.descending or self.order == "newest"
        return sorted(ids, key=lambda row: (self.rows[row][which], row), reverse=is_descending)

    def _begin(self, ids: list[int], token: Any) -> int:
        if token is None:
            return 0
        skip, last = token
        if skip >= self.depth or self.chance.random() < self.expire:
            raise WalkExpired
        if self.tokens == "offset":
            if skip > len(ids) or ids[skip - 1] != last:
                raise WalkExpired
            return int(skip)
        if last in ids:
            return ids.index(last) + 1
        raise WalkExpired

    def _move(self) -> None:
        if self.chance.random() >= self.drift or not self.rows:
            return
        kind = self.chance.choice(["update", "delete", "create"])
        row = self.chance.choice(list(self.rows))
        if kind == "create":
            row = max(self.rows) + 1
            self.rows[row] = (self.now, self.now)
        elif kind == "update":
            self.rows[row] = (self.now, self.rows[row][1])
        else:
            del self.rows[row]
        self.changed.add(row)


def text(milliseconds: int) -> str:
    return milliseconds_z(START + timedelta(milliseconds=milliseconds))


def _is_inside(at: int, lower: datetime | None, upper: datetime | None) -> bool:
    instant = START + timedelta(milliseconds=at)
    return (lower is None or instant >= lower) and (upper is None or instant < upper)


def keyset_of(collection: Collection, *, with_tie: bool = False) -> Keyset:
    cursor = TimeCursor("at", None, LAG)
    tie = Keyset(collection.fetch, "made", collection.page_size) if with_tie else None
    return Keyset(collection.fetch, "at", collection.page_size, lag=LAG, checkpoint=cursor.checkpoint, tie=tie)


@dataclass
class Reading:
    """What a walk emitted: rows as (id, at), and each checkpoint with the number of rows before it."""

    rows: list[tuple[int, str]] = field(default_factory=list)
    checkpoints: list[tuple[int, str]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    holds: bool = False

    def add(self, pages: Iterable[Page]) -> Reading:
        for page in pages:
            self.rows += [(record["id"], record["at"]) for record in page.records]
            checkpoint: Mapping[str, Any] | None = page.checkpoint
            if page.warning is not None:
                self.warnings.append(page.warning)
            self.holds = self.holds or page.holds
            if self.holds:
                continue
            if checkpoint is not None:
                self.checkpoints.append((len(self.rows), checkpoint["at"]))
        return self


def read(collection: Collection, lower: str | None = None, *, with_tie: bool = False) -> Reading:
    """Read with one sync."""
    window = Window(None if lower is None else parse(lower))
    work = keyset_of(collection, with_tie=with_tie).walk(window)
    return Reading().add(interleaved(work, random.Random(collection.seed)))


def check_complete(collection: Collection, reading: Reading) -> None:
    """Unchanged rows came exactly once; from no checkpoint on can a row be missed."""
    steady = [row for row in collection.rows if row not in collection.changed]
    counts = {row: 0 for row in steady}
    for row, _ in reading.rows:
        if row in counts:
            counts[row] += 1
    assert {row: count for row, count in counts.items() if count != 1} == {}
    for position, value in reading.checkpoints:
        emitted = set(reading.rows[:position])
        lost = [
            row
            for row, (at, _) in collection.rows.items()
            if parse(text(at)) < parse(value) and (row, text(at)) not in emitted
        ]
        assert lost == [], f"the checkpoint {value} is past rows that were not emitted"


def looks_ordered(collection: Collection) -> bool:
    """Whether the first page happens to be in order, so that nobody could tell that the collection is not."""
    values = [record["at"] for record in collection.fetch(Window()).records]
    return values in (sorted(values), sorted(values, reverse=True))


TIMES = st.one_of(
    st.lists(st.integers(0, 1_000_000), max_size=60),
    st.lists(st.integers(0, 12), max_size=60),
    st.lists(st.sampled_from([0, 5, 5, 5, 70_000, 70_001, 900_000]), max_size=80),
)


@st.composite
def collections(draw: st.DrawFn, /, **fixed: Any) -> Collection:
    times = draw(TIMES)
    chance = random.Random(len(times))
    rows = {row: (at, chance.randint(0, at)) for row, at in enumerate(times)}
    options: dict[str, Any] = {
        "page_size": draw(st.integers(2, 7)),
        "seed": draw(st.integers(0, 10**6)),
        "order": draw(st.sampled_from(["asked", "newest"])),
        "tokens": draw(st.sampled_from(["row", "offset"])),
        "count_cap": draw(st.sampled_from([None, 10**9])),
    }
    return Collection(rows, **{**options, **fixed})


@settings(max_examples=250)
@given(collections(), st.booleans())
def test_every_row_of_a_quiet_collection_is_emitted_exactly_once(collection: Collection, with_tie: bool) -> None:
    reading = read(collection, with_tie=with_tie)
    assert sorted(reading.rows) == sorted((row, text(at)) for row, (at, _) in collection.rows.items())
    check_complete(collection, reading)


@settings(max_examples=250)
@given(collections(order="asked"), st.sampled_from([0.1, 0.5, 1.0]), st.booleans())
def test_no_row_is_lost_while_rows_are_changed_created_and_deleted(
    collection: Collection, drift: float, with_tie: bool
) -> None:
    collection.drift = drift
    try:
        reading = read(collection, with_tie=with_tie)
    except ConnectorFault:
        return
    check_complete(collection, reading)


@settings(max_examples=150)
@given(collections(order="newest"), st.sampled_from([0.1, 0.5]))
def test_no_row_is_lost_where_the_newest_come_first_whatever_was_asked(collection: Collection, drift: float) -> None:
    collection.drift = drift
    try:
        reading = read(collection)
    except ConnectorFault:
        return
    check_complete(collection, reading)


@settings(max_examples=150)
@given(collections(order="asked"), st.sampled_from([0.1, 0.5]))
def test_syncs_that_go_on_from_any_state_emit_the_last_version_of_every_row(
    collection: Collection, drift: float
) -> None:
    collection.drift = drift
    try:
        first = read(collection)
    except ConnectorFault:
        return
    collection.drift = 0.0
    for position, value in [(0, None), *first.checkpoints]:
        again = read(collection, value)
        versions = {*first.rows[:position], *again.rows}
        assert {(row, text(at)) for row, (at, _) in collection.rows.items()} <= versions


@settings(max_examples=150)
@given(collections(count_cap=10**9), st.integers(1, 40), st.booleans())
def test_a_walk_that_ends_too_early_by_its_token_is_gone_on_with(
    collection: Collection, early_null: int, with_tie: bool
) -> None:
    collection.early_null = early_null
    try:
        reading = read(collection, with_tie=with_tie)
    except ConnectorFault:
        return
    missing = {(row, text(at)) for row, (at, _) in collection.rows.items()} - set(reading.rows)
    assert len(reading.rows) == len(set(reading.rows))
    # Where every walk says that they are not there, they are told, and looked for again by the next read.
    assert bool(missing) == bool(reading.warnings)
    for _, value in reading.checkpoints:
        assert all(parse(at) >= parse(value) for _, at in missing)


@settings(max_examples=150)
@given(collections(), st.sampled_from([0.2, 0.6, 1.0]), st.integers(3, 40))
def test_expiring_and_shallow_tokens_cost_requests_but_no_rows(
    collection: Collection, expire: float, depth: int
) -> None:
    collection.expire, collection.depth = expire, depth
    try:
        reading = read(collection)
    except ConnectorFault:
        return
    assert sorted(reading.rows) == sorted((row, text(at)) for row, (at, _) in collection.rows.items())


@settings(max_examples=100)
@given(collections(count_cap=20), st.sampled_from([0.0, 0.3]))
def test_capped_counts_plan_but_do_not_prove_the_end(collection: Collection, drift: float) -> None:
    collection.drift = drift
    with pytest.MonkeyPatch.context() as patch:
        for module in (walks, tokens):
            patch.setattr(module, "TRUSTED_COUNT", 20)
        try:
            reading = read(collection)
        except ConnectorFault:
            return
    check_complete(collection, reading)


@pytest.mark.parametrize("rows", [19, 20, 25, 35])
def test_a_count_and_a_walk_that_end_at_the_same_cap_prove_nothing(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (walks, tokens):
        monkeypatch.setattr(module, "TRUSTED_COUNT", 20)
    collection = Collection({row: (5, 5) for row in range(rows)}, page_size=5, count_cap=20, early_null=20)
    check_complete(collection, read(collection))


def test_more_rows_than_both_ends_of_a_capped_walk_reach_end_loudly(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (walks, tokens):
        monkeypatch.setattr(module, "TRUSTED_COUNT", 20)
    with pytest.raises(ConnectorFault, match="fewer records than it counted"):
        read(Collection({row: (5, 5) for row in range(45)}, page_size=5, count_cap=20, early_null=20))


@settings(max_examples=150)
@given(collections(order="none"), st.sampled_from([0.0, 0.3]))
def test_a_server_without_order_is_walked_by_its_tokens(collection: Collection, drift: float) -> None:
    if looks_ordered(collection):
        return
    collection.drift = drift
    try:
        reading = read(collection)
    except ConnectorFault:
        return
    check_complete(collection, reading)


@pytest.mark.parametrize("seed", range(60))
def test_an_order_that_never_turns_is_not_taken_for_the_way_back(seed: int) -> None:
    chance = random.Random(seed)
    rows = {row: (chance.randint(0, 1_000_000), 0) for row in range(60)}
    collection = Collection(rows, page_size=5, seed=seed, order="none", tokens="row", count_cap=None, expire=0.1)
    if looks_ordered(collection):
        return
    collection.drift = 0.4
    try:
        reading = read(collection)
    except ConnectorFault:
        return
    check_complete(collection, reading)


def walk(*answers: Fetched | tuple[str, Fetched], **options: Any) -> tuple[list[Any], list[Page], list[Window]]:
    """What a walk emits of the answers of a script, of which the last is given for ever; its pages, what it asked."""
    asked: list[Window] = []
    script = deque(answers)

    def fetch(window: Window, token: Any = None, *, count: bool = False, limit: int | None = None) -> Fetched:
        asked.append(window)
        answer = script.popleft() if len(script) > 1 else script[0]
        assert isinstance(answer, Fetched)
        return answer

    keyset = Keyset(fetch, "at", 10, checkpoint=TimeCursor("at", None, LAG).checkpoint, **options)
    pages = list(in_order(keyset.walk(Window())))
    return [record.get("id") for page in pages for record in page.records], pages, asked


def answer(*rows: Any, token: Any = None, total: int | None = None, size: int | None = None) -> Fetched:
    """Rows given as milliseconds, which are their ids too, or as records."""
    records = [row if isinstance(row, dict) else {"id": row, "at": text(row)} for row in rows]
    return Fetched(records, START + timedelta(days=1), token, total, size)


ODD_TIMES: list[dict[str, Any]] = [
    {"id": "n", "at": None},
    {"id": "m"},
    {"id": "e", "at": ""},
    {"id": "s", "at": "soon"},
    {"id": "l", "at": "2025-06-30T23:59:60Z"},
    {"id": "x", "at": {"y": 1}},
    {"at": "2026-01-01T00:00:00.001Z"},
]


@pytest.mark.parametrize("odd", ODD_TIMES)
def test_a_row_without_a_usable_time_or_id_leaves_once_and_moves_no_state(odd: dict[str, Any]) -> None:
    ids, pages, _ = walk(answer(1, odd, 2, token=1), answer(2, odd, 5))
    assert sorted(map(str, ids)) == sorted(map(str, [1, odd.get("id"), 2, 5]))
    assert [page.checkpoint for page in pages if page.checkpoint][-1] == {"at": text(5)}


def test_a_page_of_rows_without_times_only_is_gone_on_with_by_its_token() -> None:
    timeless = [{"id": name, "at": None} for name in "abcd"]
    ids, _, _ = walk(answer(*timeless[:3], token=1), answer(*timeless[:3], token=1), answer(timeless[3]))
    assert ids == ["a", "b", "c", "d"]


def test_a_row_that_comes_twice_over_a_page_border_leaves_once() -> None:
    assert walk(answer(1, 2, 3, token=1), answer(3, 3, 4))[0] == [1, 2, 3, 4]


def test_a_first_page_in_reverse_order_once_teaches_nothing() -> None:
    ids, _, asked = walk(answer(3, 2, 1, token=1, total=5), answer(1, 2, 3, token=1, total=5), answer(3, 4, 5))
    assert ids == [1, 2, 3, 4, 5]
    assert [window.upper for window in asked] == [None, None, None]


def test_an_order_that_comes_again_is_the_apis_own_and_is_asked_for_once_only() -> None:
    ids, _, asked = walk(answer(5, 4, 3, token=1), answer(5, 4, 3, token=1), answer(3, 2, 1, token=1), answer(1, 0))
    assert ids == [5, 4, 3, 2, 1, 0]
    assert len(asked) == 4


def test_an_empty_page_that_announces_more_is_followed() -> None:
    assert walk(answer(token=1, total=3), answer(token=1, total=3), answer(1, 2, token=2), answer(2, 3))[0] == [1, 2, 3]


@pytest.mark.parametrize("empty", [3, 10**6])
def test_a_walk_that_expires_behind_an_empty_page_begins_anew_and_ends_loudly(empty: int) -> None:
    asked: list[Any] = []

    def fetch(window: Window, token: Any = None, *, count: bool = False, limit: int | None = None) -> Fetched:
        asked.append(token)
        if token == 2:
            raise WalkExpired
        return answer(token=2) if len(asked) <= empty else answer(1)

    pages = in_order(Keyset(fetch, "at", 10).walk(Window()))
    if empty == 3:
        assert [record["id"] for page in pages for record in page.records] == [1]
        assert asked == [None, None, 2, None]
        return
    with pytest.raises(TransientError, match="again and again that there are more rows"):
        list(pages)
    assert len(asked) == 15


def test_rows_that_were_no_objects_make_the_count_no_proof() -> None:
    assert walk(answer(1, 2, token=1, total=4, size=3), answer(2, 4))[0] == [1, 2, 4]


def test_rows_that_are_counted_and_never_come_are_told_and_hold_the_state() -> None:
    ids, pages, asked = walk(answer(1, 2, total=3))
    assert ids == [1, 2]
    held = [page for page in pages if page.holds]
    assert [page.warning for page in held] == [
        "the API counts 1 records more than it gives, in several whole walks of one window of time. They may be "
        "deleted ones that its index still counts. The state stays before that window, so that the next sync looks "
        "again."
    ]
    assert {str(page.checkpoint) for page in pages[: pages.index(held[0])]} == {"None"}
    assert len(asked) < 40


def test_rows_that_came_late_are_found_by_another_walk() -> None:
    late = [answer(1, 2, total=3)] * 6
    ids, pages, _ = walk(*late, answer(total=3), answer(1, 2, 3, total=3))
    assert sorted(ids) == [1, 2, 3]
    assert [page.holds for page in pages if page.holds] == []


def test_rows_that_left_the_window_are_not_missed() -> None:
    ids, pages, asked = walk(answer(1, 2, total=3), answer(2, total=1), answer(1, total=2))
    assert (ids, [page.holds for page in pages if page.holds], len(asked)) == ([1, 2], [], 3)


def test_an_offset_that_is_ignored_within_one_instant_ends_loudly() -> None:
    answers = [answer(1, token=offset) for offset in range(1, 200)]
    with pytest.raises(TransientError, match="gives none that are new"):
        walk(*answers)


def test_a_state_leaves_inside_a_window_where_every_answer_is_counted_and_nothing_is_missing() -> None:
    pages = [answer(1, 2, token=1, total=5), answer(2, 3, token=1, total=4), answer(3, 4, 5, total=3)]
    told = [page.checkpoint and page.checkpoint["at"] for page in walk(*pages)[1]]
    assert told == [None, text(2), None, text(3), None, text(5)]


def test_no_state_leaves_inside_a_window_where_a_row_is_missing_before_it() -> None:
    pages = [answer(1, 2, token=1, total=6), answer(2, 3, token=1, total=4), answer(3, 4, 5, total=3)]
    told = [page.checkpoint and page.checkpoint["at"] for page in walk(*pages)[1]]
    assert text(2) not in told
    assert text(3) not in told
