"""What an image or a folder of wheels holds, in one form: packages with version, licences and what they require."""

from __future__ import annotations

import email
import hashlib
import re
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PYTHON, DEBIAN = "python", "debian"
# The classifiers of licences that packages without an SPDX expression use, as SPDX has them. "BSD License" names no
# certain one, and stays as it is.
SPDX = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache Software License": "Apache-2.0",
    "GNU General Public License v2 or later (GPLv2+)": "GPL-2.0-or-later",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
# Some packages put the whole text of the licence where its name belongs; its first line is the name, or it is none.
LONGEST_NAME = 60


@dataclass(frozen=True)
class Package:
    """One thing that is delivered. `where` says where its licence can be read if no name is known."""

    kind: str
    name: str
    version: str
    licences: tuple[str, ...]
    summary: str = ""
    requires: tuple[str, ...] = ()
    architecture: str = ""
    system: str = ""
    sha256: str = ""
    where: str = ""


def canonical(name: str) -> str:
    """The form of a package name in which two spellings of it are equal (the packaging specification's rule)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def licences_of(entry: Mapping[str, Any]) -> tuple[str, ...]:
    """The licences that a Python package's metadata names: its expression, else its classifiers, else its free text."""
    if entry["expression"]:
        return (str(entry["expression"]),)
    named = [text.rpartition(" :: ")[2] for text in entry["classifiers"]]
    if licences := tuple(dict.fromkeys(SPDX.get(name, name) for name in named if name != "OSI Approved")):
        return licences
    name = (entry["licence"] or "").strip().partition("\n")[0].strip()
    return (SPDX.get(name, name),) if 0 < len(name) <= LONGEST_NAME else ()


def python_package(entry: Mapping[str, Any], sha256: str = "") -> Package:
    return Package(
        kind=PYTHON,
        name=str(entry["name"]),
        version=str(entry["version"]),
        licences=licences_of(entry),
        summary=str(entry["summary"] or ""),
        requires=tuple(entry["requires"]),
        sha256=sha256,
    )


def in_image(contents: Mapping[str, Any]) -> list[Package]:
    """The packages that `contents.py` has found in an image, in order."""
    packages = [python_package(entry) for entry in contents["python"]]
    for entry in contents["debian"]:
        copyright_file = f"/usr/share/doc/{entry['name']}/copyright"
        packages.append(
            Package(
                kind=DEBIAN,
                name=entry["name"],
                version=entry["version"],
                licences=tuple(entry["licences"]),
                architecture=entry["architecture"],
                system=contents["system"],
                where=copyright_file if entry["has_copyright"] else "",
            )
        )
    return in_order(packages)


def in_wheels(folder: Path) -> list[Package]:
    """The packages whose wheels a folder holds, in order."""
    return in_order(wheel(path) for path in folder.glob("*.whl"))


def wheel(path: Path) -> Package:
    """What the metadata inside a wheel says."""
    with zipfile.ZipFile(path) as archive:
        (name,) = [name for name in archive.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", name)]
        metadata = email.message_from_bytes(archive.read(name))
    entry = {
        "name": metadata["Name"],
        "version": metadata["Version"],
        "expression": metadata.get("License-Expression"),
        "licence": metadata.get("License"),
        "classifiers": [text for text in metadata.get_all("Classifier", []) if text.startswith("License ::")],
        "summary": metadata.get("Summary"),
        "requires": metadata.get_all("Requires-Dist", []),
    }
    return python_package(entry, hashlib.sha256(path.read_bytes()).hexdigest())


def in_order(packages: Iterable[Package]) -> list[Package]:
    return sorted(packages, key=lambda package: (package.kind != PYTHON, canonical(package.name), package.version))


def untold(packages: Iterable[Package]) -> list[str]:
    """The packages of which neither a licence nor a place to read it is known."""
    return [f"{each.name} {each.version}" for each in packages if not each.licences and not each.where]


def licence_list(title: str, packages: Iterable[Package]) -> str:
    """The packages and their licences as a page."""
    lines = [f"# Licences of what is in {title}", ""]
    lines += ["| package | version | from | licence |", "|---|---|---|---|"]
    for each in packages:
        text = ", ".join(each.licences) or f"as its file says: `{each.where}`"
        lines.append(f"| {each.name} | {each.version} | {each.kind} | {text} |")
    return "\n".join([*lines, ""])
