"""Lays the connectors out as Airbyte's repository has them, in the two ways in which its suite is asked.

`as is`: the metadata says what ours says (community support, documentation of our own). `certified`: as if they were
handed to the catalogue for its highest level, where the suite also judges the documentation page.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
AS_IS, CERTIFIED = "as is", "certified"
VIEWS = (AS_IS, CERTIFIED)
# What a checkout holds besides what is committed.
LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.egg-info", "build", ".tmp", ".*_cache", "secrets", ".hypothesis")
# From this service level on the suite judges the documentation page.
CERTIFIED_LEVEL = 300


def connectors() -> list[str]:
    """The folder names of all connectors, `source-closeio` for instance."""
    return sorted(path.parent.name for path in ROOT.glob("connectors/source-*/metadata.yaml"))


def stage(folder: Path, view: str) -> None:
    """Copies all connectors and their pages into an empty folder."""
    pages = folder / "docs" / "integrations" / "sources"
    pages.mkdir(parents=True)
    for connector in connectors():
        name = connector.removeprefix("source-")
        copy = folder / "airbyte-integrations" / "connectors" / connector
        shutil.copytree(ROOT / "connectors" / connector, copy, ignore=LEFT_OUT)
        shutil.copy(copy / "README.md", pages / f"{name}.md")
        if view == CERTIFIED:
            metadata = yaml.safe_load((copy / "metadata.yaml").read_text())
            metadata["data"] |= {
                "documentationUrl": f"https://docs.airbyte.com/integrations/sources/{name}",
                "supportLevel": "certified",
                "ab_internal": {"ql": 400, "sl": CERTIFIED_LEVEL},
            }
            (copy / "metadata.yaml").write_text(yaml.safe_dump(metadata))
