"""`metadata.yaml` agrees with the package, the image and the other files that say the same thing."""

from __future__ import annotations

import re
import tomllib
import uuid
from pathlib import Path
from typing import Any

import pytest
import yaml

from packaging_tests.repository import CONNECTORS, ROOT, metadata

EVERY_CONNECTOR = pytest.mark.parametrize("connector", CONNECTORS, ids=lambda connector: connector.name)


def project(connector: Path) -> dict[str, Any]:
    table: dict[str, Any] = tomllib.loads((connector / "pyproject.toml").read_text())["project"]
    return table


@EVERY_CONNECTOR
def test_name_version_and_licence_are_those_of_the_package(connector: Path) -> None:
    data, package = metadata(connector), project(connector)
    assert data["dockerRepository"] == data["githubIssueLabel"] == package["name"] == connector.name
    assert data["dockerImageTag"] == package["version"]
    assert data["license"] == package["license"] == "MIT"


@EVERY_CONNECTOR
def test_the_console_script_is_called_like_the_connector(connector: Path) -> None:
    assert project(connector)["scripts"] == {connector.name: f"{connector.name.replace('-', '_')}.run:run"}


@EVERY_CONNECTOR
def test_a_build_by_hand_needs_no_version(connector: Path) -> None:
    defaults = re.findall(r"^ARG VERSION=(.+)$", (ROOT / "connectors" / "Dockerfile").read_text(), flags=re.MULTILINE)
    assert set(defaults) == {metadata(connector)["dockerImageTag"]}


@EVERY_CONNECTOR
def test_the_changelog_knows_the_version(connector: Path) -> None:
    headings = re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(), flags=re.MULTILINE)
    assert metadata(connector)["dockerImageTag"] in headings


@EVERY_CONNECTOR
def test_nothing_is_published_to_a_package_index(connector: Path) -> None:
    assert metadata(connector)["remoteRegistries"]["pypi"]["enabled"] is False
    assert "Private :: Do Not Upload" in project(connector)["classifiers"]


@EVERY_CONNECTOR
def test_hosts_and_suggested_streams_are_named(connector: Path) -> None:
    data = metadata(connector)
    assert data["allowedHosts"]["hosts"]
    assert data["suggestedStreams"]["streams"]
    assert {"language:python", "cdk:python"} <= set(data["tags"])


@EVERY_CONNECTOR
def test_the_base_image_is_pinned_by_digest(connector: Path) -> None:
    pattern = r"docker\.io/airbyte/python-connector-base:[\d.]+@sha256:[0-9a-f]{64}"
    assert re.fullmatch(pattern, metadata(connector)["connectorBuildOptions"]["baseImage"])


@EVERY_CONNECTOR
def test_the_icon_is_a_square(connector: Path) -> None:
    width, height = re.findall(r'<svg[^>]* width="(\d+)" height="(\d+)"', (connector / "icon.svg").read_text())[0]
    assert width == height


@EVERY_CONNECTOR
def test_the_standard_tests_are_asked_for_at_high_strictness(connector: Path) -> None:
    settings = yaml.safe_load((connector / "acceptance-test-config.yml").read_text())
    assert settings["test_strictness_level"] == "high"
    assert settings["connector_image"] == f"{connector.name}:dev"


def test_definition_ids_are_random_and_unique() -> None:
    identifiers = [uuid.UUID(metadata(connector)["definitionId"]) for connector in CONNECTORS]
    assert {identifier.version for identifier in identifiers} == {4}
    assert len(set(identifiers)) == len(CONNECTORS)
