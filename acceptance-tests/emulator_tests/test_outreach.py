"""The Outreach emulator: strict where Outreach is strict, with both answers where nobody knows."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from emulator_tests.outreach_client import OutreachClient
from emulators.outreach.resources import resources


@pytest.fixture(scope="module")
def outreach() -> OutreachClient:
    return OutreachClient()


def test_every_collection_of_the_documentation_is_served(outreach: OutreachClient) -> None:
    for plural in resources().keys() - {"imports", "orgSettings"}:
        status, answer = outreach.ask(f"/{plural}", page__size=5)
        assert (status, len(answer["data"])) == (200, 5), plural


def test_a_walk_by_cursor_gives_every_record_in_order(outreach: OutreachClient) -> None:
    records = outreach.walk("/prospects", page__size=7, sort="updatedAt")
    times = [record["attributes"]["updatedAt"] for record in records]
    assert times == sorted(times)
    assert sorted(record["id"] for record in records) == list(range(1, 61))


def test_records_are_json_api_with_whole_seconds(outreach: OutreachClient) -> None:
    _, answer = outreach.ask("/prospects", page__size=1)
    (record,) = answer["data"]
    assert (record["type"], isinstance(record["id"], int)) == ("prospect", True)
    assert record["attributes"]["updatedAt"].endswith(".000Z")
    assert len(orjson.dumps(record)) > 6_500


def test_counts_come_only_when_asked_for(outreach: OutreachClient) -> None:
    assert outreach.ask("/prospects", page__size=5)[1]["meta"] == {"count": None, "count_truncated": False}
    assert outreach.ask("/prospects", page__size=5, count="true")[1]["meta"]["count"] == 60


def test_ranges_are_inclusive_on_both_sides(outreach: OutreachClient) -> None:
    times = sorted(record["updatedAt"] for record in outreach.truth("prospects"))
    _, answer = outreach.ask("/prospects", page__size=50, filter__updatedAt=f"{times[3]}..{times[9]}", sort="updatedAt")
    assert [record["attributes"]["updatedAt"] for record in answer["data"]] == times[3:10]


def test_a_bare_date_is_an_equality(outreach: OutreachClient) -> None:
    assert outreach.ask("/prospects", page__size=50, filter__updatedAt="2026-01-01")[1]["data"] == []


def test_an_empty_result_has_no_links(outreach: OutreachClient) -> None:
    _, answer = outreach.ask("/prospects", page__size=5, filter__updatedAt="2999-01-01..inf")
    assert (answer["data"], "links" in answer) == ([], False)


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("/events", {"filter__updatedAt": "2025-01-01..inf"}),
        ("/batches", {"sort": "updatedAt"}),
        ("/prospects", {"page__size": 1001}),
        ("/prospects", {"page__size": 0}),
        ("/prospects", {"page__size": 5, "page__after": "nonsense"}),
        ("/prospects", {"colour": "red"}),
    ],
)
def test_what_is_not_documented_is_refused(outreach: OutreachClient, path: str, params: dict[str, Any]) -> None:
    assert outreach.ask(path, **params)[0] == 422


def test_doubts_have_an_option_for_the_other_answer() -> None:
    client = OutreachClient(ignore_filters=True, clamp_page=True)
    assert len(client.ask("/recipients", page__size=5000, filter__updatedAt="2999-01-01..inf")[1]["data"]) == 9


def test_without_the_media_type_there_is_a_415(outreach: OutreachClient) -> None:
    status, answer = outreach.ask("/prospects", {"content-type": "application/json"})
    assert (status, answer["errors"][0]["id"], "details" in answer["errors"][0]) == (415, "unsupportedMediaType", True)


def test_a_wrong_token_is_refused_in_the_shape_of_the_gateway(outreach: OutreachClient) -> None:
    status, answer = outreach.ask("/prospects", {"authorization": "Bearer no"})
    assert (status, answer["error"]) == (401, "Invalid JWT token.")


def test_unknown_paths_and_records_have_their_own_404(outreach: OutreachClient) -> None:
    assert outreach.ask("/nothing")[1]["errors"][0]["id"] == "routeNotFound"
    assert outreach.ask("/prospects/9999")[1]["errors"][0]["id"] == "resourceNotFound"
    assert outreach.ask("/prospects/3")[1]["data"]["id"] == 3


def test_a_missing_scope_is_named() -> None:
    status, answer = OutreachClient(deny_scopes=["calls"]).ask("/calls")
    assert (status, "'calls.read'" in answer["errors"][0]["detail"]) == (403, True)


def test_strict_refresh_tokens_work_once_and_lenient_ones_again() -> None:
    assert OutreachClient(token_strict=True).mint()[0] == 400
    assert OutreachClient().mint()[0] == 200


def test_tokens_can_be_limited_to_one_a_minute() -> None:
    assert OutreachClient(token_interval=60.0).mint()[0] == 429


def test_pages_above_a_size_can_be_too_heavy() -> None:
    client = OutreachClient(heavy_above=10)
    assert client.ask("/stages", page__size=10)[0] == 200
    with pytest.raises(orjson.JSONDecodeError):
        client.ask("/stages", page__size=11)


def test_touched_records_have_the_present_time() -> None:
    client = OutreachClient()
    before = max(record["updatedAt"] for record in client.truth("prospects"))
    touched = client.app.touch("prospects", 2, 1, 1)
    after = {record["id"]: record["updatedAt"] for record in client.truth("prospects")}
    assert all(after[int(key)] > before for key in touched["updated"] + touched["created"])
    assert not any(int(key) in after for key in touched["deleted"])


def test_out_of_order_rows_keep_their_own_times() -> None:
    client = OutreachClient(disorder_seconds=864_000)
    times = [r["attributes"]["updatedAt"] for r in client.walk("/prospects", page__size=50, sort="updatedAt")]
    assert times != sorted(times)
    assert sorted(times) == sorted(record["updatedAt"] for record in client.truth("prospects"))


def test_the_truth_is_flat_without_secrets_and_without_collisions(outreach: OutreachClient) -> None:
    (first, *_) = outreach.truth("mailboxes")
    assert first["password"] is None
    favorites = outreach.truth("favorites")
    assert any(record.get("targetRefId") for record in favorites)
    assert {"targetId", "targetType"} <= favorites[0].keys()


def test_the_schema_holds_the_custom_objects(outreach: OutreachClient) -> None:
    definitions = outreach.ask("/schema.json")[1]["definitions"]
    assert definitions["myCustomObject"]["links"][1]["href"] == "/api/v2/customObjects/myCustomObject"
    assert outreach.ask("/customObjects/myCustomObject", page__size=5)[0] == 200


def test_records_without_an_update_are_last_and_in_no_range() -> None:
    client = OutreachClient(timeless=3)
    rows = client.walk("/prospects", sort="updatedAt", page__size=7)
    assert [each["attributes"]["updatedAt"] for each in rows[-3:]] == [None, None, None]
    assert len(rows) == len(client.truth("prospects")) == 60
    assert len(client.walk("/prospects", filter__updatedAt="2000-01-01..inf", sort="updatedAt", page__size=7)) == 57
    found = client.walk("/prospects", filter__updatedAt="__null__", page__size=2)
    assert sorted(each["id"] for each in found) == sorted(each["id"] for each in rows[-3:])


def test_the_filter_for_null_can_be_unknown() -> None:
    assert OutreachClient(null_filter=False).ask("/prospects", filter__updatedAt="__null__", page__size=2)[0] == 422
    assert OutreachClient().ask("/prospects", filter__updatedAt="__null__", page__size=2)[1]["data"] == []


def test_ranges_can_go_by_what_rows_show_and_the_order_by_another_time() -> None:
    client = OutreachClient(disorder_seconds=8_640_000, shown_ranges=True)
    times = sorted(each["updatedAt"] for each in client.truth("prospects"))
    rows = client.walk("/prospects", filter__updatedAt=f"{times[20]}..{times[39]}", sort="updatedAt", page__size=7)
    found = [each["attributes"]["updatedAt"] for each in rows]
    assert sorted(found) == times[20:40]
    assert found != sorted(found)


def test_relationships_without_a_schema_are_one_or_many() -> None:
    def forms(**options: str) -> set[type]:
        rows = OutreachClient(**options).walk("/mailings", page__size=50)
        given = [each["relationships"]["toEntitiesId"] for each in rows]
        return {type(each["data"]) for each in given if "data" in each}

    assert forms() == {list}
    assert forms(entities="one") <= {dict, type(None)}
