"""Mutations of answers: what each makes of an answer, and which answers the emulator changes."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request as Asked
from urllib.request import urlopen

import orjson
import pytest

from emulators import Emulator
from emulators.messages import Request, Response
from emulators.mutations import Mutations, endpoint_of
from mutator import bodies, ends, headers, rows, statuses
from mutator.answers import Change, Document, RowChange, announces_more, is_counted
from mutator.table import BY_NAME, MUTATIONS, chosen

PAGE = {
    "data": [
        {"id": "a", "name": "Ada", "date_updated": "2026-01-01T00:00:00Z"},
        {"id": "b", "name": "Bob", "date_updated": "2026-01-02T00:00:00Z"},
    ],
    "has_more": True,
    "total_results": 7,
}
UNCOUNTED = {name: value for name, value in PAGE.items() if name != "total_results"}
JSON_API = {
    "data": [
        {
            "type": "tag",
            "id": "1",
            "attributes": {"name": "x", "updatedAt": "2026-01-01T00:00:00Z"},
            "relationships": {},
        }
    ],
    "meta": {"timed_out": False, "total": 1},
    "links": {"self": "/v1/tags?page=1", "next": "/v1/tags?page=2"},
}


def answer(value: Any = PAGE) -> Response:
    return Response(200, orjson.dumps(value), headers=[("Date", "Wed, 25 Nov 2026 10:00:00 GMT")], group="GET /lead/")


def change(mutation: Callable[[Response, Random], Change | None], value: Any = PAGE, seed: int = 1) -> Change:
    made = mutation(answer(value), Random(seed))
    assert made is not None
    return made


def sent(made: Change) -> Any:
    return orjson.loads(made.response.body)


def order(**values: Any) -> dict[str, Any]:
    base = {"number": 7, "endpoint": "GET /lead/", "occurrence": 0, "mutation": "body: empty", "seed": 1}
    return base | {"lasting": False} | values


def ask(mutations: Mutations, query: str = "_skip=0", group: str = "GET /lead/") -> bytes:
    """The body of the answer to one request."""
    right = Response(200, b'{"data":[1]}', group=group)
    return mutations.change(Request("GET", "/lead/", query, {}, b""), right).body


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.full_name)
def test_a_mutation_is_the_same_for_the_same_seed_and_leaves_the_right_answer_alone(mutation: Any) -> None:
    values: tuple[Any, ...] = (PAGE, JSON_API, {"id": "me"}, [])
    for value in values:
        right = answer(value)
        made = [mutation.apply(right, Random(seed)) for seed in range(30)]
        assert made == [mutation.apply(right, Random(seed)) for seed in range(30)]
        assert right == answer(value)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.full_name)
def test_a_mutation_changes_what_is_sent_of_some_page(mutation: Any) -> None:
    last_page = {**PAGE, "has_more": False}
    pairs = [(answer(value), seed) for value in (PAGE, JSON_API, last_page) for seed in range(30)]
    made = [(right, mutation.apply(right, Random(seed))) for right, seed in pairs]
    assert any(change is not None and change.response != right for right, change in made)
    assert all(change.response.head() for _, change in made if change is not None)


def test_names_of_mutations_are_unique_and_chosen_by_weight() -> None:
    assert len(BY_NAME) == len(MUTATIONS)
    random = Random(1)
    names = [chosen(random).full_name for _ in range(4_000)]
    assert names.count("row: odd field") > 3 * names.count("body: empty") > 0


@pytest.mark.parametrize(
    ("value", "count"),
    [
        (PAGE, 2),
        (JSON_API, 1),
        ([{"id": 1}], 1),
        ({"status": "success", "errors": ["x"], "leads": [{"id": 1}, {"id": 2}]}, 2),
        ({"id": "me", "organizations": [1]}, 1),
    ],
)
def test_the_rows_of_every_envelope_are_found(value: Any, count: int) -> None:
    document = Document.of(answer(value))
    assert document is not None
    assert len(document.rows or []) == count


def test_an_object_without_rows_is_its_own_row() -> None:
    alone, inside = Document.of(answer({"id": "me"})), Document.of(answer({"data": {"id": "one"}}))
    assert alone is not None
    assert inside is not None
    assert (alone.objects, alone.rows) == ([{"id": "me"}], None)
    assert inside.objects == [{"id": "one"}]


def test_raw_text_is_sent_as_it_is() -> None:
    document = Document({"a": 1})
    document.value["b"] = document.raw(b"NaN")
    document.value["c"] = document.raw(b'"\\ud83d"')
    assert document.bytes() == b'{"a":1,"b":NaN,"c":"\\ud83d"}'


def test_what_announces_another_page() -> None:
    last_pages = [{**PAGE, "has_more": False}, {"data": [], "links": {"next": None}}]
    pages = [PAGE, JSON_API, {"data": [], "cursor": "x"}, *last_pages]
    documents = [Document.of(answer(page)) for page in pages]
    assert [announces_more(document) for document in documents if document] == [True, True, True, False, False]


def test_a_row_change_names_every_id_inside_and_whether_the_row_arrives() -> None:
    before = {"id": 5, "contacts": [{"id": "c1"}, {"id": "c2"}]}
    assert RowChange(before, {"id": None}).report() == {
        "ids": ["5", "c1", "c2"],
        "id": "5",
        "names": [],
        "nameless": False,
        "has_parts": False,
        "after_id": "",
        "after_ids": [],
        "arrives": True,
        "fields": [],
    }
    assert RowChange(before, gone=True).report()["arrives"] is False
    assert RowChange({"name": "x"}, {"name": "y"}).report()["nameless"] is True
    assert RowChange(before, before, fields=("contacts",)).report()["has_parts"] is True
    definitions = {"id": "1", "attributes": {"properties": {"tierStr": {}}}}
    assert RowChange(definitions, {"id": "1", "attributes": 0}).report()["has_parts"] is True
    assert RowChange(definitions, {"id": "1", "attributes": {}}).report()["has_parts"] is False


def test_a_page_can_be_empty_though_more_follows_and_only_then() -> None:
    made, uncounted = change(ends.empty_though_more_follows), change(ends.empty_though_more_follows, UNCOUNTED)
    assert sent(made) == {"data": [], "has_more": True, "total_results": 7}
    assert (list(made.withheld), list(uncounted.withheld)) == ([], PAGE["data"])
    assert not made.may_lose
    assert ends.empty_though_more_follows(answer({**PAGE, "has_more": False}), Random(1)) is None


def test_an_object_in_the_place_of_a_list_is_one_row_and_the_others_are_withheld() -> None:
    made = [change(ends.rows_as_object, UNCOUNTED, seed=seed) for seed in range(20)]
    rows_of_page = orjson.loads(answer().body)["data"]
    withheld = {sent(each)["data"] == rows_of_page[0]: list(each.withheld) for each in made}
    assert withheld == {True: rows_of_page[1:], False: []}
    assert not any(change(ends.rows_as_object, seed=seed).withheld for seed in range(20))


def test_a_missing_has_more_may_lose_rows_that_nobody_counted_and_one_in_other_words_may_not() -> None:
    made = [change(ends.odd_has_more, UNCOUNTED, seed=seed) for seed in range(60)]
    by_value = {str(sent(each).get("has_more", "missing")): each.may_lose for each in made}
    assert by_value["missing"] is by_value["None"] is by_value["false"] is by_value["[]"] is True
    assert by_value["true"] is by_value["yes"] is by_value["1"] is False
    assert not any(change(ends.odd_has_more, seed=seed).may_lose for seed in range(60))


@pytest.mark.parametrize(
    ("envelope", "counted"),
    [
        ({"total_results": 7}, True),
        ({"total_results": 2}, False),
        ({"meta": {"total": 7}}, True),
        ({"meta": {"count": 7, "total": None}}, True),
        ({"count": {"total": 7}}, True),
        ({"meta": [], "count": 7, "has_more": True}, False),
    ],
)
def test_whoever_reads_a_count_can_know_that_rows_are_missing(envelope: dict[str, Any], counted: bool) -> None:
    document = Document({"data": [{"id": "1"}, {"id": "2"}], **envelope})
    assert is_counted(document) is counted


def test_a_link_leads_to_its_own_page() -> None:
    assert sent(change(ends.leads_to_itself, JSON_API))["links"]["next"] == "/v1/tags?page=1"


def test_a_search_that_timed_out_gives_half_of_its_rows() -> None:
    page = {**JSON_API, "data": [{"id": 1}, {"id": 2}, {"id": 3}, {"id": 4}]}
    assert sent(change(ends.timed_out, page))["data"] == [{"id": 1}, {"id": 2}]
    assert sent(change(ends.timed_out, page))["meta"] == {"timed_out": True, "total": 1}


def test_a_row_comes_twice_and_no_row_counts_as_changed() -> None:
    made = change(rows.twice)
    names = [row["id"] for row in sent(made)["data"]]
    assert (len(names), len(set(names)), made.rows) == (3, 2, ())


def test_an_odd_field_is_named_and_the_rest_of_the_row_stays() -> None:
    for seed in range(60):
        made = change(rows.odd_field, seed=seed)
        (row,) = made.rows
        assert row.fields == ("name",)
        assert {key: value for key, value in row.after.items() if key != "name"} == {
            key: value for key, value in row.before.items() if key != "name"
        }


def test_digits_of_large_integers_must_be_seen() -> None:
    shown = {change(rows.odd_field, seed=seed).shows for seed in range(400)}
    assert "123456789012345678901234567890" in shown


def test_what_is_no_row_stands_beside_the_rows_or_instead_of_one() -> None:
    beside, instead = change(rows.no_object_among), change(rows.no_object_instead)
    assert len(beside.response.body) > len(answer().body)
    assert beside.rows == ()
    assert [row.gone for row in instead.rows] == [True]


def test_a_byte_that_only_changes_a_value_touches_that_row_and_one_around_the_rows_may_lose_some() -> None:
    made = [change(bodies.one_byte, seed=seed) for seed in range(300)]
    touching = [each for each in made if each.rows]
    assert {len(each.rows) for each in touching} <= {1, 2}
    assert all(row.before != row.after for each in touching for row in each.rows)
    around = [each for each in made if each.may_lose]
    assert 0 < len(around) < len(made) - len(touching)
    assert sum(each.may_lose for each in touching) < len(touching)


@pytest.mark.parametrize(
    ("before", "after", "fields"),
    [
        ({"id": 1, "a": 1, "b": 2}, {"id": 1, "a": 1, "c": 2}, ("b", "c")),
        ({"id": 1, "attributes": {"a": 1}}, {"id": 1, "attributes": {"a": 2}}, ("a",)),
        ({"id": 1, "attributes": {"a": 1}}, {"id": 1, "attribut": {"a": 1}}, ()),
        ({"id": 1, "a": 1}, {"id": 2, "a": 1}, ()),
        ({"id": 1}, None, ()),
    ],
)
def test_the_fields_of_a_row_that_differ_are_named(before: Any, after: Any, fields: tuple[str, ...]) -> None:
    assert bodies.changed_fields(before, after) == fields


def test_a_missing_record_may_be_gone_but_a_missing_list_may_not() -> None:
    one = Response(200, b"{}", group="GET /lead/{id}/")
    assert statuses.other_status((404,), one, Random(1)).may_lose
    assert not statuses.other_status((404,), answer(), Random(1)).may_lose
    assert not statuses.other_status((403,), one, Random(1)).may_lose


def test_an_odd_date_replaces_the_right_one_and_the_body_stays() -> None:
    made = change(headers.odd_date)
    assert [name for name, _ in made.response.headers] == ["Date"]
    assert made.response.headers != answer().headers
    assert made.response.body == answer().body


def test_an_order_changes_the_first_answer_only_unless_it_lasts() -> None:
    once, always = Mutations(), Mutations()
    once.configure([order()])
    always.configure([order(lasting=True)])
    assert [ask(once), ask(once), ask(once, "_skip=1")] == [b"", b'{"data":[1]}', b'{"data":[1]}']
    assert [ask(always), ask(always), ask(always, "_skip=1")] == [b"", b"", b'{"data":[1]}']


def test_an_order_waits_for_its_occurrence_and_for_an_answer_that_fits() -> None:
    mutations = Mutations()
    mutations.configure([order(occurrence=2)])
    bodies_sent = [ask(mutations, query) for query in ("a", "b", "a", "c")]
    assert [body == b"" for body in bodies_sent] == [False, False, False, True]
    mutations.configure([order(mutation="end: empty page though more follows")])
    assert ask(mutations) == b'{"data":[1]}'
    assert mutations.report() == {"applied": [], "asked": {"GET /lead/": 1}}


def test_other_endpoints_and_failed_answers_stay_as_they_are() -> None:
    mutations = Mutations()
    mutations.configure([order()])
    assert ask(mutations, group="GET /task/") == b'{"data":[1]}'
    right = Response(429, b"{}", group="GET /lead/")
    assert mutations.change(Request("GET", "/lead/", "", {}, b""), right) is right


def test_mistakes_in_orders_are_refused() -> None:
    with pytest.raises(ValueError, match="Unknown mutations"):
        Mutations().configure([order(mutation="body: nonsense")])
    with pytest.raises(ValueError, match="Cannot read mutations"):
        Mutations().configure([{"number": 1}])


def test_requests_for_different_streams_are_told_apart() -> None:
    body = b'{"query":{"queries":[{"type":"object_type","object_type":"lead"}]}}'
    searches = Request("POST", "/data/search/", "", {}, body)
    assert endpoint_of(searches, "POST /data/search/") == "POST /data/search/ lead"
    listed = Request("GET", "/task/", "_limit=1&_type=lead", {}, b"")
    assert endpoint_of(listed, "GET /task/") == "GET /task/ lead"


def test_the_server_sends_the_mutation_and_says_what_it_did(started: Callable[..., Emulator]) -> None:
    emulator = started("persistiq", leads=5)
    emulator.options(mutations=[order(endpoint="GET /tags", mutation="status: refused")])
    asked = Asked(f"{emulator.api_url}tags", headers={"x-api-key": emulator.config["api_key"]})
    with pytest.raises(HTTPError) as refused:
        urlopen(asked)
    refused.value.close()
    with urlopen(asked) as right:
        assert right.status == 200
    (applied,) = emulator.stats()["mutations"]["applied"]
    assert (applied["number"], applied["times"], applied["target"]) == (7, 1, "GET /v1/tags")
