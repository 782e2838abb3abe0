"""Flattening: attributes to the top, relationships to columns of ids, live secrets to null."""

from __future__ import annotations

from typing import Any

import pytest

from source_outreach.collections import Collection, table
from source_outreach.flatten import Flattener


def flat(stream: str, attributes: dict[str, Any], relationships: dict[str, Any] | None = None) -> dict[str, Any]:
    collection = table()[stream]
    resource = {"type": collection.type, "id": 7, "attributes": attributes, "links": {"self": "https://x/7"}}
    if relationships is not None:
        resource["relationships"] = relationships
    (record,) = Flattener(collection)([resource])
    return record


def test_attributes_come_to_the_top_behind_id_and_type() -> None:
    record = flat("stages", {"name": "Open", "order": 2})
    assert list(record.items()) == [("id", 7), ("type", "stage"), ("name", "Open"), ("order", 2)]


def test_relationships_become_ids() -> None:
    record = flat(
        "prospects",
        {},
        {
            "account": {"data": {"type": "account", "id": 3}},
            "owner": {"data": None},
            "assignedUsers": {"data": [{"type": "user", "id": 1}, {"type": "user", "id": 2}], "meta": {"count": 2}},
            "opportunities": {"data": []},
        },
    )
    assert record == {
        "id": 7,
        "type": "prospect",
        "accountId": 3,
        "ownerId": None,
        "assignedUsersIds": [1, 2],
        "opportunitiesIds": [],
    }


def test_relationships_with_links_only_or_nothing_give_no_column() -> None:
    record = flat("prospects", {}, {"calls": {"links": {"related": "https://x"}}, "stage": {}, "persona": None})
    assert record == {"id": 7, "type": "prospect"}


def test_where_the_type_varies_it_comes_too() -> None:
    record = flat("tasks", {}, {"subject": {"data": {"type": "prospect", "id": 4}}, "creator": {"data": None}})
    assert record == {
        "id": 7,
        "type": "task",
        "subjectId": 4,
        "subjectType": "prospect",
        "creatorId": None,
        "creatorType": None,
    }


def test_a_known_attribute_keeps_its_name_even_where_a_record_lacks_it() -> None:
    relationships = {"target": {"data": {"type": "account", "id": 9}}}
    assert flat("favorites", {}, relationships)["targetRefId"] == 9
    record = flat("favorites", {"targetId": 1, "targetType": "Account"}, relationships)
    assert (record["targetId"], record["targetRefId"], record["targetRefType"]) == (1, 9, "account")


def test_an_unknown_attribute_keeps_its_name_too() -> None:
    record = flat("stages", {"creatorId": 1}, {"creator": {"data": {"type": "user", "id": 2}}})
    assert (record["creatorId"], record["creatorRefId"]) == (1, 2)


def test_an_attribute_that_no_schema_lists_keeps_its_name_beside_a_known_relationship() -> None:
    relationships = {"updater": {"data": {"type": "user", "id": 8}}}
    assert flat("prospects", {}, relationships)["updaterId"] == 8
    record = flat("prospects", {"updaterId": 1}, relationships)
    assert (record["updaterId"], record["updaterRefId"]) == (1, 8)


def test_an_unknown_relationship_tells_its_type() -> None:
    record = flat("stages", {}, {"sponsor": {"data": {"type": "team", "id": 5}}})
    assert (record["sponsorId"], record["sponsorType"]) == (5, "team")


def test_null_for_many_stays_null() -> None:
    assert flat("prospects", {}, {"assignedUsers": {"data": None}})["assignedUsersIds"] is None


def test_a_relationship_without_a_schema_may_be_one_or_many() -> None:
    one = {"toEntitiesId": {"data": {"type": "prospect", "id": 3}}, "ccEntitiesId": {"data": None}}
    assert flat("mailings", {}, one) == {
        "id": 7,
        "type": "mailing",
        "toEntitiesIdId": 3,
        "toEntitiesIdType": "prospect",
        "ccEntitiesIdId": None,
        "ccEntitiesIdType": None,
    }
    many = {"toEntitiesId": {"data": [{"type": "prospect", "id": 3}]}}
    assert flat("mailings", {}, many) == {"id": 7, "type": "mailing", "toEntitiesIdIds": [3]}


def test_live_secrets_are_null_and_the_rest_stays() -> None:
    webhook = flat("webhooks", {"secret": "s3cret", "cleanupToken": "tok", "url": "https://example.com"})
    assert webhook == {
        "id": 7,
        "type": "webhook",
        "secret": None,
        "cleanupToken": None,
        "url": "https://example.com",
    }
    mailbox = flat("mailboxes", {"password": "p", "smtpPassword": "q", "sendgridApiKey": "r", "smtpHost": "h"})
    assert (mailbox["password"], mailbox["smtpPassword"], mailbox["sendgridApiKey"]) == (None, None, None)
    assert mailbox["smtpHost"] == "h"


def test_a_secret_that_is_not_there_is_not_invented() -> None:
    assert "secret" not in flat("webhooks", {"url": "https://example.com"})


def test_attributes_that_would_hide_id_and_type_get_another_name() -> None:
    collection = Collection("thing", "thing", attributes={"type": "text"})
    (record,) = Flattener(collection)([{"type": "thing", "id": 1, "attributes": {"type": "big", "id": "x"}}])
    assert record == {"id": 1, "type": "thing", "typeAttribute": "big", "idAttribute": "x"}


def test_a_resource_without_attributes_is_still_a_record() -> None:
    (record,) = Flattener(table()["duties"])([{"type": "duty", "id": 1}])
    assert record == {"id": 1, "type": "duty"}


def test_nulls_among_linked_resources_are_left_out_and_links_without_type_have_none() -> None:
    relationships = {
        "assignedUsers": {"data": [None, {"type": "user", "id": 1}, {"id": 2}, {"type": "user"}]},
        "account": {"data": {"id": 3}},
        "owner": {"data": {"type": "user"}},
    }
    assert flat("prospects", {}, relationships) == {
        "id": 7,
        "type": "prospect",
        "assignedUsersIds": [1, 2, None],
        "accountId": 3,
        "ownerId": None,
    }
    assert flat("tasks", {}, {"subject": {"data": {"id": 4}}}) == {
        "id": 7,
        "type": "task",
        "subjectId": 4,
        "subjectType": None,
    }


def test_a_bare_id_in_the_place_of_a_linked_resource_is_the_id() -> None:
    relationships = {"account": {"data": 3}, "assignedUsers": {"data": [1, "2"]}, "stage": "x", "calls": ["y"]}
    assert flat("prospects", {}, relationships) == {
        "id": 7,
        "type": "prospect",
        "accountId": 3,
        "assignedUsersIds": [1, "2"],
    }


@pytest.mark.parametrize("attributes", [None, [], ["x"], "text", 5])
def test_a_resource_whose_attributes_are_no_object_arrives(attributes: Any) -> None:
    resource = {"type": "stage", "id": 7, "attributes": attributes, "links": {}, "name": "Open"}
    (record,) = Flattener(table()["stages"])([resource])
    kept = {} if attributes is None else {"attributes": attributes}
    assert record == {"id": 7, "type": "stage", "name": "Open", **kept}


def test_a_resource_with_nothing_in_it_arrives() -> None:
    assert Flattener(table()["stages"])([{}]) == [{"id": None, "type": None}]


def test_relationships_that_are_no_object_stay_as_they_are() -> None:
    resource = {"type": "stage", "id": 7, "attributes": {"name": "Open"}, "relationships": ["x"]}
    assert Flattener(table()["stages"])([resource]) == [
        {"id": 7, "type": "stage", "name": "Open", "relationships": ["x"]}
    ]


def test_no_column_takes_the_place_of_another() -> None:
    creator = {"creator": {"data": {"type": "user", "id": 2}}}
    record = flat("stages", {"creatorId": 1, "creatorRefId": 3, "type": "a", "typeAttribute": "b"}, creator)
    assert record == {
        "id": 7,
        "type": "stage",
        "creatorId": 1,
        "creatorRefId": 3,
        "typeAttribute": "b",
        "typeAttributeAttribute": "a",
        "creatorRefRefId": 2,
    }
    both = {"sponsor": {"data": {"type": "user", "id": 1}}, "sponsorId": {"data": [{"type": "user", "id": 2}]}}
    assert flat("stages", {"sponsorId": 5}, both) == {
        "id": 7,
        "type": "stage",
        "sponsorId": 5,
        "sponsorRefId": 1,
        "sponsorRefType": "user",
        "sponsorIdIds": [2],
    }


def test_what_stands_beside_the_attributes_becomes_columns_too() -> None:
    resource = {
        "type": "stage",
        "id": 7,
        "attributes": {"name": "Open"},
        "relationships": {"creator": {"data": {"type": "user", "id": 2}}},
        "links": {"self": "x"},
        "meta": {"rev": 1},
        "color": "red",
        "name": "beside",
        "creatorId": "beside",
    }
    assert Flattener(table()["stages"])([resource]) == [
        {
            "id": 7,
            "type": "stage",
            "name": "Open",
            "creatorId": 2,
            "color": "red",
            "creatorIdMember": "beside",
            "nameMember": "beside",
        }
    ]


def test_resources_that_nobody_needs_any_more_are_let_go() -> None:
    resources: list[Any] = [{"type": "stage", "id": number, "attributes": {"name": "Open"}} for number in (1, 2)]
    assert Flattener(table()["stages"])(resources, is_spent=True) == [
        {"id": 1, "type": "stage", "name": "Open"},
        {"id": 2, "type": "stage", "name": "Open"},
    ]
    assert resources == [None, None]
