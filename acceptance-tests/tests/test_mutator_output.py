"""What `python -m mutator` prints: whoever sees only the end of a log sees what was found."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from harness.connector import Connector
from mutator import __main__ as mutator
from mutator.campaign import Example, Report
from mutator.judge import Finding

EXAMPLE = Example(Finding("lost", "events", "1 of 9: ['e7']"), None, [], 4)


class FakeCampaign:
    """Finds a lost record of Kustomer, never mutates anything of Outreach, and breaks off at PersistIQ."""

    def __init__(self, connector: Connector, seed: int, directory: Path) -> None:
        self.name = connector.name
        self.report = Report(connector.name, seed, rounds=5, applied=Counter({"row: odd field": 20}))

    def run(self, mutations: int, seconds: float) -> Report:
        return self.again(0)

    def again(self, round_number: int, only: int | None = None) -> Report:
        if self.name == "persistiq":
            raise RuntimeError("no emulator")
        if self.name == "outreach":
            self.report.applied.clear()
        if self.name == "kustomer":
            key = ("lost", "several together")
            self.report.found[key], self.report.examples[key] = 1, EXAMPLE
        return self.report


@pytest.fixture(autouse=True)
def fake_campaign(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mutator, "Campaign", FakeCampaign)


def test_findings_come_after_the_tables_of_all_connectors_and_before_a_line_for_each(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert mutator.main([]) == 1
    printed, errors = capsys.readouterr()
    assert errors == ""
    tables, *_ = printed.partition("\nkustomer: lost under")
    assert [line for line in tables.splitlines() if line in ("closeio", "kustomer", "outreach", "persistiq")] == [
        "closeio",
        "kustomer",
        "outreach",
    ]
    assert tables.count("streams complete") == 3
    found = printed[len(tables) :].splitlines()
    assert found[1:7] == [
        "kustomer: lost under several together: 1 times",
        "  events: 1 of 9: ['e7']",
        "  python -m mutator --connector kustomer --seed 1 --round 4",
        "",
        "outreach: nothing was mutated, which proves nothing",
        "",
    ]
    assert found[7] == "persistiq: the run broke off"
    assert found[-6:] == [
        "RuntimeError: no emulator",
        "",
        "closeio: 20 mutations in 5 rounds, 0 s, 0 findings, exit status 0",
        "kustomer: 20 mutations in 5 rounds, 0 s, 1 findings, exit status 1",
        "outreach: 0 mutations in 5 rounds, 0 s, 0 findings, exit status 1",
        "persistiq: broke off, exit status 1",
    ]


@pytest.mark.parametrize(
    ("arguments", "names", "status"),
    [
        (["--connector", "closeio"], ["closeio"], 0),
        (["--connector", "closeio", "--connector", "kustomer"], ["closeio", "kustomer"], 1),
        (["--connector", "closeio", "--only", "401"], ["closeio"], 0),
    ],
)
def test_only_the_connectors_that_are_named_are_played(
    arguments: list[str], names: list[str], status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert mutator.main(arguments) == status
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in lines if "exit status" in line] == names


@pytest.mark.parametrize("option", ["--only", "--round"])
def test_a_round_or_a_mutation_is_played_again_for_one_connector(
    option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        mutator.main([option, "4"])
    assert "a round or a mutation is played again for one --connector" in capsys.readouterr().err
