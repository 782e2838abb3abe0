"""All mutations."""

from __future__ import annotations

from random import Random

from mutator import bodies, ends, headers, rows, statuses
from mutator.answers import Mutation

MUTATIONS: tuple[Mutation, ...] = (
    *statuses.MUTATIONS, *bodies.MUTATIONS, *headers.MUTATIONS, *rows.MUTATIONS, *ends.MUTATIONS,
)  # fmt: skip
BY_NAME = {mutation.full_name: mutation for mutation in MUTATIONS}


def chosen(random: Random) -> Mutation:
    """One of them, by weight."""
    return random.choices(MUTATIONS, [mutation.weight for mutation in MUTATIONS])[0]
