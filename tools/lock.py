"""Resolves the requirements*.lock files from the requirements*.in files and source-kit's own dependencies.

Hashes are written, the address of the index is not: whoever installs brings an index, or a mirror, of their own.
The image's list holds single packages without what they depend on (`requirements-image.in` says why), in the versions
of the development lock, so that what is tested is what is shipped; `requirements-dist.lock` is the whole tree, for
whoever installs the wheels.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DEVELOPMENT_LOCK = "requirements-dev.lock"
# When the Airflow of examples/airflow was released: its own constraints are the highest versions of such a day.
AIRFLOW_RELEASE = "2026-09-18T00:00:00Z"


def compile_lock(lock: str, *arguments: str) -> None:
    """Writes `lock` anew from the given inputs; versions in an existing lock are kept unless an input forbids them."""
    uv = Path(sys.executable).with_name("uv")
    options = [
        "--universal",
        "--python-version",
        "3.11",
        "--generate-hashes",
        "--no-annotate",
        "--no-header",
        "--quiet",
    ]
    subprocess.run([uv, "pip", "compile", *options, *arguments, "--output-file", lock], cwd=ROOT, check=True)


def main() -> None:
    """Passes what follows the command to every resolution, `--upgrade` or `--upgrade-package NAME` for instance."""
    upgrades = sys.argv[1:]
    compile_lock(DEVELOPMENT_LOCK, "source-kit/pyproject.toml", "requirements-dev.in", *upgrades)
    for name in ("build", "image"):
        deep = ["--no-deps"] if name == "image" else []
        compile_lock(
            f"requirements-{name}.lock", f"requirements-{name}.in", "--constraint", DEVELOPMENT_LOCK, *deep, *upgrades
        )
    compile_lock("requirements-dist.lock", "source-kit/pyproject.toml", "--constraint", DEVELOPMENT_LOCK, *upgrades)
    # Environments of their own: nothing else uses what they hold.
    for name in ("loading", "models"):
        compile_lock(f"requirements-{name}.lock", f"requirements-{name}.in", *upgrades)
    compile_lock("examples/dlt/requirements.lock", "examples/dlt/requirements.in", *upgrades)
    compile_lock("requirements-release.lock", "requirements-release.in", *upgrades)
    compile_lock("requirements-airbyte-qa.lock", "requirements-airbyte-qa.in", "--no-deps", *upgrades)
    airbyte_tests = ("source-kit/pyproject.toml", "requirements-airbyte-tests.in")
    compile_lock("requirements-airbyte-tests.lock", *airbyte_tests, *upgrades)
    airflow = ("examples/airflow/requirements.in", "--exclude-newer", AIRFLOW_RELEASE)
    compile_lock("examples/airflow/requirements.lock", *airflow, *upgrades)


if __name__ == "__main__":
    main()
