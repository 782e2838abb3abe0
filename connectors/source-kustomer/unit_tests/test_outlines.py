"""Searched records that are written while they are parsed: the same records, in the same order, whatever comes."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from airbyte_cdk.models import SyncMode
from hypothesis import given
from hypothesis import strategies as st

from source_kit import json_text
from source_kit.timestamps import parse
from source_kit.windows import Window
from source_kit.work import Start, in_order
from source_kit.written import Outline, whole_of
from source_kustomer import search
from source_kustomer.search import Scope, SearchAsk, SearchEndpoint
from unit_tests.kustomer_account import Account, row, stream_of
from unit_tests.kustomer_account import search as searched

ENDPOINT = SearchEndpoint("conversations", (Scope("conversation", "conversation"),), include_deleted=True)
TIMES_ENDPOINT = SearchEndpoint(
    "conversation_times", (Scope("conversation_time", "conversation_time", "created_at"),), include_deleted=True
)
TIME = "2026-01-31T10:00:00.000Z"
IDS = st.one_of(st.integers(0, 3), st.sampled_from(["a", "b", "c", "d", None, True, 1.5, ["a"], {"a": 1}]))
TIMES: st.SearchStrategy[Any] = st.sampled_from([TIME, TIME, "2026-01-31T10:00:00", "soon", "", None, 7, {}])
VALUES = st.one_of(
    st.sampled_from(["x", "\ud800", "é", json_text.UNHOLDABLE, 2**70, -(2**64), 1.5, None, True]),
    st.lists(st.just({"type": "conversation", "id": "b"}), max_size=3),
)
ROWS = st.one_of(
    st.builds(
        lambda key, updated, created, values, data: {
            "type": "conversation",
            "id": key,
            "attributes": {"updatedAt": updated, "createdAt": created} | values,
            "relationships": {"customer": {"data": data}},
        },
        IDS,
        TIMES,
        TIMES,
        st.dictionaries(st.sampled_from(["orderId", "order_id", "id", "type", "customerId", "createdAt"]), VALUES),
        st.sampled_from([None, {"type": "customer", "id": "c"}, [{"type": "conversation", "id": "a"}]]),
    ),
    st.sampled_from([None, 7, [], {}, {"id": "z"}, {"type": "conversation", "id": "y", "attributes": None}]),
)


def resource(number: int, **attributes: Any) -> dict[str, Any]:
    times = {"updatedAt": TIME, "createdAt": TIME}
    return {"type": "conversation", "id": f"{number:024x}", "attributes": times | {"name": "x" * 100} | attributes}


def read(content: bytes, *, is_outlined: bool, endpoint: SearchEndpoint = ENDPOINT) -> tuple[Any, ...]:
    """What an answer comes to: its records, what was taken out, and the rest of it."""
    asked = SearchAsk(is_outlined=is_outlined)
    value = endpoint.parse(asked, content)
    if not endpoint.is_whole(value) or endpoint.is_strange(value):
        return ()
    settled = endpoint.settle(value)
    records = endpoint.records(value, asked)
    return records, settled, {name: value[name] for name in value if name != "data"}


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "PIECE_BYTES", 200)


@pytest.mark.parametrize("beginning", [b'{"data":[', b'{"meta":{"total":9},"links":{"next":null},"data": ['])
def test_records_that_are_usual_are_outlines_with_the_text_that_leaves(beginning: bytes) -> None:
    rows = [resource(number, note=f"{number}", createdAt="2026-01-31T10:00:00") for number in range(9)]
    content = beginning + b", ".join(map(orjson.dumps, rows)) + b"]}"
    found, settled, _ = read(content, is_outlined=True)
    assert settled.size == 9
    assert {*map(type, found)} == {Outline}
    assert found[3] == {"id": f"{3:024x}", "updated_at": TIME}
    assert whole_of(found) == read(content, is_outlined=False)[0]
    assert found[3].text == orjson.dumps(whole_of(found)[3])


@pytest.mark.parametrize("value", [2**70, "\ud800", json_text.UNHOLDABLE])
def test_a_record_that_cannot_be_written_stays_whole_among_outlines(value: Any) -> None:
    content = json_text.dumps({"data": [resource(number, odd=1 if number else value) for number in range(9)]})
    if value is json_text.UNHOLDABLE:
        content = content.replace(b"null", b"NaN")
    elif value == "\ud800":
        content = content.replace("\ufffd".encode(), b"\\ud800")
    found = read(content, is_outlined=True)[0]
    assert list(map(type, found)) == [dict] + [Outline] * 8
    assert repr(whole_of(found)) == repr(read(content, is_outlined=False)[0])
    assert found[0]["odd"] == value


def test_within_an_instant_the_time_of_creation_is_looked_at_too() -> None:
    asked = SearchAsk(window=Window(within=parse(TIME)), is_outlined=True)
    value = ENDPOINT.parse(asked, orjson.dumps({"data": [resource(1), resource(2)]}))
    assert ENDPOINT.records(value, asked)[1] == {"id": f"{2:024x}", "updated_at": TIME, "created_at": TIME}


@pytest.mark.parametrize("kind", ["conversation", "kobject.order-item", "knowledge base"])
@pytest.mark.parametrize("others", [0, 1])
def test_rows_of_any_kind_are_outlines_though_each_refers_to_one_of_its_kind(kind: str, others: int) -> None:
    linked = [{"type": kind, "id": "x"}] * others
    rows = [resource(number, parents=linked) | {"type": kind} for number in range(30)]
    found = read(orjson.dumps({"data": [{"type": kind} | row for row in rows]}), is_outlined=True)[0]
    assert {*map(type, found)} == {Outline}


@pytest.mark.parametrize("name", ["conversations", "customers", "messages", "kobjects", "notes", "companies"])
def test_records_leave_as_outlines_and_are_whole_where_the_plain_cdk_asks(name: str) -> None:
    kind = {"kobjects": "kobject.order"}.get(name, name[:-1] if name != "companies" else "company")
    rows = [row(number, f"2023-11-14T10:0{number}:00.000Z", kind, name="x") for number in range(5)]
    account = Account(lambda method, path, params, body: searched(rows, params, body), include_archived=False)
    stream = stream_of(account, name)
    pages = [page for page in in_order(stream.work(Start(incremental=False))) if page.records]
    assert {type(record) for page in pages for record in page.records} == {Outline}
    assert [record["name"] for record in stream.read_records(SyncMode.full_refresh)] == ["x"] * 5


def test_what_is_walked_by_creation_needs_no_other_time() -> None:
    rows = [{"type": "conversation_time", "id": f"{number}", "attributes": {"createdAt": TIME}} for number in range(9)]
    found = read(orjson.dumps({"data": rows}), is_outlined=True, endpoint=TIMES_ENDPOINT)[0]
    assert found[0] == {"id": "0", "created_at": TIME}


@pytest.mark.parametrize(
    "odd",
    [
        resource(3),
        resource(9, updatedAt=None),
        resource(9, updatedAt=7),
        resource(9) | {"id": None},
        {"type": "conversation", "id": "x"},
        None,
    ],
    ids=["twice", "no time", "no text as time", "no id", "no attributes", "null"],
)
def test_with_one_odd_row_all_are_read_as_ever(odd: Any) -> None:
    rows = [resource(number) for number in range(9)]
    content = json_text.dumps({"data": [*rows[:7], odd, *rows[7:]]})
    found = read(content, is_outlined=True)
    assert Outline not in {*map(type, found[0])}
    assert repr(found) == repr(read(content, is_outlined=False))


@given(st.lists(ROWS, max_size=8), st.booleans())
def test_whatever_rows_come_the_records_are_the_same(rows: list[Any], is_first: bool) -> None:
    parts = {"meta": {"total": 8}, "data": rows}
    content = json_text.dumps(dict(reversed(parts.items())) if is_first else parts)
    expected, found = read(content, is_outlined=False), read(content, is_outlined=True)
    assert bool(found) == bool(expected)
    if expected:
        assert repr((whole_of(found[0]), *found[1:])) == repr(expected)
