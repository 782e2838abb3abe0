"""Reads an emulated account under random mutations of its answers and prints what the connector got wrong."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from harness.connector import all_connectors
from mutator.campaign import Campaign, round_of


def main() -> int:
    connectors = {connector.name: connector for connector in all_connectors()}
    parser = argparse.ArgumentParser(prog="mutator", description=__doc__)
    parser.add_argument("--connector", choices=sorted(connectors), default="closeio")
    parser.add_argument("--mutations", type=int, default=2_000, help="so many answers are changed")
    parser.add_argument("--seed", type=int, default=1, help="of everything that is chosen at random")
    parser.add_argument("--seconds", type=float, default=3_600, help="no new round after so long")
    parser.add_argument("--round", type=int, help="play this round of the seed again")
    parser.add_argument("--only", type=int, help="play this mutation of the seed again, alone")
    arguments = parser.parse_args()
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutator-") as directory:
        campaign = Campaign(connectors[arguments.connector], arguments.seed, Path(directory))
        if arguments.only is not None:
            report = campaign.again(round_of(arguments.only), arguments.only)
        elif arguments.round is not None:
            report = campaign.again(arguments.round)
        else:
            report = campaign.run(arguments.mutations, arguments.seconds)
    print(report.summary())
    seconds = time.monotonic() - started
    print(f"\n{arguments.connector}: {report.mutations} mutations in {report.rounds} rounds, {seconds:.0f} s")
    for text in report.described():
        print(f"\n{text}", file=sys.stderr)
    if not report.mutations:
        print(f"{arguments.connector}: nothing was mutated, which proves nothing", file=sys.stderr)
        return 1
    return 1 if report.examples else 0


if __name__ == "__main__":
    sys.exit(main())
