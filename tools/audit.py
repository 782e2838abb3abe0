"""Asks the databases of known vulnerabilities about every package of the given lock files; `make audit` runs it.

    python tools/audit.py requirements-dist.lock requirements-image.lock

The databases are PyPI's and OSV's, through pip-audit; the first that answers is asked. Exit code 0: every package was
looked up, and nothing is known against any; 1: something is; 2: no database answered, or not for every package. That is
no clean result, and pip-audit alone would call it one: it skips packages that a database does not know.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

CLEAN, VULNERABLE, NOT_AUDITED = 0, 1, 2
SERVICES = ("pypi", "osv")
OPTIONS = ("--require-hashes", "--disable-pip", "--format", "json", "--progress-spinner", "off", "--timeout", "30")

Dependency = Mapping[str, Any]


class NoAnswer(RuntimeError):
    """A database could not be asked; the message says why."""


def ask(service: str, lock: Path) -> list[Dependency]:
    """What a database says of each package of a lock file. Raises `NoAnswer`."""
    program = os.environ.get("PIP_AUDIT") or str(Path(sys.executable).with_name("pip-audit"))
    command = [program, "--vulnerability-service", service, "--requirement", str(lock), *OPTIONS]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        last = done.stderr.strip().splitlines()[-1:] or ["it said nothing"]
        raise NoAnswer(last[0][:300]) from None
    return list(answer["dependencies"])


def first_entry(lock: Path) -> str:
    """The first package of a lock file, with its hashes."""
    return re.split(r"\n(?=\w)", lock.read_text())[0]


def reachable(lock: Path) -> str:
    """The first database that knows the first package. Raises `NoAnswer` with what each of them said."""
    reasons = []
    with tempfile.TemporaryDirectory() as folder:
        probe = Path(folder) / "probe.lock"
        probe.write_text(first_entry(lock))
        for service in SERVICES:
            try:
                (answer,) = ask(service, probe)
            except NoAnswer as problem:
                reasons.append(f"{service}: {problem}")
            else:
                if "skip_reason" not in answer:
                    return service
                reasons.append(f"{service}: {answer['skip_reason']}")
    raise NoAnswer("\n  ".join(["no database of vulnerabilities answers here, so nothing was audited", *reasons]))


def report(lock: Path, dependencies: Sequence[Dependency]) -> int:
    """Prints what was found in one lock file; returns the exit code that it deserves."""
    skipped = [f"{each['name']}: {each['skip_reason']}" for each in dependencies if "skip_reason" in each]
    found = [(each, vulnerability) for each in dependencies for vulnerability in each.get("vulns", ())]
    looked_up = len(dependencies) - len(skipped)
    print(f"{lock.name}: {looked_up} packages looked up, {len(found)} vulnerabilities, {len(skipped)} not looked up")
    for each, vulnerability in found:
        names = ", ".join([vulnerability["id"], *vulnerability.get("aliases", ())])
        repaired = ", ".join(vulnerability.get("fix_versions", ())) or "no version yet"
        print(f"  {each['name']} {each['version']}: {names}; repaired in {repaired}")
    print("".join(f"  not looked up: {line}\n" for line in skipped), end="")
    if found:
        return VULNERABLE
    return NOT_AUDITED if skipped or not dependencies else CLEAN


def main() -> int:
    locks = [Path(name) for name in sys.argv[1:]]
    if not locks:
        sys.exit(__doc__)
    try:
        service = reachable(locks[0])
        codes = [report(lock, ask(service, lock)) for lock in locks]
    except NoAnswer as problem:
        print(f"audit: {problem}", file=sys.stderr)
        return NOT_AUDITED
    return VULNERABLE if VULNERABLE in codes else max(codes)


if __name__ == "__main__":
    sys.exit(main())
