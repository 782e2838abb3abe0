"""Many rounds, side by side, until so many mutations have been answered; the summary and the findings."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from demo.table import table
from harness.connector import Connector
from mutator.account import Account
from mutator.judge import Applied, Finding
from mutator.plan import ROUND, Order, command_of, orders_of
from mutator.rounds import Rounds, Verdict

PARALLEL = 2
EXAMPLES = 2
"""Of findings of one kind under one mutation, so many are traced to the mutation that alone causes them."""


@dataclass
class Example:
    """A finding, the mutation that caused it if one alone does, and the number of its round."""

    finding: Finding
    culprit: Applied | None
    suspects: list[Applied]
    round_number: int


@dataclass
class Report:
    """What came of a campaign."""

    connector: str
    seed: int
    rounds: int = 0
    applied: Counter[str] = field(default_factory=Counter)
    complete: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    found: Counter[tuple[str, str]] = field(default_factory=Counter)
    examples: dict[tuple[str, str], Example] = field(default_factory=dict)

    @property
    def mutations(self) -> int:
        return sum(self.applied.values())

    def summary(self) -> str:
        """Mutations by kind: how many were answered, and what became of the streams that they met."""
        found: Counter[str] = Counter()
        for (_, mutation), count in self.found.items():
            found[mutation] += count
        rows = [
            [name, str(count), str(self.complete[name]), str(self.failed[name]), str(found[name])]
            for name, count in sorted(self.applied.items())
        ]
        together = [str(sum(part.values())) for part in (self.applied, self.complete, self.failed, found)]
        head = ["mutation", "answers", "streams complete", "failed clearly", "findings"]
        return table(head, [*rows, ["together", *together]], right=(1, 2, 3, 4))

    def described(self) -> Iterator[str]:
        """Each kind of finding under each mutation: how often, an example, and the command that plays it again."""
        for key, example in sorted(self.examples.items()):
            yield f"{key[0]} under {key[1]}: {self.found[key]} times\n{self._text(example)}"

    def _text(self, example: Example) -> str:
        finding, mutation = example.finding, example.culprit
        lines = [f"  {finding.stream or 'run'}: {finding.text}"]
        number: int = mutation["number"] if mutation else example.round_number
        option = "--only" if mutation else "--round"
        for each in [mutation] if mutation else example.suspects[:4]:
            lasting = f"{each['times']} times" + (", lasting" if each["lasting"] else "")
            sent = each["note"] or f"{each['status']} {each['headers']} {each['body'][:100]!r}"
            lines.append(f"  {each['mutation']} ({lasting}) {each['target'][:160]}\n    sent: {sent[:500]}")
        return "\n".join(
            [*lines, f"  python -m mutator --connector {self.connector} --seed {self.seed} {option} {number}"]
        )


class Campaign:
    """Plays the rounds of a seed against one connector."""

    def __init__(self, connector: Connector, seed: int, directory: Path) -> None:
        self.connector, self.seed, self.directory = connector, seed, directory
        self.report = Report(connector.name, seed)
        self._lock = threading.Lock()

    def run(self, mutations: int, seconds: float) -> Report:
        """Rounds until so many mutations have been answered, or the time is over, which begins with the first round."""
        with self._accounts(PARALLEL) as accounts, ThreadPoolExecutor(PARALLEL) as pool:
            meets = self._meets(accounts, pool)
            asked = self._asked(accounts[0])
            numbers = iter(range(10**6))
            deadline = time.monotonic() + seconds

            def work(account: Account) -> None:
                rounds = Rounds(account, meets)
                while self.report.mutations < mutations and time.monotonic() < deadline:
                    with self._lock:
                        number = next(numbers)
                    self._play(rounds, number, asked)

            list(pool.map(work, accounts))
        return self.report

    def again(self, round_number: int, only: int | None = None) -> Report:
        """One round of the seed, or one mutation of it alone."""
        with self._accounts(1) as accounts:
            self._play(Rounds(accounts[0], {}), round_number, self._asked(accounts[0]), only)
        return self.report

    @contextmanager
    def _accounts(self, count: int) -> Iterator[list[Account]]:
        with ExitStack() as stack:
            made = []
            for number in range(count):
                folder = self.directory / str(number)
                folder.mkdir()
                made.append(Account(self.connector, folder))
                stack.callback(made[-1].stop)
            yield made

    def _meets(self, accounts: list[Account], pool: ThreadPoolExecutor) -> dict[str, frozenset[str]]:
        """Which endpoints each stream asks, when it is read alone."""
        names = list(self.connector.stream_names)

        def learn(number: int) -> list[tuple[str, frozenset[str]]]:
            mine = names[number :: len(accounts)]
            return [(name, frozenset(accounts[number].asked(names=(name,)))) for name in mine]

        return dict(entry for part in pool.map(learn, range(len(accounts))) for entry in part)

    def _asked(self, account: Account) -> dict[str, dict[str, int]]:
        return {command: account.asked(command) for command in ("read", "check", "discover")}

    def _play(self, rounds: Rounds, number: int, asked: dict[str, dict[str, int]], only: int | None = None) -> None:
        command = command_of(number)
        orders = orders_of(self.seed, self.connector.name, number, asked[command])
        if only is not None:
            orders = [order for order in orders if order["number"] == only]
        verdict = rounds.play(command, orders)
        culprits: dict[tuple[object, ...], Applied | None] = {}
        traced = []
        for finding, suspects in verdict.findings:
            alike = (finding.kind, *(suspect["number"] for suspect in suspects))
            if alike not in culprits:
                culprits[alike] = self._culprit(rounds, finding, suspects, orders)
            traced.append((finding, culprits[alike], suspects))
        with self._lock:
            self._note(verdict, [(*entry, number) for entry in traced])

    def _culprit(
        self, rounds: Rounds, finding: Finding, suspects: list[Applied], orders: list[Order]
    ) -> Applied | None:
        """The one suspect, the one that has done it before, or the one that does it again when it comes alone."""
        if len(suspects) == 1:
            return suspects[0]
        known = [self.report.found[finding.kind, suspect["mutation"]] for suspect in suspects]
        if known and max(known) >= EXAMPLES:
            return suspects[known.index(max(known))]
        return rounds.culprit(finding, suspects, orders)

    def _note(self, verdict: Verdict, traced: list[tuple[Finding, Applied | None, list[Applied], int]]) -> None:
        report = self.report
        report.rounds += 1
        report.applied.update(applied["mutation"] for applied in verdict.applied)
        report.complete += verdict.complete
        report.failed += verdict.failed
        for finding, culprit, suspects, number in traced:
            key = (finding.kind, culprit["mutation"] if culprit else "several together")
            report.found[key] += 1
            report.examples.setdefault(key, Example(finding, culprit, suspects, number))


def round_of(number: int) -> int:
    """The round that a mutation belongs to."""
    return number // ROUND
