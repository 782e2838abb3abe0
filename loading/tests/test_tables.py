"""After a full and an incremental load the tables hold what the account holds."""

from __future__ import annotations

from harness.connector import Stream
from tests.loaded import Loaded
from warehouse.comparison import (
    INSTANT,
    column_problems,
    columns_in,
    key_problems,
    kinds_of,
    records_in,
    row_problems,
    type_of,
    type_problems,
)

# A column or two of each connector, with the type that an analyst needs.
NEEDED = {
    "closeio": {
        "leads.date_updated": INSTANT,
        "leads.contacts": "JSON",
        "opportunities.value": "BIGINT",
        "opportunities.date_won": "DATE",
        "opportunities.custom_cf_oppo0001qvr7txc2lmn4pzsk": "DECIMAL(38,9)",
        "call_activities.duration": "BIGINT",
        "call_activities.is_forwarded": "BOOLEAN",
    },
    "persistiq": {
        "leads.updated_at": INSTANT,
        "leads.data": "JSON",
        "campaign_replies.sent_at": INSTANT,
        "campaigns.stats": "JSON",
    },
    "kustomer": {
        "conversations.created_at": INSTANT,
        "conversations.spam": "BOOLEAN",
        "conversations.custom": "JSON",
        "messages.conversation_id": "VARCHAR",
    },
    "outreach": {
        "prospects.id": "BIGINT",
        "prospects.updatedat": INSTANT,
        "prospects.score": "DECIMAL(38,9)",
        "prospects.optedout": "BOOLEAN",
        "mailings.sequenceid": "BIGINT",
        "mailings.recipientsids": "JSON",
    },
}


def test_every_discovered_stream_has_a_table(loaded: Loaded) -> None:
    assert sorted(set(loaded.loader.catalog) - loaded.tables.names()) == []
    assert set(loaded.connector.stream_names) <= set(loaded.loader.catalog)


def test_the_rows_are_the_records_of_the_account(loaded: Loaded) -> None:
    problems = []
    for name, truth in loaded.truth.items():
        known = {stream.name: stream for stream in loaded.connector.streams}
        rows = records_in(loaded.tables, name, loaded.properties(name))
        columns = columns_in(loaded.tables, name)
        problems += row_problems(known.get(name, Stream(name)), loaded.key(name), truth, rows, columns)
    assert not problems, "\n".join(problems)


def test_no_field_is_lost_and_none_shares_a_column(loaded: Loaded) -> None:
    problems = [
        problem
        for name, truth in loaded.truth.items()
        for problem in column_problems(name, loaded.properties(name), truth, columns_in(loaded.tables, name))
    ]
    assert not problems, "\n".join(problems)


def test_columns_have_the_types_of_their_values(loaded: Loaded) -> None:
    problems = [
        problem
        for name, truth in loaded.truth.items()
        for problem in type_problems(name, loaded.properties(name), truth, columns_in(loaded.tables, name))
    ]
    # A task of Close is due on a day or at an instant: its schema can say neither of all tasks.
    days_or_instants = {
        f"{name}.date: text, though all values are instants" for name in loaded.truth if name.endswith("_tasks")
    }
    assert not set(problems) - days_or_instants, "\n".join(problems)


def test_objects_and_lists_have_json_columns(loaded: Loaded) -> None:
    """In a column of text PyAirbyte's own Postgres cache takes neither; README.md says how to declare them."""
    problems = [
        f"{name}.{field}: {kinds_of(schema)} is {type_of(schema)}"
        for name in loaded.truth
        for field, schema in loaded.properties(name).items()
        if {"object", "array"} & set(kinds_of(schema) or ["object"]) and type_of(schema) != "JSON"
    ]
    assert not problems, "\n".join(problems)


def test_columns_that_analysts_need_have_these_types(loaded: Loaded) -> None:
    needed = NEEDED[loaded.connector.name]
    found = {path: columns_in(loaded.tables, path.split(".")[0]).get(path.split(".")[1]) for path in needed}
    assert found == needed


def test_no_key_occurs_twice(loaded: Loaded) -> None:
    keyed = {name: key for name in loaded.truth if (key := loaded.key(name))}
    assert set(loaded.truth) - set(keyed) <= {"webhook_plugin"}
    problems = [problem for name, key in keyed.items() for problem in key_problems(loaded.tables, name, key)]
    assert not problems, "\n".join(problems)


def test_every_stream_is_summed_up_in_the_log(loaded: Loaded) -> None:
    for load in loaded.loads:
        assert {summary.name for summary in load.streams} == set(loaded.loader.catalog)
        assert sum(summary.records for summary in load.streams) == load.records


def test_the_second_load_reads_what_changed(loaded: Loaded) -> None:
    """The streams that were changed come with few records; state came from the cache."""
    first, second = ({summary.name: summary.records for summary in load.streams} for load in loaded.loads)
    large = {"closeio": "leads", "persistiq": "events", "kustomer": "messages", "outreach": "prospects"}
    name = large[loaded.connector.name]
    assert 0 < second[name] < first[name] / 4
