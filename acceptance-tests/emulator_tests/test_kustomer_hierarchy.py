"""The Kustomer emulator: hierarchies of companies, settings and statuses of the routing, old conversation times."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from emulator_tests.kustomer_client import ARCHIVE, Json, KustomerClient, ids, query, serving

COMPANIES = 180


@pytest.fixture(scope="module")
def account() -> Iterator[KustomerClient]:
    sizes = {"companies": COMPANIES, "conversations": 120, "conversation_times": 400, "messages": 10, "notes": 10}
    with serving(**sizes) as client:
        yield client


@pytest.fixture
def kustomer(account: KustomerClient) -> Iterator[KustomerClient]:
    yield account
    account.restore()


def ends(edge: Json) -> tuple[str, str]:
    """Parent and child."""
    return edge["attributes"]["sourceId"], edge["attributes"]["targetId"]


def test_edges_make_trees_of_companies_that_are_there(kustomer: KustomerClient) -> None:
    edges = kustomer.walk("/kedge")
    assert {edge["type"] for edge in edges} == {"kedge"}
    parents = {child: parent for parent, child in map(ends, edges)}
    assert len(parents) == len(edges) > 80
    companies = set(ids(kustomer.walk("/companies")))
    assert {*parents, *parents.values()} <= companies
    for child in parents:
        depth, at = 0, child
        while at in parents:
            depth, at = depth + 1, parents[at]
        assert depth <= 3
    assert ids(edges) == ids(kustomer.emulator.truth("company_edges"))


def test_a_company_tells_its_parent_children_tree_and_way_up(kustomer: KustomerClient) -> None:
    edges = [ends(edge) for edge in kustomer.walk("/kedge")]
    parents = {child: parent for parent, child in edges}
    grandchild = next(child for child in parents if parents[child] in parents)
    parent = parents[grandchild]
    assert ends(kustomer.get(f"/kedge/{grandchild}/parent")["data"]) == (parent, grandchild)
    assert [ends(edge) for edge in kustomer.walk(f"/kedge/{grandchild}/breadcrumbs")] == [
        (parents[parent], parent),
        (parent, grandchild),
    ]
    for company in (parent, parents[parent]):
        children = {ends(edge) for edge in kustomer.walk(f"/kedge/{company}/children")}
        assert children == {edge for edge in edges if edge[0] == company}
        assert children <= {ends(edge) for edge in kustomer.walk(f"/kedge/{company}/tree")}
    root = parents[parent]
    assert kustomer.ask("GET", f"/kedge/{root}/parent").status == 404
    assert kustomer.ask("GET", "/kedge/0/children").status == 404


def test_all_edges_are_listed_or_nobody_lists_them(kustomer: KustomerClient) -> None:
    kustomer.options(edges_listed=False)
    assert kustomer.ask("GET", "/kedge").refusal[:2] == (404, "not_found")
    companies = ids(kustomer.walk("/companies"))
    found = [edge for company in companies for edge in kustomer.walk(f"/kedge/{company}/children")]
    assert sorted(ids(found)) == sorted(ids(kustomer.emulator.truth("company_edges")))


def test_a_deleted_company_leaves_its_tree() -> None:
    with serving(companies=60, deleted_share=0.0) as kustomer:
        before = len(kustomer.walk("/kedge"))
        gone = set(kustomer.emulator.touch("companies", delete=30)["deleted"])
        edges = kustomer.walk("/kedge")
        assert len(edges) < before
        assert not gone & {company for edge in edges for company in ends(edge)}


def test_work_sessions_point_to_statuses_and_settings_to_teams(kustomer: KustomerClient) -> None:
    statuses, teams = set(ids(kustomer.walk("/routing/statuses"))), set(ids(kustomer.walk("/teams")))
    sessions, settings = kustomer.walk("/routing/work-sessions"), kustomer.walk("/routing/settings")
    assert {session["relationships"]["status"]["data"]["id"] for session in sessions} <= statuses
    assert {setting["relationships"]["team"]["data"]["id"] for setting in settings} <= teams
    assert {status["attributes"]["statusType"] for status in kustomer.rows("/routing/statuses")} == {
        "available",
        "unavailable",
        "busy",
    }


def test_conversations_tell_the_times_that_no_search_finds(kustomer: KustomerClient) -> None:
    truth = {row["id"]: row for row in kustomer.emulator.truth("all_conversation_times")}
    context = {"queryContext": "conversation_time", "sort": [{"conversation_time_created_at": "asc"}]}
    searched = set(ids(kustomer.follow(context)))
    assert searched < truth.keys()
    conversations = [*kustomer.follow(query("conversation")), *kustomer.follow(query("conversation"), ARCHIVE)]
    found = {row["id"]: each for each in conversations for row in kustomer.walk(f"/conversations/{each['id']}/times")}
    assert found.keys() == truth.keys()
    began = [(found[key]["attributes"]["createdAt"], row["created_at"]) for key, row in truth.items()]
    assert sum(start > written for start, written in began) <= len(began) // 50, "times from before a conversation"
    changed = {found[key]["attributes"]["updatedAt"] for key in truth.keys() - searched}
    horizon = max(row["created_at"] for key, row in truth.items() if key not in searched)
    assert min(changed) < horizon < max(changed), "old times of conversations that changed since, and of others"
