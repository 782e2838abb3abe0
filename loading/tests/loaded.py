"""An account after its loads, as the tests look at it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from harness.connector import Connector
from warehouse.databases import Tables
from warehouse.pyairbyte import Load, Loader


@dataclass
class Loaded:
    """An account after its loads, and its tables."""

    connector: Connector
    loader: Loader
    loads: list[Load]
    truth: dict[str, list[dict[str, Any]]]
    tables: Tables

    def properties(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.loader.catalog[name]["json_schema"]["properties"]
        return found

    def key(self, name: str) -> list[str]:
        return [path[0] for path in self.loader.catalog[name]["source_defined_primary_key"] or []]
