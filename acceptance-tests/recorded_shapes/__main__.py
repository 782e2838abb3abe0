"""Serves every recorded record of every API through its console script, and validates what comes out.

The emulator answers in the shapes of live accounts; the connector discovers and reads all streams. A contradiction
between record and schema, a recorded field that does not come, and an undeclared one without a reason fail the command.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from demo.table import table
from emulators import start
from harness.connector import Connector, all_connectors
from harness.recorded_checks import Findings, findings
from harness.runner import ScriptRunner
from harness.trial import Trial

HEAD = ("connector", "streams with recorded records", "records", "contradictions", "missing fields", "undeclared")


def examine(connector: Connector) -> Findings:
    """What one connector makes of them."""
    with (
        tempfile.TemporaryDirectory(prefix="recorded-") as directory,
        start(connector.emulator, **dict(connector.small), shape="real") as emulator,
    ):
        runner = ScriptRunner(Path(directory), connector.script)
        (message,) = runner.run("spec").of_type("SPEC")
        trial = Trial(connector, runner, emulator, message["spec"]["connectionSpecification"])
        return findings(connector.name, trial.read())


def report(found: list[Findings]) -> None:
    """The table, then each finding."""
    rows = [
        [
            each.connector,
            *(str(count) for count in (each.streams, each.records)),
            *(str(len(part)) for part in (each.contradictions, each.missing, each.undeclared)),
        ]
        for each in found
    ]
    print(table(HEAD, rows, right=range(1, len(HEAD))))
    for each in found:
        lines = [*each.contradictions, *each.missing, *each.stale]
        lines += [f"{name}: undeclared, {reason or 'without a reason'}" for name, reason in each.undeclared.items()]
        for line in lines:
            print(f"{each.connector}: {line}")


def main() -> int:
    connectors = {connector.name: connector for connector in all_connectors()}
    parser = argparse.ArgumentParser(prog="recorded_shapes", description=__doc__)
    parser.add_argument("--connector", choices=sorted(connectors), help="only this one")
    wanted = parser.parse_args().connector
    found = [examine(connector) for name, connector in connectors.items() if wanted in (None, name)]
    report(found)
    return 1 if any(each.problems for each in found) else 0


if __name__ == "__main__":
    sys.exit(main())
