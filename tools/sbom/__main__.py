"""The command; see the package. Exit code 1: a package whose licence is not known."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import yaml
from cyclonedx.model.component import ComponentType

from build_dist import source_date
from sbom.bill import bill
from sbom.inventory import Package, in_image, in_wheels, licence_list, untold

ROOT = Path(__file__).resolve().parents[2]
CONTENTS = Path(__file__).with_name("contents.py")
PYTHON_OF_IMAGES = "/opt/connector/bin/python"


def docker(*arguments: str, given: str | None = None) -> str:
    client = os.environ.get("DOCKER") or "docker"
    return subprocess.run([client, *arguments], input=given, capture_output=True, text=True, check=True).stdout


def version_of(connector: str) -> str:
    metadata = yaml.safe_load((ROOT / "connectors" / connector / "metadata.yaml").read_text())
    return str(metadata["data"]["dockerImageTag"])


def write(folder: Path, title: str, packages: Sequence[Package], text: str) -> bool:
    """Writes both files; whether every licence is known."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sbom.cdx.json").write_text(f"{text}\n")
    (folder / "licences.md").write_text(licence_list(title, packages))
    counts = {kind: sum(each.kind == kind for each in packages) for kind in dict.fromkeys(p.kind for p in packages)}
    counted = ", ".join(f"{count} {kind} packages" for kind, count in counts.items())
    print(f"{title}: {counted}, {len(json.loads(text)['components'])} components in {folder / 'sbom.cdx.json'}")
    for name in untold(packages):
        print(f"  the licence of {name} is not known", file=sys.stderr)
    return not untold(packages)


def of_image(connector: str) -> bool:
    version = version_of(connector)
    image = f"{connector}:{version}"
    identity = docker("image", "inspect", "--format", "{{.Id}}", image).strip()
    run = ("run", "--rm", "--interactive", "--network", "none", "--entrypoint", PYTHON_OF_IMAGES, image, "-")
    packages = in_image(json.loads(docker(*run, given=CONTENTS.read_text())))
    text = bill(ComponentType.CONTAINER, connector, version, packages, source_date(), identity)
    return write(ROOT / "build" / "images" / connector, image, packages, text)


def of_wheels(folder: Path) -> bool:
    packages = in_wheels(folder)
    version = next((each.version for each in packages if each.name == "source-kit"), None)
    if version is None:
        sys.exit(f"{folder} holds no wheel of source-kit: run `make dist`")
    text = bill(ComponentType.APPLICATION, "wheels", version, packages, source_date())
    return write(folder, f"{folder.name}/", packages, text)


def main() -> int:
    arguments = argparse.ArgumentParser(prog="sbom", description="Writes a bill of materials and a list of licences.")
    arguments.add_argument("kind", choices=("image", "wheels"))
    arguments.add_argument("names", nargs="+", help="connectors whose images are built; or the folder of the wheels")
    given = arguments.parse_args()
    known = [of_image(name) if given.kind == "image" else of_wheels(Path(name)) for name in given.names]
    return not all(known)


if __name__ == "__main__":
    sys.exit(main())
