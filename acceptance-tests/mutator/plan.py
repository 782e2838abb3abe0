"""Which mutations a round has, by seed."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from mutator.table import chosen

Order = dict[str, Any]
ROUND = 100
"""The number of an order is that of its round times this, and its place."""
MOST_IN_A_ROUND = 16
COMMANDS = ("check", "discover")
EVERY = 16
"""One round of so many is one of each of the other commands."""


def command_of(round_number: int) -> str:
    """What a round runs."""
    at = round_number % EVERY
    return COMMANDS[at - 1] if 1 <= at <= len(COMMANDS) else "read"


def orders_of(seed: int, connector: str, round_number: int, asked: Mapping[str, int]) -> list[Order]:
    """The mutations of a round: one for each of some endpoints. One that refuses the credentials comes alone.

    `asked` is how many different requests each endpoint gets.
    """
    random = Random(f"{seed} {connector} {round_number}")
    endpoints = sorted(asked)
    size = min(len(endpoints), max(2, min(MOST_IN_A_ROUND, len(endpoints) // 2)))
    orders = []
    for place, endpoint in enumerate(random.sample(endpoints, size)):
        mutation = chosen(random)
        order = {
            "number": round_number * ROUND + place,
            "endpoint": endpoint,
            "occurrence": int(random.random() * asked[endpoint]),
            "mutation": mutation.full_name,
            "seed": random.randrange(2**32),
            "lasting": random.random() < 0.5 and mutation.lasting,
        }
        if mutation.refuses:
            return [order]
        orders.append(order)
    return orders
