"""PyAirbyte's caches without their losses. Needs nothing but PyAirbyte: take the file along if you like.

PyAirbyte 0.71 merges a load into its tables by key, but its caches for DuckDB and Postgres
- do not look for copies of a record inside the load. A connector that reads while its account changes emits a record
  that moved once more rather than lose it: of a new record both copies stay, of a known one the older copy wins;
- make `TIMESTAMP` columns of fields with a zone, and the database drops the zone: 09:00-07:00 becomes 09:00 in DuckDB.

The one for Postgres also reads its own files with pandas, which guesses types from values: "007" becomes 7, text that
looks like a date gets a time, whole numbers beside a null become fractions, null becomes JSON's null. An object in a
column of several types ends the load.
"""

from __future__ import annotations

import gzip
from pathlib import Path

import airbyte
from airbyte._processors.sql.duckdb import DuckDBSqlProcessor
from airbyte._processors.sql.postgres import PostgresSqlProcessor
from airbyte.caches import PostgresCache
from airbyte.shared.sql_processor import SqlProcessorBase
from airbyte.types import CONVERSION_MAP, SQLTypeConverter
from sqlalchemy import Connection, text
from sqlalchemy.types import UserDefinedType

# Text in Postgres cannot hold the character NUL: it is left out. (An even number of backslashes before is no escape.)
WITHOUT_NUL = r"""
UPDATE lines SET line = regexp_replace(line, '(?<!\\)((?:\\\\)*)\\u0000', '\1', 'g') WHERE strpos(line, '\u0000') > 0
"""


class Instant(UserDefinedType[object]):
    """SQLAlchemy's own type is written without its zone where no dialect is given, as PyAirbyte does it."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "TIMESTAMP WITH TIME ZONE"


class ZonedTypes(SQLTypeConverter):
    """Keeps instants."""

    def __init__(self) -> None:
        super().__init__(CONVERSION_MAP | {"timestamp_with_timezone": Instant()})


class LastCopies(SqlProcessorBase):
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


class LosslessDuckDBProcessor(LastCopies, DuckDBSqlProcessor):
    """DuckDB reads PyAirbyte's files itself, by the types of the columns."""


class ReadByPostgres(PostgresSqlProcessor):
    """Postgres reads PyAirbyte's files itself, by the types of the columns; pandas has no part in it."""

    def _init_connection_settings(self, connection: Connection) -> None:
        # Times without a zone are UTC, wherever the server stands.
        connection.execute(text("SET TIME ZONE 'UTC'"))

    def _write_files_to_new_table(self, files: list[Path], stream_name: str, batch_id: str) -> str:
        table: str = self._create_table_for_loading(stream_name, batch_id)
        qualified = self._fully_qualified(table)
        columns = ", ".join(map(self._quote_identifier, self._get_sql_column_definitions(stream_name)))
        with self.get_sql_connection() as connection:
            connection.execute(text("CREATE TEMPORARY TABLE lines (line text) ON COMMIT DROP"))
            with connection.connection.cursor() as cursor:
                for file in files:
                    # Whole lines: control characters, which JSON never holds as such, as quote and delimiter.
                    copy = r"COPY lines FROM STDIN WITH (FORMAT csv, QUOTE E'\x01', DELIMITER E'\x02')"
                    with gzip.open(file) as opened:
                        cursor.copy_expert(copy, opened)
            connection.execute(text(WITHOUT_NUL))
            row = f"json_populate_record(NULL::{qualified}, line::json)"
            connection.execute(text(f"INSERT INTO {qualified} ({columns}) SELECT {columns} FROM lines, {row}"))
        return table


class LosslessPostgresProcessor(LastCopies, ReadByPostgres):
    """Keeps every value."""


class LosslessDuckDBCache(airbyte.DuckDBCache):
    """`LosslessDuckDBCache(db_path="warehouse.duckdb")`, to be used as `airbyte.DuckDBCache` is."""

    _sql_processor_class = LosslessDuckDBProcessor


class LosslessPostgresCache(PostgresCache):
    """`LosslessPostgresCache(host=..., port=..., ...)`, to be used as `airbyte.caches.PostgresCache` is."""

    _sql_processor_class = LosslessPostgresProcessor
