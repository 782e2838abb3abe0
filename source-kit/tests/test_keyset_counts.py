"""What a keyset walk makes of counts: capped, equal to their cap, too high, too low."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from source_kit import tokens, walks
from source_kit.errors import ConnectorFault
from tests.moving_rows import Collection, check, collections, read


@settings(max_examples=100)
@given(collections(count_cap=20), st.sampled_from([0.0, 0.3]))
def test_capped_counts_plan_but_do_not_prove_the_end(collection: Collection, drift: float) -> None:
    collection.drift = drift
    with pytest.MonkeyPatch.context() as patch:
        for module in (walks, tokens):
            patch.setattr(module, "TRUSTED_COUNT", 20)
        reading = read(collection)
    check(collection, reading)


@pytest.mark.parametrize("rows", [19, 20, 25, 35])
def test_a_count_and_a_walk_that_end_at_the_same_cap_prove_nothing(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (walks, tokens):
        monkeypatch.setattr(module, "TRUSTED_COUNT", 20)
    collection = Collection({row: (5, 5) for row in range(rows)}, page_size=5, count_cap=20, early_null=20)
    reading = read(collection)
    assert reading.error is None
    check(collection, reading)


def test_more_rows_than_both_ends_of_a_capped_walk_reach_end_loudly(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (walks, tokens):
        monkeypatch.setattr(module, "TRUSTED_COUNT", 20)
    reading = read(Collection({row: (5, 5) for row in range(45)}, page_size=5, count_cap=20, early_null=20))
    assert isinstance(reading.error, ConnectorFault)
    assert "fewer records than it counted" in str(reading.error)
    assert reading.checkpoints == []
