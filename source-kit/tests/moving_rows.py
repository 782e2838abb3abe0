"""A fake API over rows that tie, move, and come in odd orders; what a keyset walk reads of it, and what must hold."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from source_kit.errors import ConnectorFault, SourceError
from source_kit.keyset import Keyset
from source_kit.stream import TimeCursor
from source_kit.testing import SideBySide
from source_kit.timestamps import milliseconds_z, parse
from source_kit.walks import walk
from source_kit.windows import Fetched, WalkExpired, Window
from source_kit.work import Page, Record

START = datetime(2026, 1, 1, tzinfo=UTC)
LAG = timedelta(milliseconds=50)
MILLISECOND = timedelta(milliseconds=1)


@dataclass
class Collection:
    """A fake API over rows `{"id", "at", "made"}` (milliseconds since `START`). Every request takes a millisecond.

    `order`: how the server sorts: as asked, always newest first ("newest"), or by id ("none"). `tokens`: "row" goes on
    after the last row, "offset" counts rows and notices when the one before has changed. `count_cap`: None does not
    count. `early_null`: a walk by token ends after so many rows as if it were complete. `depth`: tokens expire beyond
    it. `expire`: the chance that a token has expired. `shorten`: the chance that an answer loses half of its rows and
    its token. `drift`: the chance that a row changes before a request. `index_lag`: for so many milliseconds a changed
    row stands where it stood before, and a new one nowhere.
    """

    rows: dict[int, tuple[int, int]] = field(repr=False)
    page_size: int
    shape: str = ""
    seed: int = 0
    order: str = "asked"
    tokens: str = "row"
    count_cap: int | None = 10**9
    early_null: int = 0
    depth: int = 10**9
    expire: float = 0.0
    shorten: float = 0.0
    drift: float = 0.0
    index_lag: int = 0
    now: int = 0
    requests: int = 0
    # Whether rows without order came in one by chance where more were to come: nobody could tell.
    seemed_ordered: bool = False
    changed: set[int] = field(default_factory=set, repr=False)
    # Where the index still has a row, and until when: None for nowhere.
    placed: dict[int, tuple[int | None, int]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.now = max([self.now, *(at for at, _ in self.rows.values())]) + 1000
        # The rows of the instant that has most of them, as long as nothing moves.
        self.tied = max(Counter(at for at, _ in self.rows.values()).values(), default=0)

    def fetch(self, window: Window, token: Any = None, *, count: bool = False, limit: int | None = None) -> Fetched:
        self.requests += 1
        assert self.requests < 20_000, "the walk does not end"
        self._move()
        self.now += 1
        asked_at = moment(self.now)
        ids = self._found(window)
        begin = self._begin(ids, token)
        size = limit or self.page_size
        page = ids[begin : begin + size]
        end = begin + len(page)
        has_more = end < len(ids) and not (self.early_null and end >= self.early_null)
        following = (end, page[-1]) if has_more else None
        times = [self._at(row) or 0 for row in page]
        self.seemed_ordered |= has_more and token is None and times in (sorted(times), sorted(times, reverse=True))
        if self.chance.random() < self.shorten and len(page) > 1:
            page, following = page[: len(page) // 2], None
        total = min(len(ids), self.count_cap) if count and self.count_cap is not None and token is None else None
        return Fetched([self.record(row) for row in page], asked_at, following, total)

    def record(self, row: int) -> Record:
        at, made = self.rows[row]
        return {"id": row, "at": text(at), "made": text(made)}

    def _at(self, row: int) -> int | None:
        """Where the index has a row."""
        at, until = self.placed.get(row, (None, 0))
        return at if self.now < until else self.rows[row][0]

    def _found(self, window: Window) -> list[int]:
        if window.within is not None:
            instant = round((window.within - START) / MILLISECOND)
            times = {row: made for row, (at, made) in self.rows.items() if at == instant}
        else:
            times = {row: at for row in self.rows if (at := self._at(row)) is not None}
        lower = None if window.lower is None else round((window.lower - START) / MILLISECOND)
        upper = None if window.upper is None else round((window.upper - START) / MILLISECOND)
        ids = [row for row, at in times.items() if (lower is None or at >= lower) and (upper is None or at < upper)]
        if self.order == "none":
            return sorted(ids, key=lambda row: row * 7919 % 10007)
        is_descending = window.descending or self.order == "newest"
        return sorted(ids, key=lambda row: (times[row], row), reverse=is_descending)

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
            self.placed[row] = (None, self.now + self.index_lag)
        elif kind == "update":
            self.placed[row] = (self._at(row), self.now + self.index_lag)
            self.rows[row] = (self.now, self.rows[row][1])
        else:
            del self.rows[row]
        self.changed.add(row)


def moment(milliseconds: int) -> datetime:
    return START + timedelta(milliseconds=milliseconds)


def text(milliseconds: int) -> str:
    return milliseconds_z(moment(milliseconds))


@dataclass
class Reading:
    """What a walk emitted: rows as (id, at), and each checkpoint with the number of rows before it.

    `warnings` tell of rows that stay out; no checkpoint holds after the first. `error` is the loud end, if there was
    one: what came before it must hold nevertheless.
    """

    rows: list[tuple[int, str]] = field(default_factory=list)
    checkpoints: list[tuple[int, str]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    error: Exception | None = None

    def add(self, pages: Sequence[Page]) -> Reading:
        for page in pages:
            self.rows += [(record["id"], record["at"]) for record in page.records]
            if page.holds:
                self.warnings.append(page.warning or "")
            if page.checkpoint is not None and not self.warnings:
                self.checkpoints.append((len(self.rows), page.checkpoint["at"]))
        return self

    @property
    def ids(self) -> list[int]:
        return [row for row, _ in self.rows]


def keyset_of(collection: Collection, *, with_tie: bool = False, knows_cap: bool = False) -> Keyset:
    """`knows_cap`: the walk is told at which number the API ends to count."""
    cursor = TimeCursor("at", None, LAG)
    tie = Keyset(collection.fetch, "made", collection.page_size) if with_tie else None
    cap = collection.count_cap if knows_cap else None
    return Keyset(
        collection.fetch, "at", collection.page_size, lag=LAG, checkpoint=cursor.checkpoint, tie=tie, count_cap=cap
    )


def read(
    collection: Collection, lower: str | None = None, *, with_tie: bool = False, knows_cap: bool = False
) -> Reading:
    """Read with one sync, the pieces of the plan side by side."""
    window = Window(None if lower is None else parse(lower))
    work = walk(keyset_of(collection, with_tie=with_tie, knows_cap=knows_cap), window)
    plan = SideBySide(work, random.Random(collection.seed).choice).run()
    if plan.error is not None and not isinstance(plan.error, SourceError):
        raise plan.error
    return Reading(error=plan.error).add(plan.pages)


def check(collection: Collection, reading: Reading, lower: str | None = None) -> None:
    """Unchanged rows came exactly once, and the states are safe. Or the end was loud, as it may be only where an
    instant fills pages, and has to be walked by tokens while it changes."""
    check_states(collection, reading, lower)
    if ended_loudly(collection, reading):
        return
    counts = Counter(reading.ids)
    steady = [row for row in wanted(collection, lower) if row not in collection.changed]
    assert {row: counts[row] for row in steady if counts[row] != 1} == {}


def ended_loudly(collection: Collection, reading: Reading) -> bool:
    """Whether the read failed, which needs a reason."""
    if reading.error is None:
        return False
    assert isinstance(reading.error, ConnectorFault)
    assert collection.tied > collection.page_size
    return True


def check_states(collection: Collection, reading: Reading, lower: str | None = None) -> None:
    """From no checkpoint on can a row be missed that is there now."""
    there = [(row, text(collection.rows[row][0])) for row in wanted(collection, lower)]
    for position, value in reading.checkpoints:
        emitted = set(reading.rows[:position])
        lost = [row for row, at in there if at < value and (row, at) not in emitted]
        assert lost == [], f"the checkpoint {value} is past rows that were not emitted"


def wanted(collection: Collection, lower: str | None) -> list[int]:
    """The rows that a read from `lower` on should bring, as they are now."""
    return [row for row, (at, _) in collection.rows.items() if lower is None or text(at) >= lower]


def versions(collection: Collection, lower: str | None = None) -> set[tuple[int, str]]:
    """Every row as it is now."""
    return {(row, text(collection.rows[row][0])) for row in wanted(collection, lower)}


SHAPES: dict[str, Callable[[random.Random], int]] = {
    "spread": lambda chance: chance.randint(0, 1_000_000),
    "dense": lambda chance: chance.randint(0, 12),
    "tied": lambda chance: chance.choice([0, 5, 5, 5, 70_000, 70_001, 900_000]),
    "young": lambda chance: int(1_000_000 * chance.random() ** 0.2),
}


def rows_of(count: int, shape: str, seed: int) -> dict[int, tuple[int, int]]:
    """So many rows, their times in one of `SHAPES`."""
    chance = random.Random(seed)
    times = [SHAPES[shape](chance) for _ in range(count)]
    return {row: (at, chance.randint(0, at)) for row, at in enumerate(times)}


@st.composite
def collections(draw: st.DrawFn, /, sizes: st.SearchStrategy[int] = st.integers(0, 80), **fixed: Any) -> Collection:  # noqa: B008
    """Collections of up to 80 rows, or of other sizes: those of 300 and more are long enough to be cut."""
    seed = draw(st.integers(0, 10**6))
    count, shape = draw(sizes), draw(st.sampled_from(sorted(SHAPES)))
    options: dict[str, Any] = {
        "page_size": draw(st.integers(2, 7)),
        "seed": seed,
        "order": draw(st.sampled_from(["asked", "newest"])),
        "tokens": draw(st.sampled_from(["row", "offset"])),
        "count_cap": draw(st.sampled_from([None, 10**9])),
    }
    return Collection(rows_of(count, shape, seed), shape=f"{count} {shape}", **{**options, **fixed})


LONG = st.integers(300, 420)


def some_time(collection: Collection) -> str | None:
    """The time of one of the rows, or none: where a read begins."""
    chance = random.Random(collection.seed + 1)
    rows = [None, *collection.rows.values()]
    row = chance.choice(rows)
    return None if row is None else text(row[0])
