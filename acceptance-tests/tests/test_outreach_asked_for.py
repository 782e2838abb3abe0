"""What Outreach gives only when it is asked: links to a CRM, hidden attributes, attributes that no schema knows."""

from __future__ import annotations

import copy
from typing import Any
from urllib.parse import unquote

import pytest

from emulators.outreach.resources import resources
from harness.catalog import FULL_REFRESH
from harness.messages import Record
from harness.trial import NewTrial, Trial
from harness.truth import all_differences, canonical

pytestmark = [pytest.mark.only("outreach"), pytest.mark.thorough]

CONNECTED = sorted(each.stream for each in resources().values() if each.connections)
HIDDEN = {"prospects": "contactHistogram", "kaia_recordings": "topics"}
SMALL = {"prospects": 300, "mailings": 200, "sizes": {"events": 60, "calls": 60}, "largest_page": 1_000}


def without(records: list[Record], column: str) -> list[bytes]:
    """The records in one order, without a column."""
    return sorted(canonical({name: value for name, value in each.items() if name != column}) for each in records)


def asked(trial: Trial) -> list[str]:
    return [unquote(entry["target"]) for entry in trial.emulator.log()]


def deselected(trial: Trial, *columns: str) -> None:
    """The catalog as the platform writes it where these columns are not wanted."""
    catalog = copy.deepcopy(trial.catalog)
    for stream in catalog["streams"]:
        for column in columns:
            stream["json_schema"]["properties"].pop(column, None)
    trial.known_catalog = catalog
    trial.__dict__.pop("catalog", None)


def test_twelve_streams_have_their_links_to_a_crm(new_trial: NewTrial) -> None:
    trial = new_trial(**SMALL)
    records = trial.read(CONNECTED).result.records
    problems = all_differences(trial.connector, trial.truth(CONNECTED), records)
    assert not problems, "\n".join(problems)
    lengths = {name: {len(each["dataConnections"]) for each in records[name]} for name in CONNECTED}
    assert len(CONNECTED) == 12
    assert lengths == {name: {0, 1, 2} for name in CONNECTED}


def test_where_links_are_refused_all_else_arrives_with_one_warning(new_trial: NewTrial) -> None:
    trial = new_trial(**SMALL, data_connections="refused")
    read = trial.read()
    truth = trial.truth()
    problems = [
        f"{name} differs"
        for name, records in truth.items()
        if without(records, "dataConnections") != without(read.result.records.get(name, []), "dataConnections")
    ]
    assert not problems, "\n".join(problems)
    warnings = [line for line in read.result.logs if line.startswith("WARN") and "onnections" in line]
    assert len(warnings) == 1, warnings
    assert 1 <= trial.emulator.stats()["statuses"]["400"] <= len(CONNECTED)
    links = {str(each.get("dataConnections")) for name in CONNECTED for each in read.result.records[name]}
    assert links == {"None"}


def test_where_asking_for_links_is_ignored_the_records_are_complete(new_trial: NewTrial) -> None:
    trial = new_trial(**SMALL, data_connections="ignored")
    problems = all_differences(trial.connector, trial.truth(CONNECTED), trial.read(CONNECTED).result.records)
    assert not problems, "\n".join(problems)


def test_links_that_are_not_wanted_are_not_asked_for(new_trial: NewTrial) -> None:
    trial = new_trial(**SMALL, keep_log=True)
    read = trial.read(CONNECTED, data_connections=False)
    assert not [target for target in asked(trial) if "provideDataConnections=true" in target]
    assert not any(each.get("dataConnections") for name in CONNECTED for each in read.result.records[name])


def test_a_link_that_was_added_since_comes_with_a_full_refresh(new_trial: NewTrial) -> None:
    trial = new_trial(**SMALL)
    first = trial.read(["prospects"])
    trial.emulator.options(more_connections=True)
    again = trial.read(["prospects"], state=first.result.final_states(), mode=FULL_REFRESH)
    problems = all_differences(trial.connector, trial.truth(["prospects"]), again.result.records)
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize(("name", "column"), HIDDEN.items())
def test_a_hidden_column_that_is_selected_is_filled(new_trial: NewTrial, name: str, column: str) -> None:
    trial = new_trial(**SMALL)
    truth = trial.truth([name])
    read = trial.read([name])
    problems = all_differences(trial.connector, truth, read.result.records)
    assert not problems, "\n".join(problems)
    assert any(each[column] for each in truth[name])


def test_a_hidden_column_that_is_not_selected_costs_no_request(new_trial: NewTrial) -> None:
    """As many requests as the same streams take where fieldsets are ignored, and none with a fieldset."""
    trial = new_trial(**SMALL, keep_log=True)
    deselected(trial, *HIDDEN.values())
    read = trial.read(list(HIDDEN))
    targets = [target for target in asked(trial) if not target.startswith("/oauth")]
    assert not [target for target in targets if "fields[" in target]
    assert len([target for target in targets if "/prospects" in target]) <= 2
    assert len([target for target in targets if "/kaiaRecordings" in target]) <= 2
    for name, column in HIDDEN.items():
        assert without(read.result.records[name], column) == without(trial.truth([name])[name], column)
        assert not any(each.get(column) for each in read.result.records[name])


@pytest.mark.parametrize("options", [{"unknown_fields": 400}, {"unknown_fields": 422}, {"shape": "real"}])
def test_hidden_columns_cost_no_other_column(new_trial: NewTrial, options: dict[str, Any]) -> None:
    trial = new_trial(**SMALL, **options)
    problems = all_differences(trial.connector, trial.truth(HIDDEN), trial.read(list(HIDDEN)).result.records)
    assert not problems, "\n".join(problems)


def test_where_fieldsets_are_ignored_the_records_are_complete(new_trial: NewTrial) -> None:
    trial = new_trial(**SMALL, sparse_fields=False)
    read = trial.read(list(HIDDEN))
    for name, column in HIDDEN.items():
        assert without(read.result.records[name], column) == without(trial.truth([name])[name], column)


def test_a_field_that_no_schema_knows_comes_when_it_is_named_in_the_config(new_trial: NewTrial) -> None:
    trial = new_trial(**SMALL)
    read = trial.read(["accounts"], extra_fields=["accounts.intentTrend"])
    truth = trial.emulator.truth("accounts", all_fields=True)
    assert without(read.result.records["accounts"], "") == without(truth, "")
    assert any(each["intentTrend"] for each in truth)
    plain = trial.read(["accounts"])
    assert without(plain.result.records["accounts"], "") == without(trial.truth(["accounts"])["accounts"], "")


@pytest.mark.parametrize("status", [0, 400, 422])
def test_an_extra_field_that_does_not_exist_costs_nothing_else(new_trial: NewTrial, status: int) -> None:
    trial = new_trial(**SMALL, unknown_fields=status)
    names = ["accounts", "stages"]
    read = trial.read(names, extra_fields=["accounts.nothing"])
    problems = [
        f"{name} differs"
        for name, records in trial.truth(names).items()
        if without(records, "nothing") != without(read.result.records[name], "nothing")
    ]
    assert not problems, "\n".join(problems)
    assert not status or any("nothing" in line for line in read.result.logs), "nobody says that the name is unknown"
