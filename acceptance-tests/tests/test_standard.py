"""The CDK's standard tests, run inside this process against the emulator, with the connector's own test config."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from airbyte_cdk.test.models import ConnectorTestScenario
from airbyte_cdk.test.standard_tests._catalog_checks import DiscoveredCatalogWarning
from airbyte_cdk.test.standard_tests.source_base import SourceTestSuiteBase

from harness.connector import Connector
from harness.trial import Trial

pytestmark = pytest.mark.script
SUITE_TESTS = (
    "test_check",
    "test_config_matches_spec",
    "test_discover",
    "test_basic_read",
    "test_fail_read_with_bad_catalog",
)


@pytest.fixture(autouse=True)
def _catalog_warnings_are_errors() -> Iterator[None]:
    with warnings.catch_warnings():
        # The in-process harness of the CDK leaves files and sockets to the garbage collector.
        warnings.simplefilter("ignore", ResourceWarning)
        warnings.simplefilter("error", DiscoveredCatalogWarning)
        yield


@pytest.fixture(scope="module")
def root(connector: Connector, shared: Trial, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A connector folder whose test config names configs for the emulated account."""
    folder = tmp_path_factory.mktemp("standard") / connector.script
    (folder / "integration_tests").mkdir(parents=True)
    for name in ("metadata.yaml", "acceptance-test-config.yml"):
        (folder / name).write_bytes((connector.root / name).read_bytes())
    (folder / connector.package).symlink_to(connector.root / connector.package)
    configs = {"config.json": shared.config, "invalid_config.json": {**shared.config, **connector.invalid_config}}
    for name, config in configs.items():
        (folder / "integration_tests" / name).write_bytes(orjson.dumps(config))
    return folder


@pytest.fixture(scope="module")
def suite(connector: Connector, root: Path) -> Any:
    """The CDK's suite, bound to that folder."""

    class Suite(SourceTestSuiteBase):
        @classmethod
        def get_connector_root_dir(cls) -> Path:
            return root

        @classmethod
        def create_connector(cls, scenario: ConnectorTestScenario | None) -> Any:
            return connector.source_class()()

    return Suite()


def test_the_specification_passes(suite: Any) -> None:
    suite.test_spec()


@pytest.mark.parametrize("name", SUITE_TESTS)
def test_every_scenario_passes(suite: Any, name: str) -> None:
    """The scenarios are those of `acceptance-test-config.yml`; each runs the commands of its sections."""
    ran, problems = 0, []
    for scenario in suite.get_scenarios():
        try:
            getattr(suite, name)(scenario)
            ran += 1
        except pytest.skip.Exception:
            continue  # the scenario's section does not run this command
        except Exception as error:
            problems.append(f"{scenario.id}: {type(error).__name__}: {error}")
    assert not problems, "\n".join(problems)
    assert ran > 0, "no scenario runs this test"


def test_the_test_config_is_strict_and_excuses_nothing(connector: Connector) -> None:
    config = yaml.safe_load((connector.root / "acceptance-test-config.yml").read_text())
    assert config["test_strictness_level"] == "high"
    assert set(config["acceptance_tests"]) >= {"spec", "connection", "discovery", "basic_read", "full_refresh"}
    excused = [
        stream["name"]
        for test in config["acceptance_tests"]["basic_read"]["tests"]
        for stream in test.get("empty_streams", [])
        if not stream.get("bypass_reason")
    ]
    assert not excused, f"streams excused without a reason: {excused}"
