"""Options and fixtures of the acceptance suite."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest

from demo.table import table
from emulators import start
from harness.connector import Connector, all_connectors
from harness.read_checks import Read
from harness.runner import LIMIT_SECONDS, Runner, ScriptRunner
from harness.trial import NewTrial, Trial

# With ten thousands of records, on a machine that runs other suites beside this one.
FULL_SIZE_LIMIT_SECONDS = 900.0

# What is marked `engine` judges the engine more than a connector: quick runs of all connectors have it for one.
ENGINE_EXAMPLE = "closeio"

# These compare records, which a container does not change: at small size the console scripts alone have them. The full
# size has them through images too.
SAME_IN_A_CONTAINER = (
    "test_incremental",
    "test_deletions",
    "test_record_ids",
    "test_recorded_shapes",
    "test_relations",
)

# Thorough tests that no share leaves out: kills at random moments, and what users get wrong.
IN_EVERY_SHARE = ("test_kills", "test_failures")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--via", choices=("script", "image"), default="script", help="run console scripts or images")
    parser.addoption("--size", choices=("small", "full"), default="small", help="how much data the accounts hold")
    parser.addoption("--thorough", action="store_true", help="also what takes longer; the full size always has it")
    parser.addoption("--connector", default="", help="only this connector, closeio for example")
    parser.addoption(
        "--share", default="", help="of the thorough tests only a share, by their names: 2/5 is the third of 5"
    )
    parser.addoption("--kills", type=int, default=60, help="how often each connector is killed (thorough)")
    parser.addoption("--table", type=Path, help="a file for a table of the tests, with seconds and results")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    unfit = {
        "image": config.getoption("--via") != "image",
        "script": config.getoption("--via") != "script",
        "slow": config.getoption("--size") != "full",
        "thorough": not config.getoption("--thorough") and config.getoption("--size") != "full",
    }
    # Deselected, not skipped: what does not fit this run belongs to another one of the same pipeline.
    fit = [
        item
        for item in items
        if not any(unfit[marker.name] for marker in item.iter_markers() if marker.name in unfit)
        and fits(item, config.getoption("--connector"))
    ]
    if config.getoption("--via") == "image":
        fit = [item for item in fit if is_about_an_image(item, unfit["thorough"])]
    if unfit["thorough"] and not config.getoption("--connector"):
        fit = [item for item in fit if not is_engine_test_again(item)]
    if config.getoption("--share"):
        number, shares = map(int, config.getoption("--share").split("/"))
        fit = [item for item in fit if is_thorough(item) and is_in_share(item, number % shares, shares)]
    config.hook.pytest_deselected(items=[item for item in items if item not in fit])
    items[:] = fit


def fits(item: pytest.Item, wanted: str) -> bool:
    """Whether a test that is about certain connectors is about the one that is asked for."""
    only = item.get_closest_marker("only")
    return only is None or wanted in ("", *only.args)


def is_thorough(item: pytest.Item) -> bool:
    """Whether quick runs leave it out: a share of the thorough tests is a share of all that they leave out."""
    return item.get_closest_marker("thorough") is not None or is_engine_test_again(item)


def is_in_share(item: pytest.Item, number: int, shares: int) -> bool:
    """Whether a test belongs to a share: always the same one, whatever else there is."""
    return item.path.stem in IN_EVERY_SHARE or crc32(item.nodeid.encode()) % shares == number


def is_about_an_image(item: pytest.Item, is_quick: bool) -> bool:
    """Whether the image may make a difference: tests of the suite's own parts run no connector."""
    runs_a_connector = "runner" in getattr(item, "fixturenames", ())
    return runs_a_connector and not (is_quick and item.path.stem in SAME_IN_A_CONTAINER)


def is_engine_test_again(item: pytest.Item) -> bool:
    """Whether this is a test of the engine with another connector than the one that every run has."""
    given = getattr(item, "callspec", None)
    chosen = given.params.get("connector") if given is not None else None
    is_engine_test = item.get_closest_marker("engine") is not None
    return is_engine_test and chosen is not None and chosen.name != ENGINE_EXAMPLE


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test that takes `connector` runs for every connector; one that takes `scenario_case`, for each scenario."""
    wanted = metafunc.config.getoption("--connector")
    only = metafunc.definition.get_closest_marker("only")
    chosen = [
        connector
        for connector in all_connectors()
        if wanted in ("", connector.name) and (only is None or connector.name in only.args)
    ]
    if "scenario_case" in metafunc.fixturenames:
        cases = [
            pytest.param(
                connector,
                scenario,
                id=f"{connector.name}-{scenario.name.replace(' ', '_')}",
                marks=[] if scenario.quick else [pytest.mark.thorough],
            )
            for connector in chosen
            for scenario in connector.scenarios
        ]
        metafunc.parametrize(("connector", "scenario_case"), cases, scope="session", indirect=["connector"])
    elif "connector" in metafunc.fixturenames:
        metafunc.parametrize("connector", chosen, ids=lambda item: item.name, scope="session", indirect=True)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """With `--table`: what ran, longest first."""
    path: Path | None = config.getoption("--table")
    if path is None:
        return
    seconds: dict[str, float] = {}
    results: dict[str, str] = {}
    for result in ("passed", "skipped", "failed", "error"):
        for report in terminalreporter.stats.get(result, []):
            results[report.nodeid] = result
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                seconds[report.nodeid] = seconds.get(report.nodeid, 0.0) + report.duration
    ran = sorted(results, key=lambda nodeid: -seconds[nodeid])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        table(
            ["test", "seconds", "result"], [[name, f"{seconds[name]:.1f}", results[name]] for name in ran], right=(1,)
        )
    )
    terminalreporter.write_line(f"{len(ran)} tests with their seconds and results: {path}")


@pytest.fixture(scope="session")
def connector(request: pytest.FixtureRequest) -> Connector:
    parameter: Connector = request.param
    return parameter


@pytest.fixture(scope="session")
def full_size(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--size") == "full")


@pytest.fixture(scope="session")
def runner(
    connector: Connector, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, full_size: bool
) -> Runner:
    directory: Path = tmp_path_factory.mktemp(connector.name)
    limit = FULL_SIZE_LIMIT_SECONDS if full_size else LIMIT_SECONDS
    if request.config.getoption("--via") == "image":
        from harness.image import ImageRunner  # needs an engine, which script runs do without

        return ImageRunner(directory, connector.image, limit)
    return ScriptRunner(directory, connector.script, limit)


@pytest.fixture(scope="session")
def spec(runner: Runner) -> dict[str, Any]:
    result = runner.run("spec")
    assert result.exit_code == 0, result.describe()
    (message,) = result.of_type("SPEC")
    specification: dict[str, Any] = message["spec"]["connectionSpecification"]
    return specification


@pytest.fixture(scope="session")
def shared(connector: Connector, runner: Runner, spec: dict[str, Any], full_size: bool) -> Iterator[Trial]:
    """An account that no test changes."""
    trial = Trial(
        connector, runner, start(connector.emulator, **(connector.full if full_size else connector.small)), spec
    )
    yield trial
    trial.stop()


@pytest.fixture(scope="session")
def clean(shared: Trial) -> Read:
    """All of that account in one read."""
    return shared.read()


@pytest.fixture
def new_trial(connector: Connector, shared: Trial, full_size: bool) -> Iterator[NewTrial]:
    """Makes accounts of the test's own; the arguments are emulator options laid over the connector's size."""
    trials: list[Trial] = []

    def make(**options: Any) -> Trial:
        size = connector.full if full_size else connector.small
        emulator = start(connector.emulator, **(dict(size) | options))
        trials.append(Trial(connector, shared.runner, emulator, shared.spec, shared.catalog))
        return trials[-1]

    yield make
    for trial in trials:
        trial.stop()
