"""Lists of the Kustomer emulator that filter by time, or do as if; searches for ids only; an index late for some."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from emulator_tests.kustomer_client import (
    ARCHIVE,
    Json,
    KustomerClient,
    created,
    ids,
    query,
    serving,
    updated,
)

CUSTOMERS = 450
FAR_FUTURE: Json = {"filter[updatedAt][gte]": "2999-01-01T00:00:00.000Z"}


@pytest.fixture(scope="module")
def account() -> Iterator[KustomerClient]:
    with serving(customers=CUSTOMERS, conversations=90, messages=90, companies=60, ties=[40]) as client:
        yield client


@pytest.fixture
def kustomer(account: KustomerClient) -> Iterator[KustomerClient]:
    yield account
    account.restore()


def present(kustomer: KustomerClient) -> list[Json]:
    """Customers that are not deleted, in the order of their last change."""
    found = [row for row in kustomer.emulator.truth("customers") if not row["deleted"]]
    return sorted(found, key=lambda row: (row["updated_at"], row["id"]))


@pytest.mark.parametrize(
    ("operators", "bounds"),
    [(("gte", "lt"), (0, 0)), (("gt", "lte"), (1, 1)), (("gte", "lte"), (0, 1)), (("gt", "lt"), (1, 0))],
)
def test_customers_are_filtered_by_their_last_change(
    kustomer: KustomerClient, operators: tuple[str, str], bounds: tuple[int, int]
) -> None:
    rows = present(kustomer)
    low, high = rows[50]["updated_at"], rows[300]["updated_at"]
    filters = {f"filter[updatedAt][{name}]": text for name, text in zip(operators, (low, high), strict=True)}
    found = kustomer.walk("/customers", sort="updatedAt", pageSize=100, **filters)
    after, until = bounds
    expected = [
        row["id"]
        for row in rows
        if (row["updated_at"] > low or (not after and row["updated_at"] == low))
        and (row["updated_at"] < high or (until and row["updated_at"] == high))
    ]
    assert sorted(ids(found)) == sorted(expected)
    assert [updated(row) for row in found] == sorted(updated(row) for row in found)


def test_the_documented_example_sorts_by_creation_downwards_and_counts(kustomer: KustomerClient) -> None:
    rows = present(kustomer)
    low, high = sorted(row["created_at"] for row in rows)[100], rows[400]["updated_at"]
    filters = {"filter[createdAt][gte]": low, "filter[updatedAt][lt]": high}
    answer = kustomer.get("/customers", sort="-createdAt", page=1, pageSize=100, **filters)
    expected = [row for row in rows if row["created_at"] >= low and row["updated_at"] < high]
    assert answer["meta"]["total"] == len(expected) > 100
    times = [created(row) for row in answer["data"]]
    assert times == sorted((row["created_at"] for row in expected), reverse=True)[:100]
    assert "filter%5BcreatedAt%5D%5Bgte%5D" in answer["links"]["next"]
    assert len(kustomer.walk("/customers", sort="-createdAt", **filters)) == len(expected)


def test_the_far_future_has_no_customers_and_is_ignored_where_lists_do_not_filter(kustomer: KustomerClient) -> None:
    assert kustomer.rows("/customers", **FAR_FUTURE) == []
    assert len(kustomer.rows("/conversations", **FAR_FUTURE)) > 80
    kustomer.options(filtered_lists=[])
    assert len(kustomer.rows("/customers", **FAR_FUTURE)) == 100
    kustomer.options(unknown_filters="refused")
    assert kustomer.ask("GET", "/customers", **FAR_FUTURE).refusal[:2] == (400, "bad_request")
    kustomer.options(filtered_lists=["customers", "companies"])
    assert kustomer.rows("/companies", **FAR_FUTURE) == []


def test_filters_of_one_field_or_one_bound_may_be_ignored(kustomer: KustomerClient) -> None:
    everything = len(kustomer.walk("/customers", sort="updatedAt"))
    kustomer.options(ignored_list_filters=["createdAt"])
    assert kustomer.rows("/customers", **FAR_FUTURE) == []
    assert len(kustomer.walk("/customers", **{"filter[createdAt][gte]": "2100-01-01"})) == everything
    kustomer.options(ignored_list_filters=["[lt]"])
    assert kustomer.rows("/customers", **FAR_FUTURE) == []
    assert len(kustomer.walk("/customers", **{"filter[updatedAt][lt]": "2000-01-01"})) == everything


@pytest.mark.parametrize(
    "params",
    [
        {"filter[updatedAt][since]": "2026-01-01"},
        {"filter[name][gte]": "2026-01-01"},
        {"filter[updatedAt][gte]": "soon"},
    ],
)
def test_filters_that_nobody_documents_are_refused(kustomer: KustomerClient, params: Json) -> None:
    assert kustomer.ask("GET", "/customers", **params).refusal[:2] == (400, "bad_request")


def test_filtered_lists_show_what_is_deleted_only_by_option(kustomer: KustomerClient) -> None:
    everything = {"filter[updatedAt][gte]": "2000-01-01T00:00:00.000Z"}
    assert sorted(ids(kustomer.walk("/customers", **everything))) == sorted(row["id"] for row in present(kustomer))
    kustomer.options(lists_show_deleted=True)
    assert len(kustomer.walk("/customers", **everything)) == CUSTOMERS


def test_filtered_lists_may_end_with_the_archive(kustomer: KustomerClient) -> None:
    everything = {"filter[updatedAt][gte]": "2000-01-01T00:00:00.000Z", "sort": "updatedAt"}
    archived = kustomer.follow(query("customer", deleted=False), ARCHIVE)
    assert set(ids(archived)) <= set(ids(kustomer.walk("/customers", **everything)))
    kustomer.options(lists_reach_archive=False)
    assert archived
    assert not set(ids(archived)) & set(ids(kustomer.walk("/customers", **everything)))


def test_filtered_lists_use_the_budget_of_the_organisation_alone() -> None:
    with serving(customers=20, rate_limits={"search": [1, 60.0]}) as kustomer:
        for _ in range(5):
            assert kustomer.ask("GET", "/customers", **FAR_FUTURE).status == 200


def test_searches_give_ids_only_or_do_not(kustomer: KustomerClient) -> None:
    whole = kustomer.found(query("company"))
    bare = kustomer.found(query("company"), idsOnly="true")
    assert [row.keys() for row in bare] == [{"type", "id"}] * len(whole)
    assert ids(bare) == ids(whole)
    kustomer.options(ids_only="ignored")
    assert kustomer.found(query("company"), idsOnly="true") == whole
    kustomer.options(ids_only="refused")
    answer = kustomer.ask("POST", "/customers/search", query("company"), idsOnly="true")
    assert answer.refusal[:2] == (400, "bad_request")
    assert kustomer.found(query("company")) == whole


def test_the_index_is_late_for_a_third_and_lists_are_not() -> None:
    with serving(customers=90, late_share=1 / 3, late_seconds=0.6) as kustomer:
        touched = kustomer.emulator.touch("customers", update=45, create=30, delete=6)
        changed = {*touched["updated"], *touched["created"], *touched["deleted"]}
        true = {row["id"]: row["updated_at"] for row in kustomer.emulator.truth("customers")}

        def shown() -> set[str]:
            rows = kustomer.follow(query("customer"))
            return {row["id"] for row in rows if row["id"] in changed and updated(row) == true[row["id"]]}

        late = changed - shown()
        assert 0.2 * len(changed) <= len(late) <= 0.5 * len(changed)
        assert kustomer.emulator.stats()["late"]["customers"] == len(late)
        assert kustomer.emulator.stats()["late"]["conversations"] == 0
        since = {"filter[updatedAt][gte]": min(true[each] for each in changed)}
        listed = set(ids(kustomer.walk("/customers", **since)))
        assert changed - set(touched["deleted"]) <= listed
        time.sleep(0.7)
        assert shown() == changed


def test_what_changed_two_hours_ago_is_late_by_the_rest_of_them() -> None:
    with serving(customers=90, late_share=1.0, late_seconds=7_200.0, now="2026-01-01T00:00:00Z") as kustomer:
        made = set(kustomer.emulator.touch("customers", create=10, ago_seconds=7_199.4)["created"])
        assert not made & set(ids(kustomer.follow(query("customer"))))
        logged = {entry["attributes"]["objectId"] for entry in kustomer.rows("/audit-logs", count=1_000)}
        assert made <= logged
        time.sleep(0.7)
        assert made <= set(ids(kustomer.follow(query("customer"))))
