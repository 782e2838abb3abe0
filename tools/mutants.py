"""Changes the code in small ways and tells which of the changes no unit test notices: mutation testing with mutmut.

    python tools/mutants.py keyset oauth --sample 40 --seed 1

Each target is copied to a folder of its own below build/mutants, so that the checkout is never changed. mutmut makes
every mutant there, a sample of them is tried against the tests of the target, and what survives is printed as a diff.
docs/mutation-testing.md says how to read that.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MUTMUT = Path(sys.executable).with_name("mutmut")
# What the exit code of a mutant's tests means: those of pytest, and those that mutmut has for what ended it.
SURVIVED, UNTESTED = {0}, {5, 33}
TIMED_OUT = {-24, -9, 24, 36, 152, 255}


@dataclass(frozen=True)
class Target:
    """Modules that are mutated together, and the test files that should notice, by their patterns."""

    package: str
    modules: Sequence[str]
    tests: Sequence[str]

    @property
    def folder(self) -> Path:
        """The folder of the package's project."""
        return ROOT / ("source-kit" if self.package == "source_kit" else f"connectors/{self.package.replace('_', '-')}")

    @property
    def test_folder(self) -> str:
        """The name of its folder of tests."""
        return "tests" if self.package == "source_kit" else "unit_tests"


TARGETS = {
    "keyset": Target("source_kit", ("keyset", "walks", "cuts", "count", "tokens"), ("test_keyset*.py",)),
    "oauth": Target("source_kit", ("oauth",), ("test_oauth.py",)),
    "numbered": Target("source_kit", ("numbered",), ("test_numbered.py",)),
    "budget": Target("source_kit", ("budget", "headers"), ("test_budget.py", "test_headers.py")),
    "inputs": Target("source_kit", ("state_input", "redaction", "timestamps"), (
        "test_state_input.py", "test_redaction.py", "test_timestamps.py",
    )),
    "closeio-events": Target("source_closeio", ("events", "edits"), (
        "test_event_log.py", "test_deleted_records.py", "test_edits.py", "test_activities.py",
    )),
    "kustomer-children": Target("source_kustomer", ("children",), ("test_children*.py",)),
    "kustomer-searches": Target(
        "source_kustomer",
        ("searches", "search", "search_fetcher"),
        ("test_search.py", "test_custom.py", "test_endpoints.py"),
    ),
    "kustomer-budget": Target("source_kustomer", ("budget",), ("test_budget.py",)),
    "persistiq": Target("source_persistiq", ("streams", "events"), ("test_*.py",)),
}  # fmt: skip
USUAL = ("keyset", "oauth", "kustomer-children")


class Workspace:
    """A copy of one target in which mutmut may do as it likes."""

    def __init__(self, name: str, target: Target) -> None:
        self.target = target
        self.folder = ROOT / "build" / "mutants" / name
        shutil.rmtree(self.folder, ignore_errors=True)
        for part in (target.package, target.test_folder):
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(target.folder / part, self.folder / part, ignore=ignored)
        (self.folder / "pyproject.toml").write_text(self._settings())

    def _settings(self) -> str:
        target, tests = self.target, self.folder / self.target.test_folder
        found = [f"{target.test_folder}/{path.name}" for name in target.tests for path in sorted(tests.glob(name))]
        mutmut = {
            "source_paths": [target.package],
            "only_mutate": [f"{target.package}/{module}.py" for module in target.modules],
            "also_copy": [target.test_folder],
            "pytest_add_cli_args_test_selection": found,
            "pytest_add_cli_args": ["-p", "no:cacheprovider", "-p", "no:xdist"],
        }
        lines = [f"{key} = {json.dumps(value)}" for key, value in mutmut.items()]
        # An endless mutant is stopped after three times as long as its tests take, and some seconds.
        limits = ["timeout_multiplier = 1.5", "timeout_constant = 3.0"]
        pytest = ["[tool.pytest.ini_options]", 'addopts = ["--import-mode=importlib"]']
        return "\n".join(["[tool.mutmut]", *lines, *limits, *pytest, ""])

    def mutmut(self, *arguments: str) -> str:
        """What a command of mutmut prints. Raises `RuntimeError` where it has not even read the tests."""
        paths = [str(ROOT / "acceptance-tests"), os.environ.get("PYTHONPATH", "")]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths)), "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(
            [MUTMUT, *arguments], cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )
        if "Failed to" in done.stdout:
            raise RuntimeError(done.stdout[-3000:])
        return done.stdout

    def results(self) -> dict[str, int | None]:
        """The exit code of the tests of each mutant; None for those that were not tried."""
        found: dict[str, int | None] = {}
        for module in self.target.modules:
            meta = self.folder / "mutants" / self.target.package / f"{module}.py.meta"
            found |= json.loads(meta.read_text())["exit_code_by_key"]
        return found


def verdict(code: int | None) -> str:
    """`killed`, `survived`, `untested` (no test reaches the place) or `timeout`, which counts as killed."""
    for name, codes in (("survived", SURVIVED), ("untested", UNTESTED), ("timeout", TIMED_OUT)):
        if code in codes:
            return name
    return "killed"


def tried(name: str, sample: int, seed: int) -> Iterator[str]:
    """The lines about one target: its figures, then the diffs of what survived."""
    began = time.monotonic()
    workspace = Workspace(name, TARGETS[name])
    # A name that no mutant has: mutants are made, and each test is seen running, but nothing is tried.
    workspace.mutmut("run", "none")
    names = sorted(workspace.results())
    chosen = names if sample == 0 else random.Random(seed).sample(names, min(sample, len(names)))
    workspace.mutmut("run", "--max-children", "1", *chosen)
    codes = workspace.results()
    verdicts = {mutant: verdict(codes[mutant]) for mutant in chosen}
    counts = Counter(verdicts.values())
    noticed = counts["killed"] + counts["timeout"]
    yield (
        f"{name:20} {len(names):8} {len(chosen):6} {counts['killed']:7} {counts['timeout']:8} {counts['survived']:9} "
        f"{counts['untested']:9} {noticed / len(chosen):6.0%} {time.monotonic() - began:8.0f}"
    )
    for mutant in chosen:
        if verdicts[mutant] in ("survived", "untested"):
            yield workspace.mutmut("show", mutant).rstrip()


def main() -> None:
    """Prints a table, and the survivors. The exit code is 0 however many there are."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(TARGETS)} (usual: {USUAL})")
    parser.add_argument("--sample", type=int, default=40, help="mutants to try of each target; 0: all")
    parser.add_argument("--seed", type=int, default=1, help="which ones")
    options = parser.parse_args()
    unknown = [name for name in options.targets if name not in TARGETS]
    if unknown:
        parser.error(f"no such target: {', '.join(unknown)}; there are {', '.join(TARGETS)}")
    print("target                mutants  tried  killed  timeout  survived  untested  score  seconds", flush=True)
    for name in options.targets or USUAL:
        for line in tried(name, options.sample, options.seed):
            print(line, flush=True)


if __name__ == "__main__":
    main()
