"""`make audit` calls nothing clean that was not looked up. Stand-ins for pip-audit answer as it does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from packaging_tests.repository import ROOT

LOCK = "first==1.0 \\\n    --hash=sha256:00\nsecond==2.0 \\\n    --hash=sha256:11\n"
FIRST, SECOND = ({"name": name, "version": version, "vulns": []} for name, version in (("first", "1"), ("second", "2")))
SKIPPED = {"name": "second", "skip_reason": "Dependency not found"}
BAD = {**SECOND, "vulns": [{"id": "PYSEC-1", "aliases": ["CVE-2"], "fix_versions": ["3"], "description": "long"}]}
Answer = list[dict[str, Any]] | str


def audit(folder: Path, **answers: tuple[Answer, Answer]) -> subprocess.CompletedProcess[str]:
    """Runs the command. Each service answers the look at the first package, then the whole lock; a text: it breaks."""
    stand_in = folder / "pip-audit"
    stand_in.write_text(
        f"""#!{sys.executable}
import json, pathlib, sys
answers = {answers!r}
service, lock = sys.argv[2], sys.argv[4]
answer = answers.get(service, ("unreachable", "unreachable"))["second" in pathlib.Path(lock).read_text()]
if isinstance(answer, str):
    sys.exit("Traceback: many lines\\n" + answer)
print(json.dumps({{"dependencies": answer, "fixes": []}}))
sys.exit(any(each.get("vulns") for each in answer))
"""
    )
    stand_in.chmod(0o755)
    (folder / "some.lock").write_text(LOCK)
    return subprocess.run(
        [sys.executable, "-B", ROOT / "tools" / "audit.py", "some.lock"],
        cwd=folder,
        env={**os.environ, "PIP_AUDIT": str(stand_in)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_lock_without_known_vulnerabilities_is_clean(tmp_path: Path) -> None:
    done = audit(tmp_path, pypi=([FIRST], [FIRST, SECOND]))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "some.lock: 2 packages looked up, 0 vulnerabilities, 0 not looked up\n"


def test_a_vulnerability_is_told_with_what_repairs_it(tmp_path: Path) -> None:
    done = audit(tmp_path, pypi=([FIRST], [FIRST, BAD]))
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "some.lock: 2 packages looked up, 1 vulnerabilities, 0 not looked up",
        "  second 2: PYSEC-1, CVE-2; repaired in 3",
    ]


def test_a_package_that_was_not_looked_up_is_no_clean_result(tmp_path: Path) -> None:
    done = audit(tmp_path, pypi=([FIRST], [FIRST, SKIPPED]))
    assert done.returncode == 2
    assert "  not looked up: second: Dependency not found\n" in done.stdout


@pytest.mark.parametrize("pypi", ["no route to the database", [{"name": "first", "skip_reason": "not found on PyPI"}]])
def test_the_next_database_is_asked_where_the_first_does_not_answer(tmp_path: Path, pypi: Answer) -> None:
    done = audit(tmp_path, pypi=(pypi, "never asked"), osv=([FIRST], [FIRST, BAD]))
    assert (done.returncode, done.stderr) == (1, "")


def test_where_no_database_answers_that_is_said_and_nothing_is_called_clean(tmp_path: Path) -> None:
    done = audit(tmp_path, pypi=([{"name": "first", "skip_reason": "not found on PyPI"}], []))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        "audit: no database of vulnerabilities answers here, so nothing was audited",
        "  pypi: not found on PyPI",
        "  osv: unreachable",
    ]


def test_an_answer_of_nothing_is_no_clean_result(tmp_path: Path) -> None:
    assert audit(tmp_path, pypi=([FIRST], [])).returncode == 2


def test_a_database_that_breaks_halfway_is_no_clean_result(tmp_path: Path) -> None:
    done = audit(tmp_path, pypi=([FIRST], "too many requests"))
    assert done.returncode == 2
    assert json.dumps(done.stderr.strip()).endswith('too many requests"')
