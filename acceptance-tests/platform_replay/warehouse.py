"""A destination that supports refreshes, in memory: rows with their generation, safe once their STATE is acknowledged.

The contract: a STATE that comes back means that all rows before it are safe; what was not acknowledged when the load
breaks is gone. Rows older than the minimum generation disappear when their stream is complete, and only then.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from platform_replay.catalog import DEDUPLICATE, Catalog, Key, key_of

Message = dict[str, Any]
Row = dict[str, Any]

# Destinations write in batches: none is so fast that it gives a STATE back before the source's next message is read.
LAG = 1


@dataclass
class Table:
    """The rows of one stream as pairs of generation and record, oldest first, and how they are looked at."""

    rows: list[tuple[int, Row]] = field(default_factory=list)
    primary_key: list[list[str]] = field(default_factory=list)
    deduplicates: bool = False

    def visible(self) -> list[Row]:
        """What a user of the table sees: of rows with the same key only the newest, where it deduplicates."""
        rows = [row for _, row in self.rows]
        if not self.deduplicates:
            return rows
        return list({tuple(str(row.get(path[0])) for path in self.primary_key): row for row in rows}.values())


class Warehouse:
    """Tables that outlive loads."""

    def __init__(self) -> None:
        self.tables: dict[Key, Table] = {}

    def load(self, catalog: Catalog, lag: int = LAG) -> Load:
        """Begins the load of one attempt. A STATE is acknowledged when `lag` more have come, or at the end."""
        for configured in catalog["streams"]:
            table = self.tables.setdefault(key_of(configured), Table())
            table.primary_key = configured["primary_key"]
            table.deduplicates = configured["destination_sync_mode"] == DEDUPLICATE
        return Load(self, catalog, lag)

    def rows(self, key: Key) -> list[Row]:
        """The visible rows of a stream."""
        return self.tables[key].visible()

    def generations(self, key: Key) -> set[int]:
        """The generations of which the table holds rows."""
        return {generation for generation, _ in self.tables[key].rows}


class Load:
    """One attempt's writing."""

    def __init__(self, warehouse: Warehouse, catalog: Catalog, lag: int) -> None:
        self._warehouse = warehouse
        self._configured = {key_of(each): each for each in catalog["streams"]}
        self._lag = lag
        self._open: dict[Key, list[Row]] = {key: [] for key in self._configured}
        self._waiting: deque[tuple[Key, list[Row], Message]] = deque()

    def accept(self, message: Message) -> list[Message]:
        """Takes a RECORD or STATE; the STATEs that are acknowledged now."""
        if message["type"] == "RECORD":
            record = message["record"]
            self._open[record.get("namespace"), record["stream"]].append(record["data"])
            return []
        descriptor = message["state"]["stream"]["stream_descriptor"]
        key = descriptor.get("namespace"), descriptor["name"]
        self._waiting.append((key, self._open[key], message))
        self._open[key] = []
        return self._acknowledge(self._lag)

    def close(self, complete: Collection[Key]) -> list[Message]:
        """The end of input after a good attempt: everything is made safe, complete streams drop old generations."""
        acknowledged = self._acknowledge(0)
        for key in complete:
            table, least = self._warehouse.tables[key], self._configured[key].get("minimum_generation_id", 0)
            self._store(key, self._open[key])
            table.rows = [(generation, row) for generation, row in table.rows if generation >= least]
        return acknowledged

    def _acknowledge(self, lag: int) -> list[Message]:
        acknowledged = []
        while len(self._waiting) > lag:
            key, rows, message = self._waiting.popleft()
            self._store(key, rows)
            stats = {"recordCount": float(len(rows))}
            acknowledged.append({**message, "state": {**message["state"], "destinationStats": stats}})
        return acknowledged

    def _store(self, key: Key, rows: list[Row]) -> None:
        generation = self._configured[key].get("generation_id", 0)
        self._warehouse.tables[key].rows += [(generation, row) for row in rows]
