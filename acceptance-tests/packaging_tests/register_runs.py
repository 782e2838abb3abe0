"""How the tests of `make register` run the command, and where it sends what."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from unittest import mock

import pytest

from packaging_tests.airbyte_server import (
    CLIENT_ID,
    CLIENT_SECRET,
    PASSWORD,
    USERNAME,
    WORKSPACE,
    Airbyte,
)
from packaging_tests.repository import CONNECTORS, ROOT
from register.__main__ import main

EVERY_CONNECTOR = pytest.mark.parametrize("connector", CONNECTORS, ids=lambda connector: connector.name)


BOTH_APIS = pytest.mark.parametrize("api", ["configuration", "public"])


APPLICATION = {"AIRBYTE_CLIENT_ID": CLIENT_ID, "AIRBYTE_CLIENT_SECRET": CLIENT_SECRET}


USER = {"AIRBYTE_USERNAME": USERNAME, "AIRBYTE_PASSWORD": PASSWORD}


LIST = "/api/v1/source_definitions/list_for_workspace"


CREATE = "/api/v1/source_definitions/create_custom"


UPDATE = "/api/v1/source_definitions/update"


TOKEN = "/api/v1/applications/token"


PUBLIC = f"/api/public/v1/workspaces/{WORKSPACE}/definitions/sources"


Run = Callable[..., subprocess.CompletedProcess[str]]


Execute = Callable[[Sequence[str], Mapping[str, str]], subprocess.CompletedProcess[str]]


def own_process(arguments: Sequence[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """The command as users run it."""
    return subprocess.run(
        [sys.executable, "-B", "-m", "register", *arguments],
        env={**environment, "PYTHONPATH": str(ROOT / "tools")},
        capture_output=True,
        text=True,
        check=False,
    )


def this_process(arguments: Sequence[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """The same without the start of an interpreter, which takes longer than the rest."""
    stdout, stderr = io.StringIO(), io.StringIO()
    with (
        mock.patch.dict(os.environ, environment, clear=True),
        contextlib.redirect_stdout(stdout),
        contextlib.redirect_stderr(stderr),
    ):
        try:
            code: Any = main(arguments)
        except SystemExit as ended:  # wrong arguments
            code = ended.code
    return subprocess.CompletedProcess(arguments, code, stdout.getvalue(), stderr.getvalue())


def sent(airbyte: Airbyte) -> list[tuple[str, str]]:
    """Verb and path of every request but those for tokens."""
    return [(method, path) for method, path, _ in airbyte.requests if path != TOKEN]
