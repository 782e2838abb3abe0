"""A copy of what the command line sees of the checkout: one connector, the kit beside it, the settings above it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from harness.connector import Connector
from harness.runner import PROJECT_ROOT

LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.egg-info", "build", ".tmp", ".*_cache", "secrets", ".hypothesis")


def copy(connector: Connector, folder: Path) -> Path:
    """Copies the connector into an empty folder, as the checkout has it, and returns where it is."""
    for name in ("source-kit", f"connectors/{connector.script}"):
        shutil.copytree(PROJECT_ROOT / name, folder / name, ignore=LEFT_OUT)
    shutil.copy(PROJECT_ROOT / "pyproject.toml", folder)
    return folder / "connectors" / connector.script


def give_account(connector: Connector, copied: Path, config: dict[str, Any]) -> None:
    """Writes the two configs that `acceptance-test-config.yml` names: one that works, one that is refused."""
    secrets = copied / "secrets"
    secrets.mkdir()
    for name, content in {"config.json": config, "invalid_config.json": {**config, **connector.invalid_config}}.items():
        (secrets / name).write_text(json.dumps(content))
