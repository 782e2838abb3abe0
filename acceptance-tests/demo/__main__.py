"""Starts an emulated Close account and reads it: spec, check, discover, a full read, an incremental read.

Runs the image where a Docker engine answers and the image exists or can be built, the console script otherwise.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import orjson

from connectors.closeio import CONNECTOR, requests_by_stream
from demo.table import table
from emulators import Emulator, start
from harness.catalog import configured
from harness.messages import Result
from harness.runner import PROJECT_ROOT, Runner, ScriptRunner

BUILD_SECONDS = 75
CHANGES = {"leads": {"update": 25, "create": 5}, "tasks": {"update": 10, "create": 3}, "activities": {"create": 40}}


class DemoFailed(RuntimeError):
    """A command did not do what the demo shows."""


def docker_answers() -> bool:
    """Whether there is an engine to talk to."""
    if shutil.which("docker") is None:
        return False
    return subprocess.run(["docker", "version"], capture_output=True, check=False).returncode == 0


def image_is_there(image: str) -> bool:
    """The image exists, or could be built now."""
    if subprocess.run(["docker", "image", "inspect", image], capture_output=True, check=False).returncode == 0:
        return True
    say(f"building {image} ...")
    build = [sys.executable, str(PROJECT_ROOT / "tools" / "build_image.py"), CONNECTOR.script]
    try:
        return subprocess.run(build, capture_output=True, check=False, timeout=BUILD_SECONDS).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def choose_runner(wanted: str, directory: Path) -> Runner:
    """The runner asked for; without a wish the image where that is possible."""
    if wanted != "venv":
        if docker_answers() and image_is_there(CONNECTOR.image):
            from harness.image import ImageRunner  # needs an engine

            return ImageRunner(directory, CONNECTOR.image)
        if wanted == "docker":
            raise DemoFailed(
                f"no Docker engine answers, or {CONNECTOR.image} cannot be built: try `make base-image images`"
            )
    return ScriptRunner(directory, CONNECTOR.script)


def say(text: str) -> None:
    print(text, flush=True)


def shown(runner: Runner, command: str, *values: Any) -> Result:
    """Runs a command, says how long it took, and fails the demo if it failed."""
    started = time.monotonic()
    result = runner.run(command, *values)
    if result.exit_code != 0:
        raise DemoFailed(f"{command}: {result.describe()}")
    say(f"$ {CONNECTOR.script} {command:<9} {time.monotonic() - started:5.1f} s")
    return result


def seconds_by_stream(result: Result) -> dict[str, float]:
    """From STARTED to COMPLETE; streams are read side by side, so these do not add up."""
    times: dict[str, list[float]] = {}
    for trace in result.traces("STREAM_STATUS"):
        times.setdefault(trace["stream_status"]["stream_descriptor"]["name"], []).append(trace["emitted_at"] / 1000)
    return {name: values[-1] - values[0] for name, values in times.items()}


def report(title: str, result: Result, requests: dict[str, str], total: int) -> None:
    """One line per stream."""
    seconds = seconds_by_stream(result)
    rows = [
        [
            name,
            f"{len(result.records.get(name, [])):,}",
            requests.get(name, "-"),
            f"{seconds.get(name, 0):.1f}",
            orjson.dumps(result.states[name][-1]).decode(),
        ]
        for name in CONNECTOR.stream_names
    ]
    records = sum(len(found) for found in result.records.values())
    say(f"\n{title}: {records:,} records, {total:,} requests, {result.seconds:.1f} s with start-up")
    say(table(["stream", "records", "requests", "seconds", "state"], rows, right=(1, 2, 3)) + "\n")


def read(runner: Runner, emulator: Emulator, catalog: dict[str, Any], title: str, state: Any = None) -> Result:
    """A read and its table."""
    emulator.reset_stats()
    result = shown(runner, "read", emulator.config, configured(catalog, CONNECTOR.stream_names), state)
    report(title, result, requests_by_stream(result.logs), emulator.stats()["requests"])
    return result


def check_against_truth(emulator: Emulator, result: Result) -> None:
    """The demo shows complete reads, so it proves them."""
    counts = {stream.name: len(emulator.truth(stream.truth_name)) for stream in CONNECTOR.streams}
    wrong = {name: count for name, count in counts.items() if len(result.records.get(name, [])) != count}
    if wrong:
        raise DemoFailed(f"the account holds other numbers of records: {wrong}")
    say(f"the account holds exactly these {sum(counts.values()):,} records")


def run(wanted: str, leads: int) -> None:
    """The whole demonstration."""
    with tempfile.TemporaryDirectory(prefix="demo-") as directory, start(CONNECTOR.emulator, leads=leads) as emulator:
        runner = choose_runner(wanted, Path(directory))
        say(f"emulated account with {leads:,} leads at {emulator.url}; the connector runs as {runner.kind}\n")
        shown(runner, "spec")
        shown(runner, "check", emulator.config)
        catalog = shown(runner, "discover", emulator.config).catalog
        first = read(runner, emulator, catalog, "full read")
        check_against_truth(emulator, first)
        for stream, changes in CHANGES.items():
            emulator.touch(stream, **changes)
        described = ", ".join(f"{stream}: {changes}" for stream, changes in CHANGES.items())
        say(f"\nchanged in the account: {described}")
        read(runner, emulator, catalog, "incremental read from the saved state", first.final_states())


def main() -> int:
    parser = argparse.ArgumentParser(prog="demo", description=__doc__)
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--docker", dest="wanted", action="store_const", const="docker", help="run the image")
    where.add_argument("--venv", dest="wanted", action="store_const", const="venv", help="run the console script")
    parser.add_argument("--leads", type=int, default=3000)
    arguments = parser.parse_args()
    try:
        run(arguments.wanted or "", arguments.leads)
    except DemoFailed as error:
        print(f"demo failed: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
