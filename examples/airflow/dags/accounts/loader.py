"""Writes what a connector says into PostgreSQL: rows, and in the same transaction the states that speak of them.

Each account has a schema, each stream a raw table in it:

    _key        the primary key (a JSON list where it has several parts; a hash of the record where it has none)
    _cursor     the time in the stream's cursor, -infinity where there is none
    _read_at    when the connector read the record
    _load       the run and try that wrote the row
    data        the record, as jsonb

The schema `loading` holds the states, what is finished, and what each try came to.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import socket
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

import psycopg
from psycopg import sql

from accounts.plan import ONGOING, WHOLE, Job, Stream

Message = dict[str, Any]

# What is committed at once: so much, or what came in so many seconds.
BATCH_BYTES = 8_000_000
BATCH_SECONDS = 2.0
# PostgreSQL cuts names that are longer.
NAME_BYTES = 63
# jsonb cannot hold the character NUL. An even number of backslashes before the escape: they are not its own.
NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")

BOOK_KEEPING = """
CREATE SCHEMA IF NOT EXISTS loading;
CREATE TABLE IF NOT EXISTS loading.states (
    account text, part text, stream text, state jsonb NOT NULL, changed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account, part, stream));
CREATE TABLE IF NOT EXISTS loading.finished (
    account text, "group" text, part text, finished_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account, "group", part));
CREATE TABLE IF NOT EXISTS loading.tries (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, account text, "group" text, part text, load text,
    host text, process integer, resumed integer, records bigint NOT NULL DEFAULT 0,
    started_at timestamptz NOT NULL DEFAULT now(), finished_at timestamptz);
"""
TABLE = """
CREATE TABLE IF NOT EXISTS {table} (
    _key text PRIMARY KEY, _cursor timestamptz NOT NULL, _read_at timestamptz NOT NULL, _load text NOT NULL,
    data jsonb NOT NULL)
"""
INCOMING = """
CREATE TEMPORARY TABLE IF NOT EXISTS incoming (
    key text, cursor timestamptz, read_at timestamptz, load text, data jsonb) ON COMMIT DELETE ROWS
"""
# A row that is newer stays, whatever the order in which tasks end.
MERGE = """
INSERT INTO {table} AS present SELECT * FROM incoming
ON CONFLICT (_key) DO UPDATE
SET _cursor = excluded._cursor, _read_at = excluded._read_at, _load = excluded._load, data = excluded.data
WHERE (excluded._cursor, excluded._read_at) >= (present._cursor, present._read_at)
"""
TRY = """
INSERT INTO loading.tries (account, "group", part, load, host, process, resumed) VALUES (%s, %s, %s, %s, %s, %s, %s)
RETURNING id
"""
FINISHED = 'INSERT INTO loading.finished (account, "group", part) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING'
STATE = """
INSERT INTO loading.states (account, part, stream, state) VALUES (%s, %s, %s, %s)
ON CONFLICT (account, part, stream) DO UPDATE SET state = excluded.state, changed_at = now()
"""


class Busy(RuntimeError):
    """Another process still reads the same part of the account."""


class Row(NamedTuple):
    """A record on its way; the order of the columns is that of `incoming`."""

    key: str
    cursor: str
    read_at: str
    load: str
    data: str


@dataclass
class Batch:
    """What came since the last commit: the newest row of each key, the newest state of each stream."""

    rows: dict[str, dict[str, Row]] = field(default_factory=dict)
    states: dict[str, Message] = field(default_factory=dict)
    complete: set[str] = field(default_factory=set)
    records: int = 0
    size: int = 0
    began: float = field(default_factory=time.monotonic)

    def add(self, stream: str, row: Row) -> None:
        """Takes a row, unless a newer one of its key came before."""
        rows = self.rows.setdefault(stream, {})
        held = rows.get(row.key)
        if held is None or _moment(held) <= _moment(row):
            rows[row.key] = row
        self.records += 1
        self.size += len(row.data)

    def is_full(self) -> bool:
        """Whether it is time to commit."""
        has_any = self.records or self.states or self.complete
        return bool(has_any) and (self.size >= BATCH_BYTES or time.monotonic() - self.began >= BATCH_SECONDS)


class Loader:
    """Loads one job of an account. `connection` commits every statement that is in no transaction (autocommit).

    Raises `Busy` where another process loads the same job: after a lost heartbeat Airflow may start a task again
    although the first process still runs, and two would mix their states.
    """

    def __init__(self, connection: psycopg.Connection[Any], account: str, job: Job, load: str) -> None:
        self._connection = connection
        self._account = account
        self._job = job
        self._load = load
        self._streams: dict[str, Stream] = {stream["name"]: stream for stream in job["streams"]}
        name = f"{account}/{job['group']}/{job['part']}"
        (free,) = self._one("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", name)
        if not free:
            raise Busy(f"{name} is still being loaded by another process")
        connection.execute("SET TimeZone = 'UTC'")
        prepare(connection, account, self._streams)
        connection.execute(INCOMING)

    def states(self) -> list[Message]:
        """Where the job is to go on, as the connector takes it."""
        found = self._connection.execute(
            "SELECT state FROM loading.states WHERE account = %s AND part = %s AND stream = ANY(%s) ORDER BY stream",
            (self._account, self._job["part"], list(self._streams)),
        )
        return [state for (state,) in found]

    def load(self, messages: Iterable[Message], resumed: int) -> int:
        """Writes all of it; returns the number of records. What came before an error is committed all the same."""
        names = (self._account, self._job["group"], self._job["part"])
        (number,) = self._one(TRY, *names, self._load, socket.gethostname(), os.getpid(), resumed)
        batch, records = Batch(), 0
        try:
            for message in messages:
                self._take(message, batch)
                if batch.is_full():
                    batch, records = self._commit(batch, number), records + batch.records
        finally:
            records += batch.records
            self._commit(batch, number)
        with self._connection.transaction():
            self._connection.execute("UPDATE loading.tries SET finished_at = now() WHERE id = %s", (number,))
            if self._job["part"] not in (ONGOING, WHOLE):
                self._connection.execute(FINISHED, names)
        return records

    def _take(self, message: Message, batch: Batch) -> None:
        match message:
            case {"type": "RECORD", "record": record}:
                batch.add(record["stream"], row_of(self._streams[record["stream"]], record, self._load))
            case {"type": "STATE", "state": {"stream": {"stream_descriptor": {"name": name}} as stream}}:
                batch.states[name] = {"type": "STREAM", "stream": stream}
            case {"type": "TRACE", "trace": {"type": "STREAM_STATUS", "stream_status": status}}:
                if status["status"] == "COMPLETE":
                    batch.complete.add(status["stream_descriptor"]["name"])

    def _commit(self, batch: Batch, number: int) -> Batch:
        """One transaction for all of it; returns a new batch."""
        with self._connection.transaction():
            for stream, rows in batch.rows.items():
                self._write(stream, rows.values())
            for stream, state in batch.states.items():
                values = (self._account, self._job["part"], stream, json.dumps(state))
                self._connection.execute(STATE, values)
            for stream in batch.complete:
                # Read whole: what this load has not written is not there any more.
                if not self._streams[stream]["incremental"]:
                    stale = sql.SQL("DELETE FROM {} WHERE _load <> %s").format(table_of(self._account, stream))
                    self._connection.execute(stale, (self._load,))
            count = "UPDATE loading.tries SET records = records + %s WHERE id = %s"
            self._connection.execute(count, (batch.records, number))
        return Batch()

    def _write(self, stream: str, rows: Iterable[Row]) -> None:
        with self._connection.cursor() as cursor:
            with cursor.copy("COPY incoming FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
            cursor.execute(sql.SQL(MERGE).format(table=table_of(self._account, stream)))
            cursor.execute("TRUNCATE incoming")

    def _one(self, query: str, *values: Any) -> tuple[Any, ...]:
        found: tuple[Any, ...] | None = self._connection.execute(query.encode(), values).fetchone()
        assert found is not None
        return found


def prepare(connection: psycopg.Connection[Any], account: str, streams: Iterable[str]) -> None:
    """Makes the schemas and tables that are not there yet; one process at a time, since PostgreSQL wants it so."""
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(0)")
        connection.execute(BOOK_KEEPING)
        connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(account)))
        for stream in streams:
            connection.execute(sql.SQL(TABLE).format(table=table_of(account, stream)))


def finished(connection: psycopg.Connection[Any], account: str) -> set[tuple[str, str]]:
    """The (group, part) of the windows that are read."""
    prepare(connection, account, ())
    found = connection.execute('SELECT "group", part FROM loading.finished WHERE account = %s', (account,))
    return {(group, part) for group, part in found}


def table_of(account: str, stream: str) -> sql.Identifier:
    """The table of a stream; a name that is too long keeps its beginning, and a hash makes it unique."""
    if len(stream.encode()) > NAME_BYTES:
        stream = f"{stream.encode()[:50].decode(errors='ignore')}_{hashlib.sha256(stream.encode()).hexdigest()[:12]}"
    return sql.Identifier(account, stream)


def row_of(stream: Stream, record: Mapping[str, Any], load: str) -> Row:
    """A RECORD's row."""
    data = record["data"]
    text = json.dumps(data, ensure_ascii=False)
    if "\\u0000" in text:
        text = NUL.sub(r"\1\\ufffd", text)
    parts = [_at(data, path) for path in stream["key"]]
    if not parts or None in parts:
        key = hashlib.sha256(text.encode()).hexdigest()
    else:
        key = str(parts[0]) if len(parts) == 1 else json.dumps(parts)
    read_at = datetime.fromtimestamp(record["emitted_at"] / 1000, UTC).isoformat()
    return Row(key, _time(_at(data, stream["cursor"])), read_at, load, text)


def _at(data: Any, path: Iterable[str]) -> Any:
    for name in path:
        data = data.get(name) if isinstance(data, Mapping) else None
    return data


def _time(value: Any) -> str:
    """A time as PostgreSQL takes it; in UTC where it names no zone."""
    try:
        found = datetime.fromisoformat(value)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC).isoformat()
    except (TypeError, ValueError, OverflowError):
        return "-infinity"


def _moment(row: Row) -> tuple[bool, str, str]:
    """Orders versions of a row."""
    return row.cursor != "-infinity", row.cursor, row.read_at
