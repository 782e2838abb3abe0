"""Reads emulated accounts under random mutations of their answers and prints what the connectors got wrong.

First the tables of all connectors, then all findings, then one line a connector: whoever sees only the end of a log
sees what was found. All of it goes to stdout, so that the order is kept.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.connector import Connector, all_connectors
from mutator.campaign import Campaign, Report, round_of


@dataclass
class Outcome:
    """What came of one connector: the line of its summary, and what is wrong, one text each."""

    name: str
    summary: str
    findings: list[str] = field(default_factory=list)

    @property
    def status(self) -> int:
        """1 if anything is wrong."""
        return 1 if self.findings else 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the connectors one after the other; 1 if anything is wrong with one of them."""
    connectors = {connector.name: connector for connector in all_connectors()}
    parser = argparse.ArgumentParser(prog="mutator", description=__doc__)
    parser.add_argument("--connector", choices=sorted(connectors), action="append", help="may be repeated; else all")
    parser.add_argument("--mutations", type=int, default=2_000, help="so many answers of a connector are changed")
    parser.add_argument("--seed", type=int, default=1, help="of everything that is chosen at random")
    parser.add_argument("--seconds", type=float, default=3_600, help="no new round of a connector after so long")
    parser.add_argument("--round", type=int, help="play this round of the seed again")
    parser.add_argument("--only", type=int, help="play this mutation of the seed again, alone")
    options = parser.parse_args(arguments)
    chosen = options.connector or list(connectors)
    if len(chosen) > 1 and (options.only is not None or options.round is not None):
        parser.error("a round or a mutation is played again for one --connector")
    outcomes = [attempted(connectors[name], options) for name in chosen]
    for outcome in outcomes:
        for text in outcome.findings:
            print(f"\n{outcome.name}: {text}")
    print()
    for outcome in outcomes:
        print(f"{outcome.summary}, exit status {outcome.status}")
    return max(outcome.status for outcome in outcomes)


def attempted(connector: Connector, options: argparse.Namespace) -> Outcome:
    """Plays and prints the table. A run that breaks off is a finding: the other connectors are still read."""
    name, started = connector.name, time.monotonic()
    try:
        report = played(connector, options)
    except Exception:
        return Outcome(name, f"{name}: broke off", [f"the run broke off\n{traceback.format_exc().rstrip()}"])
    summary = (
        f"{name}: {report.mutations} mutations in {report.rounds} rounds, {time.monotonic() - started:.0f} s, "
        f"{sum(report.found.values())} findings"
    )
    print(f"{name}\n\n{report.summary()}\n", flush=True)
    nothing = [] if report.mutations else ["nothing was mutated, which proves nothing"]
    return Outcome(name, summary, [*report.described(), *nothing])


def played(connector: Connector, options: argparse.Namespace) -> Report:
    """The campaign, or what is played again of one."""
    with tempfile.TemporaryDirectory(prefix="mutator-") as directory:
        campaign = Campaign(connector, options.seed, Path(directory))
        if options.only is not None:
            return campaign.again(round_of(options.only), options.only)
        if options.round is not None:
            return campaign.again(options.round)
        return campaign.run(options.mutations, options.seconds)


if __name__ == "__main__":
    sys.exit(main())
