"""How dense a history is: even, or with months in which far more happened than in others."""

from __future__ import annotations

import random
from bisect import bisect
from collections.abc import Callable
from itertools import accumulate

MONTHS = 24


def density(contrast: float, seed: int) -> Callable[[float], float]:
    """Where a record belongs, from 0 to 1, by a number of chance from 0 to 1.

    The history has 24 months, each with a density between 1 and `contrast` (100: the busiest month holds a hundred
    times as much as the quietest), spread evenly over the orders of magnitude.
    """
    if contrast <= 1:
        return lambda chance: chance
    weights = [float(contrast ** (month / (MONTHS - 1))) for month in range(MONTHS)]
    random.Random(seed).shuffle(weights)
    total = sum(weights)
    ends = [end / total for end in accumulate(weights)]

    def place(chance: float) -> float:
        month = min(bisect(ends, chance), MONTHS - 1)
        begin = ends[month - 1] if month else 0.0
        return (month + (chance - begin) / (ends[month] - begin)) / MONTHS

    return place
