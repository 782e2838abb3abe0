"""Prints as JSON what an image holds. Runs inside it, with its interpreter and the standard library alone.

    docker run --rm --interactive --entrypoint /opt/connector/bin/python IMAGE - <contents.py

`python`: each installed distribution with what its metadata says of its licence. `debian`: each package of the base,
with the short names of licences in its copyright file, where that has the machine-readable form.
"""

from __future__ import annotations

import json
import platform
import re
import subprocess
from importlib.metadata import Distribution, distributions
from pathlib import Path

COPYRIGHT = Path("/usr/share/doc")
FIELDS = "${Package}\t${Version}\t${Architecture}\t${source:Package}\t${source:Version}\t${db:Status-Abbrev}\n"


def described(distribution: Distribution) -> dict[str, object]:
    """Name, version, licence as the metadata says it in its three ways, and what the distribution requires."""
    metadata = distribution.metadata.json
    classifiers = metadata.get("classifier", [])
    return {
        "name": metadata["name"],
        "version": metadata["version"],
        "expression": metadata.get("license_expression"),
        "licence": metadata.get("license"),
        "classifiers": [text for text in classifiers if str(text).startswith("License ::")],
        "summary": metadata.get("summary"),
        "requires": metadata.get("requires_dist", []),
    }


def licences(package: str) -> list[str]:
    """The short names in a copyright file, each once; empty where the file is in free form, or not there."""
    file = COPYRIGHT / package / "copyright"
    text = file.read_text(errors="replace") if file.is_file() else ""
    if "packaging-manuals/copyright-format" not in text:
        return []
    return list(dict.fromkeys(re.findall(r"^License:[ \t]*(\S.*?)\s*$", text, flags=re.MULTILINE)))


def debian() -> list[dict[str, object]]:
    """The installed Debian packages; none where the base is not Debian's."""
    try:
        listed = subprocess.run(["dpkg-query", "--show", "-f", FIELDS], capture_output=True, text=True, check=True)
    except FileNotFoundError:
        return []
    rows = [line.split("\t") for line in listed.stdout.splitlines()]
    return [
        {
            "name": name,
            "version": version,
            "architecture": architecture,
            "source": source,
            "source_version": source_version,
            "licences": licences(name),
            "has_copyright": (COPYRIGHT / name / "copyright").is_file(),
        }
        for name, version, architecture, source, source_version, status in rows
        if status.startswith("ii")
    ]


def main() -> None:
    release = platform.freedesktop_os_release()
    print(
        json.dumps(
            {
                "interpreter": platform.python_version(),
                "system": f"{release.get('ID', '')}-{release.get('VERSION_ID', '')}",
                "python": [described(distribution) for distribution in distributions()],
                "debian": debian(),
            }
        )
    )


if __name__ == "__main__":
    main()
