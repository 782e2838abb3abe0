"""How parallel test runners share the tests: each module's tests of one connector stay together."""

from __future__ import annotations

import re
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from harness.connector import all_connectors

NAMES = "|".join(connector.name for connector in all_connectors())


class ByConnector(LoadScopeScheduling):  # type: ignore[misc]  # has no type hints
    """Tests of one module and connector use the same emulators. A whole module of all connectors would keep one runner
    busy long after the others are done."""

    def _split_scope(self, nodeid: str) -> str:
        module, _, test = nodeid.partition("::")
        connector = re.search(rf"\[({NAMES})\b", test)
        return f"{module} {connector[1] if connector else ''}"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling | None:
    """For `--dist loadscope`, as `make test` has it; other ways to share tests stay what they are."""
    return ByConnector(config, log) if config.getvalue("dist") == "loadscope" else None
