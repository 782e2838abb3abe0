"""Keyset walks over answers that are damaged once, in all combinations: pages that lose their rows or come in reverse
order at first, empty pages between others, rows that are no objects, and clocks that stand years back."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from source_kit.windows import Fetched, Window
from tests.moving_rows import LONG, Collection, check, check_states, collections, moment, read, some_time, wanted

KINDS = ("empty", "reversed", "gap", "extra", "clock")
GAP = "gap"
YEARS = timedelta(days=2000)


class Whims:
    """Answers of a collection, made odd: by what is asked, the same for the same, and what is damaged only once."""

    def __init__(self, collection: Collection, kinds: Sequence[str], share: float) -> None:
        self.collection = collection
        self.kinds = kinds
        self.share = share
        self.plain = collection.fetch
        self.asked: set[Any] = set()
        self.clock = random.Random(collection.seed)

    def fetch(self, window: Window, token: Any = None, *, count: bool = False, limit: int | None = None) -> Fetched:
        asked = (window, token, count, limit)
        is_behind_gap = token is not None and token[0] == GAP
        if token is not None and not is_behind_gap and self.has("gap", window):
            self.collection.now += 1
            fetched = Fetched((), moment(self.collection.now), (GAP, token))
        else:
            fetched = self.plain(window, token[1] if is_behind_gap else token, count=count, limit=limit)
        rows, size = list(fetched.records), None
        if fetched.token is not None and rows and token is None and self.once("reversed", asked):
            rows.reverse()
        if fetched.token is not None and rows and self.once("empty", asked):
            rows = []
        if fetched.token is None and limit is None and self.has("extra", asked):
            size = len(rows) + 1
        is_late = "clock" in self.kinds and self.clock.random() < self.share
        at = fetched.asked_at - YEARS if is_late else fetched.asked_at
        return replace(fetched, records=rows, rows=size, asked_at=at)

    def has(self, kind: str, asked: Any) -> bool:
        chance = random.Random(f"{self.collection.seed} {kind} {asked}").random()
        return kind in self.kinds and chance < self.share

    def once(self, kind: str, asked: Any) -> bool:
        if (kind, asked) in self.asked or not self.has(kind, asked):
            return False
        self.asked.add((kind, asked))
        return True


def check_whims(collection: Collection, kinds: Sequence[str], share: float, *, with_tie: bool) -> None:
    if collection.order == "newest":
        # A page that seems to be in the order that was asked for tells nobody that the API does not know it; nor does
        # one whose rows all seem to have changed just now.
        kinds = [kind for kind in kinds if kind not in ("reversed", "clock")]
    lower = some_time(collection)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(collection, "fetch", Whims(collection, kinds, share).fetch)
        reading = read(collection, lower, with_tie=with_tie)
    assert reading.error is None
    if "clock" not in kinds:
        check(collection, reading, lower)
        return
    # Where no row seems to be settled, those of a page that was reversed may leave twice.
    check_states(collection, reading, lower)
    assert set(wanted(collection, lower)) <= set(reading.ids)


@settings(max_examples=300)
@given(collections(), st.sets(st.sampled_from(KINDS)), st.sampled_from([0.2, 0.6]), st.booleans())
def test_no_row_is_lost_whatever_is_odd_once(
    collection: Collection, kinds: set[str], share: float, with_tie: bool
) -> None:
    check_whims(collection, sorted(kinds), share, with_tie=with_tie)


@settings(max_examples=60)
@given(collections(sizes=LONG), st.sets(st.sampled_from(KINDS), min_size=2), st.sampled_from([0.2, 0.6]), st.booleans())
def test_no_row_of_a_long_collection_is_lost_whatever_is_odd_once(
    collection: Collection, kinds: set[str], share: float, with_tie: bool
) -> None:
    check_whims(collection, sorted(kinds), share, with_tie=with_tie)
