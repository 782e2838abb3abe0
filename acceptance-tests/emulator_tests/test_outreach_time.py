"""The Outreach emulator by its clock: changes that the index shows hours late, deletions, the plan's requests a day."""

from __future__ import annotations

from typing import Any

from emulator_tests.outreach_client import OutreachClient

HOUR = 3600.0


def listed(client: OutreachClient, **params: Any) -> dict[int, str]:
    rows = client.walk("/prospects", **{"page__size": 50, "sort": "updatedAt"} | params)
    return {row["id"]: row["attributes"]["updatedAt"] for row in rows}


def true(client: OutreachClient) -> dict[int, str]:
    return {record["id"]: record["updatedAt"] for record in client.truth("prospects")}


def test_the_clock_can_be_set_ahead() -> None:
    client = OutreachClient(clock_ahead=86_400.0)
    first = client.app.touch("prospects", 0, 1, 0)["created"][0]
    client.options(clock_ahead=90_000.0)
    second = client.app.touch("prospects", 0, 1, 0)["created"][0]
    times = true(client)
    assert times[int(first)] < times[int(second)]


def test_a_share_of_the_changes_is_shown_late_and_all_in_the_end() -> None:
    client = OutreachClient(prospects=400, late_share=0.25, late_seconds=6 * HOUR)
    before = true(client)
    touched = client.app.touch("prospects", 200, 20, 20)
    now = true(client)
    shown = listed(client)
    late = {key for key in shown.keys() | now.keys() if shown.get(key) != now.get(key)}
    assert 30 < len(late) < 90
    assert late <= {int(key) for keys in touched.values() for key in keys}
    assert all(shown.get(key) == before.get(key) for key in late)
    client.options(clock_ahead=3 * HOUR)
    later = listed(client)
    half = {key for key in late if later.get(key) != now.get(key)}
    assert 0 < len(half) < len(late)
    client.options(clock_ahead=6 * HOUR)
    assert listed(client) == now


def test_what_is_not_shown_yet_is_in_no_range() -> None:
    client = OutreachClient(late_share=1.0, late_seconds=HOUR)
    (created,) = client.app.touch("prospects", 0, 1, 0)["created"]
    since = {"filter__updatedAt": f"{true(client)[int(created)]}..inf"}
    assert listed(client, **since) == {}
    client.options(clock_ahead=HOUR)
    assert listed(client, **since).keys() == {int(created)}


def test_an_older_change_that_arrives_last_does_not_undo_a_newer_one() -> None:
    client = OutreachClient(prospects=40, late_share=0.5, late_seconds=HOUR)
    for step in range(60):
        client.options(clock_ahead=step * 60.0)
        client.app.touch("prospects", 20, 1, 1)
        assert len(listed(client)) <= 40 + step + 1
    client.options(clock_ahead=3 * HOUR)
    assert listed(client) == true(client)
    revisions = {row["id"]: row["attributes"] for row in client.walk("/prospects", page__size=50)}
    names = {record["id"]: record["addressCity"] for record in client.truth("prospects")}
    assert {key: attributes["addressCity"] for key, attributes in revisions.items()} == names


def test_lateness_that_ends_leaves_what_was_late_as_late() -> None:
    client = OutreachClient(late_share=1.0, late_seconds=HOUR)
    client.app.touch("prospects", 10, 0, 0)
    client.options(late_share=0.0)
    client.app.touch("prospects", 0, 3, 0)
    assert 3 <= len(listed(client).items() & true(client).items()) < 63
    client.options(clock_ahead=HOUR)
    assert listed(client) == true(client)


def test_deleted_records_leave_no_trace() -> None:
    client = OutreachClient()
    before = {record["id"] for record in client.truth("prospects")}
    gone = {int(key) for key in client.app.touch("prospects", 0, 0, 6)["deleted"]}
    ids = {row["id"] for row in client.walk("/prospects", fields__prospect="id", page__size=50, sort="id")}
    assert ids == before - gone
    assert {int(row["id"]) for row in client.truth("record_ids") if row["stream"] == "prospects"} == ids
    assert client.ask(f"/prospects/{min(gone)}")[0] == 404


def test_ids_are_known_of_every_collection_that_is_listed() -> None:
    streams = {row["stream"] for row in OutreachClient().truth("record_ids")}
    assert {"prospects", "audit_logs", "custom_object_my_custom_object"} <= streams
    assert not streams & {"imports", "org_settings"}


def test_the_plan_ends_at_a_number_of_requests_and_begins_anew_the_next_day() -> None:
    client = OutreachClient(requests_per_day=3)
    assert [client.ask("/users", page__size=1)[0] for _ in range(5)] == [200, 200, 200, 429, 429]
    client.options(clock_ahead=86_400.0)
    assert client.ask("/users", page__size=1)[0] == 200
    assert client.app.extra_statistics()["requests_by_day"] == [3, 1]


def test_the_headers_say_what_the_plan_has_left() -> None:
    app = OutreachClient(requests_per_day=3, rate_headers="delta").app
    budgets = [app.limits.take("the plan", 0.0) for _ in range(4)]
    assert [(budget.remaining, budget.refused) for budget in budgets] == [(2, False), (1, False), (0, False), (0, True)]
    assert all(0 < budget.reset <= 86_400 for budget in budgets)
