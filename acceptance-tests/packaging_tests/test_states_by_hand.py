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
from packaging_tests.repository import CONNECTORS

EVERY_CONNECTOR = pytest.mark.parametrize("connector", CONNECTORS, ids=lambda connector: connector.name)
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


def read(connector: Path, account: Any, folder: Path, stream: str, state: dict[str, Any] | None) -> tuple[int, str]:
    """The number of records that an incremental read of one stream gives, and all that it logs."""
    script = str(Path(sys.executable).with_name(connector.name))
    config, catalog, states = (folder / f"{name}.json" for name in ("config", "catalog", "state"))
    config.write_text(json.dumps(account.config))
    found = subprocess.run([script, "discover", "--config", config], capture_output=True, text=True, check=True).stdout
    (streams,) = [m["catalog"]["streams"] for m in map(json.loads, found.splitlines()) if m["type"] == "CATALOG"]
    (wanted,) = [each for each in streams if each["name"] == stream]
    configured = {"stream": wanted, "sync_mode": "incremental", "destination_sync_mode": "append"}
    catalog.write_text(json.dumps({"streams": [configured]}))
    given = {"type": "STREAM", "stream": {"stream_descriptor": {"name": stream}, "stream_state": state}}
    states.write_text(json.dumps([given] if state else []))
    command = [script, "read", "--config", str(config), "--catalog", str(catalog), "--state", str(states)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    messages = [json.loads(line) for line in done.stdout.splitlines()]
    logged = "\n".join(message["log"]["message"] for message in messages if message["type"] == "LOG")
    return sum(message["type"] == "RECORD" for message in messages), logged


@EVERY_CONNECTOR
def test_the_state_of_the_example_gives_no_records_and_without_its_mark_all_of_them(
    connector: Path, account: Any, tmp_path: Path
) -> None:
    stream, state = example(connector)
    everything, _ = read(connector, account, tmp_path, stream, None)
    assert everything > 0
    records, logged = read(connector, account, tmp_path, stream, state)
    assert (records, "starts again" in logged) == (0, False)
    without_mark = {key: value for key, value in state.items() if key != "__v"}
    records, logged = read(connector, account, tmp_path, stream, without_mark)
    assert records == everything
    assert f"Stream {stream} starts again" in logged
