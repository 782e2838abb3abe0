"""The oddities: what each kind sends, and what the truth says of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from unittest.mock import ANY

import orjson
import pytest

from emulator_tests.close_client import CloseClient
from emulator_tests.kustomer_client import query, serving
from emulator_tests.outreach_client import OutreachClient as OutreachClient
from emulator_tests.test_persistiq import Client as PersistiqClient
from emulators.app import VendorApp
from emulators.messages import Request
from emulators.oddities import EVERYTHING, KINDS
from emulators.oddities.kinds import HOURS_OUTSIDE

Json = dict[str, Any]
NOW = "2025-06-30T12:00:00Z"


def truth(app: VendorApp, stream: str) -> list[Json]:
    records: Iterator[bytes] = app.oddities.truth(stream, app.truth(stream) or iter(()))
    return [json.loads(record) for record in records]


def leads(**odd: float) -> CloseClient:
    return CloseClient(leads=3, odd=odd, now=NOW)


@pytest.mark.parametrize(
    ("kind", "sent", "true"),
    [
        ("surrogate", rb'"oddity":"cut \ud83d"', "cut \ufffd"),
        ("bad_utf8", b'"oddity":"caf\xff bar"', "caf\ufffd bar"),
        ("nan", b'"oddity":NaN', None),
        ("infinity", b'"oddity":{"list":[1,Infinity]}', {"list": [1, None]}),
        ("minus_infinity", b'"oddity":-Infinity', None),
        ("1e400", b'"oddity":1e400', None),
        ("big_integer", b'"oddity":123456789012345678901234567890', 123456789012345678901234567890),
    ],
)
def test_a_value_is_sent_as_it_is_and_the_truth_is_what_json_can_hold(kind: str, sent: bytes, true: Any) -> None:
    client = leads(**{kind: 1.0})
    assert client.ask("GET", "/lead/").body.count(sent) == 3
    assert [record["oddity"] for record in truth(client.app, "leads")] == [true] * 3
    assert client.app.statistics_report()["odd"] == {kind: 3}


def test_a_value_is_nested_three_hundred_levels_deep() -> None:
    client = leads(deep=1.0)
    assert b'"oddity":' + b"[" * 300 + b'"deep"' + b"]" * 300 in client.ask("GET", "/lead/").body
    (value, *_) = [record["oddity"] for record in truth(client.app, "leads")]
    for _ in range(300):
        (value,) = value
    assert value == "deep"


def test_an_answer_begins_with_a_byte_order_mark() -> None:
    assert leads(bom=1.0).ask("GET", "/lead/").body.startswith(b'\xef\xbb\xbf{"data":[')


@pytest.mark.parametrize(
    ("kind", "cursor"),
    [
        ("cursor_null", {"date_updated": None}),
        ("cursor_missing", {}),
        ("cursor_empty", {"date_updated": ""}),
        ("cursor_word", {"date_updated": "soon"}),
        ("cursor_leap", {"date_updated": "2025-06-30T23:59:60Z"}),
    ],
)
def test_a_cursor_is_no_time(kind: str, cursor: Json) -> None:
    client = leads(**{kind: 1.0})
    for rows in (client.get("/lead/")["data"], truth(client.app, "leads")):
        assert [{name: row[name] for name in ("date_updated",) if name in row} for row in rows] == [cursor] * 3


@pytest.mark.parametrize(
    ("kind", "end"),
    [
        ("time_plus_05", "+05"),
        ("time_plus_00", "+00"),
        ("time_utc", " UTC"),
        ("time_small_z", "z"),
        ("time_zoneless", ""),
    ],
)
def test_a_time_that_is_no_cursor_is_spelt_otherwise(kind: str, end: str) -> None:
    client = leads(**{kind: 1.0})
    sent = [row["date_created"] for row in client.get("/lead/")["data"]]
    assert {text[19:] for text in sent} == {end}
    emitted = [record["date_created"] for record in truth(client.app, "leads")]
    assert sorted(emitted) == sorted(text if end else text + "Z" for text in sent)


def test_a_row_is_odd_wherever_it_is_shown_and_others_are_not() -> None:
    client = CloseClient(leads=200, odd={"nan": 0.1})
    listed = client.ask("GET", "/lead/", _limit=200).body
    body = {"query": {"type": "object_type", "object_type": "lead"}, "_limit": 200, "_fields": {"lead": ["id"]}}
    searched = client.ask("POST", "/data/search/", body=orjson.dumps(body)).body
    found = [{row["id"] for row in json.loads(text)["data"] if "oddity" in row} for text in (listed, searched)]
    assert found[0] == found[1] == {record["id"] for record in truth(client.app, "leads") if "oddity" in record}
    assert 10 < len(found[0]) < 30


def test_rows_that_are_none_stand_at_the_end_of_a_list() -> None:
    client = CloseClient(leads=2, odd={"row_null": 1, "row_text": 1, "row_number": 1, "row_without_id": 1})
    *others, nameless = client.get("/lead/")["data"][2:]
    assert (others, nameless) == ([None, "not an object", 7], {"oddity": "row without id", "oddity_of": ANY})
    assert client.get("/lead/", _limit=3)["data"][2:] == [None]
    assert len(truth(client.app, "leads")) == 2


def test_an_object_without_an_id_tells_its_answer_in_the_form_of_the_api() -> None:
    client = CloseClient(leads=2, odd={"row_without_id": 1})
    first, again, other = [client.get("/lead/", _limit=limit)["data"][-1]["oddity_of"] for limit in (10, 10, 20)]
    assert first == again != other
    # Whoever asks for one row looks for something else than records.
    assert client.get("/lead/", _limit=1, _skip=5)["data"] == [{"oddity": "row without id", "oddity_of": ANY}]
    lists = dict.fromkeys([first, other], "GET /api/v1/lead/")
    assert client.app.statistics_report()["nameless"] == lists
    with serving(customers=2, odd={"row_without_id": 1}) as kustomer:
        assert kustomer.search(query("customer"))["data"][-1] == {
            "attributes": {"oddity": "row without id", "oddity_of": ANY}
        }
        assert list(kustomer.emulator.stats()["nameless"].values()) == ["POST /v1/customers/search customer"]


def test_a_row_comes_twice_within_an_answer() -> None:
    rows = CloseClient(leads=3, odd={"twice_in_answer": 1}).get("/lead/")["data"]
    assert [rows[0]["id"], len(rows)] == [rows[3]["id"], 4]


def test_a_row_comes_again_over_the_border_of_two_pages() -> None:
    client = PersistiqClient(leads=150, odd={"twice_over_border": 1})
    first, second = (client.get("leads", page=page)["leads"] for page in (1, 2))
    assert (first[-1], len(first), len(second)) == (second[0], 100, 51)


def test_one_row_stands_where_a_list_belongs() -> None:
    assert PersistiqClient(tags=1, odd={"data_object": 1}).get("tags")["tags"] == {"id": "tag_0t", "name": "Tag 0"}


def test_two_attributes_would_become_one_column() -> None:
    (row, *_) = leads(two_spellings=1).get("/lead/")["data"]
    assert (row["orderID"], row["orderId"]) == (
        f"odd spelling orderID {row['id']}",
        f"odd spelling orderId {row['id']}",
    )


def test_an_event_lies_outside_of_the_window_that_was_asked_for() -> None:
    plain, odd = (PersistiqClient(events=1, now=NOW, odd=kinds) for kinds in ({}, {"cursor_outside": 1}))
    (before,), (after,) = (client.get("events")["events"] for client in (plain, odd))
    assert HOURS_OUTSIDE == 23
    assert after["event_at"] < before["event_at"]
    assert truth(odd.app, "events") == [before | {"event_at": after["event_at"]}]


def test_a_page_is_empty_once_and_announces_the_next() -> None:
    client = PersistiqClient(leads=150, odd={"empty_once": 1})
    assert [(len(a["leads"]), a["has_more"]) for a in (client.get("leads"), client.get("leads"))] == [
        (0, True),
        (100, True),
    ]
    assert len(client.get("leads", page=2)["leads"]) == 50


def test_a_first_page_comes_in_reverse_once() -> None:
    client = PersistiqClient(leads=150, odd={"reversed_once": 1})
    assert client.get("leads")["leads"] == client.get("leads")["leads"][::-1]


def test_a_walk_by_numbers_has_an_empty_page_between() -> None:
    client = PersistiqClient(leads=250, odd={"gap": 1})
    pages = [client.get("leads", page=page) for page in (1, 2, 3, 4)]
    assert [(len(page["leads"]), page["has_more"]) for page in pages] == [
        (100, True),
        (0, True),
        (100, True),
        (50, False),
    ]
    assert pages[1]["next_page"].endswith("page=3")
    assert len({lead["id"] for page in pages for lead in page["leads"]}) == 250


def test_a_search_has_empty_pages_whose_cursor_leads_on() -> None:
    client = CloseClient(leads=25, odd={"gap": 1})
    body = {"query": {"type": "object_type", "object_type": "lead"}, "_limit": 10}
    sizes, cursor, more = [], None, True
    while more:
        answer = client.search(**body, cursor=cursor)
        sizes.append(len(answer["data"]))
        cursor = answer["cursor"]
        more = cursor is not None
    assert sizes == [10, 0, 10, 0, 5]


def test_a_walk_by_links_has_empty_pages_whose_link_leads_on() -> None:
    client = OutreachClient(prospects=25, odd={"gap": 1})
    _, answer = client.ask("/prospects", page__size="10", sort="updatedAt")
    sizes = [len(answer["data"])]
    while link := (answer.get("links") or {}).get("next"):
        params: Json = Request("GET", "", link.partition("?")[2], {}, b"").params
        _, answer = client.ask("/prospects", **params)
        sizes.append(len(answer["data"]))
    assert sizes == [10, 0, 10, 0, 5]


def test_a_link_repeats_itself() -> None:
    client = OutreachClient(prospects=25, odd={"loop": 1})
    _, answer = client.ask("/prospects", page__size="10", sort="updatedAt")
    assert answer["links"]["next"] == "http://api/api/v2/prospects?page%5Bsize%5D=10&sort=updatedAt"


def test_relations_have_nulls_and_lack_types() -> None:
    _, nulls = OutreachClient(prospects=8, odd={"relation_null": 1}).ask("/prospects")
    lists = [r["data"] for row in nulls["data"] for r in row["relationships"].values() if "data" in r]
    assert any(isinstance(data, list) and data[-1:] == [None] for data in lists)
    _, typeless = OutreachClient(prospects=8, odd={"relation_typeless": 1}).ask("/prospects")
    owners = [row["relationships"]["owner"].get("data") for row in typeless["data"]]
    assert {tuple(owner) for owner in owners if owner} == {("id",)}


def test_nothing_is_said_once_where_a_list_belongs() -> None:
    client = CloseClient(leads=3, odd={"no_content_once": 1})
    assert [client.ask("GET", "/lead/").status for _ in range(2)] == [204, 200]


def test_every_kind_survives_together_and_unknown_kinds_are_refused() -> None:
    client = CloseClient(leads=300, odd=["everything"])
    assert {client.ask("GET", "/lead/", _skip=skip).status for skip in range(300)} <= {200, 204}
    assert set(KINDS) - set(EVERYTHING) == {"loop", "timed_out_always", "drip", "no_head", "cursor_outside"}
    with pytest.raises(ValueError, match=r"^Unknown kind of oddity 'nonsense'"):
        CloseClient(odd=["nonsense"])
