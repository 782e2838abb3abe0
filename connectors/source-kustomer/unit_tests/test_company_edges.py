"""Hierarchies of companies: as a list, or per company where there is none."""

from __future__ import annotations

from typing import Any

import pytest

from source_kit.rules import Unavailable
from source_kustomer import paging
from source_kustomer.streams import build
from unit_tests.kustomer_account import REFUSED, Account, Answer, page, row

EARLY, LATE = "2025-01-01T00:00:00.000Z", "2025-02-01T00:00:00.000Z"
NOT_FOUND: Answer = (404, {"errors": [{"code": "not_found", "message": "Cannot GET /v1/kedge"}]})


def edges_of(account: Account) -> Any:
    return next(stream for stream in build(account.client, account.settings) if stream.name == "company_edges")


def edge(number: int, updated: str) -> dict[str, Any]:
    names = {"name": "company_hierarchy", "sourceId": f"{1:024x}", "targetId": f"{number:024x}"}
    return row(100 + number, updated, "kedge", **names)


def test_edges_are_listed_where_they_can_be() -> None:
    account = Account(lambda *asked: page(edge(2, EARLY), edge(3, LATE)))
    records, checkpoints = account.read(edges_of(account), {"updated_at": LATE})
    assert records == [
        {
            "id": f"{103:024x}",
            "type": "kedge",
            "created_at": LATE,
            "updated_at": LATE,
            "name": "company_hierarchy",
            "source_id": f"{1:024x}",
            "target_id": f"{3:024x}",
        }
    ]
    assert checkpoints == [{"updated_at": LATE}]
    assert [path for _, path, _, _ in account.asked] == ["kedge"]


@pytest.mark.parametrize("refusal", [NOT_FOUND, REFUSED, (405, {})])
def test_where_edges_cannot_be_listed_every_company_that_is_left_is_asked(refusal: Answer) -> None:
    def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        if path == "kedge":
            return refusal
        if path == "customers/search":
            return page(*(row(number, LATE, "company", deleted=number == 4) for number in (1, 2, 3, 4)))
        return page(edge(2, LATE), edge(3, EARLY)) if path == f"kedge/{1:024x}/children" else page()

    account = Account(server, include_archived=False)
    records, checkpoints = account.read(edges_of(account))
    assert [record["target_id"] for record in records] == [f"{2:024x}", f"{3:024x}"]
    assert checkpoints == [{"updated_at": LATE}]
    asked = [path for _, path, _, _ in account.asked if path.endswith("children")]
    assert asked == [f"kedge/{number:024x}/children" for number in (1, 2, 3)]
    assert "asking every company for its children, one request each" in account.logged[0]
    again, _ = account.read(edges_of(account), checkpoints[-1])
    assert [record["target_id"] for record in again] == [f"{2:024x}"]
    # A state spares records, not requests.
    assert [path for _, path, _, _ in account.asked if path.endswith("children")] == asked * 2


def test_edges_that_the_list_does_not_reach_are_asked_for_and_no_edge_leaves_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Kustomer's lists end at 10,000 rows."""
    monkeypatch.setattr(paging, "MOST_RECORDS", 2)

    def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        if path == "kedge":
            return page(edge(2, EARLY), edge(3, LATE), following=2)
        if path == "customers/search":
            return page(row(1, LATE, "company"))
        return page(*(edge(number, LATE) for number in (2, 3, 4)))

    account = Account(server, include_archived=False)
    records, checkpoints = account.read(edges_of(account))
    assert [record["target_id"] for record in records] == [f"{number:024x}" for number in (2, 3, 4)]
    assert checkpoints == [{"updated_at": LATE}]
    assert "lists no more edges of hierarchies than 2" in account.logged[0]


def test_children_that_come_as_companies_become_edges() -> None:
    def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        if path == "kedge":
            return NOT_FOUND
        if path == "customers/search":
            return page(row(1, LATE, "company"))
        return page(row(2, EARLY, "company", name="Cheerios"))

    account = Account(server, include_archived=False)
    records, checkpoints = account.read(edges_of(account), {"updated_at": LATE})
    parent, child = f"{1:024x}", f"{2:024x}"
    assert records == [
        {
            "id": f"{parent}.{child}",
            "type": "kedge",
            "name": "company_hierarchy",
            "source_id": parent,
            "target_id": child,
        }
    ]
    assert checkpoints == []


def test_companies_are_listed_for_their_children_where_they_cannot_be_searched() -> None:
    def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        if path == "kedge":
            return NOT_FOUND
        if path == "companies":
            return page(row(1, LATE, "company"))
        return REFUSED if path == "customers/search" else page(edge(2, LATE))

    account = Account(server)
    assert len(account.read(edges_of(account))[0]) == 1


def test_a_missing_role_is_no_reason_to_ask_every_company() -> None:
    account = Account(lambda method, path, *rest: page(row(1, LATE)) if path == "users/current" else (403, {}))
    with pytest.raises(Unavailable, match=r"lacks the permission org\.permission\.company\.read"):
        account.read(edges_of(account))
