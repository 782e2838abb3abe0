"""What a connector's relations.yaml says of its columns is so: the diagrams and models that rest on it are true."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.connector import Connector
from harness.read_checks import Read
from harness.relations import Relations
from harness.trial import Trial


def test_every_reference_leads_to_a_record(connector: Connector, shared: Trial, clean: Read) -> None:
    """Of every column that is said to hold ids, each id, except where the file says that some are gone."""
    relations = Relations(connector.root, shared.catalog["streams"])
    problems = relations.problems() + relations.unresolved(clean.result.records)
    assert not problems, "\n".join(problems)


STREAMS: list[dict[str, Any]] = [
    {"name": name, "json_schema": {"properties": {column: {} for column in columns.split()}}}
    for name, columns in {
        "users": "id name",
        "teams": "id members",
        "calls": "id user_id team_id about_id about_type outside_id",
    }.items()
]
RULES = """
common:
  user_id: users
streams:
  teams:
    members[].user_id: users
  calls:
    about_id: {by: about_type, to: {user: users, "team*": teams}}
documented:
  calls:
    team_id: teams
elsewhere:
  outside_id: another system
"""
RECORDS: dict[str, list[dict[str, Any]]] = {
    "users": [{"id": 1}, {"id": 2}],
    "teams": [{"id": 7, "members": [{"user_id": 1}, {"user_id": 2}]}],
    "calls": [
        {"id": 8, "user_id": 1, "about_id": 7, "about_type": "team.small"},
        {"id": 9, "user_id": None, "about_id": 2, "about_type": "user"},
        {"id": 10, "user_id": 2, "about_id": 99, "about_type": "planet"},
    ],
}


def relations(folder: Path, rules: str = RULES) -> Relations:
    (folder / "relations.yaml").write_text(rules)
    return Relations(folder, STREAMS)


def test_true_rules_have_no_problems(tmp_path: Path) -> None:
    found = relations(tmp_path)
    assert found.problems() == []
    assert found.unresolved(RECORDS) == []
    assert sorted(each.place for each in found.all) == [
        "calls.about_id", "calls.team_id", "calls.user_id", "teams.members[].user_id",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("  outside_id:", "  outer_id:", "calls.outside_id: what does it refer to?"),
        ("  outside_id:", "  outer_id:", "elsewhere: no stream has a column without a rule called outer_id"),
        ("    team_id: teams", "    team_id: clubs", "calls.team_id: there is no clubs"),
        ("    team_id: teams", "    team_id: teams.number", "calls.team_id: there is no teams.number"),
        ("documented:\n", "documented:\n  clubs:\n    user_id: users\n", "no stream is called clubs"),
        ("    members[].", "    players[].", "streams: teams: players[].user_id: holds for no stream"),
    ],
)  # fmt: skip
def test_a_rule_that_does_not_fit_the_catalog_is_named(tmp_path: Path, old: str, new: str, problem: str) -> None:
    assert old in RULES
    assert problem in relations(tmp_path, RULES.replace(old, new)).problems()


@pytest.mark.parametrize(
    ("stream", "record", "problem"),
    [
        ("teams", {"id": 3, "members": [{"user_id": 4}]}, "teams.members[].user_id: 1 of 3 ids lead nowhere: [4]"),
        ("calls", {"id": 3, "user_id": 7}, "calls.user_id: 1 of 3 ids lead nowhere: [7]"),
        ("calls", {"id": 3, "about_type": "team", "about_id": 1}, "calls.about_id: 1 of 3 ids lead nowhere: [1]"),
        ("calls", {"id": 3, "team_id": 7}, "calls.team_id: has values: the rule belongs under `streams`"),
    ],
)
def test_a_record_that_contradicts_a_rule_is_found(
    tmp_path: Path, stream: str, record: dict[str, Any], problem: str
) -> None:
    records = {**RECORDS, stream: [*RECORDS[stream], record]}
    assert relations(tmp_path).unresolved(records) == [problem]


def test_a_rule_without_values_proves_nothing(tmp_path: Path) -> None:
    assert relations(tmp_path).unresolved({**RECORDS, "teams": [{"id": 7, "members": []}]}) == [
        "streams: teams: members[].user_id: no record has a value: the rule belongs under `documented`"
    ]


def test_an_exception_must_be_needed(tmp_path: Path) -> None:
    rules = RULES.replace("user_id: users\nstreams", "user_id: {to: users, gone: who left}\nstreams")
    gone = {**RECORDS, "calls": [*RECORDS["calls"], {"id": 3, "user_id": 4}]}
    assert relations(tmp_path, rules).unresolved(gone) == []
    assert relations(tmp_path, rules).unresolved(RECORDS) == [
        "calls.user_id: of 2 ids 0 are gone: the rule says that some are"
    ]
