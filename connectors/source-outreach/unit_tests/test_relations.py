"""relations.yaml and collections.yaml agree on what relationships lead to, written down twice and by hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from harness.relations import DOCUMENTED, Relations
from source_outreach.collections import table

STREAM_OF = {collection.type: name for name, collection in table().items()}
STREAMS = [{"name": name, "json_schema": collection.schema()} for name, collection in table().items()]
# Attributes that hold ids: no relationship tells their type.
ATTRIBUTES = {
    "users.defaultRulesetId", "mailboxes.userId", "mailings.followUpSequenceId", "batch_items.batchId",
    "compliance_requests.requesterId", "favorites.targetId", "mailings.attributableSequenceId",
    "imports.prospectOwnerId", "imports.stageId",
}  # fmt: skip


def relationships() -> Iterator[tuple[str, set[str]]]:
    """The place of each column of a relationship, and the streams that it leads to."""
    for name, collection in table().items():
        for relationship, types in {**collection.one, **collection.many}.items():
            streams = {STREAM_OF[kind] for kind in types if kind in STREAM_OF}
            columns = collection.columns(relationship)
            if relationship in collection.one:
                yield f"{name}.{columns.one}", streams
            if relationship in collection.many:
                yield f"{name}.{columns.many}[]", streams
            if relationship in collection.beside:
                yield f"{name}.{collection.columns_beside_attributes(relationship).one}", streams


def test_relationships_lead_where_the_table_of_collections_says() -> None:
    relations = Relations(Path(__file__).parents[1], STREAMS)
    ruled = {
        each.place: {target.stream for target in each.rule.targets}
        for each in relations.all
        if each.place not in ATTRIBUTES
    }
    assert ruled == {place: streams for place, streams in relationships() if streams}
    assert {each.place for each in relations.all} >= ATTRIBUTES


def test_what_only_documents_say_is_marked() -> None:
    relations = Relations(Path(__file__).parents[1], STREAMS)
    assert {each.place for each in relations.all if each.rule.section == DOCUMENTED} == {
        "favorites.targetId", "mailings.attributableSequenceId", "prospects.updaterRefId", "events.mailingRefId",
    }  # fmt: skip
