"""`metadata.yaml` agrees with the package, the image and the other files that say the same thing."""

from __future__ import annotations

import importlib
import re
import tomllib
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest
import yaml

from packaging_tests.repository import CONNECTORS, ROOT, metadata, specification
from source_kit.transport import MAX_WAIT_SECONDS

EVERY_CONNECTOR = pytest.mark.parametrize("connector", CONNECTORS, ids=lambda connector: connector.name)

SVG = "{http://www.w3.org/2000/svg}"


def project(connector: Path) -> dict[str, Any]:
    table: dict[str, Any] = tomllib.loads((connector / "pyproject.toml").read_text())["project"]
    return table


@EVERY_CONNECTOR
def test_name_version_and_licence_are_those_of_the_package(connector: Path) -> None:
    data, package = metadata(connector), project(connector)
    assert data["dockerRepository"] == data["githubIssueLabel"] == package["name"] == connector.name
    assert data["dockerImageTag"] == package["version"].partition("+")[0]
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
def test_the_icon_is_a_square_drawing_that_needs_nothing_from_elsewhere(connector: Path) -> None:
    data = metadata(connector)
    assert data["icon"] == "icon.svg"
    root = ElementTree.parse(connector / data["icon"]).getroot()
    assert root.tag == f"{SVG}svg"
    assert root.get("width") == root.get("height") == "250"
    assert root.get("viewBox") == "0 0 250 250"
    assert {element.tag for element in root.iter()} <= {f"{SVG}{shape}" for shape in ("svg", "rect", "path", "circle")}
    attributes = {name for element in root.iter() for name in element.keys()}  # noqa: SIM118 - an element is no dict
    assert [name for name in attributes if "href" in name or name.startswith("on") or name == "style"] == []


@EVERY_CONNECTOR
def test_allowed_hosts_are_those_that_the_code_asks(connector: Path) -> None:
    config = importlib.import_module(f"{connector.name.replace('-', '_')}.config")
    hosts = set(metadata(connector)["allowedHosts"]["hosts"])
    if connector.name == "source-kustomer":
        chosen = config.parse({"api_key": "k", "org_name": "acme"})[0].common.api_url
        assert hosts == {*config.HOSTS.values(), urlsplit(chosen).hostname.replace("acme", "${org_name}")}
        assert "org_name" in specification(connector)["connectionSpecification"]["properties"]
    else:
        urls = [config.DEFAULTS.api_url, getattr(config.DEFAULTS, "token_url", None) or config.DEFAULTS.api_url]
        # Outreach tells with the token of an app which of its hosts serves the organisation.
        of_organisations = {"*.outreach.io"} if connector.name == "source-outreach" else set()
        assert hosts == {urlsplit(url).hostname for url in urls} | of_organisations


@EVERY_CONNECTOR
def test_the_heartbeat_outlasts_the_longest_wait_for_a_rate_limit(connector: Path) -> None:
    # The connectors speak every minute of a wait; this holds for a platform too that counts records only.
    assert MAX_WAIT_SECONDS < metadata(connector)["maxSecondsBetweenMessages"] == 10800


@EVERY_CONNECTOR
def test_a_major_version_tells_what_it_breaks(connector: Path) -> None:
    data = metadata(connector)
    major = data["dockerImageTag"].partition(".")[0]
    breaking = data.get("releases", {}).get("breakingChanges", {})
    assert major == "0" or f"{major}.0.0" in breaking
    assert [change for change in breaking.values() if not {"message", "upgradeDeadline"} <= change.keys()] == []


@EVERY_CONNECTOR
def test_the_pods_of_a_sync_have_requests_and_limits(connector: Path) -> None:
    (job,) = metadata(connector)["resourceRequirements"]["jobSpecific"]
    assert job["jobType"] == "sync"
    assert job["resourceRequirements"].keys() == {"cpu_request", "cpu_limit", "memory_request", "memory_limit"}


@EVERY_CONNECTOR
def test_the_standard_tests_are_asked_for_at_high_strictness(connector: Path) -> None:
    settings = yaml.safe_load((connector / "acceptance-test-config.yml").read_text())
    assert settings["test_strictness_level"] == "high"
    assert settings["connector_image"] == f"{connector.name}:dev"


def test_definition_ids_are_random_and_unique() -> None:
    identifiers = [uuid.UUID(metadata(connector)["definitionId"]) for connector in CONNECTORS]
    assert {identifier.version for identifier in identifiers} == {4}
    assert len(set(identifiers)) == len(CONNECTORS)
