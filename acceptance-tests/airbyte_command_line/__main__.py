"""The command: `python -m airbyte_command_line --bin .venv-airbyte-tests/bin`.

Exit code 0: every command passed, and ran tests; 1: one did not.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from airbyte_command_line.checkout import copy, give_account
from demo.table import table
from emulators import start
from harness.connector import Connector, all_connectors

# The last line of pytest.
COUNTS = r"^=+ (\d+ \w+.*?) in [\d.]+s\b"
# The tests that need an image are those of `image test`.
WITHOUT_IMAGES = ("--pytest-arg=-m", "--pytest-arg=not image_tests")


def commands(connector: Connector, via: str) -> list[list[str]]:
    """What is run in the folder of a connector. `image test` alone never reads: the second command does that."""
    test = ["airbyte-cdk", "connector", "test"]
    if via == "script":
        return [[*test, *WITHOUT_IMAGES]]
    image = f"{connector.script}:dev"
    reading = (f"--connector-image={image}", "--read-from-streams=all", "-k", "test_docker_image_build_and_read")
    return [
        ["airbyte-cdk", "image", "test", "--image", image],
        [*test, *(f"--pytest-arg={argument}" for argument in reading)],
    ]


def reachable(via: str) -> Mapping[str, Any]:
    """Options of an emulator that a container of the engine's usual network reaches, where one is to."""
    if via == "script":
        return {}
    template = "{{(index .IPAM.Config 0).Gateway}}"
    inspect = ["docker", "network", "inspect", "bridge", "--format", template]
    gateway = subprocess.run(inspect, capture_output=True, text=True, check=True).stdout.strip()
    return {"host": "0.0.0.0", "advertise": gateway}


def environment(binaries: Path) -> dict[str, str]:
    """That of a shell in which the environment is active, and nothing leads to our own."""
    ours = ("PYTHONPATH", "VIRTUAL_ENV")
    mine = {name: value for name, value in os.environ.items() if name not in ours}
    return {**mine, "PATH": f"{binaries}{os.pathsep}{mine['PATH']}", "PYTHONDONTWRITEBYTECODE": "1"}


def outcome(code: int, text: str) -> tuple[bool, str]:
    """Whether a run of pytest passed with at least one test, and its counts (`6 passed, 3 skipped`)."""
    (counts,) = re.findall(COUNTS, text, flags=re.MULTILINE)[-1:] or ["no tests"]
    return code == 0 and " passed" in f" {counts}", counts


def main() -> int:
    arguments = argparse.ArgumentParser(prog="airbyte_command_line", description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("--bin", type=Path, required=True, help="the programs of a plain airbyte-cdk[dev]")
    arguments.add_argument("--via", choices=("script", "image"), default="script")
    arguments.add_argument("--connector", default="", help="closeio for instance; default: all")
    given = arguments.parse_args()
    rows, failed = [], []
    for connector in all_connectors():
        if given.connector not in ("", connector.name):
            continue
        with tempfile.TemporaryDirectory() as folder, start(connector.emulator, **reachable(given.via)) as account:
            copied = copy(connector, Path(folder))
            give_account(connector, copied, account.config)
            for command in commands(connector, given.via):
                began = time.monotonic()
                done = subprocess.run(
                    command, cwd=copied, env=environment(given.bin), capture_output=True, text=True, check=False
                )
                passed, counts = outcome(done.returncode, done.stdout)
                shown = " ".join(command).replace("--pytest-arg=", "")
                rows.append([connector.script, shown, counts, f"{time.monotonic() - began:.0f}"])
                if not passed:
                    failed.append(f"{connector.script}: {shown}\n{done.stdout[-6000:]}{done.stderr[-2000:]}")
    print(table(["folder", "command", "result", "seconds"], rows))
    print("\n\n".join(failed), end="\n" if failed else "")
    return bool(failed or not rows)


if __name__ == "__main__":
    sys.exit(main())
