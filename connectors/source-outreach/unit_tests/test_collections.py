"""The table of resources: what is in it, and the columns and schemas that follow."""

from __future__ import annotations

import pytest

from source_outreach.collections import Collection, Columns, parents, snake, table

UPDATED_AT = (
    "accounts call_dispositions call_purposes calls content_categories content_category_memberships "
    "content_category_ownerships email_addresses favorites kaia_recordings mail_aliases mailboxes mailings "
    "opportunities opportunity_prospect_roles opportunity_stages personas phone_numbers products profiles prospects "
    "purchases roles "
    "rulesets sequence_states sequence_steps sequences snippets stages task_dispositions task_priorities task_purposes "
    "tasks teams templates users"
)
FULL_REFRESH = (
    "duties batches batch_items recipients sequence_templates webhooks compliance_requests imports org_settings"
)


def test_there_are_47_collections_and_two_that_are_read_by_id() -> None:
    assert len(table()) == 49
    assert {"imports", "org_settings"} <= table().keys()


def test_36_collections_are_read_by_their_update() -> None:
    found = {name for name, collection in table().items() if collection.cursor == "updatedAt"}
    assert found == set(UPDATED_AT.split())
    assert len(found) == 36


def test_events_and_notes_go_by_creation_and_audit_logs_by_their_time() -> None:
    assert {name: table()[name].cursor for name in ("events", "account_notes", "prospect_notes", "audit_logs")} == {
        "events": "createdAt",
        "account_notes": "createdAt",
        "prospect_notes": "createdAt",
        "audit_logs": "timestamp",
    }


def test_what_cannot_be_filtered_has_no_cursor() -> None:
    assert {name for name, each in table().items() if each.cursor is None} == set(FULL_REFRESH.split())


def test_every_cursor_is_an_attribute_of_its_collection() -> None:
    assert not [name for name, each in table().items() if each.cursor and each.cursor not in each.attributes]


@pytest.mark.parametrize(
    ("plural", "name"),
    [("callDispositions", "call_dispositions"), ("kaiaRecordings", "kaia_recordings"), ("duties", "duties")],
)
def test_stream_names_are_snake_case(plural: str, name: str) -> None:
    assert snake(plural) == name


def test_the_call_disposition_of_a_call_is_a_column() -> None:
    assert table()["calls"].columns("callDisposition").one == "callDispositionId"


@pytest.mark.parametrize(
    ("stream", "relationship", "column"),
    [
        ("favorites", "target", "targetRefId"),
        ("mailboxes", "user", "userRefId"),
        ("mailings", "followUpSequence", "followUpSequenceRefId"),
        ("batch_items", "batch", "batchRefId"),
        ("prospects", "updater", "updaterId"),
        ("users", "phone", "phoneId"),
    ],
)
def test_an_attribute_keeps_its_name_and_the_relationship_gives_way(
    stream: str, relationship: str, column: str
) -> None:
    assert table()[stream].columns(relationship).one == column


def test_the_schema_of_calls_types_attributes_and_relationships() -> None:
    properties = table()["calls"].schema()["properties"]
    assert properties["id"] == {"type": "integer"}
    assert properties["updatedAt"] == {
        "type": ["null", "string"],
        "format": "date-time",
        "airbyte_type": "timestamp_with_timezone",
    }
    assert properties["shouldRecordCall"] == {"type": ["null", "boolean"]}
    assert properties["tags"] == {"type": ["null", "array"], "items": {"type": ["null", "string"]}}
    assert properties["callDispositionId"] == {
        "type": ["null", "integer"],
        "description": "Id of the callDisposition.",
    }
    assert properties["associatedIdType"]["description"] == "Type of the account or opportunity."
    assert "batchesIds" not in properties


def test_prospects_have_150_custom_fields_and_tell_their_labels() -> None:
    properties = table()["prospects"].schema({"custom7": "Region (inclusion)"})["properties"]
    assert properties["custom7"] == {"type": ["null", "string"], "description": "Region (inclusion)"}
    assert properties["custom150"] == {"type": ["null", "string"]}
    assert "custom151" not in properties


def test_dates_are_texts_since_live_ones_are_date_times_too() -> None:
    assert table()["prospects"].schema()["properties"]["dateOfBirth"] == {
        "type": ["null", "string"],
        "description": "A date or a date-time.",
    }


def test_where_an_attribute_may_have_the_name_of_a_column_of_ids_both_columns_are_declared() -> None:
    properties = table()["prospects"].schema()["properties"]
    assert properties["updaterId"] == {"type": ["null", "integer"], "description": "Id of the user."}
    assert properties["updaterRefId"] == {
        "type": ["null", "integer"],
        "description": "Id of the user, where an attribute is called updaterId.",
    }
    declared = {(name, each) for name, collection in table().items() for each in collection.beside}
    assert declared == {("prospects", "updater"), ("opportunities", "territory"), ("events", "mailing")}


@pytest.mark.parametrize("name", ["bccEntitiesId", "ccEntitiesId", "prospectsIds", "toEntitiesId"])
def test_relationships_without_a_schema_have_columns_for_one_and_for_many(name: str) -> None:
    properties = table()["mailings"].schema()["properties"]
    assert [properties[name + suffix]["type"][1] for suffix in ("Id", "Type", "Ids")] == ["integer", "string", "array"]


def test_audit_logs_have_textual_ids() -> None:
    assert table()["audit_logs"].schema()["properties"]["id"] == {"type": "string"}


def test_every_schema_is_open_and_has_key_and_cursor() -> None:
    for name, collection in table().items():
        schema = collection.schema()
        assert schema["additionalProperties"] is True, name
        assert {"id", "type"} <= schema["properties"].keys(), name


def test_calls_start_after_what_they_refer_to() -> None:
    names = parents(table()["calls"])
    assert {"call_dispositions", "call_purposes", "users", "prospects", "opportunities"} <= set(names)
    assert "tasks" not in names  # which start later: the two refer to each other


def test_an_attribute_named_type_leaves_the_type_of_the_record_alone() -> None:
    collection = Collection("thing", "thing", attributes={"type": "integer"})
    properties = collection.schema()["properties"]
    assert (properties["type"], properties["typeAttribute"]) == (
        {"type": ["null", "string"]},
        {"type": ["null", "integer"]},
    )


def test_an_unknown_relationship_gets_the_usual_columns() -> None:
    assert table()["stages"].columns("newThing") == Columns("newThingId", "newThingIds", "newThingType")
