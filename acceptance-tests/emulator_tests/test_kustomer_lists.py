"""The lists of the Kustomer emulator: pages, users in two passes, klasses, metadata, audit logs, children."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from emulator_tests.kustomer_client import Json, KustomerClient, created, ids, serving
from emulators.kustomer.small_table import TABLE

USERS, AUDIT_LOGS = 620, 130
STATUSES = ("enabled", "disabled", "existing_only")


@pytest.fixture(scope="module")
def account() -> Iterator[KustomerClient]:
    with serving(
        customers=230,
        conversations=120,
        messages=160,
        notes=90,
        companies=40,
        kobjects=10,
        conversation_times=1_300,
        users=USERS,
        small=120,
        audit_logs=AUDIT_LOGS,
    ) as client:
        yield client


@pytest.fixture
def kustomer(account: KustomerClient) -> Iterator[KustomerClient]:
    yield account
    account.restore()


def flagged(record: Json) -> bool:
    return bool(record.get("deleted"))


# Pages.


def test_a_list_has_links_to_its_pages_and_does_not_count(kustomer: KustomerClient) -> None:
    answer = kustomer.get("/tags", page=2, pageSize=50)
    assert answer["meta"] == {"pageSize": 50, "page": 2}
    assert answer["links"] == {
        "self": "/v1/tags?page=2&pageSize=50",
        "first": "/v1/tags?page=1&pageSize=50",
        "prev": "/v1/tags?page=1&pageSize=50",
        "next": "/v1/tags?page=3&pageSize=50",
    }
    assert kustomer.get("/tags", page=3, pageSize=50)["links"]["next"] is None
    assert kustomer.rows("/tags", page=9) == []


def test_the_list_of_customers_is_the_only_one_that_counts(kustomer: KustomerClient) -> None:
    present = sum(not flagged(customer) for customer in kustomer.emulator.truth("customers"))
    answer = kustomer.get("/customers", pageSize=100)
    assert answer["meta"] == {"pageSize": 100, "page": 1, "total": present, "totalPages": 3}
    assert answer["links"]["last"] == "/v1/customers?page=3&pageSize=100"
    for path in ("/conversations", "/messages", "/notes", "/companies", "/users"):
        assert kustomer.get(path)["meta"].keys() == {"pageSize", "page"}, path


@pytest.mark.parametrize(
    ("path", "largest"), [("/customers", 100), ("/messages", 100), ("/tags", 100), ("/teams", 500), ("/users", 500)]
)
def test_a_page_has_a_hundred_rows_unless_more_are_asked_for_and_allowed(
    kustomer: KustomerClient, path: str, largest: int
) -> None:
    assert len(kustomer.rows(path)) == 100
    assert kustomer.get(path, pageSize=largest)["meta"]["pageSize"] == largest
    assert kustomer.get(path, pageSize=largest + 1)["meta"]["pageSize"] == largest
    kustomer.options(oversize="refuse")
    assert kustomer.ask("GET", path, pageSize=largest + 1).refusal[:2] == (400, "bad_request")
    assert kustomer.ask("GET", path, pageSize=0).status == 400


@pytest.mark.parametrize("stream", ["customers", "conversations", "messages", "notes", "companies"])
def test_a_walk_along_the_links_gives_every_record_that_is_not_deleted(kustomer: KustomerClient, stream: str) -> None:
    present = [record["id"] for record in kustomer.emulator.truth(stream) if not flagged(record)]
    assert sorted(ids(kustomer.walk(f"/{stream}", pageSize=30))) == sorted(present)


@pytest.mark.parametrize("stream", [name for name in TABLE if name != "users"])
def test_a_small_list_gives_all_it_holds(kustomer: KustomerClient, stream: str) -> None:
    path, kind, _ = TABLE[stream]
    rows = kustomer.walk(path)
    assert sorted(ids(rows)) == sorted(record["id"] for record in kustomer.emulator.truth(stream))
    assert {row["type"] for row in rows} == {kind}
    assert len(rows) == 120


def test_a_list_ends_after_so_many_records(kustomer: KustomerClient) -> None:
    kustomer.options(list_cap=200)
    assert kustomer.get("/messages", page=1)["links"]["next"] == "/v1/messages?page=2&pageSize=100"
    assert kustomer.ask("GET", "/customers", page=2).status == 200
    assert kustomer.ask("GET", "/customers", page=3).refusal[:2] == (400, "bad_request")


def test_lists_know_no_time_of_update(kustomer: KustomerClient) -> None:
    assert kustomer.rows("/messages", updatedAt="2999-01-01") == kustomer.rows("/messages")


# Lists with a quirk.


def test_users_need_two_passes(kustomer: KustomerClient) -> None:
    active, gone = kustomer.walk("/users", pageSize=500), kustomer.rows("/users", deleted="true")
    assert len(active) == USERS
    assert {row["attributes"]["deletedAt"] for row in active} == {None}
    assert all(row["attributes"]["deletedAt"] for row in gone)
    assert kustomer.walk("/users", pageSize=500, deleted="false") == active
    both = sorted(ids(active) + ids(gone))
    assert both == sorted(record["id"] for record in kustomer.emulator.truth("users"))
    assert len(both) > USERS


def test_the_present_user_is_a_single_record(kustomer: KustomerClient) -> None:
    me = kustomer.get("/users/current")["data"]
    assert (me["type"], me["id"] in ids(kustomer.rows("/users"))) == ("user", True)


def test_klasses_come_by_status_and_enabled_ones_without(kustomer: KustomerClient) -> None:
    by_status = {status: kustomer.rows("/klasses", status=status) for status in STATUSES}
    for status, rows in by_status.items():
        assert {row["attributes"]["status"] for row in rows} == {status}
    assert kustomer.rows("/klasses") == by_status["enabled"]
    listed = [identifier for rows in by_status.values() for identifier in ids(rows)]
    assert sorted(listed) == sorted(record["id"] for record in kustomer.emulator.truth("klasses"))


def test_versions_of_slas_come_beside_the_slas_when_asked_for(kustomer: KustomerClient) -> None:
    assert "included" not in kustomer.get("/slas")
    answer = kustomer.get("/slas", versions="all", pageSize=20)
    assert [row["type"] for row in answer["data"]] == ["sla"] * 20
    assert [row["type"] for row in answer["included"]] == ["sla_version"] * 40
    assert {row["relationships"]["sla"]["data"]["id"] for row in answer["included"]} == set(ids(answer["data"]))
    assert not any("updatedAt" in row["attributes"] for row in (*answer["data"], *answer["included"]))


def test_custom_attributes_are_one_object_per_resource_or_a_list_of_one(kustomer: KustomerClient) -> None:
    for resource in ("company", "conversation", "customer", "message", "kobject.order", "kobject.shopify-order"):
        data = kustomer.get(f"/metadata/{resource}")["data"]
        assert data["attributes"]["properties"]["tierStr"].keys() >= {"displayName", "type", "array"}, resource
    assert kustomer.ask("GET", "/metadata/kobject.nonsense").refusal[:2] == (404, "not_found")
    kustomer.options(metadata_list=True)
    assert kustomer.get("/metadata/kobject.shopify-order")["data"] == [data]


# Audit logs.


def test_audit_logs_come_newest_first_and_go_on_after_an_id(kustomer: KustomerClient) -> None:
    rows = kustomer.rows("/audit-logs", count=1_000)
    times = [created(row) for row in rows]
    assert times == sorted(times, reverse=True)
    assert len(set(ids(rows))) == len(rows) == kustomer.emulator.truth_counts()["audit_logs"] > AUDIT_LOGS
    first = kustomer.get("/audit-logs")
    assert first["links"].keys() == {"self", "first", "previous", "next"}
    assert first["links"]["next"] == f"/v1/audit-logs?count=100&after={first['data'][-1]['id']}"
    assert "meta" not in first
    assert kustomer.walk("/audit-logs", count=40) == rows


def test_audit_logs_are_filtered_by_time_object_and_user(kustomer: KustomerClient) -> None:
    rows = kustomer.rows("/audit-logs", count=1_000)
    low, high = created(rows[60]), created(rows[20])
    between = {"filter[start]": low, "filter[end]": high}
    assert kustomer.walk("/audit-logs", count=15, **between) == rows[20:61]
    for name in ("objectType", "objectId", "userId"):
        value = rows[7]["attributes"][name]
        wanted = [row for row in rows if row["attributes"][name] == value]
        assert 0 < len(wanted) < AUDIT_LOGS
        assert kustomer.rows("/audit-logs", count=1_000, **{f"filter[{name}]": value}) == wanted, name


@pytest.mark.parametrize("params", [{"count": 1_001}, {"count": 0}, {"count": "x"}, {"filter[start]": "2026-02-30"}])
def test_what_audit_logs_do_not_understand_is_a_bad_request(kustomer: KustomerClient, params: Json) -> None:
    assert kustomer.ask("GET", "/audit-logs", **params).refusal[:2] == (400, "bad_request")


# Children.


def test_attachments_of_a_conversation_come_without_links_or_with_them(kustomer: KustomerClient) -> None:
    conversations = ids(kustomer.walk("/conversations"))
    answers = [kustomer.get(f"/conversations/{identifier}/attachments") for identifier in conversations]
    assert {tuple(answer) for answer in answers} == {("data",)}
    busy, answer = max(zip(conversations, answers, strict=True), key=lambda pair: len(pair[1]["data"]))
    assert answer["data"][0]["attributes"].keys() == {"name", "contentType", "contentLength", "redacted"}
    assert answer["data"][0]["relationships"]["message"].keys() == {"links"}
    assert kustomer.rows(f"/conversations/{busy}/attachments", page=2, pageSize=1) == answer["data"][1:2] != []
    kustomer.options(attachment_links=True)
    following = f"/v1/conversations/{busy}/attachments?page=2&pageSize=1"
    assert kustomer.get(f"/conversations/{busy}/attachments", pageSize=1)["links"]["next"] == following


@pytest.mark.parametrize(
    ("stream", "path", "parents"),
    [
        ("attachments", "/conversations/{}/attachments", "conversation"),
        ("conversation_events", "/conversations/{}/events", "conversation"),
        ("work_items", "/routing/conversations/{}/work-items", "conversation"),
        ("customer_merges", "/customers/{}/merges", "customer"),
    ],
)
def test_children_are_those_of_their_parent(kustomer: KustomerClient, stream: str, path: str, parents: str) -> None:
    truth = {(record[f"{parents}_id"], record["id"]) for record in kustomer.emulator.truth(stream)}
    everyone = [record["id"] for record in kustomer.emulator.truth(f"{parents}s")]
    found = {(parent, child) for parent in everyone for child in ids(kustomer.rows(path.format(parent)))}
    assert found == truth
    assert 0 < len({parent for parent, _ in truth}) < len(everyone)
    assert kustomer.ask("GET", path.format("0" * 24)).refusal[:2] == (404, "not_found")


def test_notes_and_times_of_conversations_are_those_of_the_lists(kustomer: KustomerClient) -> None:
    conversations = [record["id"] for record in kustomer.emulator.truth("conversations")]
    notes = [row for parent in conversations for row in kustomer.rows(f"/conversations/{parent}/notes")]
    assert sorted(ids(notes)) == sorted(ids(kustomer.walk("/notes")))
    times = [row for parent in conversations for row in kustomer.rows(f"/conversations/{parent}/times")]
    assert len(set(ids(times))) == 1_300
    assert kustomer.get(f"/conversations/{conversations[0]}/times", pageSize=2_000)["meta"]["pageSize"] == 1_000


def test_satisfaction_responses_are_named_by_their_conversations_and_come_one_by_one(kustomer: KustomerClient) -> None:
    levels = [row["attributes"]["satisfactionLevel"] for row in kustomer.walk("/conversations")]
    named = [level["formResponse"] for level in levels if level]
    assert {kustomer.get(f"/satisfaction-responses/{name}")["data"]["id"] for name in named} == set(named)
    assert 0 < len(named) < len(levels)
    assert kustomer.ask("GET", "/satisfaction-responses").status == 404
    assert kustomer.ask("GET", f"/satisfaction-responses/{'0' * 24}").status == 404


def test_lists_may_go_on_by_cursors_which_keep_their_filters(kustomer: KustomerClient) -> None:
    tags, gone = kustomer.walk("/tags"), ids(kustomer.rows("/users", deleted="true"))
    kustomer.options(cursor_page=2)
    assert kustomer.rows("/tags", page=2) == tags[:2]
    assert kustomer.get("/tags", page=1)["links"]["next"] == "/v1/tags?after=row%2B2"
    assert kustomer.walk("/tags") == tags
    assert ids(kustomer.walk("/users", deleted="true")) == gone
    assert kustomer.ask("GET", "/tags", after="x").refusal[:2] == (400, "bad_request")
