"""A PostgreSQL of one's own, an empty database for each test, and connectors that hold what a test says."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from accounts.connector import Config, Connector

from warehouse.postgres import Server, running

FAKE = Path(__file__).with_name("fake_source.py")
NUMBERS = itertools.count()


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """The server."""
    with running() as found:
        yield found


@pytest.fixture
def connect(server: Server) -> Iterator[Callable[[], psycopg.Connection[Any]]]:
    """Opens connections to a database of the test's own; they are closed at its end."""
    name = f"test{next(NUMBERS)}"
    with server.connect() as connection:
        connection.execute(f"CREATE DATABASE {name}")
    opened: list[psycopg.Connection[Any]] = []

    def open_one() -> psycopg.Connection[Any]:
        where = f"host={server.host} port={server.port} user=postgres password={server.password} dbname={name}"
        opened.append(psycopg.connect(where, autocommit=True))
        return opened[-1]

    yield open_one
    for connection in opened:
        connection.close()


@pytest.fixture
def connection(connect: Callable[[], psycopg.Connection[Any]]) -> psycopg.Connection[Any]:
    """One of them."""
    return connect()


@pytest.fixture
def connector(tmp_path: Path) -> Callable[..., Connector]:
    """Makes a connector with this config; `kept` gets the configs that it tells, `script` is its file's name."""

    def make(config: Config, kept: list[Config] | None = None, script: str = "source-fake") -> Connector:
        kept = [] if kept is None else kept
        path = tmp_path / script
        path.write_text(f"#!{sys.executable} -B\n{FAKE.read_text()}")
        path.chmod(0o755)
        return Connector(str(path), config, keep=kept.append)

    return make
