"""What the Outreach emulator gives only when it is asked for: fieldsets, hidden attributes, links to a CRM."""

from __future__ import annotations

from typing import Any

import pytest

from emulator_tests.outreach_client import OutreachClient
from emulators.outreach.resources import resources

CONNECTED = {
    "accounts", "calls", "events", "mailings", "opportunities", "opportunityStages", "products", "prospects",
    "purchases", "stages", "tasks", "users",
}  # fmt: skip


@pytest.fixture(scope="module")
def outreach() -> OutreachClient:
    return OutreachClient()


def first(client: OutreachClient, path: str, **params: Any) -> dict[str, Any]:
    status, answer = client.ask(path, **{"page__size": 1} | params)
    assert status == 200, answer
    record: dict[str, Any] = answer["data"][0]
    return record


def test_a_fieldset_leaves_only_what_it_names(outreach: OutreachClient) -> None:
    record = first(outreach, "/prospects", fields__prospect="firstName,owner,updatedAt")
    assert record["attributes"].keys() == {"firstName", "updatedAt"}
    assert record["relationships"].keys() == {"owner"}
    assert record.keys() == {"type", "id", "attributes", "relationships", "links"}


def test_a_fieldset_of_the_id_leaves_next_to_nothing(outreach: OutreachClient) -> None:
    record = first(outreach, "/prospects", fields__prospect="id", sort="id")
    assert record.keys() == {"type", "id", "attributes", "links"}
    assert (record["id"], record["attributes"]) == (1, {})


def test_a_fieldset_of_another_type_says_nothing(outreach: OutreachClient) -> None:
    assert len(first(outreach, "/prospects", fields__account="name")["attributes"]) > 200


def test_a_fieldset_is_kept_over_pages(outreach: OutreachClient) -> None:
    rows = outreach.walk("/prospects", fields__prospect="id", page__size=7)
    assert [row["attributes"] for row in rows] == [{}] * 60


def test_a_single_record_has_fieldsets_too(outreach: OutreachClient) -> None:
    assert outreach.ask("/prospects/3", fields__prospect="id")[1]["data"]["attributes"] == {}


@pytest.mark.parametrize("status", [400, 422])
def test_unknown_names_of_a_fieldset_are_ignored_or_refused(status: int) -> None:
    assert first(OutreachClient(), "/stages", fields__stage="name,nothing")["attributes"].keys() == {"name"}
    strict = OutreachClient(unknown_fields=status)
    answered, answer = strict.ask("/stages", fields__stage="name,nothing")
    assert (answered, "'nothing'" in answer["errors"][0]["detail"]) == (status, True)
    every = ",".join(each.name for each in resources()["prospects"].attributes)
    assert first(strict, "/prospects", fields__prospect=f"{every},id,smsOptedOutAt")["attributes"]


def test_fieldsets_can_be_ignored() -> None:
    assert len(first(OutreachClient(sparse_fields=False), "/prospects", fields__prospect="id")["attributes"]) > 200


@pytest.mark.parametrize(
    ("path", "kind", "name"),
    [("/prospects", "prospect", "contactHistogram"), ("/kaiaRecordings", "kaiaRecording", "topics")],
)
def test_hidden_attributes_come_only_when_they_are_named(path: str, kind: str, name: str) -> None:
    client = OutreachClient()
    stream = {"/prospects": "prospects", "/kaiaRecordings": "kaia_recordings"}[path]
    assert name not in first(client, path)["attributes"]
    rows = client.walk(path, **{"page__size": 5, f"fields__{kind}": f"{name},updatedAt"})
    shown = {row["id"]: row["attributes"][name] for row in rows}
    assert shown == {record["id"]: record[name] for record in client.truth(stream)}
    assert not any(name in record for record in OutreachClient(sparse_fields=False).truth(stream))
    assert any(shown.values())


def test_a_hidden_attribute_that_no_schema_lists_is_known_to_who_names_it(outreach: OutreachClient) -> None:
    assert "intentTrend" in first(outreach, "/accounts", fields__account="intentTrend")["attributes"]
    assert "intentTrend" not in outreach.ask("/schema.json")[1]["definitions"]["account"]["definitions"]
    assert "intentTrend" not in outreach.truth("accounts")[0]
    assert "intentTrend" in outreach.truth("accounts", all_fields=True)[0]


def test_twelve_collections_have_links_to_a_crm() -> None:
    assert {each.plural for each in resources().values() if each.connections} == CONNECTED


@pytest.mark.parametrize("plural", sorted(CONNECTED))
def test_links_to_a_crm_come_when_they_are_asked_for(outreach: OutreachClient, plural: str) -> None:
    resource = resources()[plural]
    assert not any("meta" in row for row in outreach.walk(f"/{plural}", page__size=50))
    rows = outreach.walk(f"/{plural}", page__size=50, provideDataConnections="true")
    given = {row["id"]: row.get("meta", {}).get("dataConnections", []) for row in rows}
    assert given == {record["id"]: record["dataConnections"] for record in outreach.truth(resource.stream)}
    assert {len(each) for each in given.values()} == {0, 1, 2}


def test_other_collections_have_none(outreach: OutreachClient) -> None:
    assert "meta" not in first(outreach, "/personas", provideDataConnections="true")
    assert not any("dataConnections" in record for record in outreach.truth("personas"))


def test_asking_for_links_can_be_refused_or_ignored() -> None:
    refusing, ignoring = OutreachClient(data_connections="refused"), OutreachClient(data_connections="ignored")
    assert refusing.ask("/users", provideDataConnections="true")[0] == 400
    assert refusing.ask("/users")[0] == 200
    assert {record["dataConnections"] for record in refusing.truth("users")} == {None}
    assert "meta" not in first(ignoring, "/users", provideDataConnections="true")
    assert {len(record["dataConnections"]) for record in ignoring.truth("users")} == {0}


def test_a_further_link_moves_no_update() -> None:
    client = OutreachClient()
    before = client.truth("prospects")
    client.options(more_connections=True)
    after = client.truth("prospects")
    assert [record["updatedAt"] for record in after] == [record["updatedAt"] for record in before]
    grown = zip(before, after, strict=True)
    assert all(len(new["dataConnections"]) == len(old["dataConnections"]) + 1 for old, new in grown)
    shown = first(client, "/prospects", provideDataConnections="true", sort="id")
    assert shown["meta"]["dataConnections"] == after[0]["dataConnections"]
