"""One round: a command under some mutations, judged; and the search for the mutation that did it."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from harness.catalog import configured
from harness.read_checks import Read
from harness.secrets import leaks
from mutator import judge
from mutator.account import CHILDREN, Account
from mutator.judge import Applied, Finding, Reach
from mutator.outcome import Outcome, broken_promises
from mutator.plan import COMMANDS, Order
from mutator.table import BY_NAME

SUSPECTS = 4
LOSSES = ("lost", "mutated row lost")
REASON = re.compile(r"failed(?: \d+ times)?: ([^.(]{1,60})")
BUDGETS = ("header", "status: too many", "status: unavailable")
TRACE_SECONDS = 20.0
"""Under one mutation a read takes a few seconds."""
LIKELY = {"hang": "header", "lost": "end"}
"""The kind of mutation to suspect first."""


@dataclass
class Verdict:
    """What came of one round. `complete` and `failed` count, for each mutation, the streams that it met."""

    applied: list[Applied] = field(default_factory=list)
    complete: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    findings: list[tuple[Finding, list[Applied]]] = field(default_factory=list)
    """Each finding with the mutations that may have caused it."""


@dataclass
class Rounds:
    """Plays rounds on one account. `meets` says which endpoints each stream asks; streams without entry ask all."""

    account: Account
    meets: dict[str, frozenset[str]]

    def play(self, command: str, orders: list[Order], names: tuple[str, ...] = ()) -> Verdict:
        """Run and judge; a read whose streams failed is followed by a second one without mutations."""
        names = names or self.account.connector.stream_names
        started, limit = datetime.now(UTC), self.account.limit_seconds
        outcome, report = self.account.run(command, orders, names)
        verdict = Verdict(report["applied"])
        for problem in leaks(outcome.result, self.account.secrets):
            self._add(verdict, [Finding("secret", "", problem)], verdict.applied)
        if command != "read":
            self._add(verdict, judge.command_outcome(command, outcome, limit), verdict.applied)
            verdict.complete.update(applied["mutation"] for applied in verdict.applied)
            return verdict
        self._add(verdict, judge.manners(outcome, names, limit), verdict.applied)
        if outcome.result.seconds >= limit:
            return verdict
        failed = tuple(name for name in names if outcome.status(name) != "COMPLETE")
        self._judge_states(verdict, outcome, started, names, set(names) - set(failed))
        for name in names:
            if name not in failed:
                self._judge_complete(verdict, outcome, name)
        if failed:
            self._judge_failed(verdict, outcome, failed)
        return verdict

    def culprit(self, finding: Finding, suspects: list[Applied], orders: list[Order]) -> Applied | None:
        """The mutation that alone makes such a finding again; None where none of them does."""
        names = (finding.stream,) if finding.stream in self.account.connector.stream_names else ()
        command = finding.stream if finding.stream in COMMANDS else "read"
        first = LIKELY.get(finding.kind, "row")
        likely = sorted(suspects, key=lambda suspect: not suspect["mutation"].startswith(first))
        with self.account.limited(TRACE_SECONDS):
            for suspect in likely[:SUSPECTS]:
                order = next(order for order in orders if order["number"] == suspect["number"])
                verdict = self.play(command, [order], () if suspect["mutation"].startswith(BUDGETS) else names)
                if any(again.kind == finding.kind for again, _ in verdict.findings):
                    return suspect
        return None

    def reach(self, name: str, applied: list[Applied]) -> Reach:
        """The mutations that the stream can have met."""
        met = self.meets.get(name)
        is_child = name in CHILDREN[self.account.connector.name]
        return Reach(tuple(each for each in applied if met is None or each["endpoint"] in met), is_child)

    def _add(self, verdict: Verdict, findings: list[Finding], suspects: list[Applied] | tuple[Applied, ...]) -> None:
        verdict.findings += [(finding, list(suspects)) for finding in findings]

    def _judge_states(
        self, verdict: Verdict, outcome: Outcome, started: datetime, names: tuple[str, ...], complete: set[str]
    ) -> None:
        read = Read(outcome.result, configured(self.account.catalog, names), started)
        for problem in broken_promises(read, complete):
            name, _, text = problem.partition(": ")
            finding = Finding(f"states: {text.partition(' is ')[0][:40] if name == 'state' else 'promise'}", name, text)
            self._add(verdict, [finding], self.reach(name, verdict.applied).applied)

    def _second(self, outcome: Outcome, names: tuple[str, ...]) -> Outcome:
        """A run of these streams without mutations, from the states that the first one left."""
        states = [state for state in outcome.result.final_states() if _stream_of(state) in names]
        return self.account.run("read", [], names, states)[0]

    def _judge_complete(self, verdict: Verdict, outcome: Outcome, name: str) -> None:
        reach = self.reach(name, verdict.applied)
        stream, truth = self.account.connector.stream(name), self.account.truth[name]
        findings = judge.completeness(stream, truth, outcome.result.records.get(name, []), reach)
        if any(finding.kind in LOSSES for finding in findings) and judge.knows_of_losses(name, outcome):
            second = self._second(outcome, (name,))
            findings = [finding for finding in findings if finding.kind not in LOSSES]
            findings += judge.recovery(stream, truth, (outcome, second), reach)
        unchanged = judge.unchanged(stream, truth, outcome.result.records.get(name, []))
        for applied in reach.applied:
            # What came as it should was asked for by somebody else when it was changed.
            ids = {row["id"] for row in applied["rows"] if row["arrives"]} - unchanged
            if applied["shows"] and ids & truth.keys() and not outcome.shows(applied["shows"]):
                findings.append(Finding("digits lost", name, applied["shows"]))
        self._add(verdict, findings, reach.applied)
        verdict.complete.update(applied["mutation"] for applied in reach.applied)

    def _judge_failed(self, verdict: Verdict, outcome: Outcome, failed: tuple[str, ...]) -> None:
        refused = any(BY_NAME[applied["mutation"]].refuses for applied in verdict.applied)
        # Budgets are the whole run's: what one answer says of them stops any stream.
        budgets = [each for each in verdict.applied if each["mutation"].startswith(BUDGETS)]
        self._add(verdict, judge.clarity("", outcome), verdict.applied)
        second = self._second(outcome, failed)
        for name in failed:
            reach = self.reach(name, verdict.applied)
            findings = judge.clarity(name, outcome)
            if not reach.applied and not refused and not budgets and not outcome.errors(None):
                findings.append(Finding("failed though not met", name, _said(outcome, name)))
            elif reach.stops_nothing and not refused and not findings and not outcome.errors(None):
                findings.append(
                    Finding(f"stopped by something harmless{_reason(outcome, name)}", name, _said(outcome, name))
                )
            stream, truth = self.account.connector.stream(name), self.account.truth[name]
            findings += judge.recovery(stream, truth, (outcome, second), reach)
            suspects = [*reach.applied, *(each for each in budgets if each not in reach.applied)]
            self._add(verdict, findings, suspects or verdict.applied)
            verdict.failed.update(applied["mutation"] for applied in reach.applied)


def _stream_of(state: dict[str, Any]) -> str:
    return str(state["stream"]["stream_descriptor"]["name"])


def _reason(outcome: Outcome, name: str) -> str:
    """What the message gives as the reason, so that findings of one cause are counted together."""
    found = REASON.search(str((outcome.errors(name) or [{}])[0].get("message")))
    return f", {found[1]}" if found else ""


def _said(outcome: Outcome, name: str) -> str:
    errors = outcome.errors(name) or outcome.errors(None)
    return " | ".join(f"{error.get('message')} / {str(error.get('internal_message'))[:200]}" for error in errors[:1])
