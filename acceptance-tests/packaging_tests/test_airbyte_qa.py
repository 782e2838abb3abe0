"""`make airbyte-qa` fails where Airbyte's suite refuses without a written reason, and where a reason is not needed.

The suite itself has an environment of its own; here the judgement is tested with results of the form that it gives.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from packaging_tests.repository import CONNECTORS, ROOT, locked_versions

REFUSALS = ROOT / "tools" / "airbyte_qa" / "refusals.yaml"
RESULTS = [
    {"view": "as is", "connector": "source-x", "check": "Icon", "status": "passed", "message": "fine"},
    {"view": "as is", "connector": "source-x", "check": "Lock", "status": "failed", "message": "no lock file"},
    {"view": "certified", "connector": "source-x", "check": "Icon", "status": "skipped", "message": ""},
    {"view": "certified", "connector": "source-x", "check": "Lock", "status": "passed", "message": ""},
    {"view": "certified", "connector": "source-x", "check": "Links", "status": "not asked", "message": ""},
]
LISTED = {
    "refused": [{"check": "Lock", "view": "as is", "says": "no lock file", "because": "There is another."}],
    "not asked": [{"check": "Links", "because": "It asks the network."}],
}


def judge(folder: Path, results: object, listed: object) -> subprocess.CompletedProcess[str]:
    (folder / "results.json").write_text(json.dumps(results))
    (folder / "refusals.yaml").write_text(yaml.safe_dump(listed))
    command = [sys.executable, "-B", "-m", "airbyte_qa", "--results", "results.json", "--refusals", "refusals.yaml"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "tools")}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_refusals_with_a_reason_pass_and_are_shown_with_it(tmp_path: Path) -> None:
    done = judge(tmp_path, RESULTS, LISTED)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[:6] == [
        "check  as is    certified",
        "Icon   passed   does not apply",
        "Lock   refused  passed",
        "Links  -        not asked",
        "",
        "Lock: There is another.",
    ]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"message": "the icon is no square", "check": "Icon", "status": "failed"}, "Icon is refused: the icon is no"),
        ({"message": "setup.py exists"}, "Lock is refused: setup.py exists"),
        ({"view": "certified"}, "source-x, certified: Lock is refused: no lock file"),
        ({"check": "Increment", "status": "not asked"}, "Increment is not asked"),
        ({"status": "passed"}, "Lock (as is) is listed and did not happen"),
    ],
)
def test_what_is_not_listed_or_listed_without_need_is_told(tmp_path: Path, change: dict[str, str], says: str) -> None:
    results = [{**result, **change} if result["status"] == "failed" else result for result in RESULTS]
    done = judge(tmp_path, results, LISTED)
    assert done.returncode == 1
    assert says in done.stdout


def test_a_refusal_without_a_reason_is_no_entry(tmp_path: Path) -> None:
    listed = {**LISTED, "not asked": [{"check": "Links", "because": " "}]}
    assert judge(tmp_path, RESULTS, listed).returncode == 1


@pytest.mark.parametrize("connector", CONNECTORS, ids=lambda connector: connector.name)
def test_what_the_suite_looks_for_under_poetry_is_what_holds(connector: Path) -> None:
    settings = tomllib.loads((connector / "pyproject.toml").read_text())
    shown, project = settings["tool"]["poetry"], settings["project"]
    (kit,) = locked_versions(ROOT / "requirements-dist.lock")["airbyte-cdk"]
    assert shown == {
        "version": project["version"].partition("+")[0],
        "license": project["license"],
        "dependencies": {"airbyte-cdk": kit},
    }
