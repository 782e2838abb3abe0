"""What the platform keeps of a connection from attempt to attempt and from job to job.

Sources: AttemptHandler.kt (which states are deleted and which generations rise at the first and at later attempts),
GenerationBumper.kt, SyncPersistence.kt (acknowledged STATEs only, the last of each stream), ConnectorConfigUpdater.kt
and ReplicationWorkerHelper.kt (the config of a CONTROL is kept as soon as it is read, whatever becomes of the attempt).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from harness.catalog import FULL_REFRESH
from platform_replay.catalog import Catalog, Key, key_of, with_generations
from platform_replay.warehouse import Message, Warehouse


@dataclass
class Connection:
    """A source's config and streams, a destination, and what was committed.

    `resumes_full_refreshes` is the flag platform.enable-resumable-full-refresh: off, a later attempt of a job starts
    every full refresh anew, in a new generation; on, only those that are not resumable.
    """

    config: dict[str, Any]
    catalog: Catalog
    resumes_full_refreshes: bool = True
    warehouse: Warehouse = field(default_factory=Warehouse)
    states: dict[Key, Message] = field(default_factory=dict)
    generations: dict[Key, int] = field(default_factory=dict)
    jobs: int = 0

    def sync(self) -> Job:
        """A scheduled sync."""
        return self._job((), ())

    def refresh(self, keys: Collection[Key], *, truncate: bool) -> Job:
        """A refresh of these streams: everything is read again; `truncate` drops what was there, else it is merged."""
        return self._job(keys, keys if truncate else ())

    def _job(self, refreshed: Collection[Key], truncated: Collection[Key]) -> Job:
        self.jobs += 1
        return Job(self, self.jobs, frozenset(refreshed), frozenset(truncated))

    def state_file(self) -> list[Message] | None:
        """The value of `--state`; None where nothing was committed, since the platform then gives no file."""
        return list(self.states.values()) or None

    def persist_config(self, config: dict[str, Any]) -> None:
        """Keeps what a CONTROL brought."""
        self.config = config

    def commit(self, acknowledged: Iterable[Message]) -> None:
        """Keeps acknowledged STATEs, without their counts."""
        for message in acknowledged:
            stream = message["state"]["stream"]
            descriptor = stream["stream_descriptor"]
            self.states[descriptor.get("namespace"), descriptor["name"]] = {"type": "STREAM", "stream": stream}


@dataclass
class Job:
    """One sync or refresh, tried until an attempt succeeds."""

    connection: Connection
    number: int
    refreshed: frozenset[Key]
    truncated: frozenset[Key]
    attempts: int = 0

    def next_attempt(self) -> Catalog:
        """Prepares states and generations as the platform does before an attempt; the catalog of the attempt."""
        self._start_anew(self._first() if self.attempts == 0 else self._later())
        self.attempts += 1
        connection = self.connection
        return with_generations(connection.catalog, connection.generations, self.truncated, self.number)

    def _first(self) -> set[Key]:
        """Every full refresh starts from nothing in a new job, as does a refreshed stream."""
        return {key_of(each) for each in self._full_refreshes()} | self.refreshed

    def _later(self) -> set[Key]:
        keeps = self.connection.resumes_full_refreshes
        return {key_of(each) for each in self._full_refreshes() if not (keeps and each["stream"].get("is_resumable"))}

    def _full_refreshes(self) -> list[dict[str, Any]]:
        return [each for each in self.connection.catalog["streams"] if each["sync_mode"] == FULL_REFRESH]

    def _start_anew(self, keys: set[Key]) -> None:
        for key in keys:
            self.connection.generations[key] = self.connection.generations.get(key, 0) + 1
            self.connection.states.pop(key, None)
