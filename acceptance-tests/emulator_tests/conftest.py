"""The emulators' own tests: most of them without a socket, by handing requests to the application."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from emulators import Emulator, start


@pytest.fixture
def started() -> Iterator[Callable[..., Emulator]]:
    """`start`, and every emulator that was started ends with the test."""
    running: list[Emulator] = []

    def run(name: str, **options: object) -> Emulator:
        running.append(start(name, **options))
        return running[-1]

    yield run
    for emulator in running:
        emulator.stop()
