"""A clean environment that holds what `pip` finds in one folder, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

# The two ways of docs/releasing.md: everything that airbyte-cdk names, or the sixth of it that a connector imports.
WHOLE, LEAN = "whole", "lean"
WAYS = (WHOLE, LEAN)
KIT = "source-kit"


class InstallationFailed(RuntimeError):
    """A command of pip did not succeed; the message is what it said."""


@dataclass(frozen=True)
class Environment:
    """A virtual environment and the folder that it is filled from."""

    folder: Path
    wheels: Path

    @property
    def programs(self) -> Path:
        return self.folder / "bin"

    def create(self) -> None:
        subprocess.run([sys.executable, "-m", "venv", self.folder], check=True)

    def install(self, connector: str, way: str) -> str:
        """Installs a connector in one of the ways; returns the command of pip that names it, as a user types it."""
        if way == WHOLE:
            return self._pip("install", "--no-index", "--find-links", str(self.wheels), connector)
        requirements = str(self.wheels / "requirements-lean.txt")
        here = ("--no-index", "--find-links", str(self.wheels), "--no-deps")
        self._pip("install", *here, "--require-hashes", "-r", requirements)
        return self._pip("install", *here, KIT, connector)

    def size(self) -> float:
        """Megabytes on disk, with pip itself."""
        return sum(path.lstat().st_size for path in self.folder.rglob("*") if path.is_file()) / 1e6

    def packages(self) -> int:
        """How many packages are installed, pip and setuptools among them."""
        return len(list(self.folder.glob("lib/python*/site-packages/*.dist-info")))

    def origin(self, module: str) -> Path:
        """Where a module is imported from."""
        command = [str(self.programs / "python"), "-c", f"import {module}; print({module}.__file__)"]
        return Path(self._run(command).strip())

    def _pip(self, *arguments: str) -> str:
        self._run([str(self.programs / "python"), "-m", "pip", "--disable-pip-version-check", *arguments])
        return " ".join(("pip", *arguments)).replace(str(self.wheels), "dist")

    def _run(self, command: Sequence[str]) -> str:
        # No setting of this machine for pip, and nothing on the path but the environment.
        mine = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHON"))}
        done = subprocess.run(
            command,
            cwd=self.folder,
            env={**mine, "PIP_CONFIG_FILE": os.devnull},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise InstallationFailed(f"{' '.join(command)}\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
        return done.stdout
