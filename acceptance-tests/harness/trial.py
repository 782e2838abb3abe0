"""One emulated account and the connector that reads it: what nearly every test needs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, TypeVar

from emulators import Emulator
from harness import read_checks
from harness.catalog import INCREMENTAL, configured, incremental_names
from harness.connector import Connector
from harness.messages import Message, Result, state_stream
from harness.read_checks import Read
from harness.runner import Process, Runner
from harness.secrets import leaks, secret_values

PARALLEL_RUNS = 2
Item = TypeVar("Item")
Outcome = TypeVar("Outcome")
Record = dict[str, Any]


@dataclass
class Trial:
    """A connector set before an emulated account; `spec` is its connectionSpecification.

    `known_catalog` spares the discovery where another account's catalog (of equal custom fields) will do.
    """

    connector: Connector
    runner: Runner
    emulator: Emulator
    spec: dict[str, Any]
    known_catalog: dict[str, Any] | None = None

    @cached_property
    def config(self) -> dict[str, Any]:
        """The config; a test may set another one before the first use."""
        return self.emulator.config

    @cached_property
    def catalog(self) -> dict[str, Any]:
        """What `discover` says of the account."""
        if self.known_catalog is not None:
            return self.known_catalog
        result = self.runner.run("discover", self.config)
        assert result.exit_code == 0, result.describe()
        return result.catalog

    @cached_property
    def secrets(self) -> set[str]:
        return secret_values(self.spec, self.config)

    @property
    def incremental_names(self) -> list[str]:
        names = incremental_names(self.catalog)
        return [name for name in self.connector.stream_names if name in names]

    def configured(self, names: Collection[str] = (), mode: str = INCREMENTAL) -> dict[str, Any]:
        return configured(self.catalog, names or self.connector.stream_names, mode)

    def truth(self, names: Iterable[str] = ()) -> dict[str, list[Record]]:
        wanted = list(names) or self.connector.stream_names
        return {name: self.emulator.truth(self.connector.stream(name).truth_name) for name in wanted}

    def start(
        self,
        names: Collection[str] = (),
        state: list[Message] | None = None,
        mode: str = INCREMENTAL,
        **config: Any,
    ) -> Process:
        """Starts a read; `config` is laid over the emulator's config."""
        return self.runner.start("read", self.config | config, self.configured(names, mode), state)

    def read(
        self,
        names: Collection[str] = (),
        state: list[Message] | None = None,
        mode: str = INCREMENTAL,
        tolerated: Collection[str] = (),
        **config: Any,
    ) -> Read:
        """A read that must succeed, in good order (but for the checks named) and without a secret in its output."""
        started = datetime.now(UTC)
        result = self.start(names, state, mode, **config).finish()
        return self.judge(result, started, names, state, mode, tolerated)

    def judge(
        self,
        result: Result,
        started: datetime,
        names: Collection[str] = (),
        state: list[Message] | None = None,
        mode: str = INCREMENTAL,
        tolerated: Collection[str] = (),
    ) -> Read:
        """The read, after the checks that every successful read must pass."""
        assert result.exit_code == 0, result.describe()
        initial = {
            message["stream"]["stream_descriptor"]["name"]: message["stream"]["stream_state"] for message in state or []
        }
        read = Read(result, self.configured(names, mode), started, initial)
        checks = tuple(check for check in read_checks.ORDER if check.__name__ not in tolerated)
        problems = read_checks.problems_of(read, checks) + leaks(result, self.secrets)
        assert not problems, "\n".join(problems)
        return read

    def stop(self) -> None:
        self.emulator.stop()


NewTrial = Callable[..., Trial]
"""Makes an account of the test's own; the arguments are emulator options laid over the connector's size."""


def in_parallel(work: Callable[[Item], Outcome], items: Iterable[Item]) -> list[Outcome]:
    """Runs independent commands side by side: a run is one process, mostly busy starting up."""
    with ThreadPoolExecutor(PARALLEL_RUNS) as pool:
        return list(pool.map(work, items))


def sample(items: Collection[Item], size: int) -> list[Item]:
    """At most `size` of the items, evenly spread, the first and the last among them."""
    listed = list(items)
    if len(listed) <= size:
        return listed
    return [listed[round(index * (len(listed) - 1) / (size - 1))] for index in range(size)]


def states_of(read: Read, name: str) -> list[Message]:
    """Every STATE of a stream, each as an entry of a state file."""
    return [
        {"type": "STREAM", "stream": message["state"]["stream"]}
        for message in read.result.of_type("STATE")
        if state_stream(message) == name
    ]
