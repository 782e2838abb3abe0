"""What the demo measured of one connector."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from duckdb import DuckDBPyConnection

from warehouse.comparison import OWN_COLUMNS, column_of
from warehouse.pyairbyte import Load


@dataclass(frozen=True)
class Result:
    """`rows` and `columns` by table after the second load; `held` is how many records the account then holds."""

    connector: str
    label: str
    via: str
    first: Load
    second: Load
    rows: Mapping[str, int]
    columns: Mapping[str, int]
    held: Mapping[str, int]

    @property
    def differing(self) -> dict[str, tuple[int, int]]:
        """Stream -> rows and records, where they are not equal."""
        return {name: (self.rows[name], count) for name, count in self.held.items() if self.rows[name] != count}

    @property
    def requests(self) -> int:
        """Of the first load."""
        return sum(stream.requests for stream in self.first.streams)


def sizes_of(
    connection: DuckDBPyConnection, schema: str, streams: Mapping[str, object]
) -> tuple[dict[str, int], dict[str, int]]:
    """Rows and columns of each stream's table, PyAirbyte's own three columns aside."""
    rows, columns = {}, {}
    for name in streams:
        table = f'{schema}."{column_of(name)}"'
        counted = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
        rows[name] = counted[0] if counted else 0
        columns[name] = len(connection.execute(f"DESCRIBE {table}").fetchall()) - len(OWN_COLUMNS)
    return rows, columns
