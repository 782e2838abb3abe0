"""Draws docs/diagrams/<connector>.svg from what each connector discovers and from its relations.yaml."""

from __future__ import annotations

import argparse
import sys

from diagrams import drawn, path_of
from harness.connector import all_connectors
from harness.runner import PROJECT_ROOT


def main() -> int:
    connectors = {connector.name: connector for connector in all_connectors()}
    parser = argparse.ArgumentParser(prog="diagrams", description=__doc__)
    parser.add_argument("--connector", choices=sorted(connectors), help="only this one")
    arguments = parser.parse_args()
    for connector in [connectors[arguments.connector]] if arguments.connector else connectors.values():
        path = path_of(connector)
        try:
            text = drawn(connector)
        except ValueError as error:
            print(error, file=sys.stderr)
            return 1
        is_new = not path.exists() or path.read_text() != text
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        print(f"{path.relative_to(PROJECT_ROOT)}  {'drawn anew' if is_new else 'as it was'}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
