"""`POST /v1/customers/search` of the Kustomer emulator: pages and their end, criteria, order, ties, klasses."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from emulator_tests.kustomer_client import (
    ARCHIVE,
    SEARCH,
    Json,
    KustomerClient,
    created,
    ids,
    query,
    serving,
    since,
    updated,
)

COMPANIES, LARGE_TIE, SMALL_TIE = 10_050, 1_500, 250
CONTEXTS = {
    "customer": "customers", "conversation": "conversations", "message": "messages", "company": "companies",
    "note": "notes", "kobject": "kobjects",
}  # fmt: skip
ALL_COMPANIES = query("company")


@pytest.fixture(scope="module")
def account() -> Iterator[KustomerClient]:
    with serving(
        customers=60,
        conversations=60,
        messages=150,
        notes=60,
        companies=COMPANIES,
        kobjects=90,
        conversation_times=60,
        ties=[SMALL_TIE, LARGE_TIE],
        archive_days=2_000.0,
    ) as client:
        yield client


@pytest.fixture
def kustomer(account: KustomerClient) -> Iterator[KustomerClient]:
    yield account
    account.restore()


@pytest.fixture(scope="module")
def companies(account: KustomerClient) -> dict[str, str]:
    """Every company with its last time."""
    return {company["id"]: company["updated_at"] for company in account.emulator.truth("companies")}


@pytest.fixture(scope="module")
def tied(companies: dict[str, str]) -> dict[int, str]:
    """The number of companies that share an instant, and the instant."""
    return {count: instant for instant, count in Counter(companies.values()).items()}


def test_a_page_has_a_hundred_records_and_never_more_than_five_hundred(kustomer: KustomerClient) -> None:
    answer = kustomer.search(ALL_COMPANIES)
    assert (len(answer["data"]), answer["meta"]["pageSize"]) == (100, 100)
    for size in (500, 501, 1000):
        answer = kustomer.search(ALL_COMPANIES, pageSize=size)
        assert (len(answer["data"]), answer["meta"]["pageSize"]) == (500, 500)
    assert kustomer.ask("POST", SEARCH, ALL_COMPANIES, pageSize=0).status == 400
    assert kustomer.ask("POST", SEARCH, ALL_COMPANIES, page=0).status == 400


def test_the_links_are_paths_with_page_and_size_and_nothing_else(kustomer: KustomerClient) -> None:
    assert kustomer.search(ALL_COMPANIES, page=2, pageSize=300)["links"] == {
        "self": "/v1/customers/search?page=2&pageSize=300",
        "first": "/v1/customers/search?page=1&pageSize=300",
        "prev": "/v1/customers/search?page=1&pageSize=300",
        "next": "/v1/customers/search?page=3&pageSize=300",
        "last": "/v1/customers/search?page=34&pageSize=300",
    }
    ends = kustomer.search(query("customer"), pageSize=60)["links"]
    assert (ends["prev"], ends["next"]) == (None, None)


def test_every_page_needs_the_body_again(kustomer: KustomerClient) -> None:
    following = kustomer.search(query("customer"), pageSize=40)["links"]["next"]
    assert kustomer.ask("POST", following).refusal[:2] == (400, "bad_request")
    assert kustomer.ask("GET", following).status == 404
    assert len(kustomer.found(query("customer"), following)) == 20
    assert {row["type"] for row in kustomer.found(query("note"), following)} == {"note"}


def test_a_query_ends_after_ten_thousand_records_though_its_link_leads_on(kustomer: KustomerClient) -> None:
    for page, size in ((20, 500), (100, 100)):
        answer = kustomer.search(ALL_COMPANIES, page=page, pageSize=size)
        assert len(answer["data"]) == size
        assert answer["links"]["next"] == f"/v1/customers/search?page={page + 1}&pageSize={size}"
        assert (answer["meta"]["total"], answer["meta"]["totalPages"]) == (10_000, page)
        assert kustomer.ask("POST", answer["links"]["next"], ALL_COMPANIES).refusal[:2] == (400, "bad_request")


def test_a_hundred_pages_are_the_end_also_where_records_are_not_counted(kustomer: KustomerClient) -> None:
    kustomer.options(result_window=0, total_cap=0)
    assert len(kustomer.found(ALL_COMPANIES, page=21, pageSize=500)) == COMPANIES - 10_000
    assert kustomer.search(ALL_COMPANIES, page=100)["meta"]["total"] == COMPANIES
    assert kustomer.ask("POST", SEARCH, ALL_COMPANIES, page=101).status == 400


@pytest.mark.parametrize("context", CONTEXTS)
def test_every_context_gives_its_own_records_in_the_order_of_their_update(
    kustomer: KustomerClient, context: str
) -> None:
    rows = kustomer.found(query(context), pageSize=500)
    truth = kustomer.emulator.truth(CONTEXTS[context])
    assert {row["type"].partition(".")[0] for row in rows} == {context}
    assert [updated(row) for row in rows] == sorted(record["updated_at"] for record in truth)[:500]
    assert {record["id"] for record in truth} >= set(ids(rows))
    assert all(re.fullmatch(r"[0-9a-f]{24}", identifier) for identifier in ids(rows))
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", updated(row)) for row in rows)


def test_the_order_can_be_turned_or_go_by_creation_and_only_the_first_key_counts(kustomer: KustomerClient) -> None:
    ascending = kustomer.found(query("message"), pageSize=150)
    body = query("message") | {"sort": [{"message_updated_at": "desc"}, {"message_created_at": "asc"}]}
    assert ids(kustomer.found(body, pageSize=150)) == ids(ascending)[::-1]
    by_creation = [created(row) for row in kustomer.found(query("message", sort="created_at"), pageSize=150)]
    assert by_creation == sorted(map(created, ascending))


def test_bounds_with_an_e_are_inclusive_and_the_others_are_not(kustomer: KustomerClient) -> None:
    rows = kustomer.found(query("message"), pageSize=150)
    instant = updated(rows[70])
    times = [updated(row) for row in rows]
    expected = {
        "gte": [time for time in times if time >= instant], "gt": [time for time in times if time > instant],
        "lte": [time for time in times if time <= instant], "lt": [time for time in times if time < instant],
    }  # fmt: skip
    for operator, wanted in expected.items():
        body = query("message", {"message_updated_at": {operator: instant}})
        assert [updated(row) for row in kustomer.found(body, pageSize=150)] == wanted, operator
    both = query("message", {"message_updated_at": {"gte": instant}}, {"message_updated_at": {"lte": instant}})
    assert instant in [updated(row) for row in kustomer.found(both)]
    alone = both | {"and": {"message_updated_at": {"gte": instant}}}
    assert ids(kustomer.found(alone, pageSize=150)) == ids(rows)[times.index(instant) :]


def test_a_date_is_moved_by_the_time_zone_and_a_timestamp_is_not(kustomer: KustomerClient) -> None:
    def found(lower: str, **more: str) -> int:
        total: int = kustomer.search(since(lower, "company") | more)["meta"]["total"]
        return total

    row = kustomer.found(ALL_COMPANIES, page=50)[0]
    day = updated(row)[:10]
    before = (date.fromisoformat(day) - timedelta(days=1)).isoformat()
    assert found(day) == found(day, timeZone="GMT") == found(f"{day}T00:00:00.000Z", timeZone="Asia/Tokyo")
    assert found(day, timeZone="Etc/GMT+12") == found(f"{day}T12:00:00.000Z")
    assert found(day, timeZone="Asia/Tokyo") == found(f"{before}T15:00:00.000Z")
    assert kustomer.ask("POST", SEARCH, since(day, "company") | {"timeZone": "Mars/Olympus"}).status == 400


@pytest.mark.parametrize(
    "changes",
    [
        {"queryContext": None},
        {"queryContext": "companies"},
        {"queryContext": ["message"]},
        {"querycontext": "message"},
        {"and": [{"message_id": {"gte": "0"}}]},
        {"and": [{"updated_at": {"gte": "2026-01-01"}}]},
        {"and": [{"customer_updated_at": {"gte": "2026-01-01"}}]},
        {"and": [{"message_updated_at": {"since": "2026-01-01"}}]},
        {"and": [{"message_updated_at": {"gte": "2026-01-01", "lte": "2026-01-02"}}]},
        {"and": [{"message_updated_at": {"gte": "yesterday"}}]},
        {"and": [{"message_updated_at": {"gte": "2026-02-30T00:00:00.000Z"}}]},
        {"and": [{"message_updated_at": {"gte": 1_767_225_600_000}}]},
        {"and": [{"message_attachment_count": {"gt": "0"}}]},
        {"and": ["message_updated_at"]},
        {"sort": [{"message_updated_at": "up"}]},
        {"sort": [{"message_preview": "asc"}]},
        {"sort": [{}]},
    ],
    ids=str,
)
def test_what_the_documentation_does_not_know_is_a_bad_request(kustomer: KustomerClient, changes: Json) -> None:
    assert kustomer.ask("POST", SEARCH, query("message") | changes).refusal[:2] == (400, "bad_request")


def test_a_body_must_be_an_object_of_at_most_a_hundred_kilobytes(kustomer: KustomerClient) -> None:
    for body in (b'{"queryContext":', b"[]", b""):
        assert kustomer.ask("POST", SEARCH, body).refusal[:2] == (400, "bad_request")
    assert kustomer.ask("POST", SEARCH, query("message") | {"fields": ["x" * 100_000]}).status == 413


def test_ids_alone_come_when_only_they_are_asked_for(kustomer: KustomerClient) -> None:
    rows = kustomer.found(query("message"), pageSize=150)
    alone = kustomer.found(query("message"), pageSize=150, idsOnly="true")
    assert alone == [{"type": "message", "id": row["id"]} for row in rows]


def test_conversations_and_messages_are_found_by_what_hangs_on_them(kustomer: KustomerClient) -> None:
    conversations = kustomer.found(query("conversation"), pageSize=60)
    for name, field in (("message_count", "messageCount"), ("note_count", "noteCount")):
        busy = query("conversation", {f"conversation_{name}": {"gte": 2}})
        expected = [row["id"] for row in conversations if row["attributes"][field] >= 2]
        assert ids(kustomer.found(busy, pageSize=60)) == expected != []
    with_files = kustomer.found(query("message", {"message_attachment_count": {"gt": 0}}), pageSize=150)
    having = {row["relationships"]["conversation"]["data"]["id"] for row in with_files}
    assert having == {row["id"] for row in conversations if kustomer.rows(f"/conversations/{row['id']}/attachments")}
    assert having
    kustomer.options(unfilled_attributes=["message_attachment_count"])
    for condition in ({"gt": 0}, {"lte": 0}):
        assert kustomer.found(query("message", {"message_attachment_count": condition})) == []


# Ties.


def test_a_walk_by_the_last_time_seen_gives_every_record(kustomer: KustomerClient, companies: dict[str, str]) -> None:
    assert kustomer.keyset("company") == companies
    kustomer.options(unstable_ties=True)
    assert kustomer.keyset("message", size=20).keys() == {row["id"] for row in kustomer.emulator.truth("messages")}


def test_an_exclusive_bound_loses_the_rest_of_those_that_share_an_instant(
    kustomer: KustomerClient, tied: dict[int, str]
) -> None:
    instant = tied[SMALL_TIE]
    (first, *_, last) = kustomer.found(since(instant, "company"), pageSize=100)
    assert updated(first) == updated(last) == instant
    after = kustomer.found(query("company", {"company_updated_at": {"gt": instant}}), pageSize=1)
    assert updated(after[0]) > instant
    same = query("company", {"company_updated_at": {"gte": instant}}, {"company_updated_at": {"lte": instant}})
    assert len(set(ids(kustomer.follow(same)))) == SMALL_TIE


def test_those_that_share_an_instant_are_told_apart_by_their_creation(
    kustomer: KustomerClient, tied: dict[int, str]
) -> None:
    instant = tied[LARGE_TIE]
    same = [{"company_updated_at": {"gte": instant}}, {"company_updated_at": {"lte": instant}}]
    whole = kustomer.follow(query("company", *same, sort="created_at"))
    births = [created(row) for row in whole]
    assert births == sorted(births)
    assert len(set(births)) == 3
    parts: list[str] = []
    for birth in set(births):
        born = [{"company_created_at": {"gte": birth}}, {"company_created_at": {"lte": birth}}]
        parts += ids(kustomer.follow(query("company", *same, *born)))
    assert sorted(parts) == sorted(ids(whole))
    assert len(whole) == LARGE_TIE


def test_ties_may_come_in_another_order_each_time(kustomer: KustomerClient, tied: dict[int, str]) -> None:
    kustomer.options(unstable_ties=True)
    body = since(tied[SMALL_TIE], "company")
    one, other = (kustomer.found(body, pageSize=SMALL_TIE) for _ in range(2))
    assert ids(one) != ids(other)
    assert sorted(ids(one)) == sorted(ids(other))


def test_the_order_may_be_ignored_in_single_contexts(kustomer: KustomerClient) -> None:
    kustomer.options(unsorted=["message"])
    times = [updated(row) for row in kustomer.found(query("message"), pageSize=150)]
    assert times != sorted(times)
    times = [updated(row) for row in kustomer.found(query("note"), pageSize=150)]
    assert times == sorted(times)


# Contexts that are not sure.


def test_a_context_of_one_klass_gives_its_kobjects_only(kustomer: KustomerClient) -> None:
    everything = kustomer.found(query("kobject"), pageSize=90)
    kinds = Counter(row["type"] for row in everything)
    assert kinds.keys() == {"kobject.order", "kobject.shopify-order", "kobject.ticket", "kobject.retired"}
    for klass in ("order", "shopify-order", "ticket"):
        rows = kustomer.found(query(f"kobject_{klass}"), pageSize=90)
        assert ids(rows) == [row["id"] for row in everything if row["type"] == f"kobject.{klass}"]
        assert len(rows) == kinds[f"kobject.{klass}"] > 0
    assert everything[0]["relationships"]["klass"].keys() == {"link", "data"}
    assert kustomer.ask("POST", SEARCH, query("kobject_nonsense")).status == 400


def test_a_klass_may_have_attributes_of_its_own_name(kustomer: KustomerClient) -> None:
    own: Any = {"queryContext": "kobject_order", "sort": [{"kobject_order_updated_at": "asc"}]}
    assert kustomer.ask("POST", SEARCH, own).status == 400
    kustomer.options(klass_prefix=True)
    assert kustomer.ask("POST", SEARCH, own).status == 200
    assert kustomer.ask("POST", SEARCH, query("kobject_order")).status == 400
    assert kustomer.ask("POST", ARCHIVE, own).status == 200
    kustomer.options(klass_prefix_in_archive=False)
    assert kustomer.ask("POST", ARCHIVE, own).status == 400
    assert kustomer.ask("POST", SEARCH, own).status == 200


def test_conversation_times_are_searched_by_creation_if_at_all(kustomer: KustomerClient) -> None:
    rows = kustomer.found(query("conversation_time", sort="created_at"), pageSize=60)
    assert [created(row) for row in rows] == sorted(map(created, rows))
    assert len(rows) == 60
    assert not any("updatedAt" in row["attributes"] for row in rows)
    assert kustomer.ask("POST", SEARCH, query("conversation_time")).status == 400
    kustomer.options(time_context="")
    assert kustomer.ask("POST", SEARCH, query("conversation_time", sort="created_at")).status == 400


def test_the_update_of_companies_may_be_unknown_to_the_search(kustomer: KustomerClient) -> None:
    kustomer.options(refuse_attributes=["company_updated_at"])
    assert kustomer.ask("POST", SEARCH, ALL_COMPANIES).status == 400
    assert kustomer.ask("POST", SEARCH, query("company", sort="created_at")).status == 200
    assert kustomer.ask("POST", ARCHIVE, ALL_COMPANIES).status == 400
