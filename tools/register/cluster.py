"""Loads an image into the nodes of a kind cluster, as `abctl` makes one, so that no registry is needed.

Kubernetes finds it there because Airbyte starts connectors with the pull policy `IfNotPresent`.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess

from register.problems import Problem

CLUSTER = "airbyte-abctl"  # the name that abctl gives its cluster
SHOWN_CHARACTERS = 600


def load_commands(image: str, cluster: str) -> list[list[str]]:
    """The commands of the pipe that loads `image`: kind's own where kind is installed, else what it does inside."""
    if shutil.which("kind"):
        return [["kind", "load", "docker-image", image, "--name", cluster]]
    node = f"{cluster}-control-plane"
    load = ["ctr", "--namespace=k8s.io", "images", "import", "--all-platforms", "-"]
    return [["docker", "save", image], ["docker", "exec", "--interactive", node, *load]]


def shown(commands: list[list[str]]) -> str:
    """The pipe as one would type it."""
    return " | ".join(shlex.join(command) for command in commands)


def load(image: str, cluster: str) -> None:
    """Loads the image; raises `Problem` with what the failing command said."""
    commands = load_commands(image, cluster)
    if shutil.which(commands[0][0]) is None:
        raise Problem("Loading an image needs docker on PATH, and kind if it is there.")
    if len(commands) == 1:
        done = subprocess.run(commands[0], capture_output=True, check=False)
        failed, said = done.returncode != 0, done.stderr
    else:
        with subprocess.Popen(commands[0], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as source:
            sink = subprocess.run(commands[1], stdin=source.stdout, capture_output=True, check=False)
            # A source that is still writing ends when nobody holds the other end any more.
            assert source.stdout is not None
            assert source.stderr is not None
            source.stdout.close()
            said = source.stderr.read() + b" " + sink.stderr
        failed = source.returncode != 0 or sink.returncode != 0
    if failed:
        text = " ".join(said.decode(errors="replace").split())[:SHOWN_CHARACTERS]
        raise Problem(f"{image} could not be loaded into cluster {cluster}. `make images` builds it. {text}".rstrip())
