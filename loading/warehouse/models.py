"""Builds and tests the dbt project of `models/` on what was loaded.

dbt has an environment of its own, `.venv-models`.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from harness.runner import PROJECT_ROOT
from warehouse.databases import Database
from warehouse.pyairbyte import LoadingError
from warehouse.truth import Figures

PROJECT = PROJECT_ROOT / "models"
DBT = PROJECT_ROOT / ".venv-models" / "bin" / "dbt"
SOURCES = PROJECT / "models" / "staging" / "sources.yml"
GOOD = ("success", "pass")
RECORD_IDS = "record_ids"


def streams_of(system: str, config: Mapping[str, Any]) -> tuple[str, ...]:
    """The streams that the models read; `record_ids` only where the config asks for it, since it is no stream else."""
    sources = yaml.safe_load(SOURCES.read_text())["sources"]
    tables = [table["name"] for source in sources if source["name"] == system for table in source["tables"]]
    return tuple(name for name in tables if name != RECORD_IDS or config.get("record_ids_of"))


@dataclass(frozen=True)
class Built:
    """How many models were built and tests passed, by dbt's own count, and the wall time of dbt."""

    models: int
    tests: int
    seconds: float


def build(database: Database, systems: Sequence[str], truth: Figures, folder: Path) -> Built:
    """`dbt build` on these systems, compared with the figures. Raises `LoadingError` with all that failed."""
    if not DBT.is_file():
        raise LoadingError(f"there is no {DBT}: `make models` installs it")
    variables = json.dumps({"systems": list(systems), "truth": truth})
    target, log = folder / "target", folder / "log"
    where = ("--project-dir", PROJECT, "--profiles-dir", PROJECT, "--target-path", target, "--log-path", log)
    started = time.monotonic()
    done = subprocess.run(
        [DBT, "build", "--quiet", "--vars", variables, *where],
        env=os.environ | database.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.monotonic() - started
    results = _results(target / "run_results.json")
    # What is skipped is skipped because of something else that is listed.
    failed = [_problem(each) for each in results if each["status"] not in (*GOOD, "skipped")]
    if failed or done.returncode or not results:
        raise LoadingError("dbt failed:\n" + "\n".join(failed or [done.stdout, done.stderr]))
    kinds = Counter(each["unique_id"].split(".")[0] for each in results)
    return Built(kinds["model"], kinds["test"], seconds)


def _results(path: Path) -> list[dict[str, Any]]:
    if not path.is_file():
        return []
    found: list[dict[str, Any]] = json.loads(path.read_text())["results"]
    return found


def _problem(result: Mapping[str, Any]) -> str:
    return f"{result['unique_id']}: {result['status']}: {result['message']}"
