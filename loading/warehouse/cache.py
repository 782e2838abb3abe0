"""PyAirbyte's DuckDB cache without two losses. Needs nothing but PyAirbyte: take the file along if you like.

`airbyte.DuckDBCache` of PyAirbyte 0.71 merges a load into its tables by key, but
- does not look for copies of a record inside the load. A connector that reads while its account changes emits a record
  that moved once more rather than lose it: of a new record both copies stay, of a known one the older copy wins;
- makes `TIMESTAMP` columns of fields with a zone, and DuckDB drops the zone: 09:00-07:00 becomes 09:00.
"""

from __future__ import annotations

from pathlib import Path

import airbyte
from airbyte._processors.sql.duckdb import DuckDBSqlProcessor
from airbyte.types import CONVERSION_MAP, SQLTypeConverter
from sqlalchemy.types import UserDefinedType


class Instant(UserDefinedType[object]):
    """SQLAlchemy's own type is written without its zone where no dialect is given, as PyAirbyte does it."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "TIMESTAMP WITH TIME ZONE"


class ZonedTypes(SQLTypeConverter):
    """Keeps instants."""

    def __init__(self) -> None:
        super().__init__(CONVERSION_MAP | {"timestamp_with_timezone": Instant()})


class LosslessProcessor(DuckDBSqlProcessor):
    """Of several copies of a record in one load, only the last reaches the table."""

    type_converter_class = ZonedTypes

    def _write_files_to_new_table(self, files: list[Path], stream_name: str, batch_id: str) -> str:
        table: str = super()._write_files_to_new_table(files, stream_name, batch_id)
        if keys := self.catalog_provider.get_primary_keys(stream_name):
            qualified = self._fully_qualified(table)
            columns = ", ".join(self._quote_identifier(key) for key in keys)
            # PyAirbyte numbers records by time (UUID 7) as it reads them.
            last = f"SELECT max(_airbyte_raw_id) FROM {qualified} GROUP BY {columns}"
            self._execute_sql(f"DELETE FROM {qualified} WHERE _airbyte_raw_id NOT IN ({last})")
        return table


class LosslessDuckDBCache(airbyte.DuckDBCache):
    """`LosslessDuckDBCache(db_path="warehouse.duckdb")`, to be used as `airbyte.DuckDBCache` is."""

    _sql_processor_class = LosslessProcessor
