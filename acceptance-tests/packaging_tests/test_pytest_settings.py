"""The settings of pytest do for every pytest: ours, and the older one that Airbyte's command line brings."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import airbyte_cdk.test.standard_tests
import pytest

from packaging_tests.repository import CONNECTORS, ROOT

EVERY_CONNECTOR = pytest.mark.parametrize("connector", CONNECTORS, ids=lambda connector: connector.name)
OF_PYTEST = {"parametrize", "skipif", "skip", "xfail", "usefixtures", "filterwarnings"}


def settings(folder: Path) -> dict[str, Any]:
    table: dict[str, Any] = tomllib.loads((folder / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]
    return table


@pytest.mark.parametrize("folder", [ROOT, *CONNECTORS], ids=lambda folder: folder.name)
def test_no_setting_asks_for_a_certain_pytest_or_plug_in(folder: Path) -> None:
    found = settings(folder)
    assert found.keys() <= {"testpaths", "pythonpath", "addopts", "markers", "filterwarnings"}
    assert set(found["addopts"]) <= {"--import-mode=importlib", "--strict-markers", "-ra"}


def test_all_connectors_have_the_same_settings() -> None:
    first, *others = [settings(connector) for connector in CONNECTORS]
    assert [other for other in others if other != first] == []


@EVERY_CONNECTOR
def test_every_marker_of_airbytes_standard_tests_is_known(connector: Path) -> None:
    folder = Path(airbyte_cdk.test.standard_tests.__file__).parent
    used = {name for path in folder.glob("*.py") for name in re.findall(r"pytest\.mark\.(\w+)", path.read_text())}
    known = {marker.partition(":")[0] for marker in settings(connector)["markers"]}
    assert used - OF_PYTEST
    assert used - OF_PYTEST <= known


@pytest.mark.thorough
def test_airbytes_command_line_passes_in_the_folder_of_a_connector_without_an_account(tmp_path: Path) -> None:
    """With our pytest, for one connector; `make airbyte-tests` has the other pytest, an emulated account, and all."""
    connector = CONNECTORS[0]
    copy = tmp_path / "connectors" / connector.name
    left_out = shutil.ignore_patterns("unit_tests", "__pycache__", "*.egg-info", "build", ".*", "secrets")
    shutil.copytree(connector, copy, ignore=left_out)
    shutil.copytree(ROOT / "source-kit", tmp_path / "source-kit", ignore=left_out)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    command = [str(Path(sys.executable).with_name("airbyte-cdk")), "connector", "test", "--no-creds"]
    done = subprocess.run(
        [*command, "--pytest-arg=-k", "--pytest-arg=not docker", "--pytest-arg=-pno:cacheprovider"],
        cwd=copy,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]
    assert " 1 passed" in done.stdout
