"""Rows, and the states that speak of them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import psycopg
import pytest
from accounts import loader
from accounts.connector import Connector, ConnectorError
from accounts.loader import Busy, Loader, finished
from accounts.plan import Job, Stream, jobs, summary

Connection: TypeAlias = psycopg.Connection[Any]
RECORDS = [{"id": number, "at": f"2026-01-{number:02}T00:00:00Z"} for number in range(1, 21)]
THINGS: Stream = {"name": "things", "columns": [], "key": [["id"]], "cursor": ["at"], "incremental": True}


def job(*streams: Stream, part: str = "ongoing") -> Job:
    return {"group": "rest", "part": part, "streams": list(streams), "overlay": {}}


def record(data: dict[str, Any], stream: str = "things", emitted_at: int = 1_000) -> dict[str, Any]:
    return {"type": "RECORD", "record": {"stream": stream, "data": data, "emitted_at": emitted_at}}


def things(connection: Connection, table: str = "things") -> dict[str, Any]:
    return dict(connection.execute(f'SELECT _key, data FROM acme."{table}"').fetchall())


def bring(connection: Connection, work: Job, messages: list[Any] | Iterator[Any], load: str = "run 1") -> int:
    found = Loader(connection, "acme", work, load)
    count = found.load(messages, resumed=0)
    connection.execute("SELECT pg_advisory_unlock_all()")
    return count


def read(connection: Connection, source: Connector, work: Job, load: str = "run 1") -> int:
    found = Loader(connection, "acme", work, load)
    source.overlay = dict(work["overlay"])
    states = found.states()
    try:
        return found.load(source.read(work["streams"], states), resumed=len(states))
    finally:
        connection.execute("SELECT pg_advisory_unlock_all()")


def test_rows_and_states_arrive_and_the_next_load_goes_on(
    connection: Connection, connector: Callable[..., Connector]
) -> None:
    source = connector({"records": RECORDS})
    (work,) = jobs(source.script, map(summary, source.streams()), "")
    assert read(connection, source, work) == 40
    assert list(things(connection).values()) == RECORDS
    source.config["records"] = [*RECORDS, {"id": 99, "at": "2026-03-01T00:00:00Z"}]
    assert read(connection, source, work, "run 2") == 21 + 2  # the whole list, the last thing again, the new thing
    assert len(things(connection)) == 21
    assert connection.execute("SELECT resumed, records, load FROM loading.tries ORDER BY id").fetchall() == [
        (0, 40, "run 1"),
        (2, 23, "run 2"),
    ]


def test_a_process_that_dies_leaves_no_state_without_its_rows(
    connect: Callable[[], Connection], connector: Callable[..., Connector], monkeypatch: pytest.MonkeyPatch
) -> None:
    """At every message once, with transactions of a few messages."""
    monkeypatch.setattr(loader, "BATCH_BYTES", 100)
    source = connector({"records": RECORDS})
    streams = [each for each in map(summary, source.streams()) if each["incremental"]]
    messages = list(source.read(streams, []))
    connection = connect()
    reached = set()
    for alive in range(len(messages)):
        connection.execute("DROP SCHEMA IF EXISTS acme, loading CASCADE")
        if not (child := os.fork()):

            def until_death(last: int = alive) -> Iterator[Any]:
                yield from messages[:last]
                os._exit(0)

            Loader(connect(), "acme", job(*streams), "killed").load(until_death(), resumed=0)
        os.waitpid(child, 0)
        # PostgreSQL notices the end of the process a moment later.
        connection.execute("SELECT pg_advisory_lock(hashtextextended('acme/rest/ongoing', 0))")
        rows = {row["at"] for row in things(connection).values()}
        for (state,) in connection.execute("SELECT state FROM loading.states").fetchall():
            told = state["stream"]["stream_state"]["at"]
            reached.add(told)
            assert {row["at"] for row in RECORDS if row["at"] <= told} <= rows
        read(connection, source, job(*streams), "again")
        assert list(things(connection).values()) == RECORDS
    assert len(reached) > 3


def test_a_newer_row_stays_whatever_comes_later(connection: Connection) -> None:
    new, old = {"id": 1, "at": "2026-02-01T00:00:00Z"}, {"id": 1, "at": "2026-01-01T00:00:00+01:00"}
    bring(connection, job(THINGS), [record(new)])
    bring(connection, job(THINGS, part="..2026-01-15"), [record(old)])
    assert things(connection) == {"1": new}
    bring(connection, job(THINGS), [record(new | {"name": "read later"}, emitted_at=3_000)])
    bring(connection, job(THINGS), [record(new | {"name": "read before"}, emitted_at=2_000)])
    assert things(connection) == {"1": new | {"name": "read later"}}


def test_of_two_rows_in_one_transaction_the_newer_stays(connection: Connection) -> None:
    new, old = {"id": 1, "at": "2026-02-01T00:00:00Z"}, {"id": 1, "at": "2026-01-01T00:00:00Z"}
    bring(connection, job(THINGS), [record(new), record(old), record({"id": 2, "at": None})])
    assert things(connection) == {"1": new, "2": {"id": 2, "at": None}}


def test_what_a_whole_read_does_not_bring_is_gone(connection: Connection, connector: Callable[..., Connector]) -> None:
    source = connector({"records": RECORDS})
    (work,) = jobs(source.script, map(summary, source.streams()), "")
    read(connection, source, work)
    source.config["records"] = RECORDS[5:]
    read(connection, source, work, "run 2")
    assert len(things(connection, "lists")) == 15
    assert len(things(connection)) == 20  # incremental: rows stay


def test_a_read_that_fails_removes_nothing_and_keeps_what_came(
    connection: Connection, connector: Callable[..., Connector]
) -> None:
    source = connector({"records": RECORDS})
    (work,) = jobs(source.script, map(summary, source.streams()), "")
    read(connection, source, work)
    source.config |= {"records": [*RECORDS[15:], {"id": 99, "at": "2026-03-01T00:00:00Z"}], "fail": "transient_error"}
    with pytest.raises(ConnectorError):
        read(connection, source, work, "run 2")
    assert len(things(connection, "lists")) == 21
    assert len(things(connection)) == 21
    assert connection.execute("SELECT count(*) FROM loading.tries WHERE finished_at IS NULL").fetchone() == (1,)


def test_windows_and_the_ongoing_part_hold_everything_in_any_order(
    connection: Connection, connector: Callable[..., Connector]
) -> None:
    source = connector({"records": RECORDS, "start_date": "2026-01-01"}, script="with-end-date")
    streams = [summary(stream) for stream in source.streams()]
    planned = jobs(source.script, streams, "2026-01-01", ["2026-01-05", "2026-01-12"])
    counts = [read(connection, source, work) for work in reversed(planned)]
    assert counts == [7, 4, 9, 20]
    assert sorted(things(connection).values(), key=lambda row: row["id"]) == RECORDS
    again = jobs(source.script, streams, "2026-01-01", ["2026-01-05", "2026-01-12"], finished(connection, "acme"))
    assert [work["part"] for work in again] == ["whole", "ongoing"]


def test_two_processes_never_load_the_same_job(connect: Callable[[], Connection]) -> None:
    first = connect()
    Loader(first, "acme", job(THINGS), "run 1")
    with pytest.raises(Busy):
        Loader(connect(), "acme", job(THINGS), "run 1")
    Loader(connect(), "acme", job(THINGS, part="..2026"), "run 1")
    first.close()
    Loader(connect(), "acme", job(THINGS), "run 1")


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("a\0b", "a\ufffdb"),
        ("\\u0000", "\\u0000"),
        ("\\\0", "\\\ufffd"),
        ("\t\r\n\\N \u2028 \U0001f600", "\t\r\n\\N \u2028 \U0001f600"),
        (10**400, 10**400),
        (0.1, 0.1),
    ],
)
def test_values_come_back_as_they_were(connection: Connection, sent: Any, stored: Any) -> None:
    bring(connection, job(THINGS), [record({"id": "x", "value": sent})])
    (text,) = connection.execute("SELECT data::text FROM acme.things").fetchone() or ("",)
    assert json.loads(text)["value"] == stored


def test_keys_of_all_kinds(connection: Connection) -> None:
    none: Stream = {"name": "settings", "columns": [], "key": [], "cursor": [], "incremental": False}
    pair: Stream = none | {"name": "pairs", "key": [["a"], ["b", "c"]]}
    long: Stream = none | {"name": "custom_object_" + "x" * 60, "key": [["id"]]}
    twin: Stream = long | {"name": long["name"] + "y"}
    messages = [record({"a": "1", "b": {"c": 2}}, "pairs"), record({"on": True}, "settings")]
    messages += [record({"id": name[-1]}, name) for name in (long["name"], twin["name"])]
    messages += [record({"a": "1", "b": {"c": 2}, "new": 1}, "pairs"), record({"on": True}, "settings")]
    bring(connection, job(pair, none, long, twin), messages)
    assert things(connection, "pairs") == {'["1", 2]': {"a": "1", "b": {"c": 2}, "new": 1}}
    assert list(things(connection, "settings").values()) == [{"on": True}]
    tables = connection.execute(
        "SELECT table_name FROM information_schema.tables WHERE table_name LIKE 'custom_object%'"
    ).fetchall()
    found = [things(connection, name) for (name,) in tables]
    assert sorted(found, key=str) == [{"x": {"id": "x"}}, {"y": {"id": "y"}}]
