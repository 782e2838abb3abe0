"""The console script `source-kustomer`."""

from __future__ import annotations

import sys

from source_kit.run import main


def run() -> None:
    """Run the command line and end the process with its exit code."""
    sys.exit(main("source_kustomer"))


if __name__ == "__main__":
    run()
