"""Property tests are the same in every run and leave no files behind; the helpers of this folder can be imported.

And an API that answers as a test says, and platforms with and without `epoll`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests_mock
from hypothesis import settings

sys.path.append(str(Path(__file__).parents[1]))

settings.register_profile("repeatable", database=None, deadline=None, derandomize=True, print_blob=False)
settings.load_profile("repeatable")


@pytest.fixture
def vendor() -> Iterator[Any]:
    with requests_mock.Mocker() as mocker:
        yield mocker


@pytest.fixture(params=["epoll", "none"])
def epoll(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """With and without what Linux has to look after many sockets."""
    if request.param == "none":
        monkeypatch.delattr("select.epoll")
    return str(request.param)
