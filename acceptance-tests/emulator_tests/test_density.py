"""How dense the histories of emulated accounts are."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from emulators import start
from emulators.density import MONTHS, density


def test_an_even_history_leaves_chance_as_it_is() -> None:
    assert [density(1, 1)(chance) for chance in (0.0, 0.3, 0.999)] == [0.0, 0.3, 0.999]


def test_the_busiest_month_holds_a_hundred_times_as_much_as_the_quietest() -> None:
    place, chance = density(100, 1), random.Random(1)
    months = Counter(int(place(chance.random()) * MONTHS) for _ in range(200_000))
    assert sorted(months) == list(range(MONTHS))
    assert 80 < max(months.values()) / min(months.values()) < 125


def test_places_ascend_with_chance_and_stay_within_the_history() -> None:
    places = list(map(density(100, 3), (number / 1000 for number in range(1000))))
    assert places == sorted(places)
    assert places[0] == 0.0
    assert places[-1] < 1.0


@pytest.mark.parametrize(
    ("name", "size", "stream", "field"),
    [
        ("close", "leads", "leads", "date_updated"),
        ("kustomer", "customers", "customers", "updated_at"),
        ("outreach", "prospects", "prospects", "updatedAt"),
    ],
)
def test_accounts_have_the_contrast_that_was_asked_for(name: str, size: str, stream: str, field: str) -> None:
    import orjson

    with start(name, **{size: 2400, "contrast": 100}) as emulator:
        months = Counter(orjson.loads(line)[field][:7] for line in emulator.truth_lines(stream))
    assert max(months.values()) > 10 * min(months.values())
