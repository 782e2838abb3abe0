"""Replays the platform with a connector and prints every check with its result."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from demo.table import table
from harness.connector import Connector, all_connectors
from harness.runner import Runner, ScriptRunner
from platform_replay.checks import CHECKS, Check, shown
from platform_replay.jobs import Replays


def runner_of(connector: Connector, via: str, directory: Path) -> Runner:
    if via == "image":
        from harness.image import ImageRunner  # needs an engine, which script runs do without

        return ImageRunner(directory, connector.image)
    return ScriptRunner(directory, connector.script)


def result_of(check: Check, replays: Replays, thorough: bool) -> tuple[str, list[str]]:
    """The word in the table, and the problems."""
    if not check.applies_to(replays.connector):
        return "does not apply: no OAuth", []
    if check.thorough and not thorough:
        return "left out: --thorough runs it", []
    problems = check.judge(replays)
    return f"{len(problems)} problems" if problems else "ok", problems


def stories_told(replays: Replays) -> list[list[str]]:
    """Plays all stories but the long ones; a row for each."""
    rows = []
    started = time.monotonic()
    for name, story in replays.stories():
        tracks = [track for attempt in story.attempts for track in attempt.streams.values()]
        records, states = sum(track.records for track in tracks), sum(len(track.checkpoints) for track in tracks)
        seconds = time.monotonic() - started
        rows.append([name.replace("_", " "), str(len(story.attempts)), f"{records:,}", f"{states:,}", f"{seconds:.1f}"])
        started = time.monotonic()
    return rows


def main() -> int:
    connectors = {connector.name: connector for connector in all_connectors()}
    parser = argparse.ArgumentParser(prog="platform_replay", description=__doc__)
    parser.add_argument("--connector", choices=sorted(connectors), default="closeio")
    parser.add_argument("--via", choices=("script", "image"), default="script", help="run the console script or image")
    parser.add_argument("--thorough", action="store_true", help="also what waits for longer than a minute")
    arguments = parser.parse_args()
    connector = connectors[arguments.connector]
    rows: list[list[str]] = []
    failures: list[str] = []
    with (
        tempfile.TemporaryDirectory(prefix="platform-replay-") as directory,
        Replays(connector, runner_of(connector, arguments.via, Path(directory))) as replays,
    ):
        told = stories_told(replays)
        for check in CHECKS:
            result, problems = result_of(check, replays, arguments.thorough)
            rows.append([check.name, check.promise, result])
            failures += [f"\n{check.name}\n{shown(problems)}"] if problems else []
    print(f"{connector.script} as {arguments.via}\n")
    print(table(["jobs", "attempts", "records", "states", "seconds"], told, right=(1, 2, 3, 4)) + "\n")
    print(table(["check", "what it holds to", "result"], rows))
    print("\n".join(failures), file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
