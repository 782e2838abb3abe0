"""What is registered: one source definition per connector, read off its `metadata.yaml` and `icon.svg`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

CONNECTORS = Path(__file__).resolve().parents[2] / "connectors"


@dataclass(frozen=True)
class Definition:
    """A connector as Airbyte is to know it. `repository` and `tag` name its image, `resources` are for its pods."""

    name: str
    repository: str
    tag: str
    documentation_url: str
    icon: str
    resources: dict[str, Any]

    @property
    def image(self) -> str:
        return f"{self.repository}:{self.tag}"


def connector_names() -> list[str]:
    """The short names: `closeio` for `source-closeio`."""
    return sorted(path.parent.name.removeprefix("source-") for path in CONNECTORS.glob("source-*/metadata.yaml"))


def load(connector: str, *, registry: str = "", tag: str = "", documentation_url: str = "") -> Definition:
    """The definition of a connector by its short name; the arguments replace what its metadata says."""
    folder = CONNECTORS / f"source-{connector}"
    metadata = yaml.safe_load((folder / "metadata.yaml").read_text())["data"]
    prefix = f"{registry.rstrip('/')}/" if registry else ""
    return Definition(
        name=metadata["name"],
        repository=prefix + metadata["dockerRepository"],
        tag=tag or metadata["dockerImageTag"],
        documentation_url=documentation_url or metadata["documentationUrl"],
        icon=(folder / metadata["icon"]).read_text(),
        resources=metadata["resourceRequirements"],
    )
