"""Options and fixtures: an emulated account of each connector, and its two loads into each database."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from demo.table import table
from emulators import Emulator, start
from harness.connector import Connector, all_connectors
from tests.loaded import Loaded
from warehouse.databases import Database, DuckDB, Postgres
from warehouse.postgres import running
from warehouse.pyairbyte import IMAGE, SCRIPT, Loader, LoadingError, problem_with_image, settle
from warehouse.results import sizes_of

FOLDER = pytest.StashKey[Path]()
MEASURED = pytest.StashKey[list[list[str]]]()
DATABASES = ("duckdb", "postgres")

# Changes between the loads, by connector; deletions stay in a warehouse and are judged elsewhere.
CHANGES: dict[str, dict[str, dict[str, int]]] = {
    "closeio": {
        "leads": {"update": 25, "create": 5},
        "contacts": {"update": 9, "create": 4},
        "opportunities": {"update": 7, "create": 3},
        "tasks": {"update": 10, "create": 3},
        "activities": {"update": 6, "create": 40},
    },
    "persistiq": {
        "leads": {"update": 25, "create": 5},
        "events": {"create": 60},
        "campaign_replies": {"create": 3},
    },
    "kustomer": {
        "messages": {"update": 10, "create": 40},
        "conversations": {"update": 15, "create": 5},
        "customers": {"update": 5, "create": 2},
    },
    "outreach": {
        "prospects": {"update": 25, "create": 5},
        "mailings": {"update": 10, "create": 40},
        "calls": {"create": 3},
    },
}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--via", choices=(SCRIPT, IMAGE), default=SCRIPT, help="load from console scripts or images")
    parser.addoption("--connector", default="", help="only this connector, closeio for example")
    parser.addoption("--warehouse", choices=DATABASES, help="only into this database")


def pytest_configure(config: pytest.Config) -> None:
    """PyAirbyte is settled before any test module imports it."""
    directory = tempfile.TemporaryDirectory(prefix="loading-")
    config.add_cleanup(directory.cleanup)
    config.stash[FOLDER] = Path(directory.name)
    config.stash[MEASURED] = []
    settle(config.stash[FOLDER])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """What the loads came to."""
    if rows := config.stash[MEASURED]:
        head = ["loaded", "tables", "columns", "first load", "seconds", "second load", "seconds", "rows", "records"]
        terminalreporter.write_line("\n" + table(head, rows, right=range(1, len(head))))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    # Deselected, not skipped: they are the business of another choice of `--warehouse`.
    only = config.getoption("--warehouse")
    fit = [item for item in items if item.get_closest_marker("postgres") is None or only in (None, "postgres")]
    config.hook.pytest_deselected(items=[item for item in items if item not in fit])
    items[:] = fit


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "database" in metafunc.fixturenames:
        only = metafunc.config.getoption("--warehouse")
        names = [only] if only else DATABASES
        metafunc.parametrize("database", names, scope="session", indirect=True)
    if "connector" in metafunc.fixturenames:
        wanted = metafunc.config.getoption("--connector")
        chosen = [connector for connector in all_connectors() if wanted in ("", connector.name)]
        metafunc.parametrize("connector", chosen, ids=lambda item: item.name, scope="session", indirect=True)


@pytest.fixture(scope="session")
def connector(request: pytest.FixtureRequest) -> Connector:
    parameter: Connector = request.param
    return parameter


@pytest.fixture(scope="session")
def folder(request: pytest.FixtureRequest) -> Path:
    """Where PyAirbyte writes during this run."""
    return request.config.stash[FOLDER]


@pytest.fixture(scope="session")
def database(request: pytest.FixtureRequest, folder: Path) -> Iterator[Database]:
    """Where the accounts are loaded to. PostgreSQL is started here and stopped at the end."""
    if request.param == DuckDB.name:
        yield DuckDB(folder)
        return
    with contextlib.ExitStack() as stack:
        try:
            server = stack.enter_context(running())
        except LoadingError as error:
            pytest.fail(str(error))
        yield Postgres(server)


@pytest.fixture(scope="session")
def new_loader(folder: Path, request: pytest.FixtureRequest) -> Callable[..., Loader]:
    """Makes loaders in the way that `--via` says; a test that is to use an image fails where there is none.

    Options go over the emulator's config.
    """
    via = request.config.getoption("--via")

    def make(
        connector: Connector, emulator: Emulator, cache: Any, streams: tuple[str, ...] = (), **options: Any
    ) -> Loader:
        if via == IMAGE and (problem := problem_with_image(connector.image)):
            pytest.fail(problem)
        return Loader(connector, {**emulator.config, **options}, cache, folder / "logs", via, streams)

    return make


@pytest.fixture(scope="session")
def loaded(
    connector: Connector, database: Database, new_loader: Callable[..., Loader], request: pytest.FixtureRequest
) -> Iterator[Loaded]:
    """A full load, changes in the account, and an incremental load."""
    with start(connector.emulator, **connector.small) as emulator:
        loader = new_loader(connector, emulator, database.cache(connector.name))
        loads = [loader.load()]
        for stream, numbers in CHANGES[connector.name].items():
            emulator.touch(stream, **numbers)
        loads.append(loader.load())
        known = {stream.name: stream.truth_name for stream in connector.streams}
        truth = {name: emulator.truth(known.get(name, name)) for name in loader.catalog}
    with database.tables(connector.name) as tables:
        rows, columns = sizes_of(tables, truth)
        figures = [len(truth), sum(columns.values()), *(f for load in loads for f in (load.records, load.seconds))]
        figures += [sum(rows.values()), sum(map(len, truth.values()))]
        written = [f"{figure:,.1f}" if isinstance(figure, float) else f"{figure:,}" for figure in figures]
        request.config.stash[MEASURED].append([f"{connector.name} ({loader.via}, {database.name})", *written])
        yield Loaded(connector, loader, loads, truth, tables)
