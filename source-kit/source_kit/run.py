"""The console entry point of every connector: `spec | check | discover | read`, with the CDK's arguments.

`spec` is answered here from the package's spec.yaml, without the CDK, requests or the connector's own modules (they
cost a second and 70 MB; platforms ask for the spec often). The other commands are in `commands`.
"""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module
from typing import Any


def main(package: str, args: list[str] | None = None) -> int:
    """Run the command of the connector in `package`, such as "source_closeio"; returns the exit code.

    0: done (for `check` also: the configuration is bad); 1: failed, a TRACE tells why; 2: wrong arguments.
    """
    try:
        options = parser(package.replace("_", "-")).parse_args(args)
    except SystemExit as stop:  # argparse has printed the usage, and one line on what is wrong
        return stop.code if isinstance(stop.code, int) else 2
    if options.command == "spec":
        return _print_spec(package)
    from source_kit import light_cdk

    light_cdk.install()
    from source_kit import commands

    return commands.run(package, options, load_spec(package))


def load_spec(package: str) -> dict[str, Any]:
    """The package's spec.yaml, which has the shape of the protocol's ConnectorSpecification."""
    import yaml

    # Both are safe loaders; the one on libyaml is ten times as fast.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    folder = os.path.dirname(import_module(package).__file__ or "")
    with open(os.path.join(folder, "spec.yaml"), encoding="utf-8") as file:
        spec: dict[str, Any] = yaml.load(file, Loader=loader)
    return spec


def _print_spec(package: str) -> int:
    import json

    line = json.dumps({"type": "SPEC", "spec": load_spec(package)}, ensure_ascii=False) + "\n"
    try:
        view = memoryview(line.encode())
        while view:
            view = view[os.write(sys.stdout.fileno(), view) :]
    except BrokenPipeError:
        return 1
    return 0


def parser(program: str) -> argparse.ArgumentParser:
    """The command line, as the CDK's."""
    parser = argparse.ArgumentParser(prog=program, description=f"The Airbyte source {program}.", allow_abbrev=False)
    commands = parser.add_subparsers(title="commands", dest="command", required=True, metavar="command")
    for name, text, files in (
        ("spec", "print the configuration's specification", ()),
        ("check", "check that the configuration works", ("config",)),
        ("discover", "print the catalog of streams", ("config",)),
        ("read", "print records and states", ("config", "catalog", "state")),
    ):
        command = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
        command.add_argument("--debug", action="store_true", help="write DEBUG logs too")
        for file in files:
            command.add_argument(
                f"--{file}", required=file != "state", metavar="FILE", help=f"path of the JSON file with the {file}"
            )
        if files:
            # Passed by tools that also drive declarative connectors; without meaning here.
            command.add_argument("--manifest-path", help=argparse.SUPPRESS)
            command.add_argument("--components-path", help=argparse.SUPPRESS)
    return parser
