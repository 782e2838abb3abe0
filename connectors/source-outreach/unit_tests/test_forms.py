"""What lists are asked for beyond their default answer: links to a CRM, and attributes that come only by name."""

from __future__ import annotations

import gc
import json
from functools import partial
from typing import Any

import pytest
import requests_mock
from airbyte_cdk.models import SyncMode

from source_kit.catalog_input import ConfiguredStream
from source_kit.errors import ConfigError
from source_kit.rules import Rejected, Unavailable
from source_kit.state_input import StreamState
from source_kit.work import Record
from source_outreach.collections import table
from source_outreach.forms import PLAIN, WITH_CONNECTIONS, Forms
from source_outreach.source import OutreachConnection
from unit_tests.outreach_account import API, connected, page, problem, read, resource, stream_of, sync, without_ids

CONNECTED = (
    "accounts calls events mailings opportunities opportunity_stages products prospects purchases stages tasks users"
)
LINK = {"provider": "salesforce", "externalId": "00Q1"}
STAGES = f"{API}/stages"
PROSPECTS = f"{API}/prospects"


def emitted(connection: OutreachConnection) -> list[Record]:
    messages = connection.output.messages()  # type: ignore[attr-defined]  # a kept output
    return [message["record"]["data"] for message in messages if message["type"] == "RECORD"]


def synced(connection: OutreachConnection, stream: str, *columns: str) -> list[Record]:
    """The records of a read whose catalog selects these columns, beside the key and the cursor."""
    selected: dict[str, Any] = {"properties": {key: {} for key in ("id", "updatedAt", *columns)}} if columns else {}
    assert sync(connection, ConfiguredStream(stream, "full_refresh", json_schema=selected)) == 0
    return emitted(connection)


def warnings(connection: OutreachConnection) -> list[str]:
    return [line for line in connection.output.logs() if line.startswith("WARN")]  # type: ignore[attr-defined]


def prospect(number: int, **attributes: Any) -> dict[str, Any]:
    row = resource(number, "prospect", firstName="Ann", liveOnly=7, **attributes)
    return {**row, "relationships": {"owner": {"data": {"type": "user", "id": 3}}, "calls": {"links": {}}}}


def sparse(request: Any, context: Any) -> dict[str, Any]:
    """An account that hides contactHistogram until it is named, and then gives what is named only."""
    row = prospect(1)
    fields = request.qs.get("fields[prospect]")
    if fields is not None:
        names = fields[0].split(",")
        every = {**row["attributes"], "contactHistogram": [[1, 2]]}
        row["attributes"] = {name: value for name, value in every.items() if name.lower() in names}
        row["relationships"] = {name: each for name, each in row["relationships"].items() if name.lower() in names}
    return page([row])


# Links to a CRM.


def test_twelve_collections_may_carry_links_to_a_crm() -> None:
    assert {name for name, each in table().items() if each.is_connected} == set(CONNECTED.split())
    for name, each in table().items():
        assert ("dataConnections" in each.schema()["properties"]) == each.is_connected, name


def test_links_to_a_crm_are_a_column_and_an_empty_list_where_there_are_none(
    requests_mock: requests_mock.Mocker,
) -> None:
    rows = [{**resource(1), "meta": {"dataConnections": [LINK]}}, {**resource(2), "meta": {}}, resource(3)]
    requests_mock.get(STAGES, json=page(rows))
    records = read(stream_of(connected(), "stages"))
    assert [record["dataConnections"] for record in records] == [[LINK], [], []]
    assert requests_mock.last_request.qs["providedataconnections"] == ["true"]  # type: ignore[union-attr]


def test_links_in_another_form_than_a_list_are_its_only_entry(requests_mock: requests_mock.Mocker) -> None:
    rows = [{**resource(1), "meta": {"dataConnections": LINK}}, {**resource(2), "meta": ["x"]}]
    requests_mock.get(STAGES, json=page(rows))
    assert [record["dataConnections"] for record in read(stream_of(connected(), "stages"))] == [[LINK], []]


@pytest.mark.parametrize("status", [400, 403, 422])
def test_a_refused_parameter_is_left_out_with_one_warning_for_all_streams(
    requests_mock: requests_mock.Mocker, status: int
) -> None:
    def answer(request: Any, context: Any) -> dict[str, Any]:
        if "providedataconnections" in request.qs:
            context.status_code = status
            return problem("unknownParameter", "provideDataConnections")
        return page([resource(1)])

    for plural in ("stages", "products"):
        requests_mock.get(f"{API}/{plural}", json=answer)
    connection = connected()
    assert sync(connection, *(ConfiguredStream(name, "full_refresh") for name in ("stages", "products"))) == 0
    assert [record["dataConnections"] for record in emitted(connection)] == [None, None]
    assert len(warnings(connection)) == 1
    assert "Outreach refused provideDataConnections" in warnings(connection)[0]


@pytest.mark.parametrize("status", [400, 403, 414, 422])
def test_links_that_are_refused_once_without_a_word_of_them_are_asked_for_again(
    requests_mock: requests_mock.Mocker, status: int
) -> None:
    refusals = iter([True])

    def answer(request: Any, context: Any) -> Any:
        if "providedataconnections" in request.qs and next(refusals, False):
            context.status_code = status
            return {"error": ["a", {"b": []}]}
        return page([{**resource(1), "meta": {"dataConnections": [LINK]}}])

    requests_mock.get(STAGES, json=answer)
    connection = connected()
    (record,) = read(stream_of(connection, "stages"))
    assert record["dataConnections"] == [LINK]
    assert warnings(connection) == []


@pytest.mark.parametrize(("detail", "requests"), [("provideDataConnections", 2), ("Bad request.", 4)])
def test_links_are_given_up_at_once_where_the_refusal_names_them_else_after_the_second(
    requests_mock: requests_mock.Mocker, detail: str, requests: int
) -> None:
    def answer(request: Any, context: Any) -> Any:
        if "providedataconnections" in request.qs:
            context.status_code = 400
            return problem("unknownParameter", detail)
        return page([resource(1)])

    requests_mock.get(STAGES, json=answer)
    connection = connected()
    (record,) = read(stream_of(connection, "stages"))
    assert record["dataConnections"] is None
    assert len(requests_mock.request_history) == requests
    assert len(warnings(connection)) == 1


def test_a_refusal_of_something_else_stays_what_it_is(requests_mock: requests_mock.Mocker) -> None:
    requests_mock.get(STAGES, status_code=422, json=problem("validationError", "x is not filterable"))
    connection = connected()
    with pytest.raises(Rejected):
        read(stream_of(connection, "stages"))
    assert len(requests_mock.request_history) == 2
    assert warnings(connection) == []


def test_a_form_that_was_answered_once_is_not_given_up_for_a_later_refusal(
    requests_mock: requests_mock.Mocker,
) -> None:
    requests_mock.get(STAGES, [{"json": page([resource(1)], "abc")}, {"status_code": 400, "json": {}}])
    with pytest.raises(Rejected):
        read(stream_of(connected(), "stages"))
    assert len(requests_mock.request_history) == 2


def test_a_missing_scope_of_the_stream_is_not_laid_to_the_parameter(requests_mock: requests_mock.Mocker) -> None:
    refusal = problem("unauthorizedOauthScope", "The scope 'stages.read' is missing.")
    requests_mock.get(STAGES, status_code=403, json=refusal)
    with pytest.raises(Unavailable, match=r"lacks the scope stages\.read"):
        read(stream_of(connected(), "stages"))
    assert len(requests_mock.request_history) == 1


def test_without_the_option_there_is_neither_parameter_nor_column(requests_mock: requests_mock.Mocker) -> None:
    without_ids(requests_mock)
    requests_mock.get(f"{API}/schema.json", json={"definitions": {}})
    requests_mock.get(STAGES, json=page([{**resource(1), "meta": {"dataConnections": [LINK]}}]))
    stream = stream_of(connected(data_connections=False), "stages")
    assert "dataConnections" not in stream.schema()["properties"]
    (record,) = read(stream)
    assert "dataConnections" not in record
    assert "providedataconnections" not in requests_mock.last_request.qs  # type: ignore[union-attr]


# Hidden attributes.


def test_a_selected_column_that_the_default_answer_hides_is_filled_and_all_others_stay(
    requests_mock: requests_mock.Mocker,
) -> None:
    requests_mock.get(PROSPECTS, json=sparse)
    (record,) = synced(connected(), "prospects", "contactHistogram")
    assert record == {
        "id": 1,
        "type": "prospect",
        "updatedAt": "2025-06-01T00:00:00.000Z",
        "firstName": "Ann",
        "liveOnly": 7,
        "contactHistogram": [[1, 2]],
        "ownerId": 3,
        "dataConnections": [],
    }
    fields = requests_mock.last_request.qs["fields[prospect]"][0].split(",")  # type: ignore[union-attr]
    assert {"custom150", "liveonly", "contacthistogram", "owner", "updatedat"} <= set(fields)
    assert not {"id", "type", "calls"} & set(fields)
    assert len(requests_mock.last_request.url) < 8000  # type: ignore[union-attr]


def test_a_column_that_a_catalog_of_the_plain_cdk_selects_is_filled_too(requests_mock: requests_mock.Mocker) -> None:
    requests_mock.get(PROSPECTS, json=sparse)
    requests_mock.get(f"{API}/types", json={"data": []})
    requests_mock.get(f"{API}/schema.json", json={"definitions": {}})
    stream = stream_of(connected(), "prospects")
    stream.configured_json_schema = {"properties": {"id": {}, "contactHistogram": {}}}
    (record,) = stream.read_records(SyncMode.full_refresh)
    assert isinstance(record, dict)
    assert (record["contactHistogram"], record["firstName"]) == ([[1, 2]], "Ann")


@pytest.mark.parametrize("columns", [(), ("firstName", "ownerId", "dataConnections")])
def test_an_unselected_column_costs_no_request(requests_mock: requests_mock.Mocker, columns: tuple[str, ...]) -> None:
    requests_mock.get(PROSPECTS, json=sparse)
    assert "contactHistogram" not in synced(connected(), "prospects", *columns)[0]
    assert len(requests_mock.request_history) == 1


def test_a_selected_column_costs_nothing_while_there_is_nothing_to_read(requests_mock: requests_mock.Mocker) -> None:
    requests_mock.get(PROSPECTS, json=page([]))
    assert synced(connected(), "prospects", "contactHistogram") == []
    assert len(requests_mock.request_history) == 1


def test_rows_that_have_left_before_cost_no_request_for_hidden_attributes(requests_mock: requests_mock.Mocker) -> None:
    """Every sync meets the last rows of the one before again, beside new ones or alone."""

    def answer(days: tuple[int, ...], request: Any, context: Any) -> dict[str, Any]:
        rows = []
        for day in days:
            (row,) = sparse(request, context)["data"]
            row["attributes"]["updatedAt"] = f"2025-06-{day:02}T00:00:00.000Z"
            rows.append({**row, "id": day})
        return page(rows)

    schema: dict[str, Any] = {"properties": {name: {} for name in ("id", "updatedAt", "contactHistogram")}}
    state: dict[str, Any] = {}
    found = []
    for days in ((1,), (1,), (1, 2), (1, 2), (3, 2)):
        prospects, connection = requests_mock.get(PROSPECTS, json=partial(answer, days)), connected()
        configured = ConfiguredStream("prospects", "incremental", json_schema=schema)
        assert sync(connection, configured, states={"prospects": StreamState(state, own=True)} if state else {}) == 0
        messages = connection.output.messages()  # type: ignore[attr-defined]  # a kept output
        state = [each["state"]["stream"]["stream_state"] for each in messages if each["type"] == "STATE"][-1]
        rows = [(row["id"], row.get("contactHistogram")) for row in emitted(connection)]
        found.append((prospects.call_count, rows))
    histogram = [[1, 2]]
    assert found == [(2, [(1, histogram)]), (1, []), (2, [(2, histogram)]), (1, []), (2, [(3, histogram)])]


def test_a_page_is_let_go_before_it_is_asked_for_in_another_form(requests_mock: requests_mock.Mocker) -> None:
    """One of 7 MB takes 45 MB as objects: two of them would need more memory than a whole read."""
    kept = list[int]()

    def answer(request: Any, context: Any) -> str:
        kept.append(sum(len(each) == 1 and each[0] == "first page" for each in gc.get_objects() if type(each) is list))
        content = sparse(request, context)
        content["data"][0]["attributes"]["emails"] = [f"{('first', 'same')[len(kept) - 1]} page"]
        return json.dumps(content)

    requests_mock.get(PROSPECTS, text=answer)
    (record,) = synced(connected(), "prospects", "contactHistogram")
    assert (record["emails"], record["contactHistogram"]) == (["same page"], [[1, 2]])
    assert kept == [0, 0]


def test_a_hidden_attribute_that_comes_unasked_is_not_asked_for(requests_mock: requests_mock.Mocker) -> None:
    requests_mock.get(PROSPECTS, json=page([prospect(1, contactHistogram=[[3, 4]])]))
    assert synced(connected(), "prospects", "contactHistogram")[0]["contactHistogram"] == [[3, 4]]
    assert len(requests_mock.request_history) == 1


def test_names_that_outreach_does_not_know_are_left_out_one_kind_after_the_other(
    requests_mock: requests_mock.Mocker,
) -> None:
    known = {"firstname", "updatedat", "liveonly", "owner", "contacthistogram"}

    def answer(request: Any, context: Any) -> dict[str, Any]:
        if not known.issuperset(request.qs.get("fields[prospect]", ["firstname"])[0].split(",")):
            context.status_code = 400
            return problem("invalidField", "No such field.")
        return sparse(request, context)

    requests_mock.get(PROSPECTS, json=answer)
    connection = connected()
    (record,) = synced(connection, "prospects", "contactHistogram", "ofAnotherConnector")
    assert (record["contactHistogram"], record["liveOnly"], record["ownerId"]) == ([[1, 2]], 7, 3)
    assert len(requests_mock.request_history) == 4
    (warning,) = warnings(connection)
    assert "Outreach refused to give ofAnotherConnector" in warning


@pytest.mark.parametrize("status", [400, 414, 422])
def test_where_no_attribute_may_be_named_the_default_answer_is_read_with_a_warning(
    requests_mock: requests_mock.Mocker, status: int
) -> None:
    def answer(request: Any, context: Any) -> dict[str, Any]:
        if "fields[prospect]" in request.qs:
            context.status_code = status
            return problem("invalidField", "No.")
        return page([prospect(1)])

    requests_mock.get(PROSPECTS, json=answer)
    connection = connected()
    (record,) = synced(connection, "prospects", "contactHistogram")
    assert record["liveOnly"] == 7
    (warning,) = warnings(connection)
    assert "Outreach refused to give contactHistogram" in warning


def test_hidden_attributes_that_are_refused_once_are_asked_for_again(requests_mock: requests_mock.Mocker) -> None:
    refusals = iter([True, True, True])

    def answer(request: Any, context: Any) -> Any:
        if "fields[prospect]" in request.qs and next(refusals, False):
            context.status_code = 400
            return None
        return sparse(request, context)

    requests_mock.get(PROSPECTS, json=answer)
    connection = connected()
    (record,) = synced(connection, "prospects", "contactHistogram")
    assert record["contactHistogram"] == [[1, 2]]
    assert warnings(connection) == []


def test_where_hidden_attributes_are_refused_in_two_ways_the_default_answer_is_read(
    requests_mock: requests_mock.Mocker,
) -> None:
    statuses = iter([400, 400, 403, 403, 403, 403])

    def answer(request: Any, context: Any) -> Any:
        if "fields[prospect]" in request.qs:
            context.status_code = next(statuses)
            return None
        return sparse(request, context)

    requests_mock.get(PROSPECTS, json=answer)
    connection = connected(data_connections=False)
    (record,) = synced(connection, "prospects", "contactHistogram")
    assert (record["firstName"], record.get("contactHistogram")) == ("Ann", None)
    (warning,) = warnings(connection)
    assert "Outreach refused to give contactHistogram" in warning


def test_a_form_that_was_given_up_for_one_page_is_given_up_for_all_that_are_under_way() -> None:
    forms, refusal = Forms(table()["stages"], WITH_CONNECTIONS), Rejected("", status=400, body="", internal_message="")
    said: list[str] = []
    for _ in range(2):  # two pages side by side
        assert forms.after(WITH_CONNECTIONS[0], refusal) == PLAIN
    assert forms.answered(PLAIN, {}, refusal, lambda *line: said.append(line[1])) == WITH_CONNECTIONS[0]
    assert forms.answered(PLAIN, {}, refusal, lambda *line: said.append(line[1])) is None
    assert forms.after(WITH_CONNECTIONS[0], refusal) == PLAIN
    assert len(said) == 1


def test_attributes_that_only_the_schema_of_the_account_lists_are_columns(requests_mock: requests_mock.Mocker) -> None:
    without_ids(requests_mock)
    members = {
        "score2": {"type": "number"},
        "FIRSTNAME": {"type": "string"},
        "id": {"type": "integer"},
        "owner": {"data": True},
        "firstName": {"type": "integer"},
    }
    requests_mock.get(f"{API}/types", json={"data": []})
    requests_mock.get(f"{API}/schema.json", json={"definitions": {"prospect": {"definitions": members}}})
    properties = stream_of(connected(), "prospects").schema()["properties"]
    assert properties["score2"] == {"type": ["null", "number"]}
    assert properties["firstName"] == {"type": ["null", "string"]}
    assert not {"FIRSTNAME", "idAttribute", "owner"} & properties.keys()


def test_a_selected_attribute_of_the_accounts_schema_is_asked_for(requests_mock: requests_mock.Mocker) -> None:
    requests_mock.get(PROSPECTS, json=sparse)
    synced(connected(), "prospects", "score2")
    assert "score2" in requests_mock.last_request.qs["fields[prospect]"][0].split(",")  # type: ignore[union-attr]


# Names that no schema knows.


def test_extra_fields_are_columns_and_are_asked_for_whatever_the_catalog_selects(
    requests_mock: requests_mock.Mocker,
) -> None:
    without_ids(requests_mock)
    requests_mock.get(f"{API}/types", json={"data": []})
    requests_mock.get(f"{API}/schema.json", json={"definitions": {}})
    requests_mock.get(PROSPECTS, json=sparse)
    connection = connected(extra_fields=["prospects.contactHistogram", "prospects.secretScore"])
    assert synced(connection, "prospects", "firstName")[0]["contactHistogram"] == [[1, 2]]
    assert stream_of(connection, "prospects").schema()["properties"]["secretScore"]["type"][1:] == [
        "array",
        "boolean",
        "number",
        "object",
        "string",
    ]


@pytest.mark.parametrize("entry", ["contactHistogram", "nothing.x", "prospects.", "prospects.a,b", "prospects.a&b=c"])
def test_an_extra_field_names_a_stream_and_an_attribute(entry: str) -> None:
    with pytest.raises(ConfigError, match=r"extra_fields must hold entries such as prospects\.contactHistogram"):
        connected(extra_fields=[entry])
