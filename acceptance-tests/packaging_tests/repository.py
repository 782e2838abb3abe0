"""Where the files of this repository are, and how its requirement files are read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
CONNECTORS = sorted(path.parent for path in ROOT.glob("connectors/source-*/pyproject.toml"))
# Every connector; quick runs have the first one only.
ONE_QUICKLY = pytest.mark.parametrize(
    "connector",
    [CONNECTORS[0], *(pytest.param(connector, marks=pytest.mark.thorough) for connector in CONNECTORS[1:])],
    ids=lambda connector: connector.name,
)
LOCKS = sorted([*ROOT.glob("requirements*.lock"), *ROOT.glob("examples/*/requirements.lock")])


def canonical(name: str) -> str:
    """The form of a package name in which two spellings of it are equal (the packaging specification's rule)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def locked_versions(lock: Path) -> dict[str, set[str]]:
    """Package name -> the versions that a lock file allows (more than one where they depend on the platform)."""
    versions: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([\w.-]+)==([\w.!+-]+)", lock.read_text(), flags=re.MULTILINE):
        versions.setdefault(canonical(name), set()).add(version)
    return versions


def metadata(connector: Path) -> dict[str, Any]:
    """The `data` part of a connector's `metadata.yaml`."""
    data: dict[str, Any] = yaml.safe_load((connector / "metadata.yaml").read_text())["data"]
    return data


def specification(connector: Path) -> dict[str, Any]:
    """What `spec.yaml` of a connector holds."""
    spec: dict[str, Any] = yaml.safe_load((connector / connector.name.replace("-", "_") / "spec.yaml").read_text())
    return spec
