"""`python -m register --load`: the image is in the cluster before it is registered."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from packaging_tests.airbyte_server import (
    Airbyte,
)
from packaging_tests.register_runs import (
    Run,
)


@pytest.fixture
def tool(tmp_path: Path) -> Callable[..., str]:
    """Puts stand-ins for docker and kind on PATH, which write down their arguments (and what they are fed)."""

    def put(**scripts: str) -> str:
        folder = tmp_path / "bin"
        folder.mkdir()
        for name, body in scripts.items():
            (folder / name).write_text(f'#!/bin/sh\necho "{name} $*" >>{shlex.quote(str(tmp_path))}/calls\n{body}\n')
            (folder / name).chmod(0o755)
        return str(folder)

    return put


def test_kind_loads_the_image_before_it_is_registered(
    airbyte: Airbyte, run: Run, tool: Callable[..., str], tmp_path: Path
) -> None:
    done = run("closeio", "--load", PATH=f"{tool(kind='', docker='')}:/usr/bin:/bin")
    command = "kind load docker-image source-closeio:0.1.0 --name airbyte-abctl"
    assert done.stdout.splitlines()[0] == f"$ {command}"
    assert (tmp_path / "calls").read_text() == f"{command}\n"
    assert len(airbyte.custom()) == 1


def test_without_kind_docker_pipes_the_image_into_the_node(run: Run, tool: Callable[..., str], tmp_path: Path) -> None:
    script = f'if [ "$1" = save ]; then echo archive; else cat >{shlex.quote(str(tmp_path))}/fed; fi'
    done = run("closeio", "--load", "--cluster", "mine", PATH=f"{tool(docker=script)}:/usr/bin:/bin")
    assert done.returncode == 0
    assert (tmp_path / "fed").read_text() == "archive\n"
    assert sorted((tmp_path / "calls").read_text().splitlines()) == [
        "docker exec --interactive mine-control-plane ctr --namespace=k8s.io images import --all-platforms -",
        "docker save source-closeio:0.1.0",
    ]


@pytest.mark.parametrize("failing", ["save", "exec"])
def test_an_image_that_cannot_be_loaded_is_not_registered(
    airbyte: Airbyte, run: Run, tool: Callable[..., str], failing: str
) -> None:
    script = f'if [ "$1" = {failing} ]; then echo "Error: no such thing" >&2; exit 1; fi; [ "$1" = save ] || cat >&2'
    done = run("closeio", "--load", PATH=f"{tool(docker=script)}:/usr/bin:/bin")
    assert done.returncode == 1
    assert "source-closeio:0.1.0 could not be loaded into cluster airbyte-abctl" in done.stderr
    assert "no such thing" in done.stderr
    assert airbyte.requests == []


def test_a_dry_run_loads_nothing(run: Run, tool: Callable[..., str], tmp_path: Path) -> None:
    done = run("closeio", "--load", "--dry-run", PATH=f"{tool(kind='', docker='')}:/usr/bin:/bin")
    assert "\n$ kind load docker-image source-closeio:0.1.0 --name airbyte-abctl\n" in done.stdout
    assert not (tmp_path / "calls").exists()
