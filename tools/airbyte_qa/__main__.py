"""The command: `python -m airbyte_qa --python .venv-airbyte-qa/bin/python`, which `make airbyte-qa` runs.

Exit code 0: every refusal is one that `refusals.yaml` gives a reason for; 1: it is not, or one is listed without need.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path
from typing import Any

from airbyte_qa.judgement import REFUSALS, excuses, problems, table
from airbyte_qa.staging import VIEWS, connectors, stage

WIDTH = 100
SUITE = Path(__file__).with_name("suite.py")


def results_of(python: str) -> list[dict[str, Any]]:
    """Runs the suite in each view, in the environment that holds it; its own words go to stderr if it breaks."""
    results: list[dict[str, Any]] = []
    for view in VIEWS:
        with tempfile.TemporaryDirectory() as folder:
            stage(Path(folder), view)
            command = [python, "-B", "-W", "ignore", str(SUITE), view, folder, *connectors()]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"Airbyte's suite did not run:\n{done.stderr[-4000:]}")
        results += json.loads(done.stdout)
    return results


def main() -> int:
    arguments = argparse.ArgumentParser(prog="airbyte_qa", description="Runs Airbyte's QA suite over the connectors.")
    arguments.add_argument("--python", help="the interpreter of the environment that holds the suite")
    arguments.add_argument("--results", type=Path, help="judge results that were kept, instead of running the suite")
    arguments.add_argument("--refusals", type=Path, default=REFUSALS, help=f"default: {REFUSALS.name}")
    given = arguments.parse_args()
    if bool(given.python) == bool(given.results):
        arguments.error("give either --python or --results")
    results = json.loads(given.results.read_text()) if given.results else results_of(given.python)
    excused = excuses(given.refusals)
    print("\n".join(table(results, VIEWS)), end="\n\n")
    for reason in dict.fromkeys(excuse.because for excuse in excused):
        names = dict.fromkeys(excuse.check for excuse in excused if excuse.because == reason)
        print(textwrap.fill(f"{', '.join(names)}: {reason.strip()}", WIDTH), end="\n\n")
    found = problems(results, excused)
    print("\n".join(found) or f"{len(connectors())} connectors: no refusal without a reason")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
