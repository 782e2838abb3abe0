"""The databases that accounts are loaded into: how PyAirbyte writes to each, and how its tables are read.

Where their SQL differs, the difference is data of `Dialect`; types have DuckDB's names everywhere.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import duckdb

from warehouse.postgres import DATABASE, USER, Server, running

Row = tuple[Any, ...]


@dataclass(frozen=True)
class Dialect:
    """`columns` lists name and type of a table's columns; `types` are those that are not DuckDB's in upper case."""

    columns: str
    types: Mapping[str, str] = field(default_factory=dict)


DUCKDB = Dialect('DESCRIBE "{table}"')
POSTGRES = Dialect(
    "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute "
    "WHERE attrelid = '\"{table}\"'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
    {
        "character varying": "VARCHAR",
        "numeric(38,9)": "DECIMAL(38,9)",
        "timestamp without time zone": "TIMESTAMP",
    },
)


@dataclass(frozen=True)
class Tables:
    """The tables of one schema. `connection` is DuckDB's or psycopg's, looks into that schema, and has UTC as its zone.

    Values of JSON columns come as text.
    """

    connection: Any
    dialect: Dialect

    def query(self, sql: str) -> list[Row]:
        """The rows of a statement, none where it gives none."""
        result = self.connection.execute(sql)
        return list(result.fetchall()) if result.description else []

    def records(self, sql: str) -> list[dict[str, Any]]:
        """The rows of a query, by column name."""
        result = self.connection.execute(sql)
        names = [column[0] for column in result.description]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

    def names(self) -> set[str]:
        """The tables."""
        return {
            row[0]
            for row in self.query(
                "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()"
            )
        }

    def columns(self, table: str) -> dict[str, str]:
        """Column -> type, in the table's order."""
        described = self.query(self.dialect.columns.format(table=table))
        return {row[0]: self.dialect.types.get(row[1], row[1].upper()) for row in described}


class Database(Protocol):
    """Somewhere to load to. Each schema is an account's."""

    @property
    def name(self) -> str:
        """As `--warehouse` calls it."""

    def cache(self, schema: str) -> Any:
        """The cache that loses nothing."""

    def plain_cache(self, schema: str) -> Any:
        """PyAirbyte's own."""

    def tables(self, schema: str) -> contextlib.AbstractContextManager[Tables]:
        """What has been loaded; nothing may be loaded meanwhile."""

    @property
    def environment(self) -> dict[str, str]:
        """What `models/profiles.yml` reads of the environment."""


@dataclass(frozen=True)
class DuckDB:
    """Files in a folder: one for each schema, or one for all where its name holds no `{schema}`.

    A file is not named like a schema in it: DuckDB could not tell them apart.
    """

    folder: Path
    file: str = "for_{schema}.duckdb"
    name: str = "duckdb"

    def cache(self, schema: str) -> Any:
        from warehouse.cache import LosslessDuckDBCache

        return LosslessDuckDBCache(db_path=self._file(schema), schema_name=schema)

    def plain_cache(self, schema: str) -> Any:
        import airbyte

        return airbyte.DuckDBCache(db_path=self._file(schema), schema_name=schema)

    @contextlib.contextmanager
    def tables(self, schema: str) -> Iterator[Tables]:
        with duckdb.connect(str(self._file(schema)), read_only=True) as connection:
            connection.execute(f"SET schema = '{schema}'")
            connection.execute("SET TimeZone = 'UTC'")
            yield Tables(connection, DUCKDB)

    @property
    def environment(self) -> dict[str, str]:
        return {"WAREHOUSE": self.name, "DUCKDB_FILE": str(self._file("sales").resolve())}

    def _file(self, schema: str) -> Path:
        return self.folder / self.file.format(schema=schema)


@dataclass(frozen=True)
class Postgres:
    """A schema of that name."""

    server: Server
    name: str = "postgres"

    def cache(self, schema: str) -> Any:
        from warehouse.cache import LosslessPostgresCache

        return LosslessPostgresCache(**self._where(), schema_name=schema)

    def plain_cache(self, schema: str) -> Any:
        from airbyte.caches import PostgresCache

        return PostgresCache(**self._where(), schema_name=schema)

    @contextlib.contextmanager
    def tables(self, schema: str) -> Iterator[Tables]:
        from psycopg.types.json import set_json_loads

        with self.server.connect(options=f"-c search_path={schema} -c timezone=UTC") as connection:
            set_json_loads(bytes.decode, connection)
            yield Tables(connection, POSTGRES)

    @property
    def environment(self) -> dict[str, str]:
        where = {"PGHOST": self.server.host, "PGPORT": str(self.server.port), "PGDATABASE": DATABASE}
        return where | {"WAREHOUSE": self.name, "PGUSER": USER, "PGPASSWORD": self.server.password}

    def _where(self) -> dict[str, Any]:
        where = {"host": self.server.host, "port": self.server.port, "database": DATABASE}
        return where | {"username": USER, "password": self.server.password}


@contextlib.contextmanager
def opened(name: str, folder: Path) -> Iterator[Database]:
    """The database of that name, for all accounts: a new file in `folder`, or a PostgreSQL server that ends with it."""
    if name == Postgres.name:
        with running() as server:
            yield Postgres(server)
    else:
        database = DuckDB(folder, "warehouse.duckdb")
        (folder / database.file).unlink(missing_ok=True)
        yield database
