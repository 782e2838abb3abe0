"""A connector needs nothing but the packages of `requirements-image.lock`: every command runs with only those in sight.

The environment of the image is rebuilt out of this one: a folder with links to the files of the listed packages, and an
interpreter that sees that folder, the connector, source-kit and the standard library.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from emulators import start
from harness.connector import all_connectors
from packaging_tests.repository import CONNECTORS, ROOT, locked_versions

EMULATORS = {connector.script: connector.emulator for connector in all_connectors()}


@pytest.fixture(scope="module")
def lean_packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like site-packages with links to the packages of the image, and no other."""
    folder = tmp_path_factory.mktemp("site-packages")
    for name in locked_versions(ROOT / "requirements-image.lock"):
        distribution = importlib.metadata.distribution(name)
        tops = {file.parts[0] for file in distribution.files or () if file.parts[0] not in ("..", "__pycache__")}
        for top in tops:
            link = folder / top
            if not link.exists():
                link.symlink_to(Path(str(distribution.locate_file(top))))
    return folder


@pytest.fixture
def account(connector: Path) -> Iterator[Any]:
    emulator = start(EMULATORS[connector.name])
    yield emulator
    emulator.stop()


def run_lean(connector: Path, packages: Path, *arguments: str | Path) -> list[dict[str, Any]]:
    """Runs a command of the connector in the lean environment and returns its messages; it must succeed."""
    script = f"import sys; from {connector.name.replace('-', '_')}.run import run; sys.exit(run())"
    paths = [packages, ROOT / "source-kit", connector]
    done = subprocess.run(
        [sys.executable, "-S", "-c", script, *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths)), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


# Thorough: `test_requirement_files.py` compares the list with every import, and the gate reads with the images.
@pytest.mark.thorough
@pytest.mark.parametrize("connector", CONNECTORS, ids=lambda connector: connector.name)
def test_every_command_runs_with_the_packages_of_the_image_alone(
    connector: Path, lean_packages: Path, account: Any, tmp_path: Path
) -> None:
    config, catalog = tmp_path / "config.json", tmp_path / "catalog.json"
    config.write_text(json.dumps(account.config))

    assert [message["type"] for message in run_lean(connector, lean_packages, "spec")] == ["SPEC"]

    checked = run_lean(connector, lean_packages, "check", "--config", config)
    assert [m["connectionStatus"]["status"] for m in checked if m["type"] == "CONNECTION_STATUS"] == ["SUCCEEDED"]

    discovered = run_lean(connector, lean_packages, "discover", "--config", config)
    (streams,) = [message["catalog"]["streams"] for message in discovered if message["type"] == "CATALOG"]
    catalog.write_text(
        json.dumps(
            {
                "streams": [
                    {
                        "stream": stream,
                        "sync_mode": stream["supported_sync_modes"][-1],
                        "destination_sync_mode": "append",
                    }
                    for stream in streams
                ]
            }
        )
    )

    read = run_lean(connector, lean_packages, "read", "--config", config, "--catalog", catalog)
    with_records = {message["record"]["stream"] for message in read if message["type"] == "RECORD"}
    assert with_records
    assert with_records <= {stream["name"] for stream in streams}
