"""How the demo runs a connector: as an image where that can be had, else as the console script."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import shorten

from harness.connector import Connector
from harness.runner import PROJECT_ROOT, Runner, ScriptRunner

BUILD_SECONDS = 300
PROBLEM_WIDTH = 100


def docker_answers() -> bool:
    """Whether there is an engine to talk to."""
    if shutil.which("docker") is None:
        return False
    return subprocess.run(["docker", "version"], capture_output=True, check=False).returncode == 0


def build(connector: Connector) -> str:
    """Builds the image, which takes seconds where little has changed; why that failed, or nothing."""
    command = [sys.executable, str(PROJECT_ROOT / "tools" / "build_image.py"), connector.script]
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=BUILD_SECONDS, text=True)
    except subprocess.TimeoutExpired:
        return f"not done after {BUILD_SECONDS} s"
    if done.returncode == 0:
        return ""
    errors = [line for line in done.stderr.splitlines() if "ERROR" in line.upper()] or done.stderr.splitlines()
    return shorten(errors[0], PROBLEM_WIDTH, placeholder=" ...") if errors else f"exit code {done.returncode}"


def choose(connector: Connector, wanted: str, directory: Path, say: Callable[[str], None]) -> Runner:
    """The image unless `wanted` is venv; where there is none, one line says why the console script runs instead."""
    if wanted != "venv":
        problem = _image_problem(connector, say)
        if not problem:
            from harness.image import ImageRunner  # needs an engine

            return ImageRunner(directory, connector.image)
        say(f"{problem}: running the console script instead")
    return ScriptRunner(directory, connector.script)


def _image_problem(connector: Connector, say: Callable[[str], None]) -> str:
    if not docker_answers():
        return "no Docker engine answers"
    say(f"building {connector.image} ...")
    problem = build(connector)
    return f"{connector.image} cannot be built ({problem})" if problem else ""
