"""What each README says about states that are written by hand is what the connector does with its example."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from emulators import start
from harness.connector import all_connectors
from packaging_tests.repository import ONE_QUICKLY

EMULATORS = {connector.script: connector.emulator for connector in all_connectors()}


def example(connector: Path) -> tuple[str, dict[str, Any]]:
    """The stream and the state of the example under "State"."""
    section = (connector / "README.md").read_text().split("\n## State\n")[1].split("\n## ")[0]
    (code,) = re.findall(r"```json\n(.*?)```", section, flags=re.DOTALL)
    (message,) = json.loads(code)
    return message["stream"]["stream_descriptor"]["name"], message["stream"]["stream_state"]


@pytest.fixture
def account(connector: Path) -> Iterator[Any]:
    with start(EMULATORS[connector.name]) as emulator:
        yield emulator


def run(connector: Path, *arguments: str) -> list[dict[str, Any]]:
    command = [str(Path(sys.executable).with_name(connector.name)), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def files(connector: Path, account: Any, folder: Path, stream: str) -> dict[str, Path]:
    """The arguments of an incremental read of one stream."""
    paths = {name: folder / f"{name}.json" for name in ("config", "catalog", "state")}
    paths["config"].write_text(json.dumps(account.config))
    discovered = run(connector, "discover", "--config", str(paths["config"]))
    (streams,) = [message["catalog"]["streams"] for message in discovered if message["type"] == "CATALOG"]
    (wanted,) = [each for each in streams if each["name"] == stream]
    configured = {"stream": wanted, "sync_mode": "incremental", "destination_sync_mode": "append"}
    paths["catalog"].write_text(json.dumps({"streams": [configured]}))
    return paths


def read(connector: Path, paths: dict[str, Path], stream: str, state: dict[str, Any] | None) -> tuple[int, str]:
    """The number of records that the read gives, and all that it logs."""
    given = {"type": "STREAM", "stream": {"stream_descriptor": {"name": stream}, "stream_state": state}}
    paths["state"].write_text(json.dumps([given] if state else []))
    messages = run(connector, "read", *(part for name, path in paths.items() for part in (f"--{name}", str(path))))
    logged = "\n".join(message["log"]["message"] for message in messages if message["type"] == "LOG")
    return sum(message["type"] == "RECORD" for message in messages), logged


@ONE_QUICKLY
def test_the_state_of_the_example_gives_no_records_and_without_its_mark_all_of_them(
    connector: Path, account: Any, tmp_path: Path
) -> None:
    stream, state = example(connector)
    paths = files(connector, account, tmp_path, stream)
    everything, _ = read(connector, paths, stream, None)
    assert everything > 0
    records, logged = read(connector, paths, stream, state)
    assert (records, "starts again" in logged) == (0, False)
    without_mark = {key: value for key, value in state.items() if key != "__v"}
    records, logged = read(connector, paths, stream, without_mark)
    assert records == everything
    assert f"Stream {stream} starts again" in logged
