"""`discover`, `check` and the metadata: what the retired connector-acceptance-test checked."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
import yaml

from harness import discovery_checks
from harness.connector import Connector
from harness.trial import Trial


def version(connector: Connector) -> str:
    project: dict[str, Any] = tomllib.loads((connector.root / "pyproject.toml").read_text())["project"]
    return str(project["version"]).partition("+")[0]  # images and documents have no label


def test_every_stream_is_discovered_without_problems(shared: Trial, connector: Connector) -> None:
    names = {stream["name"] for stream in shared.catalog["streams"]}
    problems = [f"{name}: not discovered" for name in connector.stream_names if name not in names]
    problems += discovery_checks.catalog_problems(shared.catalog)
    assert not problems, "\n".join(problems)


def test_two_discoveries_agree(shared: Trial) -> None:
    assert shared.runner.run("discover", shared.config).catalog == shared.catalog


def test_streams_have_the_cursors_that_are_promised(shared: Trial, connector: Connector) -> None:
    discovered = {
        stream["name"]: (stream.get("default_cursor_field") or [None])[0] for stream in shared.catalog["streams"]
    }
    assert {stream.name: discovered.get(stream.name) for stream in connector.streams} == {
        stream.name: stream.cursor for stream in connector.streams
    }


def test_check_succeeds_with_one_status_within_ten_seconds(shared: Trial) -> None:
    result = shared.runner.run("check", shared.config)
    (message,) = result.of_type("CONNECTION_STATUS")
    assert (message["connectionStatus"]["status"], result.exit_code) == ("SUCCEEDED", 0)
    assert result.seconds < 10


def test_check_writes_nothing_to_the_vendor(shared: Trial) -> None:
    assert shared.emulator.stats()["writes"] == 0


def test_metadata_agrees_with_catalog_and_package(shared: Trial, connector: Connector) -> None:
    metadata = yaml.safe_load((connector.root / "metadata.yaml").read_text())
    problems = discovery_checks.metadata_problems(metadata, shared.catalog, connector.script, version(connector))
    assert not problems, "\n".join(problems)


@pytest.mark.image
def test_the_image_is_labelled_and_tells_its_entry_point(shared: Trial, connector: Connector) -> None:
    from harness.image import ImageRunner

    assert isinstance(shared.runner, ImageRunner)
    problems = discovery_checks.image_problems(shared.runner.attributes(), connector.script, version(connector))
    assert not problems, "\n".join(problems)
