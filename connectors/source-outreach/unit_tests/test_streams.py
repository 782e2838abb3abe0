"""Streams against answers of the API: what is asked for, and what becomes of every kind of refusal."""

from __future__ import annotations

from typing import Any

import pytest
import requests_mock

from source_kit.client import Usage
from source_kit.errors import TransientError
from source_kit.rules import Denied, Rejected, Unavailable
from source_kit.transport import BRISK
from source_outreach.base import OutreachStream, timeline_of
from source_outreach.source import OutreachConnection, SourceOutreach
from unit_tests.outreach_account import API, TOKEN_URL, connected, page, problem, read, resource, stream_of

STAGES = f"{API}/stages"
PERSONAS = f"{API}/personas"


def asked(vendor: requests_mock.Mocker, number: int = -1) -> dict[str, list[str]]:
    query: dict[str, list[str]] = vendor.request_history[number].qs
    return query


def test_a_first_read_asks_for_a_counted_page_in_order_of_the_cursor(requests_mock: requests_mock.Mocker) -> None:
    requests_mock.get(PERSONAS, json=page([resource(1)], count=1))
    read(stream_of(connected(), "personas"))
    assert asked(requests_mock) == {"page[size]": ["1000"], "count": ["true"], "sort": ["updatedat"]}


def test_start_date_and_state_are_inclusive_ranges(requests_mock: requests_mock.Mocker) -> None:
    requests_mock.get(STAGES, json=page([]))
    read(stream_of(connected(start_date="2025-01-31"), "stages"))
    assert asked(requests_mock)["filter[updatedat]"] == ["2025-01-31t00:00:00.000z..inf"]
    read(stream_of(connected(start_date="2025-01-31"), "stages"), updatedAt="2025-06-01T10:00:00.500Z")
    assert asked(requests_mock)["filter[updatedat]"] == ["2025-06-01t10:00:00.500z..inf"]


def test_events_are_read_by_their_creation(requests_mock: requests_mock.Mocker) -> None:
    requests_mock.get(f"{API}/events", json=page([]))
    read(stream_of(connected(start_date="2025-01-31"), "events"))
    assert asked(requests_mock)["sort"] == ["createdat"]
    assert "filter[createdat]" in asked(requests_mock)


def test_collections_without_cursor_are_read_without_filter_and_order(requests_mock: requests_mock.Mocker) -> None:
    requests_mock.get(f"{API}/webhooks", json=page([]))
    read(stream_of(connected(start_date="2025-01-31"), "webhooks"))
    assert asked(requests_mock) == {"page[size]": ["1000"], "count": ["true"]}


def test_every_request_has_the_media_type_and_the_token(requests_mock: requests_mock.Mocker) -> None:
    requests_mock.get(STAGES, json=page([]))
    read(stream_of(connected(), "stages"))
    headers = requests_mock.last_request.headers  # type: ignore[union-attr]  # there was a request
    assert (headers["Content-Type"], headers["Accept"]) == ("application/vnd.api+json", "application/vnd.api+json")
    assert headers["Authorization"] == "Bearer access-0"


def test_pages_are_followed_by_their_cursor_until_there_is_none(requests_mock: requests_mock.Mocker) -> None:
    requests_mock.get(
        STAGES,
        [{"json": page([resource(1)], "abc", 3)}, {"json": page([resource(2)], "def")}, {"json": page([resource(3)])}],
    )
    records = read(stream_of(connected(), "stages"))
    assert [record["id"] for record in records] == [1, 2, 3]
    assert [asked(requests_mock, n).get("page[after]") for n in range(3)] == [None, ["abc"], ["def"]]
    assert [asked(requests_mock, n)["count"] for n in range(3)] == [["true"], ["false"], ["false"]]


def test_links_to_another_host_give_their_cursor_and_are_not_followed(requests_mock: requests_mock.Mocker) -> None:
    foreign = page([resource(1)])
    foreign["links"]["next"] = "https://evil.example.com/steal?page%5Bafter%5D=abc"
    requests_mock.get(STAGES, [{"json": foreign}, {"json": page([resource(2)])}])
    assert len(read(stream_of(connected(), "stages"))) == 2
    assert {request.hostname for request in requests_mock.request_history} == {"api.outreach.io"}


def test_a_next_link_without_cursor_is_an_error(requests_mock: requests_mock.Mocker) -> None:
    content = page([resource(1)])
    content["links"]["next"] = f"{STAGES}?page%5Boffset%5D=50"
    requests_mock.get(STAGES, json=content)
    with pytest.raises(TransientError, match="next page without a cursor, twice"):
        read(stream_of(connected(), "stages"))


def test_a_next_link_that_lacks_its_cursor_once_is_asked_for_again(requests_mock: requests_mock.Mocker) -> None:
    damaged = page([resource(1)], "")
    requests_mock.get(STAGES, [{"json": damaged}, {"json": page([resource(1)], "abc")}, {"json": page([resource(2)])}])
    assert [record["id"] for record in read(stream_of(connected(), "stages"))] == [1, 2]


def test_a_page_that_is_too_heavy_is_halved_and_the_size_recovers(requests_mock: requests_mock.Mocker) -> None:
    good = [{"json": page([resource(number)], f"c{number}")} for number in range(5)]
    bad = {"status_code": 502, "text": "<html>502 Bad Gateway</html>"}
    requests_mock.get(STAGES, [bad, bad, *good, {"json": page([resource(9)])}])
    records = read(stream_of(connected(), "stages"))
    assert len(records) == 6
    sizes = [asked(requests_mock, number)["page[size]"][0] for number in range(8)]
    assert sizes == ["1000", "500", "250", "250", "250", "250", "500", "500"]


def test_a_gateway_that_never_recovers_is_a_transient_error(requests_mock: requests_mock.Mocker) -> None:
    requests_mock.get(STAGES, status_code=502, text="<html></html>")
    with pytest.raises(TransientError, match="stream stages failed 10 times"):
        read(stream_of(connected(), "stages"))
    sizes = [request.qs["page[size]"][0] for request in requests_mock.request_history]
    assert sizes == ["1000", "500", "250", "125", "62", "31", "15", "7", "3", "1"]


BAD_GATEWAY = {"status_code": 502, "text": "<html>502 Bad Gateway</html>"}


def test_a_request_for_one_record_that_fails_leaves_the_size_of_pages_alone(
    requests_mock: requests_mock.Mocker,
) -> None:
    requests_mock.get(STAGES, [BAD_GATEWAY, BAD_GATEWAY, {"json": page([])}])
    stream = stream_of(connected(), "stages")
    stream.probe()
    read(stream)
    sizes = [request.qs["page[size]"][0] for request in requests_mock.request_history]
    assert sizes == ["1", "1", "1", "1000"]


def test_the_probe_of_the_token_survives_a_gateway_that_gives_up(requests_mock: requests_mock.Mocker) -> None:
    requests_mock.get(f"{API}/users", [BAD_GATEWAY, {"json": page([])}])
    connection = connected()
    connection.probe()
    assert len(requests_mock.request_history) == 2


def test_a_missing_scope_is_named(requests_mock: requests_mock.Mocker) -> None:
    refusal = {
        "id": "unauthorizedOauthScope",
        "title": "Unauthorized OAuth Scope",
        "detail": "Your authorization does not include the required scope 'calls.read'.",
    }
    requests_mock.get(f"{API}/calls", status_code=403, json={"errors": [refusal]})
    with pytest.raises(Unavailable, match=r"stream calls failed: the authorisation lacks the scope calls\.read\."):
        read(stream_of(connected(), "calls"))


def test_a_profile_that_forbids_is_told_from_a_missing_scope(requests_mock: requests_mock.Mocker) -> None:
    text = "You are not authorized to perform that request."
    requests_mock.get(f"{API}/calls", status_code=403, json=problem("unauthorizedRequest", text))
    with pytest.raises(Unavailable, match="governance profile"):
        read(stream_of(connected(), "calls"))


def test_a_path_that_does_not_exist_ends_the_stream_alone(requests_mock: requests_mock.Mocker) -> None:
    requests_mock.get(f"{API}/duties", status_code=404, json=problem("routeNotFound", "No route."))
    with pytest.raises(Unavailable, match="no such resource"):
        read(stream_of(connected(), "duties"))


def test_a_refused_filter_is_not_asked_for_again(requests_mock: requests_mock.Mocker) -> None:
    requests_mock.get(PERSONAS, status_code=422, json=problem("validationError", "x is not filterable"))
    with pytest.raises(Rejected):
        read(stream_of(connected(), "personas"))
    assert len(requests_mock.request_history) == 1


@pytest.mark.parametrize(
    "refusal", [{"text": "Invalid access token"}, {"json": {"error": "Invalid JWT token.", "description": "x"}}]
)
def test_a_refused_token_is_renewed_once_and_the_request_repeated(
    requests_mock: requests_mock.Mocker, refusal: dict[str, Any]
) -> None:
    requests_mock.get(STAGES, [{"status_code": 401, **refusal}, {"json": page([resource(1)])}])
    # The documentation says 7200; 6405 was recorded too.
    requests_mock.post(TOKEN_URL, json={"access_token": "access-1", "expires_in": 6405, "refresh_token": "refresh-2"})
    connection = connected()
    assert len(read(stream_of(connection, "stages"))) == 1
    token_request = requests_mock.request_history[1]
    assert token_request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert token_request.text == (
        "grant_type=refresh_token&refresh_token=refresh-1&client_id=client&client_secret=secret-1"
        "&redirect_uri=https%3A%2F%2Fexample.com%2Fback"
    )
    assert connection.store.config["refresh_token"] == "refresh-2"
    assert connection.store.config["token_expiry_date"] == "2026-01-01T13:46:45Z"


def test_a_dead_refresh_token_ends_the_sync_and_says_how_they_die(requests_mock: requests_mock.Mocker) -> None:
    requests_mock.post(TOKEN_URL, status_code=400, json={"error": "invalid_grant"})
    connection = connected(access_token=None)
    with pytest.raises(Denied, match="14 days"):
        read(stream_of(connection, "stages"))


def test_minting_too_often_is_waited_for(requests_mock: requests_mock.Mocker) -> None:
    granted = {"access_token": "access-1", "expires_in": 7200, "refresh_token": "refresh-2"}
    requests_mock.post(TOKEN_URL, [{"status_code": 429, "json": {}}, {"json": granted}])
    requests_mock.get(STAGES, json=page([]))
    connection = connected(access_token=None)
    read(stream_of(connection, "stages"))
    assert connection.clock.sleeps[0] == 60.0  # type: ignore[attr-defined]  # a fake clock


def test_date_times_without_a_zone_get_one(requests_mock: requests_mock.Mocker) -> None:
    requests_mock.get(STAGES, json=page([resource(1, createdAt="2025-06-01T00:00:00")]))
    assert read(stream_of(connected(), "stages"))[0]["createdAt"] == "2025-06-01T00:00:00Z"


def test_a_200_without_its_list_is_asked_for_again(requests_mock: requests_mock.Mocker) -> None:
    requests_mock.get(STAGES, [{"json": {}}, {"text": ""}, {"json": page([resource(1)])}])
    assert len(read(stream_of(connected(), "stages"))) == 1


def test_counts_given_up_under_load_are_no_estimate(requests_mock: requests_mock.Mocker) -> None:
    content = page([resource(1)])
    content["meta"] = {"count": 0, "count_truncated": True}
    requests_mock.get(STAGES, json=content)
    assert len(read(stream_of(connected(), "stages"))) == 1


def test_imports_are_read_by_the_ids_of_the_config(requests_mock: requests_mock.Mocker) -> None:
    requests_mock.get(f"{API}/imports/17", json={"data": {"type": "import", "id": 17, "attributes": {"total": 3}}})
    requests_mock.get(f"{API}/imports/18", status_code=404, json=problem("resourceNotFound", "Could not find it."))
    connection = connected(import_ids="17, 18")
    assert read(stream_of(connection, "imports")) == [{"id": 17, "type": "import", "total": 3}]
    assert "WARN Stream imports: there is nothing with the id 18." in connection.output.logs()  # type: ignore[attr-defined]


def test_imports_are_listed_where_there_is_a_list(requests_mock: requests_mock.Mocker) -> None:
    requests_mock.get(f"{API}/imports", json=page([resource(1, "import")]))
    assert [record["id"] for record in read(stream_of(connected(), "imports"))] == [1]


def test_imports_without_list_and_ids_say_what_to_set(requests_mock: requests_mock.Mocker) -> None:
    requests_mock.get(f"{API}/imports", status_code=404, json=problem("routeNotFound", "No route."))
    # `check` says before it that the stream cannot be read.
    with pytest.raises(Unavailable, match=r"^Outreach gives imports by id only\. Set import_ids"):
        read(stream_of(connected(), "imports"))


ORGANISATION = "7c9e6679-7425-40de-944b-e07fc1f90ae7"


def test_the_settings_of_the_organisation_are_found_through_the_audit_log(requests_mock: requests_mock.Mocker) -> None:
    requests_mock.get(API, json={"application": {}})
    requests_mock.get(f"{API}/auditLogs", json={"data": [{"attributes": {"orgId": ORGANISATION}}]})
    found = {"type": "orgSetting", "id": ORGANISATION, "attributes": {"sendExclusions": "x"}}
    requests_mock.get(f"{API}/orgSettings/{ORGANISATION}", json={"data": found})
    (record,) = read(stream_of(connected(), "org_settings"))
    assert record == {"id": ORGANISATION, "type": "orgSetting", "sendExclusions": "x"}


def test_without_the_id_of_the_organisation_its_settings_cannot_be_read(requests_mock: requests_mock.Mocker) -> None:
    requests_mock.get(API, json={})
    requests_mock.get(f"{API}/auditLogs", status_code=403, json=problem("unauthorizedOauthScope", "'auditLogs.read'"))
    with pytest.raises(Unavailable, match="none is known"):
        read(stream_of(connected(), "org_settings"))


def test_the_access_token_of_a_consent_is_used_whatever_the_platform_says_of_its_end(
    requests_mock: requests_mock.Mocker,
) -> None:
    requests_mock.get(STAGES, json=page([]))
    for expiry in ("2026-01-01T14:00:00.123456789Z", "2026-01-01T14:00:00", None, "7200"):
        read(stream_of(connected(token_expiry_date=expiry), "stages"))
    assert {request.headers["Authorization"] for request in requests_mock.request_history} == {"Bearer access-0"}


def checked(connection: OutreachConnection) -> tuple[str, str, float]:
    """The status and the message of `check`, and how long it took on the fake clock."""
    began = connection.clock.monotonic()
    status = SourceOutreach().proof(connection)
    return status.status.value, status.message or "", connection.clock.monotonic() - began


def test_check_fails_within_seconds_while_no_token_is_granted(requests_mock: requests_mock.Mocker) -> None:
    requests_mock.post(TOKEN_URL, status_code=429, json={})
    status, message, seconds = checked(connected(patience=BRISK, access_token=None))
    assert (status, message) == (
        "FAILED",
        "The token endpoint gives no access token at present: It allows no more tokens at present. Try again in a "
        "minute.",
    )
    assert seconds < 15


@pytest.mark.parametrize("content", [{}, None, {"error": "no"}, {"data": {"x": 1}}, {"data": [5]}, []])
def test_check_takes_no_other_answer_for_the_users_of_an_account(
    requests_mock: requests_mock.Mocker, content: Any
) -> None:
    requests_mock.get(f"{API}/users", json=content)
    status, message, seconds = checked(connected(patience=BRISK))
    assert status == "FAILED"
    assert message.startswith("Reading the users of the account failed 2 times")
    assert seconds < 15


def test_odd_rows_of_an_answer_arrive_or_are_counted(requests_mock: requests_mock.Mocker) -> None:
    rows = [None, resource(1), resource(1), "x", {"type": "stage", "id": 2}, {"id": 3, "attributes": {"updatedAt": ""}}]
    requests_mock.get(STAGES, json={"data": rows, "meta": {"count": 6}})
    stream = stream_of(connected(), "stages")
    usage = Usage()
    stream.client.account_to(usage)
    assert [record["id"] for record in read(stream)] == [1, 2, 3]
    assert usage.not_objects == 2


def test_one_resource_in_the_place_of_a_list_is_a_list_of_one(requests_mock: requests_mock.Mocker) -> None:
    requests_mock.get(STAGES, json={"data": resource(1)})
    assert [record["id"] for record in read(stream_of(connected(), "stages"))] == [1]


@pytest.mark.parametrize("links", [None, {}, {"next": None}, {"next": {"href": None}}])
def test_links_without_a_next_are_the_end(requests_mock: requests_mock.Mocker, links: Any) -> None:
    requests_mock.get(STAGES, json={"data": [resource(1)], "links": links})
    assert len(read(stream_of(connected(), "stages"))) == 1
    assert len(requests_mock.request_history) == 1


@pytest.mark.parametrize("links", [[], "x", 0, {"next": ""}, {"next": {}}, {"next": 5}])
def test_links_that_are_none_are_the_end_if_they_come_twice(requests_mock: requests_mock.Mocker, links: Any) -> None:
    odd = {"json": {"data": [resource(1)], "links": links}}
    requests_mock.get(STAGES, [odd, {"json": page([resource(1)], "abc")}, {"json": page([resource(2)])}])
    assert [record["id"] for record in read(stream_of(connected(), "stages"))] == [1, 2]
    requests_mock.get(STAGES, [odd, odd])
    assert [record["id"] for record in read(stream_of(connected(), "stages"))] == [1]


def test_a_link_may_be_an_object(requests_mock: requests_mock.Mocker) -> None:
    first = page([resource(1)], "abc")
    first["links"]["next"] = {"href": first["links"]["next"], "meta": {}}
    requests_mock.get(STAGES, [{"json": first}, {"json": page([resource(2)])}])
    assert len(read(stream_of(connected(), "stages"))) == 2
    assert asked(requests_mock)["page[after]"] == ["abc"]


@pytest.mark.parametrize("meta", [None, [], {"count": "3"}, {"count": -1}, {"count": True}, {"count": 1.5}, {}])
def test_a_count_that_is_no_number_of_rows_is_none(requests_mock: requests_mock.Mocker, meta: Any) -> None:
    requests_mock.get(STAGES, json={"data": [resource(1)], "meta": meta})
    assert len(read(stream_of(connected(), "stages"))) == 1
    assert len(requests_mock.request_history) == 1


def test_a_list_that_ended_before_its_count_is_read_again(requests_mock: requests_mock.Mocker) -> None:
    webhooks = f"{API}/webhooks"
    rows = [resource(number, "webhook") for number in range(3)]
    requests_mock.get(
        webhooks, [{"json": page(rows[:1], count=3)}, {"json": page(rows[:1], count=3)}, {"json": page(rows, count=3)}]
    )
    assert [record["id"] for record in read(stream_of(connected(), "webhooks"))] == [0, 1, 2]


def test_rows_that_stand_one_level_too_deep_are_missed_and_asked_for_again(requests_mock: requests_mock.Mocker) -> None:
    rows = [resource(number) for number in range(3)]
    nested, whole = {**page([], count=3), "data": [rows]}, page(rows, count=3)
    requests_mock.get(STAGES, [{"json": nested}, {"json": page(rows[:1], count=3)}, {"json": whole}])
    assert [record["id"] for record in read(stream_of(connected(), "stages"))] == [0, 1, 2]


def test_nulls_in_a_list_may_be_counted(requests_mock: requests_mock.Mocker) -> None:
    requests_mock.get(STAGES, json=page([resource(1), None, None], count=3))  # type: ignore[list-item]  # on purpose
    assert len(read(stream_of(connected(), "stages"))) == 1
    assert len(requests_mock.request_history) == 1


def test_a_204_is_asked_again_and_then_the_empty_list_that_it_says_it_is(requests_mock: requests_mock.Mocker) -> None:
    requests_mock.get(STAGES, status_code=204)
    assert read(stream_of(connected(), "stages")) == []
    assert len(requests_mock.request_history) == 2


def test_an_import_that_comes_empty_once_is_asked_for_again(requests_mock: requests_mock.Mocker) -> None:
    one = {"data": {"type": "import", "id": 17, "attributes": {}}}
    requests_mock.get(f"{API}/imports/17", [{"json": {"data": []}}, {"json": {"data": None}}, {"json": one}])
    assert read(stream_of(connected(import_ids="17"), "imports")) == [{"id": 17, "type": "import"}]


def test_a_web_page_of_a_firewall_is_no_missing_scope(requests_mock: requests_mock.Mocker) -> None:
    requests_mock.get(STAGES, status_code=403, text="<html>Access denied</html>")
    with pytest.raises(TransientError, match="firewall or proxy"):
        read(stream_of(connected(), "stages"))


@pytest.mark.parametrize("status", [400, 422])
def test_a_refused_filter_for_rows_without_a_time_says_its_reason(
    requests_mock: requests_mock.Mocker, status: int
) -> None:
    requests_mock.get(STAGES, status_code=status, json=problem("validationError", "x"))
    connection = connected()
    stream = stream_of(connection, "stages")
    assert isinstance(stream, OutreachStream)
    assert list(timeline_of(stream.pages, "updatedAt")._timeless()) == []
    assert connection.output.logs() == [  # type: ignore[attr-defined]  # a kept output
        f"WARN Stream stages: Outreach refused the filter for rows without updatedAt (GET stages: status {status}, "
        "request id none): those that came in no window were not read."
    ]
