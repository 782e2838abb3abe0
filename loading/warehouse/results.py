"""What the demo measured of one connector."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from warehouse.comparison import OWN_COLUMNS, column_of, columns_in
from warehouse.databases import Tables
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


def sizes_of(tables: Tables, streams: Iterable[str]) -> tuple[dict[str, int], dict[str, int]]:
    """Rows and columns of each stream's table, PyAirbyte's own three columns aside."""
    rows, columns = {}, {}
    for name in streams:
        ((rows[name],),) = tables.query(f'SELECT count(*) FROM "{column_of(name)}"')
        columns[name] = len(columns_in(tables, name)) - len(OWN_COLUMNS)
    return rows, columns
