"""Finds the packages that connectors import, and compares them with `requirements-image.in`.

An HTTP source imports about a sixth of what airbyte-cdk depends on, so images hold a list of their own. This scan says
what belongs on it: every module that is loaded after a connector's modules have been imported, mapped to the package
that installed it. Imports inside functions stand in `LATE`; the acceptance suite, which drives all commands in the
image, finds those that are missing there.

    python tools/import_closure.py            # exit 1, with a list of all differences, if the list is not right
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
IMAGE_LIST = ROOT / "requirements-image.in"
# Modules that functions import, since most commands can do without them (source_kit.dates, source_outreach.s2s).
LATE = ("pendulum", "jwt")
OWN_PACKAGES = re.compile(r"source-(kit|[a-z]+)$")

# Runs in a process of its own: prints the packages whose files are loaded once all modules of the connectors are.
SCAN = """
import importlib, importlib.metadata, json, pkgutil, sys
earlier = set(sys.modules)  # what the interpreter itself loads, hooks of installers among it
for name in sys.argv[1:]:
    package = importlib.import_module(name)
    for module in pkgutil.walk_packages(package.__path__, name + ".") if name.startswith("source_") else ():
        importlib.import_module(module.name)
loaded = [module for key, module in list(sys.modules.items()) if key not in earlier]
files = {module.__file__ for module in loaded if getattr(module, "__file__", None)}
names = set()
for distribution in importlib.metadata.distributions():
    # `distribution.files` would make an object of each of 30,000 names.
    folder = str(distribution.locate_file(""))
    installed = (line.partition(",")[0] for line in (distribution.read_text("RECORD") or "").splitlines())
    if not files.isdisjoint(f"{folder}/{file}" for file in installed):
        names.add(distribution.name)
print(json.dumps(sorted(names)))
"""


def canonical(name: str) -> str:
    """The form of a package name in which two spellings of it are equal (the packaging specification's rule)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def connectors() -> list[str]:
    """The folder names of all connectors, `source-closeio` for instance."""
    return sorted(path.parent.name for path in ROOT.glob("connectors/source-*/pyproject.toml"))


def listed_packages() -> set[str]:
    """The canonical names in `requirements-image.in`."""
    lines = (line.split("#")[0].strip() for line in IMAGE_LIST.read_text().splitlines())
    return {canonical(line) for line in lines if line}


def imported_packages() -> set[str]:
    """The canonical names of the packages that importing all modules of all connectors loads, our own left out."""
    modules = [connector.replace("-", "_") for connector in connectors()]
    found = subprocess.run([sys.executable, "-c", SCAN, *modules, *LATE], check=True, capture_output=True, text=True)
    return {name for name in map(canonical, json.loads(found.stdout)) if not OWN_PACKAGES.match(name)}


def problems() -> list[str]:
    """One sentence for each package that is missing from the list or stands there without need."""
    listed, imported = listed_packages(), imported_packages()
    missing = [f"{name} is imported but not in {IMAGE_LIST.name}" for name in sorted(imported - listed)]
    needless = [f"{name} is in {IMAGE_LIST.name} but not imported" for name in sorted(listed - imported)]
    return missing + needless


if __name__ == "__main__":
    found_problems = problems()
    print("\n".join(found_problems) or f"{IMAGE_LIST.name} holds exactly what the connectors import")
    sys.exit(bool(found_problems))
