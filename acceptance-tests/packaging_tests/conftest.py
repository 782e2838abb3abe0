"""An Airbyte of our own, and the command that registers connectors with it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

import pytest

from packaging_tests.airbyte_server import (
    CLIENT_ID,
    CLIENT_SECRET,
    PASSWORD,
    WORKSPACE,
    Airbyte,
    Server,
)
from packaging_tests.register_runs import (
    APPLICATION,
    Execute,
    Run,
    this_process,
)


@pytest.fixture
def airbyte() -> Iterator[Airbyte]:
    with Server(Airbyte(images={"source-closeio:0.1.0", "source-closeio:0.2.0", "source-closeio:dev"})) as served:
        yield served


@pytest.fixture
def execute() -> Execute:
    """How `run` runs the command."""
    return this_process


@pytest.fixture
def run(airbyte: Airbyte, execute: Execute) -> Run:
    """Runs the command; no output of any run may hold a traceback or a secret."""

    def command(*arguments: str, workspace: str = WORKSPACE, **environment: str) -> subprocess.CompletedProcess[str]:
        mine = {name: value for name, value in os.environ.items() if not name.startswith("AIRBYTE_")}
        given = {"AIRBYTE_URL": airbyte.url, "AIRBYTE_WORKSPACE_ID": workspace, **APPLICATION} | environment
        done = execute(arguments, {**mine, **given})
        said = done.stdout + done.stderr
        secrets = [CLIENT_ID, CLIENT_SECRET, PASSWORD, *airbyte.tokens]
        assert [secret for secret in secrets if secret in said] == []
        assert "Traceback" not in said
        return done

    return command
