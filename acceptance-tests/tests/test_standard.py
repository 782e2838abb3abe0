"""The CDK's standard tests, run inside this process against the emulator, with the connector's own test config."""

from __future__ import annotations

import re
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
# What the suite's check of data types says of the two columns for which the vendors document several kinds of values:
# PyAirbyte, which has this type, makes a JSON column of them, and Airbyte's destinations go by `type`.
ACCEPTED = frozenset(
    f"Stream '{stream}' uses the unknown airbyte_type 'object' at #/properties/{column}."
    for stream, column in (("edit_bulk_actions", "custom_field_value"), ("snoozes", "value"))
)


@pytest.fixture(autouse=True)
def _what_is_left_open_is_ignored() -> Iterator[None]:
    with warnings.catch_warnings():
        # The in-process harness of the CDK leaves files and sockets to the garbage collector.
        warnings.simplefilter("ignore", ResourceWarning)
        yield


@pytest.fixture(scope="module")
def root(connector: Connector, shared: Trial, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A connector folder whose test config names configs for the emulated account."""
    folder = tmp_path_factory.mktemp("standard") / connector.script
    (folder / "secrets").mkdir(parents=True)
    for name in ("metadata.yaml", "acceptance-test-config.yml"):
        (folder / name).write_bytes((connector.root / name).read_bytes())
    (folder / connector.package).symlink_to(connector.root / connector.package)
    configs = {"config.json": shared.config, "invalid_config.json": {**shared.config, **connector.invalid_config}}
    for name, config in configs.items():
        (folder / "secrets" / name).write_bytes(orjson.dumps(config))
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
        # Recorded, not raised: what is enforced is judged after the warning.
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always", DiscoveredCatalogWarning)
            try:
                getattr(suite, name)(scenario)
                ran += 1
            except pytest.skip.Exception:
                continue  # the scenario's section does not run this command
            except Exception as error:
                problems.append(f"{scenario.id}: {type(error).__name__}: {error}")
        for warning in told:
            problems += [f"{scenario.id}: {problem}" for problem in unaccepted(str(warning.message))]
    assert not problems, "\n".join(problems)
    assert ran > 0, "no scenario runs this test"


def unaccepted(warning: str) -> list[str]:
    """The problems that a warning about a catalog lists and that are not accepted; all of it where it lists none."""
    problems = re.findall(r"^  - (.*)$", warning, flags=re.MULTILINE)
    left = [problem for problem in problems if problem not in ACCEPTED]
    return left if problems else [warning]


def test_two_columns_of_several_kinds_are_accepted_and_no_other_problem() -> None:
    head = "The discovered catalog has problems:\n[supported data types]\n"
    accepted = "Stream 'snoozes' uses the unknown airbyte_type 'object' at #/properties/value."
    other = "Stream 'snoozes' uses the unknown airbyte_type 'object' at #/properties/until."
    assert unaccepted(f"{head}  - {accepted}\n  - {other}") == [other]
    assert unaccepted(f"{head}  - {accepted}") == []
    assert unaccepted("Some other words.") == ["Some other words."]


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
