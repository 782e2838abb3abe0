"""How parallel test runners share the tests: each module's tests of one connector stay together."""

from __future__ import annotations

import re
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from harness.connector import all_connectors

# These judge the same read of an account, which one runner makes for all of them.
OF_ONE_READ = {f"tests/{name}.py": "tests/test_complete_reads.py" for name in ("test_relations", "test_cdk_path")}
# Few tests that take long: begun at last, they would keep one runner busy after the others are done.
LONG = (
    *(f"tests/test_{name}.py" for name in ("complete_reads", "resuming", "incremental", "oauth", "deletions")),
    *(f"packaging_tests/test_{name}.py" for name in ("demo", "requirement_files")),
)
NAMES = "|".join(connector.name for connector in all_connectors())


class ByConnector(LoadScopeScheduling):  # type: ignore[misc]  # has no type hints
    """Tests of one module and connector use the same emulators. A whole module of all connectors would keep one runner
    busy long after the others are done."""

    def _split_scope(self, nodeid: str) -> str:
        module, _, test = nodeid.partition("::")
        connector = re.search(rf"\[({NAMES})\b", test)
        return f"{OF_ONE_READ.get(module, module)} {connector[1] if connector else ''}"

    def _assign_work_unit(self, node: Any) -> None:
        """A runner goes on with the connector that it had, whose emulator and catalog it has; then what takes long."""
        before = next(reversed(self.assigned_work.get(node, {})), "").partition(" ")[2]

        def preference(scope: str) -> tuple[bool, bool]:
            return bool(before) and scope.partition(" ")[2] == before, scope.startswith(LONG)

        # The first of those that are preferred most.
        self.workqueue.move_to_end(max(self.workqueue, key=preference), last=False)
        super()._assign_work_unit(node)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling | None:
    """For `--dist loadscope`, as `make test` has it; other ways to share tests stay what they are."""
    return ByConnector(config, log) if config.getvalue("dist") == "loadscope" else None
