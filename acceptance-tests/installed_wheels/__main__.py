"""The command: `python -m installed_wheels --dist ../dist`.

Exit code 0: everything was installed, and read exactly what the account holds; 1: it was not.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from demo.table import table
from emulators import start
from harness.catalog import configured
from harness.connector import Connector, all_connectors
from harness.messages import Result
from harness.runner import ScriptRunner
from harness.truth import all_differences
from installed_wheels.environment import WAYS, Environment, InstallationFailed


class Unfit(RuntimeError):
    """An installed connector did not do what it does in the checkout."""


def succeeded(result: Result, what: str) -> Result:
    if result.exit_code:
        raise Unfit(f"{what}: {result.describe()}")
    return result


def try_out(connector: Connector, environment: Environment, folder: Path) -> int:
    """Runs the four commands against an emulated account; the number of records. Raises `Unfit` if they differ."""
    for module in ("source_kit", connector.package):
        if environment.folder not in environment.origin(module).parents:
            raise Unfit(f"{module} is imported from {environment.origin(module)}, outside the environment")
    runner = ScriptRunner(folder, connector.script)
    runner.script = environment.programs / connector.script
    with start(connector.emulator) as account:
        succeeded(runner.run("spec"), "spec")
        checked = succeeded(runner.run("check", account.config), "check")
        config = [account.config, *checked.controls][-1]
        discovered = succeeded(runner.run("discover", config), "discover")
        catalog = configured(discovered.catalog, connector.stream_names)
        read = succeeded(runner.run("read", [config, *discovered.controls][-1], catalog), "read")
        truth = {stream.name: account.truth(stream.truth_name) for stream in connector.streams}
    if problems := all_differences(connector, truth, read.records):
        raise Unfit("\n".join(problems))
    return sum(map(len, read.records.values()))


def main() -> int:
    arguments = argparse.ArgumentParser(prog="installed_wheels", description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("--dist", type=Path, required=True, help="the folder that `make dist` has filled")
    arguments.add_argument("--way", choices=WAYS, action="append", help="whole or lean; default: both")
    arguments.add_argument("--connector", default="", help="closeio for instance; default: all")
    given = arguments.parse_args()
    chosen = [connector for connector in all_connectors() if given.connector in ("", connector.name)]
    rows, commands = [], []
    try:
        for way in given.way or WAYS:
            with tempfile.TemporaryDirectory() as scratch:
                environment = Environment(Path(scratch).resolve() / "environment", given.dist.resolve())
                environment.create()
                for connector in chosen:
                    began = time.monotonic()
                    commands.append(environment.install(connector.script, way))
                    seconds = time.monotonic() - began
                    records = try_out(connector, environment, Path(scratch) / connector.name)
                    size, packages = f"{environment.size():.0f}", str(environment.packages())
                    rows.append([connector.script, way, f"{seconds:.0f}", packages, size, f"{records:,}"])
    except (InstallationFailed, Unfit) as problem:
        print(problem, file=sys.stderr)
        return 1
    print("\n".join(f"$ {command}" for command in commands), end="\n\n")
    print(table(["connector", "way", "seconds", "packages", "MB", "records"], rows, right=(2, 3, 4, 5)))
    return not rows


if __name__ == "__main__":
    sys.exit(main())
